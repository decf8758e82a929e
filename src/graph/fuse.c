/* fuse.c: nodes that disappear into another. Into a matmul's epilogue, y = act(A B + bias) + residual: an activation of
 * its result, a sum with it, the gradient of an activation. Models record most of the first two in one op already; what
 * is left is mostly of the backward pass, and of batches in parts, whose weights' gradients add up. Into layernorm_bwd:
 * the sum of its dx and another gradient of x.
 *
 * What is not fused, since no kernel would gain: residual + layernorm (the sum is in the epilogue before it; of what a
 * norm moves only the reading of x could be saved), bias (matmul's own input; no other op adds one). */
#include "graph/compile.h"

#include "op/matmul.h"

enum { LAYERNORM_BWD_RESIDUAL = 5 };

#include <string.h>

struct fusion {
    struct compile *c;
    uint32_t *maker;      /* [values]: step that makes it, OP_NONE = no step */
    uint32_t *uses;       /* [values]: inputs of steps, outputs, stores */
    uint32_t *companions; /* [memories]: values that lie in it */
    bool *gone;           /* [steps] */
};

/* The step that makes the value, where it is a matmul whose epilogue has room, or NULL. */
static struct graph_node *open_matmul(const struct fusion *f, op_value value)
{
    uint32_t p = f->maker[value];
    struct graph_node *node = p == OP_NONE ? NULL : &f->c->node[p];
    bool open = node && node->op == &op_matmul && node->out[0] == value && node->in[MATMUL_RESIDUAL] == OP_NONE &&
                node->in[MATMUL_SLOPE] == OP_NONE;
    return open ? node : NULL;
}

static void count_uses(struct fusion *f)
{
    const struct graph *graph = f->c->graph;
    memset(f->maker, 0xff, graph->value_count * sizeof(*f->maker)); /* OP_NONE */
    for (uint32_t s = 0; s < f->c->steps; s++) {
        const struct graph_node *node = &f->c->node[s];
        for (uint32_t i = 0; i < node->in_count; i++) {
            if (node->in[i] != OP_NONE)
                f->uses[node->in[i]]++;
        }
        for (uint32_t o = 0; o < node->out_count; o++)
            f->maker[node->out[o]] = s;
    }
    for (size_t i = 0; i < graph->output_count; i++)
        f->uses[graph->output[i]]++;
    for (size_t i = 0; i < graph->store_count; i++)
        f->uses[graph->store[i].value]++;
    for (size_t i = 0; i < graph->exchanged_count; i++)
        f->uses[graph->exchanged[i]]++;
    for (size_t v = 0; v < graph->value_count; v++)
        f->companions[graph->value[v].memory]++;
}

/* Whether nobody reads the value but one input of one step: it need not exist. */
static bool passing(const struct fusion *f, op_value value)
{
    return f->uses[value] == 1 && f->companions[f->c->graph->value[value].memory] == 1;
}

/* Whether a live or dead op writes in place to a value after step `from` was recorded and before step `to`. */
static bool overwritten(const struct fusion *f, op_value value, uint32_t from, uint32_t to)
{
    const struct graph_value *v = &f->c->graph->value[value];
    uint64_t end = v->offset + tensor_shape_bytes(&v->shape);
    const struct graph_write *write = f->c->graph->memory[v->memory].writes;
    for (; write; write = write->older) {
        bool between = write->node > f->c->number[from] && write->node < f->c->number[to];
        if (between && write->offset < end && v->offset < write->offset + write->bytes)
            return true;
    }
    return false;
}

/* Whether a step between the two reads what lies in the value's memory. */
static bool wanted_between(const struct fusion *f, op_value value, uint32_t from, uint32_t to)
{
    const struct graph_value *values = f->c->graph->value;
    for (uint32_t s = from + 1; s < to; s++) {
        const struct graph_node *other = &f->c->node[s];
        for (uint32_t i = 0; i < other->in_count && !f->gone[s]; i++) {
            if (other->in[i] != OP_NONE && values[other->in[i]].memory == values[value].memory)
                return true;
        }
    }
    return false;
}

/* Whether step `from` may as well run at step `to`: its inputs are still there, and its other outputs, such as the
 * value before an activation, are not wanted earlier. */
static bool may_wait(const struct fusion *f, uint32_t from, uint32_t to)
{
    const struct graph_node *node = &f->c->node[from];
    if (!compile_same_stage(f->c, from, to))
        return false;
    for (uint32_t i = 0; i < node->in_count; i++) {
        if (node->in[i] != OP_NONE && overwritten(f, node->in[i], from, to))
            return false;
    }
    for (uint32_t o = 1; o < node->out_count; o++) {
        if (wanted_between(f, node->out[o], from, to))
            return false;
    }
    return true;
}

