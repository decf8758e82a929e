/* problem.c: a small problem on which a kernel can prove itself: through the same pipeline, that is the same shader,
 * constants and subgroup size, as the call for which it was chosen. The op's own cases are looked through first, which
 * know what its inputs must be; where none has that pipeline, the call itself is made smaller. */
#include "check/selftest.h"

#include "check/check.h"
#include "op/choice.h"

#include <string.h>

/* Work of a problem, in operations of the reference: enough to fill several workgroups, and done in about 10 ms. */
static const double ENOUGH_WORK = 3e6;

bool check_same_pipeline(const struct op_dispatch *a, const struct op_dispatch *b)
{
    return a->bind_count == b->bind_count && a->push_size == b->push_size && a->subgroup_size == b->subgroup_size &&
           a->spec_count == b->spec_count && memcmp(a->spec, b->spec, a->spec_count * sizeof(*a->spec)) == 0 &&
           strcmp(a->shader, b->shader) == 0;
}

/* ---- does it serve ----------------------------------------------------------------------------------------------- */

struct search {
    struct vk_caps caps; /* of the device, or with smaller ranges */
    const struct op_dispatch *wanted;
    struct op_choice choice; /* by which it is planned */
    struct op_plan plan;     /* of the call that was looked at last */
};

/* Whether the call, planned by the choice, needs the wanted pipeline. What it says of misfits is for nobody. */
static bool serves(struct search *s, struct op_call *call)
{
    const struct op_variant *v = s->choice.variant;
    bool found = false;
    if ((v->fits && !v->fits(&s->caps, call)) || op_make_plan_by(&s->caps, call, s->choice, &s->plan) != MIEN_OK)
        return false;
    for (size_t i = 0; i < s->plan.count && !found; i++)
        found = check_same_pipeline(&s->plan.dispatch[i], s->wanted);
    return found;
}

static double work(const struct op_call *call)
{
    double elements = 0;
    for (uint32_t i = 0; i < OP_MAX_IN; i++)
        elements += (double)tensor_shape_count(&call->in[i]);
    return op_call_flops(call) + 20 * elements; /* a random number takes about as long as 20 operations */
}

/* ---- a case of the op -------------------------------------------------------------------------------------------- */

/* The largest of those that are small enough, else the smallest: false where there is none. */
static bool find_case_within(struct search *s, struct check_case *out)
{
    double best = 0;
    bool found = false;
    for (struct check_case c = {.op = s->wanted->op}; check_case_next(&c);) {
        struct op_call call;
        if (c.given->slow || check_case_call(&c, &call) != MIEN_OK)
            continue;
        double w = work(&call);
        bool better = !found || (w <= ENOUGH_WORK ? best > ENOUGH_WORK || w > best : w < best);
        if (!better || w > 100 * ENOUGH_WORK || !serves(s, &call))
            continue;
        found = true;
        best = w;
        *out = c;
    }
    return found;
}

/* Some pipelines are for tensors that are larger than the device binds at once: smaller ranges have small ones cut. */
static bool find_case(struct search *s, struct check_case *out)
{
    const uint64_t ranges[] = {s->caps.max_range, 1 << 20, 1 << 16};
    for (size_t i = 0; i < BASE_COUNT(ranges); i++) {
        s->caps.max_range = BASE_MIN(ranges[0], ranges[i]);
        if (find_case_within(s, out))
            return true;
    }
    s->caps.max_range = ranges[0];
    return false;
}

/* ---- the call made smaller --------------------------------------------------------------------------------------- */

/* Where a call says sizes: each dimension of each input, and two options. */
enum { PLACES = OP_MAX_IN * MIEN_MAX_RANK + 2, MOST_EQUAL = 8 };

static uint32_t *size_at(struct op_call *call, uint32_t place)
{
    uint32_t input = place / MIEN_MAX_RANK, d = place % MIEN_MAX_RANK;
    if (place >= PLACES - 2)
        return place == PLACES - 2 ? &call->attr.rows : &call->attr.count;
    return d < call->in[input].rank ? &call->in[input].dim[d] : NULL;
}

