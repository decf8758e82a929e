/* pipelines.c: every pipeline that ops can ask of a device: of each variant that its capabilities allow, in each case,
 * each dispatch of the plan. No pipeline is made here and no device is needed: the capabilities are enough. */
#include "check/check.h"

#include <string.h>

struct walk {
    const struct vk_caps *caps;
    check_pipeline_fn visit;
    void *user;
    struct check_pipeline_counts *counts;
};

static enum mien_status visit_dispatch(const struct walk *w, const struct op_dispatch *d, struct check_pipeline *p)
{
    const struct op_shader *shader = op_shader_find(d->shader);
    if (!shader)
        return base_fail(MIEN_ERR_ARG, "%s plans shader %s, which is not embedded", p->op, d->shader);
    p->kernel = op_dispatch_kernel(d, shader);
    return w->visit(w->user, p);
}

static enum mien_status visit_plan(const struct walk *w, const struct op_call *call, const struct op_variant *variant,
                                   struct check_pipeline *p)
{
    struct op_plan plan = {0};
    enum mien_status status = op_make_plan(w->caps, call, variant, &plan);
    if (status == MIEN_ERR_UNSUPPORTED && !p->chosen) { /* beyond this device's limits */
        w->counts->refused++;
        return MIEN_OK;
    }
    for (size_t i = 0; i < plan.count && status == MIEN_OK; i++)
        status = visit_dispatch(w, &plan.dispatch[i], p);
    w->counts->plans++;
    op_plan_clear(&plan);
    return status;
}

static enum mien_status visit_case(const struct walk *w, const struct check_case *c)
{
    enum mien_status status = MIEN_OK;
    struct op_call call;
    TRY(check_case_call(c, &call));
    const struct op_variant *best = op_choose(w->caps, &call);
    for (const struct op_variant *v = c->op->variants; v && v->name; v++) {
        struct check_pipeline p = {
            .op = c->op->name, .case_name = c->given->name, .variant = v->name, .chosen = v == best};
        if ((v->needs & w->caps->features) == v->needs && (!v->fits || v->fits(w->caps, &call)))
            TRY(visit_plan(w, &call, v, &p));
    }
fail:
    return status;
}

enum mien_status check_case_pipelines(const struct vk_caps *caps, const struct check_case *c, check_pipeline_fn visit,
                                      void *user, struct check_pipeline_counts *counts)
{
    const struct walk w = {caps, visit, user, counts};
    return visit_case(&w, c);
}

enum mien_status check_pipelines(const struct vk_caps *caps, const char *op_glob, check_pipeline_fn visit, void *user,
                                 struct check_pipeline_counts *counts)
{
    enum mien_status status = MIEN_OK;
    const struct walk w = {caps, visit, user, counts};
    *counts = (struct check_pipeline_counts){0};
    for (const struct op_desc *const *op = op_list; *op; op++)
        for (struct check_case c = {.op = *op}; check_glob(op_glob, (*op)->name) && check_case_next(&c);)
            TRY(visit_case(&w, &c));
fail:
    return status;
}
