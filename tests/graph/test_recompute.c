/* Segments that are recorded again for the backward pass: the same bits from less memory. A tower of six blocks; a
 * batch in parts, each part's tower a segment; segments inside segments; what cannot be repeated. */
#include "clip_graph.h"
#include "interpret.h"
#include "program_kit.h"

enum { LAYERS = 6, ROWS = 4, TOKENS = 40 };

/* How the tower is recorded. */
struct style {
    bool blocks;    /* each block a segment */
    uint32_t parts; /* of the batch, each a tower of its own */
    bool towers;    /* each part's tower a segment */
};

struct tower {
    struct clip clip;
    struct tensor weight[MAX_PARAMS];
    op_value x[ROWS], loss, grad[MAX_PARAMS + 1];
    uint32_t used; /* parameters handed out to the part at hand */
};

static op_value bind_weight(void *user, struct graph *graph, const struct clip_param *param)
{
    struct tower *t = user;
    struct tensor *tensor = &t->weight[t->clip.count - 1];
    float *data = base_alloc(tensor_shape_count(&param->shape), sizeof(float));
    *tensor = make_tensor(&gpu, param->shape, "zeros", 0);
    clip_values(param, data);
    CHECK_EQ(tensor_upload(gpu.device, tensor, data), MIEN_OK);
    base_free(data);
    return graph_bound(graph, param->name, tensor);
}

/* The parameters of a later part are those of the first. */
static op_value bind_again(void *user, struct graph *graph, const struct clip_param *param)
{
    struct tower *t = user;
    (void)param;
    (void)graph;
    t->clip.count--;
    return t->clip.param[t->used++].value;
}

static op_value tower_part(struct tower *t, const struct style *style, op_value x)
{
    struct graph *g = t->clip.graph;
    if (style->towers)
        graph_recompute_begin(g);
    for (uint32_t i = 0; i < LAYERS; i++) {
        char name[8];
        snprintf(name, sizeof(name), "%u", i);
        if (style->blocks)
            graph_recompute_begin(g);
        x = clip_block(&t->clip, name, x, i % 2);
        if (style->blocks)
            graph_recompute_end(g);
    }
    if (style->towers)
        graph_recompute_end(g);
    return x;
}

/* loss = mean over the batch of sum of gelu(tower(x)); gradients of all weights and of the first part's x. */
static void tower_record(struct tower *t, const struct style *style)
{
    uint32_t rows = ROWS / style->parts;
    struct op_attr attr = {.activation = OP_ACT_GELU};
    op_value y[ROWS], of[MAX_PARAMS + 1];
    *t = (struct tower){.clip = {.graph = new_graph(), .bind = bind_weight, .user = t}};
    struct graph *g = t->clip.graph;
    for (uint32_t p = 0; p < style->parts; p++) {
        t->used = 0;
        t->x[p] = graph_input(g, "x", SHAPE_F32(rows, TOKENS, D));
        y[p] = tower_part(t, style, t->x[p]);
        t->clip.bind = bind_again;
    }
    op_value all = style->parts == 1 ? y[0] : graph_join(g, y, style->parts, SHAPE_F32(ROWS, TOKENS, D));
    t->loss = GRAPH_OP(g, &op_sum, NULL, GRAPH_OP(g, &op_activation, &attr, all));
    for (uint32_t p = 0; p < t->clip.count; p++)
        of[p] = t->clip.param[p].value;
    of[t->clip.count] = t->x[0];
    CHECK_EQ(graph_backward(g, t->loss, of, t->clip.count + 1, t->grad), MIEN_OK);
    graph_output(g, t->loss);
    for (uint32_t p = 0; p <= t->clip.count; p++)
        graph_output(g, t->grad[p]);
}

static void tower_close(struct tower *t)
{
    for (uint32_t p = 0; p < t->clip.count; p++)
        tensor_destroy(gpu.device, &t->weight[p]);
    graph_destroy(&t->clip.graph);
}