/* The places of a size; their number, at most MOST_EQUAL. */
static uint32_t places_of(struct op_call *call, uint32_t size, uint32_t places[MOST_EQUAL])
{
    uint32_t count = 0;
    for (uint32_t p = 0; p < PLACES && count < MOST_EQUAL; p++) {
        const uint32_t *at = size_at(call, p);
        if (at && *at == size)
            places[count++] = p;
    }
    return count;
}

/* The largest size below `bound`; 0 = none. */
static uint32_t next_size(struct op_call *call, uint32_t bound)
{
    uint32_t most = 0;
    for (uint32_t p = 0; p < PLACES - 2; p++) {
        const uint32_t *at = size_at(call, p);
        most = at && *at < bound ? BASE_MAX(most, *at) : most;
    }
    return most;
}

/* The call with another size in some of the places (bits of mask); false where the tensors do not fit then. */
static bool replaced(const struct op_call *call, const uint32_t *places, uint32_t mask, uint32_t size,
                     struct op_call *out)
{
    *out = *call;
    for (uint32_t k = 0; k < MOST_EQUAL; k++) {
        if (mask >> k & 1)
            *size_at(out, places[k]) = size;
    }
    return size > 0 && op_call_shapes(out, "a self-test") == MIEN_OK;
}

/* These places, which belong together, get the first size of the list with which the pipeline is the same. */
static void shrink_places(struct search *s, struct op_call *call, const uint32_t *places, uint32_t mask, uint32_t size,
                          const uint32_t *list)
{
    struct op_call smaller;
    for (; *list; list++) {
        if (*list < size && replaced(call, places, mask, *list, &smaller) && serves(s, &smaller)) {
            *call = smaller;
            return;
        }
    }
}

static uint32_t bits(uint32_t mask)
{
    uint32_t count = 0;
    for (; mask; mask &= mask - 1)
        count++;
    return count;
}

/* Whether all these places are as large as before. */
static bool whole_at(struct op_call *call, const uint32_t *places, uint32_t mask, uint32_t size)
{
    for (uint32_t k = 0; k < MOST_EQUAL; k++) {
        if (mask >> k & 1 && *size_at(call, places[k]) != size)
            return false;
    }
    return true;
}

/* Each size of the whole call in turn, the largest first. Places of one size that do not depend on each other are made
 * smaller one after another, the fewest first. */
static void shrink(struct search *s, struct op_call *whole, struct op_call *call, const uint32_t *list)
{
    struct op_call half;
    for (uint32_t size = next_size(whole, UINT32_MAX); size > 1; size = next_size(whole, size)) {
        uint32_t places[MOST_EQUAL], count = places_of(whole, size, places);
        for (uint32_t some = 1; some <= count; some++) {
            for (uint32_t mask = 1; mask < 1u << count; mask++) {
                if (bits(mask) == some && whole_at(call, places, mask, size) &&
                    replaced(call, places, mask, size / 2, &half))
                    shrink_places(s, call, places, mask, size, list);
            }
        }
    }
}

/* Sizes some way above the tiles' sides, if that is enough; where it leaves much to do, as small as can be, on a device
 * of one core, so that a small call is left whole where the large one is, and with smaller ranges of memory, so that it
 * is cut into parts as the large one is. */