/* The node, which was step `from`, takes the place of step `to`, whose result is its first output. */
static void take_place(struct fusion *f, uint32_t from, uint32_t to, struct graph_node node)
{
    node.attr.dtype = f->c->node[to].attr.dtype; /* stored as that would be */
    node.out[0] = f->c->node[to].out[0];
    f->c->node[to] = node;
    f->gone[from] = true;
    for (uint32_t o = 0; o < node.out_count; o++)
        f->maker[node.out[o]] = to;
}

/* y = t + r, t of a matmul without a residual or the dx of a layernorm_bwd: that runs in the sum's place, r as its
 * residual. */
static bool fuse_sum(struct fusion *f, uint32_t step, uint32_t operand)
{
    op_value t = f->c->node[step].in[operand], r = f->c->node[step].in[1 - operand];
    uint32_t p = f->maker[t];
    const struct graph_node *made = p == OP_NONE ? NULL : &f->c->node[p];
    bool norm =
        made && made->op == &op_layernorm_bwd && made->out[0] == t && made->in[LAYERNORM_BWD_RESIDUAL] == OP_NONE;
    if ((!norm && !open_matmul(f, t)) || !passing(f, t) || !may_wait(f, p, step))
        return false;
    struct graph_node fused = *made;
    fused.in[norm ? LAYERNORM_BWD_RESIDUAL : MATMUL_RESIDUAL] = r;
    take_place(f, p, step, fused);
    return true;
}

/* y = t * act'(x), t of a matmul without an epilogue: it runs in the gradient's place. */
static void fuse_slope(struct fusion *f, uint32_t step)
{
    const struct graph_node *slope = &f->c->node[step];
    op_value t = slope->in[0];
    const struct graph_node *matmul = open_matmul(f, t);
    if (!matmul || matmul->attr.activation != OP_ACT_NONE || matmul->attr.save_pre || !passing(f, t) ||
        !may_wait(f, f->maker[t], step))
        return;
    struct graph_node fused = *matmul;
    fused.in[MATMUL_SLOPE] = slope->in[1];
    fused.attr.activation = slope->attr.activation;
    take_place(f, f->maker[t], step, fused);
}

/* The later operand first: less waits. */
static void fuse_add(struct fusion *f, uint32_t step)
{
    const struct graph_node *sum = &f->c->node[step];
    uint32_t a = f->maker[sum->in[0]], b = f->maker[sum->in[1]];
    uint32_t later = b != OP_NONE && (a == OP_NONE || b > a);
    if (!fuse_sum(f, step, later))
        (void)fuse_sum(f, step, 1 - later);
}

/* y = act(t), t of a matmul without epilogue: the matmul makes y in its own place, and t beside it where others read
 * t. */
static void fuse_activation(struct fusion *f, uint32_t step)
{
    const struct graph_node *act = &f->c->node[step];
    op_value t = act->in[0];
    struct graph_node *matmul = open_matmul(f, t);
    if (!matmul || matmul->attr.activation != OP_ACT_NONE || matmul->attr.save_pre ||
        matmul->attr.dtype != act->attr.dtype || !compile_same_stage(f->c, f->maker[t], step))
        return;
    matmul->attr.activation = act->attr.activation;
    matmul->out[0] = act->out[0];
    f->maker[act->out[0]] = f->maker[t];
    f->gone[step] = true;
    f->uses[t]--;
    if (f->uses[t] == 0 && f->companions[f->c->graph->value[t].memory] == 1)
        return;
    matmul->attr.save_pre = true;
    matmul->out[1] = t;
    matmul->out_count = 2;
}

static void close_gaps(struct fusion *f)
{
    struct compile *c = f->c;
    uint32_t kept = 0;
    for (uint32_t s = 0; s < c->steps; s++) {
        if (f->gone[s])
            continue;
        c->node[kept] = c->node[s];
        c->number[kept++] = c->number[s];
    }
    c->program->stats.fused = c->steps - kept;
    c->steps = kept;
}

enum mien_status compile_fuse(struct compile *c)
{
    enum mien_status status = MIEN_OK;
    struct fusion f = {.c = c};
    size_t values = BASE_MAX(c->graph->value_count, 1);
    f.maker = base_alloc(values, sizeof(*f.maker));
    f.uses = base_alloc(values, sizeof(*f.uses));
    f.companions = base_alloc(BASE_MAX(c->graph->memory_count, 1), sizeof(*f.companions));
    f.gone = base_alloc(BASE_MAX(c->steps, 1), sizeof(*f.gone));
    FAIL_IF(!f.maker || !f.uses || !f.companions || !f.gone, MIEN_ERR_NOMEM, "out of host memory for fusing %u nodes",
            c->steps);
    count_uses(&f);
    for (uint32_t s = 0; s < c->steps; s++) {
        if (c->node[s].op == &op_activation)
            fuse_activation(&f, s);
        else if (c->node[s].op == &op_activation_bwd)
            fuse_slope(&f, s);
        else if (c->node[s].op == &op_add)
            fuse_add(&f, s);
    }
    close_gaps(&f);
fail:
    base_free(f.maker);
    base_free(f.uses);
    base_free(f.companions);
    base_free(f.gone);
    return status;
}