/* What a style gives: loss and gradients one after another, and its program's figures. */
struct outcome {
    float *data;
    uint64_t count;
    struct graph_program_stats stats;
};

static void append(struct outcome *o, const struct tower *t, struct graph_program *program, op_value value)
{
    struct tensor_shape shape = graph_shape(t->clip.graph, value);
    uint64_t count = tensor_shape_count(&shape);
    memcpy(o->data + o->count, graph_program_output(program, 0, value), count * sizeof(float));
    o->count += count;
}

static struct outcome run_style(struct style style, const char *name)
{
    struct tower t;
    struct outcome o = {.data = base_alloc(1 << 20, sizeof(float))};
    float x[ROWS * TOKENS * D];
    tower_record(&t, &style);
    struct graph_program *program = compiled(t.clip.graph, NULL);
    fill_normal(x, BASE_COUNT(x), "x", 1);
    for (uint32_t p = 0; p < style.parts; p++)
        memcpy(graph_program_input(program, 0, t.x[p]), x + p * BASE_COUNT(x) / style.parts, sizeof(x) / style.parts);
    CHECK_EQ(graph_program_run(program), MIEN_OK);
    append(&o, &t, program, t.loss);
    for (uint32_t p = 0; p <= t.clip.count; p++)
        append(&o, &t, program, t.grad[p]);
    o.stats = stats_of(program);
    printf("%-28s %4u nodes, %8llu bytes of activations, %8llu live\n", name, o.stats.nodes,
           (unsigned long long)o.stats.activation_bytes, (unsigned long long)o.stats.live_bytes);
    graph_program_destroy(&program);
    tower_close(&t);
    return o;
}

static bool same_bits(const struct outcome *a, const struct outcome *b)
{
    return a->count == b->count && memcmp(a->data, b->data, a->count * sizeof(float)) == 0;
}

/* Bytes of all gradients, which live to the end in every style. */
static uint64_t gradient_bytes(const struct outcome *o)
{
    return o->count * sizeof(float);
}

static void test_blocks(void)
{
    struct outcome kept = run_style((struct style){.parts = 1}, "all kept");
    struct outcome again = run_style((struct style){.parts = 1, .blocks = true}, "blocks again");
    struct outcome whole = run_style((struct style){.parts = 1, .towers = true}, "the tower again");
    struct outcome nested = run_style((struct style){.parts = 1, .towers = true, .blocks = true}, "tower and blocks");
    CHECK(same_bits(&kept, &again));
    CHECK(same_bits(&kept, &whole));
    CHECK(same_bits(&kept, &nested));
    /* With blocks again, each block keeps its input x [ROWS,TOKENS,D]; of one block at a time all is there (what the
     * gradients need: two norms, q, k, v, attention, the sum between the halves, fc1 twice as wide with its
     * pre-activation: 11 x) with a few gradients and kernels' scratch memory. All kept: 11 x of every block. */
    uint64_t x = ROWS * TOKENS * D * sizeof(float), grads = gradient_bytes(&kept);
    CHECK(kept.stats.live_bytes > LAYERS * 11 * x);
    CHECK(again.stats.live_bytes < LAYERS * x + 16 * x + grads);
    CHECK(again.stats.activation_bytes < again.stats.live_bytes * 5 / 4); /* the plan follows */
    CHECK(again.stats.flops < kept.stats.flops * 4 / 3 * 1.05);           /* one forward pass more */
    CHECK(nested.stats.live_bytes <= again.stats.live_bytes);
    base_free(kept.data);
    base_free(again.data);
    base_free(whole.data);
    base_free(nested.data);
}

/* A batch in parts: each part's tower is a segment, so that one part's activations are alive at a time. The gradients
 * are sums over parts, in another order than at once. */