static void make_smaller(struct search *s, struct op_call *call)
{
    static const uint32_t above[] = {33,  40,   65,   72,   96,   130,  160,  257,  320,  384,   513, 640,
                                     768, 1025, 1028, 1536, 2048, 3072, 4097, 4100, 8192, 16384, 32,  24,
                                     16,  12,   8,    7,    6,    5,    4,    3,    2,    1,     0};
    static const uint32_t least[] = {2,   3,   4,    5,    6,    7,    8,    12,   16,  24,  32,
                                     33,  40,  65,   96,   160,  257,  260,  320,  384, 513, 516,
                                     640, 768, 1025, 1028, 1536, 2048, 4097, 4100, 0};
    const struct vk_caps given = s->caps;
    const struct {
        const uint32_t *list;
        uint64_t range;
        uint32_t cores;
    } tries[] = {{above, UINT64_MAX, given.cores},
                 {least, UINT64_MAX, given.cores},
                 {least, UINT64_MAX, 1},
                 {least, 1 << 20, 1},
                 {least, 1 << 17, 1}};
    const struct op_call whole = *call;
    struct vk_caps best = given;
    for (uint32_t i = 0; i < BASE_COUNT(tries) && work(call) > 20 * ENOUGH_WORK; i++) {
        struct op_call from = whole, smaller = whole;
        s->caps.max_range = BASE_MIN(given.max_range, tries[i].range);
        s->caps.cores = tries[i].cores;
        if (!serves(s, &smaller))
            continue;
        shrink(s, &from, &smaller, tries[i].list);
        from = smaller; /* what could not be smaller beside the others as they were */
        if (work(&smaller) > 20 * ENOUGH_WORK)
            shrink(s, &from, &smaller, tries[i].list);
        if (work(&smaller) < work(call)) {
            *call = smaller;
            best = s->caps;
        }
    }
    s->caps = best;
}

static void mark_half(const struct tensor_shape *in, uint32_t i, struct op_case *out)
{
    if (!in->rank || (in->dtype != MIEN_F16 && in->dtype != MIEN_BF16))
        return;
    out->dtype = in->dtype;
    out->half |= 1u << i;
}

/* The call's shapes as a case. */
static void make_case(const struct op_call *call, struct op_case *out)
{
    *out = (struct op_case){.name = "self-test", .attr = call->attr, .index_limit = 1};
    for (uint32_t i = 0; i < call->in_count; i++) {
        memcpy(out->in[i], call->in[i].dim, call->in[i].rank * sizeof(out->in[i][0]));
        mark_half(&call->in[i], i, out);
    }
}

/* What a forward op would have saved: as good as anything positive, since the reference gets the same. */
static void fill_saved(struct op_call *call)
{
    for (uint32_t i = 0; i < call->in_count; i++) {
        uint64_t count = tensor_shape_count(&call->in[i]);
        float *x = call->in_data[i];
        if (call->op->fill[i] != OP_FILL_SAVED || !x || call->in[i].dtype != MIEN_F32)
            continue;
        struct base_rng rng = base_rng_make(1, call->op->name, i, 0);
        for (uint64_t k = 0; k < count; k++)
            x[k] = (float)(0.5 + base_rng_uniform(&rng));
    }
}

/* The input of that name; in_count where there is none. */
static uint32_t input_named(const struct op_signature *sig, const struct op_tensor *name)
{
    uint32_t i = 0;
    while (i < sig->in_count && !op_tensor_named(&sig->in[i], name->name, name->length))
        i++;
    return i;
}

/* The forward op's call on inputs as large as the gradient's of the same names; false where they do not tell it. */
static bool forward_case(const struct op_call *call, const struct op_desc *forward, struct op_case *out)
{
    struct op_signature back, front;
    op_signature(call->op, &back);
    op_signature(forward, &front);
    *out = (struct op_case){.name = "self-test", .attr = call->attr, .index_limit = 1};
    for (uint32_t i = 0; i < front.in_count; i++) {
        uint32_t from = input_named(&back, &front.in[i]);
        if (from == back.in_count)
            return false;
        memcpy(out->in[i], call->in[from].dim, call->in[from].rank * sizeof(out->in[i][0]));
        mark_half(&call->in[from], i, out);
    }
    return true;
}

/* A gradient's tolerance is meant for inputs as its forward op has them (of unit length, say): others can be so
 * ill-conditioned that a good kernel looks bad. */
