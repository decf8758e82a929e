/* walk.c: units in order: which there are, which are wanted, which fall to this child. */
#include "check/check.h"

#include <stdio.h>
#include <string.h>

struct walk {
    struct check_context *context;
    const struct check_mask *masks;
    uint32_t mask_count, unit;
    uint32_t turn; /* counts what goes to one child whole: a case, whose reference values serve all of its plans */
    bool only_counts;
};

/* Inputs of so many elements are small: what a quick check takes, besides the smallest case of each variant that only
 * larger ones choose. */
enum { QUICK_ELEMENTS = 32768, QUICK_VARIANTS = 64 };

static bool is_mine(const struct walk *walk)
{
    const struct check_options *options = walk->context->options;
    return !walk->only_counts && walk->unit >= options->from && walk->turn % walk->context->jobs == options->share;
}

static void send_row(const struct walk *walk, const char *before, const struct check_row *row)
{
    char line[CHECK_LINE_SIZE];
    check_row_pack(row, line, sizeof(line));
    check_say(walk->context, "%s%s", before, line);
}

/* What the parent reports when nothing more comes. */
static void begin_unit(const struct walk *walk, struct check_row *row, const struct op_desc *op,
                       const struct op_case *c, const char *variant, const char *mask)
{
    *row = (struct check_row){.unit = walk->unit, .result = CHECK_FAIL};
    snprintf(row->op, sizeof(row->op), "%s", op->name);
    snprintf(row->case_name, sizeof(row->case_name), "%s", c->name);
    snprintf(row->variant, sizeof(row->variant), "%s", variant);
    snprintf(row->mask, sizeof(row->mask), "%s", mask);
    snprintf(row->dtype, sizeof(row->dtype), "f32");
}

/* Whether the device still answers: after a loss the parent starts a new child. */
static bool end_unit(struct walk *walk, struct check_row *row)
{
    send_row(walk, "", row);
    walk->unit++;
    return !walk->context->device || !vk_device_lost(walk->context->device);
}

/* The narrower type where a tensor has one. */
static void name_dtype(const struct op_call *call, struct check_row *row)
{
    enum mien_dtype dtype = MIEN_F32;
    for (uint32_t i = 0; i < OP_MAX_IN + OP_MAX_OUT; i++) {
        const struct tensor_shape *shape = i < OP_MAX_IN ? &call->in[i] : &call->out[i - OP_MAX_IN];
        if (shape->rank && (shape->dtype == MIEN_F16 || shape->dtype == MIEN_BF16))
            dtype = shape->dtype;
    }
    snprintf(row->dtype, sizeof(row->dtype), "%s", mien_dtype_name(dtype));
}

static uint32_t plan_needs(const struct op_plan *plan)
{
    uint32_t needs = plan->variant->needs;
    for (size_t i = 0; i < plan->count; i++)
        needs |= plan->dispatch[i].needs;
    return needs;
}

/* One distinct plan of a case. */
static bool walk_plan(struct walk *walk, struct op_call *call, const struct check_case *c, const struct op_plan *plan,
                      const struct check_mask *mask)
{
    struct check_row row;
    if (!is_mine(walk)) {
        walk->unit++;
        return true;
    }
    begin_unit(walk, &row, c->op, c->given, plan ? plan->variant->name : "", mask->text);
    name_dtype(call, &row);
    row.needs = plan ? plan_needs(plan) : 0;
    send_row(walk, "@begin", &row);
    if (plan)
        check_unit(walk->context, call, c, plan, &mask->caps, &row);
    else
        check_fail(&row, "%s", walk->context->error);
    return end_unit(walk, &row);
}

/* A case without a call: out of memory, or wrong. */
static bool walk_trouble(struct walk *walk, const struct check_case *c, enum mien_status status)
{
    struct check_row row;
    if (!is_mine(walk)) {
        walk->unit++;
        return true;
    }
    begin_unit(walk, &row, c->op, c->given, "", "");
    if (status == MIEN_ERR_NOMEM)
        row.result = CHECK_SKIPPED;
    check_fail(&row, "%s", status == MIEN_ERR_NOMEM ? check_short_of_memory : walk->context->error);
    return end_unit(walk, &row);
}

/* The distinct plans of one case under all masks; `only`: of this variant, NULL = any. */
static bool walk_case(struct walk *walk, const struct check_case *c, const struct op_variant *only)
{
    struct op_plan plans[CHECK_MAX_MASKS] = {0};
    struct op_call call = {0};
    uint32_t count = 0;
    bool alive = true;
    walk->turn++;
    walk->context->filled = false;
    enum mien_status status = walk->only_counts ? check_case_call(c, &call) : check_call_make(c, &call);
    if (status != MIEN_OK)
        return walk_trouble(walk, c, status);
    for (uint32_t m = 0; m < walk->mask_count && alive; m++) {
        const struct check_mask *mask = &walk->masks[m];
        bool planned = op_make_plan(&mask->caps, &call, NULL, &plans[count]) == MIEN_OK, known = false;
        for (uint32_t k = 0; k < count && planned; k++)
            known = known || check_plan_equal(&plans[k], &plans[count]);
        if (known || (!planned && m > 0) || (only && plans[count].variant != only)) {
            op_plan_clear(&plans[count]);
            continue;
        }
        alive = walk_plan(walk, &call, c, planned ? &plans[count] : NULL, mask);
        count++;
    }
    for (uint32_t k = 0; k < count; k++)
        op_plan_clear(&plans[k]);
    check_call_clear(&call);
    return alive;
}

/* ---- which cases ------------------------------------------------------------------------------------------------- */