static void test_parts(void)
{
    struct outcome once = run_style((struct style){.parts = 1}, "batch at once");
    struct outcome parts = run_style((struct style){.parts = ROWS}, "in parts, all kept");
    struct outcome again = run_style((struct style){.parts = ROWS, .towers = true}, "in parts, towers again");
    struct outcome least =
        run_style((struct style){.parts = ROWS, .towers = true, .blocks = true}, "in parts, towers and blocks");
    CHECK(same_bits(&parts, &again));
    CHECK(same_bits(&parts, &least));
    CHECK_NEAR(once.data[0], parts.data[0], 1e-4 * fabs((double)once.data[0]));
    CHECK(nmse(parts.data + 1, once.data + 1, parts.count - 1 - TOKENS * D) < 1e-9); /* the weights' */
    uint64_t grads = gradient_bytes(&parts);
    CHECK(again.stats.live_bytes - grads < (once.stats.live_bytes - grads) / 2);
    CHECK(least.stats.live_bytes < again.stats.live_bytes);
    base_free(once.data);
    base_free(parts.data);
    base_free(again.data);
    base_free(least.data);
}

/* ---- views, joins and in-place ops inside a segment, on the host ---- */

static op_value crooked(struct graph *g, op_value x, bool segment)
{
    struct op_attr attr = {.activation = OP_ACT_GELU};
    if (segment)
        graph_recompute_begin(g);
    op_value y = GRAPH_OP(g, &op_activation, &attr, x);
    op_value rows = graph_view(g, y, SHAPE_F32(2, 64), 64), outside = graph_view(g, x, SHAPE_F32(2, 64), 128);
    const op_value part[] = {GRAPH_OP(g, &op_activation, &attr, rows), outside, rows, y};
    op_value join = graph_join(g, part, 4, SHAPE_F32(10, 64));
    op_value z = GRAPH_OP(g, &op_activation, &attr, join);
    if (segment)
        graph_recompute_end(g);
    return GRAPH_OP(g, &op_sum, NULL, z);
}

static void test_values(void)
{
    float grads[2][256];
    for (uint32_t segment = 0; segment < 2; segment++) {
        struct graph *g = new_graph();
        struct interpret host;
        op_value x = graph_input(g, "x", SHAPE_F32(4, 64)), grad;
        op_value loss = crooked(g, x, segment);
        CHECK_EQ(graph_backward(g, loss, &x, 1, &grad), MIEN_OK);
        interpret_open(&host, g);
        fill_normal(interpret_data(&host, x), 256, "x", 1);
        interpret_run(&host);
        memcpy(grads[segment], interpret_data(&host, grad), sizeof(grads[segment]));
        interpret_close(&host);
        graph_destroy(&g);
    }
    CHECK(memcmp(grads[0], grads[1], sizeof(grads[0])) == 0);
}

static void test_misuse(void)
{
    static const char *const messages[] = {"writes in place to memory from outside its segment",
                                           "graph_recompute_end is missing",
                                           "graph_recompute_end without a matching graph_recompute_begin"};
    struct op_attr attr = {.activation = OP_ACT_GELU};
    for (uint32_t way = 0; way < 3; way++) {
        struct graph *g = new_graph();
        op_value x = graph_input(g, "x", SHAPE_F32(64)), state = graph_input(g, "state", SHAPE_F32(64)), grad;
        capture_start();
        graph_recompute_begin(g);
        if (way == 0)
            GRAPH_OP(g, &accumulate, NULL, state, x);
        op_value y = GRAPH_OP(g, &op_sum, NULL, GRAPH_OP(g, &op_activation, &attr, x));
        for (uint32_t ends = way == 1 ? 0 : way == 2 ? 2 : 1; ends > 0; ends--)
            graph_recompute_end(g);
        CHECK(graph_backward(g, y, &x, 1, &grad) != MIEN_OK);
        CHECK(captured_once(messages[way]));
        CHECK(grad == OP_NONE);
        mien_log_set(NULL, NULL, MIEN_LOG_WARN);
        graph_destroy(&g);
    }
}

int main(void)
{
    test_values();
    test_misuse();
    if (!gpu_open(&gpu)) {
        printf("no Vulkan device: only the host's part was run\n");
        return check_result();
    }
    test_blocks();
    test_parts();
    test_leaks();
    gpu_close(&gpu);
    return check_result();
}