static enum mien_status fill_as_forward(struct op_call *call, const struct op_desc *forward)
{
    enum mien_status status = MIEN_OK;
    struct op_case given;
    struct op_call made = {0};
    struct op_signature back, front;
    const struct check_case c = {.op = forward, .given = &given};
    if (!forward_case(call, forward, &given) || check_case_call(&c, &made) != MIEN_OK)
        return MIEN_OK;
    op_signature(call->op, &back);
    op_signature(forward, &front);
    TRY(check_call_make(&c, &made));
    TRY(check_call_fill(&made, &c, CHECK_NORMAL, 1));
    for (uint32_t i = 0; i < made.in_count; i++) {
        uint32_t to = input_named(&back, &front.in[i]);
        if (made.in[i].dtype == call->in[to].dtype && call->in_data[to] && made.in_data[i] &&
            tensor_shape_bytes(&made.in[i]) == tensor_shape_bytes(&call->in[to]))
            memcpy(call->in_data[to], made.in_data[i], tensor_shape_bytes(&made.in[i]));
    }
fail:
    check_call_clear(&made);
    return status;
}

/* ---- together ---------------------------------------------------------------------------------------------------- */

static enum mien_status fill(struct check_problem *problem, const struct check_case *c)
{
    enum mien_status status = MIEN_OK;
    TRY(check_call_make(c, &problem->call));
    TRY(check_call_fill(&problem->call, c, CHECK_NORMAL, 1));
    if (!c->forward)
        fill_saved(&problem->call);
    for (uint32_t i = 0; c->given == &problem->own && i < BASE_COUNT(c->op->forward) && c->op->forward[i]; i++)
        TRY(fill_as_forward(&problem->call, c->op->forward[i]));
fail:
    return status;
}

enum mien_status check_problem_make(const struct vk_caps *caps, const struct op_call *call, const struct op_plan *plan,
                                    const struct op_dispatch *d, struct check_problem *out)
{
    enum mien_status status = MIEN_OK;
    struct search s = {.caps = *caps, .wanted = d, .choice = {d->variant, d->tile}};
    struct check_case found;
    char said[300];
    memset(out, 0, sizeof(*out));
    base_log_divert(said, sizeof(said));
    if (!find_case(&s, &found)) {
        struct op_call smaller = *call;
        memset(smaller.in_data, 0, sizeof(smaller.in_data));
        s.choice = (struct op_choice){plan->variant, plan->tile};
        make_smaller(&s, &smaller);
        make_case(&smaller, &out->own);
        found = (struct check_case){.op = call->op, .given = &out->own};
    }
    status = fill(out, &found);
    if (status == MIEN_OK)
        op_reference(&out->call);
    base_log_divert(NULL, 0);
    FAIL_IF(status != MIEN_OK, status, "%s: no self-test can be made for %s: %s", d->op->name, d->variant->name, said);
    FAIL_IF(!serves(&s, &out->call), MIEN_ERR_FAILED, "%s: no small problem runs kernel %s of %s", d->op->name,
            d->shader, d->variant->name);
    out->variant = s.choice.variant;
    out->plan = s.plan;
    return MIEN_OK;
fail:
    op_plan_clear(&s.plan);
    check_problem_clear(out);
    return status;
}

enum mien_status check_problem_whole(const struct op_call *call, struct check_problem *out)
{
    memset(out, 0, sizeof(*out));
    make_case(call, &out->own);
    enum mien_status status = fill(out, &(struct check_case){.op = call->op, .given = &out->own});
    for (uint32_t i = 0; i < call->in_count && status == MIEN_OK; i++) {
        if (!tensor_shape_equal(&call->in[i], &out->call.in[i]))
            status = base_fail(MIEN_ERR_SHAPE, "%s: a case cannot say what its inputs are", call->op->name);
    }
    if (status != MIEN_OK)
        check_problem_clear(out);
    return status;
}

void check_problem_clear(struct check_problem *problem)
{
    op_plan_clear(&problem->plan);
    check_call_clear(&problem->call);
}