static bool case_wanted(const struct check_options *options, const struct check_case *c)
{
    uint64_t elements = options->max_elements || options->smallest ? check_case_elements(c) : 0;
    bool behind = false; /* `other` stands behind c */
    if (!check_glob(options->case_glob, c->given->name))
        return false;
    if (options->max_elements && elements > options->max_elements)
        return false;
    for (struct check_case other = {.op = c->op}; options->smallest && check_case_next(&other);) {
        behind = behind || other.given == c->given;
        if (check_glob(options->case_glob, other.given->name) &&
            (check_case_elements(&other) < elements || (check_case_elements(&other) == elements && !behind)))
            return false;
    }
    return true;
}

/* Variants that some mask chooses for a case: marks them by their place in the op's list; true where one is new. */
static bool chosen_variants(const struct walk *walk, const struct check_case *c, uint64_t *marks)
{
    struct op_call call;
    uint64_t before = *marks;
    if (check_case_call(c, &call) != MIEN_OK)
        return false;
    for (uint32_t m = 0; m < walk->mask_count; m++) {
        const struct op_variant *variant = op_choose(&walk->masks[m].caps, &call);
        if (variant && variant - c->op->variants < QUICK_VARIANTS)
            *marks |= UINT64_C(1) << (variant - c->op->variants);
    }
    return *marks != before;
}

/* The smallest case that gives a variant, by its number; false where only slow ones do. */
static bool smallest_with(const struct walk *walk, const struct op_desc *op, uint32_t variant, struct check_case *out)
{
    uint64_t least = UINT64_MAX;
    for (struct check_case c = {.op = op}; check_case_next(&c);) {
        uint64_t elements = check_case_elements(&c), marks = 0;
        if (c.given->slow || elements >= least)
            continue;
        chosen_variants(walk, &c, &marks);
        if (marks >> variant & 1) {
            least = elements;
            *out = c;
        }
    }
    return least < UINT64_MAX;
}

/* All small cases, and for each variant that none of them chooses the smallest that does. */
static bool walk_quick(struct walk *walk, const struct op_desc *op)
{
    uint64_t covered = 0, all = 0;
    bool alive = true;
    for (struct check_case c = {.op = op}; alive && check_case_next(&c);) {
        bool small = !c.given->slow && check_case_elements(&c) <= QUICK_ELEMENTS;
        chosen_variants(walk, &c, small ? &covered : &all);
        alive = !small || walk_case(walk, &c, NULL);
    }
    for (uint32_t v = 0; v < QUICK_VARIANTS && alive && op->variants && op->variants[v].name; v++) {
        struct check_case c;
        if ((all & ~covered) >> v & 1 && smallest_with(walk, op, v, &c))
            alive = walk_case(walk, &c, &op->variants[v]);
    }
    return alive;
}

/* ---- gradient rules ---------------------------------------------------------------------------------------------- */

static bool gradient_case(struct walk *walk, const struct op_desc *op, const struct op_case *c)
{
    struct check_row row;
    walk->turn++;
    if (!is_mine(walk)) {
        walk->unit++;
        return true;
    }
    begin_unit(walk, &row, op, c, "gradient rule", "");
    send_row(walk, "@begin", &row);
    row.result = check_gradient(walk->context->options, &(struct check_case){.op = op, .given = c}, &row) ? CHECK_PASS
                                                                                                          : CHECK_FAIL;
    return end_unit(walk, &row);
}

/* Ops that say neither how nor why not, or that have no case for it, fail. */
static bool gradient_op(struct walk *walk, const struct op_desc *op)
{
    bool any = false, alive = true;
    struct check_row row;
    for (const struct op_case *c = op->cases; op->grad && c->name && alive; c++) {
        any = any || c->grad;
        if (c->grad && check_glob(walk->context->options->case_glob, c->name))
            alive = gradient_case(walk, op, c);
    }
    const char *missing =
        op->grad ? (any ? NULL : "no case is marked for the gradient check")
                 : (op->no_grad || op->forward[0] ? NULL : "has neither a gradient rule nor a reason why not");
    if (!missing)
        return alive;
    walk->turn++;
    if (!is_mine(walk)) {
        walk->unit++;
        return alive;
    }
    begin_unit(walk, &row, op, &(struct op_case){.name = "-"}, "", "");
    check_fail(&row, "%s", missing);
    return end_unit(walk, &row);
}

/* ---- ops --------------------------------------------------------------------------------------------------------- */

static bool walk_ops(struct walk *walk)
{
    const struct check_options *options = walk->context->options;
    bool alive = true, quick = options->quick && !options->case_glob; /* a case that is named is run */
    for (const struct op_desc *const *op = walk->context->suite->ops; *op && alive; op++) {
        if (!check_glob(options->op_glob, (*op)->name))
            continue;
        if (options->grad)
            alive = gradient_op(walk, *op);
        else if (quick)
            alive = walk_quick(walk, *op);
        for (struct check_case c = {.op = *op}; !options->grad && !quick && alive && check_case_next(&c);)
            alive = !case_wanted(options, &c) || walk_case(walk, &c, NULL);
    }
    return alive;
}

bool check_walk(struct check_context *context, const struct check_mask *masks, uint32_t mask_count)
{
    struct walk walk = {.context = context, .masks = masks, .mask_count = mask_count};
    return walk_ops(&walk);
}

uint32_t check_walk_count(struct check_context *context, const struct check_mask *masks, uint32_t mask_count)
{
    struct walk walk = {.context = context, .masks = masks, .mask_count = mask_count, .only_counts = true};
    (void)walk_ops(&walk);
    return walk.unit;
}
