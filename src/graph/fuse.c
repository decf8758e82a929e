/* fuse.c: nodes that disappear into a matmul's epilogue, y = act(A B + bias) + residual: an activation of its result, a
 * sum with it. Models record most of these in one op already; what is left is mostly of the backward pass, where the
 * gradients of q, k and v meet, and of batches in parts, whose weights' gradients add up.
 *
 * What is not fused, since no kernel would gain: residual + layernorm (the sum is in the epilogue before it; of what a
 * norm moves only the reading of x could be saved), bias (matmul's own input; no other op adds one). */
#include "graph/compile.h"

#include "op/matmul.h"

#include <string.h>

struct fusion {
    struct compile *c;
    uint32_t *maker;      /* [values]: step that makes it, OP_NONE = no step */
    uint32_t *uses;       /* [values]: inputs of steps, outputs, stores */
    uint32_t *companions; /* [memories]: values that lie in it */
    bool *gone;           /* [steps] */
};

static bool is_matmul(const struct graph_node *node)
{
    return node->op == &op_matmul;
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

/* Whether step `from`, a matmul, may as well run at step `to`: its inputs are still there, and its second output, the
 * value before the activation, is not wanted earlier. */
static bool may_wait(const struct fusion *f, uint32_t from, uint32_t to)
{
    const struct graph_node *node = &f->c->node[from];
    for (uint32_t i = 0; i < node->in_count; i++) {
        if (node->in[i] != OP_NONE && overwritten(f, node->in[i], from, to))
            return false;
    }
    if (node->out_count < 2)
        return true;
    uint32_t pre = f->c->graph->value[node->out[1]].memory;
    for (uint32_t s = from + 1; s < to; s++) {
        const struct graph_node *other = &f->c->node[s];
        for (uint32_t i = 0; i < other->in_count && !f->gone[s]; i++) {
            if (other->in[i] != OP_NONE && f->c->graph->value[other->in[i]].memory == pre)
                return false;
        }
    }
    return true;
}

/* y = t + r, t of a matmul without a residual: the matmul runs in the sum's place, r as its residual. */
static bool fuse_sum(struct fusion *f, uint32_t step, uint32_t operand)
{
    struct graph_node *sum = &f->c->node[step];
    op_value t = sum->in[operand], r = sum->in[1 - operand];
    uint32_t p = f->maker[t];
    struct graph_node *matmul = p == OP_NONE ? NULL : &f->c->node[p];
    if (!matmul || !is_matmul(matmul) || matmul->out[0] != t || matmul->in[MATMUL_RESIDUAL] != OP_NONE ||
        !passing(f, t) || !may_wait(f, p, step))
        return false;
    struct graph_node fused = *matmul;
    fused.in[MATMUL_RESIDUAL] = r;
    fused.out[0] = sum->out[0];
    *sum = fused;
    f->gone[p] = true;
    for (uint32_t o = 0; o < fused.out_count; o++)
        f->maker[fused.out[o]] = step;
    return true;
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
    uint32_t p = f->maker[t];
    struct graph_node *matmul = p == OP_NONE ? NULL : &f->c->node[p];
    if (!matmul || !is_matmul(matmul) || matmul->out[0] != t || matmul->in[MATMUL_RESIDUAL] != OP_NONE ||
        matmul->attr.activation != OP_ACT_NONE || matmul->attr.save_pre)
        return;
    matmul->attr.activation = act->attr.activation;
    matmul->out[0] = act->out[0];
    f->maker[act->out[0]] = p;
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
