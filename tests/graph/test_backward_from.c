/* Differentiation from given gradients of several values, and what it is for: a batch in parts (micro-batches), whose
 * gradients are those of the batch at once. */
#include "interpret.h"
#include "program_kit.h"

/* ---- against the loss that it replaces, on the host ---- */

struct fork {
    struct graph *graph;
    op_value x, w, y[3], seed[3], grad[2];
};

/* y0 = gelu(x W^T) [6,64], y1 = a view of some rows of it [2,64], y2 = x + y0; y1 and y0 lie before y2. */
static void fork_record(struct fork *f)
{
    struct op_attr attr = {.activation = OP_ACT_GELU, .trans_b = true};
    char name[] = "seed0";
    *f = (struct fork){.graph = new_graph()};
    f->x = graph_input(f->graph, "x", SHAPE_F32(6, 64));
    f->w = graph_input(f->graph, "w", SHAPE_F32(64, 64));
    f->y[0] = GRAPH_OP(f->graph, &op_matmul, &attr, f->x, f->w);
    f->y[1] = graph_view(f->graph, f->y[0], SHAPE_F32(2, 64), 128);
    f->y[2] = add(f->graph, f->x, f->y[0]);
    for (uint32_t i = 0; i < 3; i++, name[4]++)
        f->seed[i] = graph_input(f->graph, name, graph_shape(f->graph, f->y[i]));
}

static void fork_fill(const struct fork *f, struct interpret *host)
{
    fill_normal(interpret_data(host, f->x), 384, "x", 1);
    fill_normal(interpret_data(host, f->w), 4096, "w", 0.1);
    for (uint32_t i = 0; i < 3; i++) {
        struct tensor_shape shape = graph_shape(f->graph, f->y[i]);
        fill_normal(interpret_data(host, f->seed[i]), tensor_shape_count(&shape), i == 1 ? "one" : "other", 1);
    }
}

/* loss = sum of y * seed: its gradient with respect to y is the seed. */
static op_value fork_loss(const struct fork *f)
{
    op_value loss = OP_NONE;
    for (uint32_t i = 0; i < 3; i++) {
        op_value sum = GRAPH_OP(f->graph, &op_sum, NULL, GRAPH_OP(f->graph, &op_multiply, NULL, f->y[i], f->seed[i]));
        loss = loss == OP_NONE ? sum : add(f->graph, loss, sum);
    }
    return loss;
}

static void test_product(void)
{
    struct fork f, l;
    struct interpret host_f, host_l;
    fork_record(&f);
    fork_record(&l);
    const op_value of_f[] = {f.x, f.w}, of_l[] = {l.x, l.w};
    CHECK_EQ(graph_backward_from(f.graph, f.y, f.seed, 3, of_f, 2, f.grad), MIEN_OK);
    CHECK_EQ(graph_backward(l.graph, fork_loss(&l), of_l, 2, l.grad), MIEN_OK);
    interpret_open(&host_f, f.graph);
    interpret_open(&host_l, l.graph);
    fork_fill(&f, &host_f);
    fork_fill(&l, &host_l);
    interpret_run(&host_f);
    interpret_run(&host_l);
    /* the same rules on the same floats: only the order of the fan-out's sums differs */
    CHECK(nmse(interpret_data(&host_f, f.grad[0]), interpret_data(&host_l, l.grad[0]), 384) < 1e-13);
    CHECK(nmse(interpret_data(&host_f, f.grad[1]), interpret_data(&host_l, l.grad[1]), 4096) < 1e-13);
    interpret_close(&host_f);
    interpret_close(&host_l);
    graph_destroy(&f.graph);
    graph_destroy(&l.graph);
}

/* An output twice, an output that is asked for itself, one that depends on nothing asked for. */
static void test_corners(void)
{
    struct graph *g = new_graph();
    op_value x = graph_input(g, "x", SHAPE_F32(64)), s = graph_input(g, "s", SHAPE_F32(64)), y = add(g, x, x);
    op_value other = add(g, s, s), grads[3];
    const op_value outputs[] = {y, y, other}, seeds[] = {s, s, s}, of[] = {x, y, other};
    CHECK_EQ(graph_backward_from(g, outputs, seeds, 3, of, 3, grads), MIEN_OK);
    CHECK(grads[2] == s);
    struct interpret host;
    interpret_open(&host, g);
    float *data = interpret_data(&host, s);
    for (uint32_t i = 0; i < 64; i++)
        data[i] = (float)i;
    interpret_run(&host);
    CHECK_EQ(((float *)interpret_data(&host, grads[1]))[5], 10);
    CHECK_EQ(((float *)interpret_data(&host, grads[0]))[5], 20);
    interpret_close(&host);
    CHECK_EQ(graph_backward_from(g, &other, &s, 1, &x, 1, grads), MIEN_OK);
    CHECK(grads[0] == OP_NONE);
    CHECK_EQ(graph_backward_from(g, NULL, NULL, 0, &x, 1, grads), MIEN_OK);
    CHECK(grads[0] == OP_NONE);
    graph_destroy(&g);
}

static void refused(enum mien_status want, const char *message, bool no_seed)
{
    struct graph *g = new_graph();
    op_value x = graph_input(g, "x", SHAPE_F32(64)), y = add(g, x, x), grad = 7;
    op_value seed = no_seed ? OP_NONE : graph_input(g, "s", SHAPE_F32(8, 8));
    capture_start();
    CHECK_EQ(graph_backward_from(g, &y, &seed, 1, &x, 1, &grad), want);
    CHECK(captured_once(message));
    CHECK(grad == OP_NONE);
    CHECK_EQ(graph_status(g), want);
    mien_log_set(NULL, NULL, MIEN_LOG_WARN);
    graph_destroy(&g);
}

/* ---- a batch in parts, by three programs ---- */

enum { BATCH = 8, PART = 2, IN = 20, HIDDEN = 24, E = 6, SIDES = 2, WEIGHTS = 5 };

/* Two towers of two layers, a scale; embeddings and their gradients [BATCH,E] of each side. */
struct cached {
    struct tensor weight[WEIGHTS], grad[WEIGHTS], embed[SIDES], dembed[SIDES];
    float x[SIDES][BATCH][IN];
};

static struct tensor_shape weight_shape(uint32_t i)
{
    return i == WEIGHTS - 1 ? SHAPE_F32(1) : i % 2 ? SHAPE_F32(E, HIDDEN) : SHAPE_F32(HIDDEN, IN);
}

static void cached_open(struct cached *c)
{
    static const char *const names[] = {"a1", "a2", "b1", "b2", "scale"};
    for (uint32_t i = 0; i < WEIGHTS; i++) {
        c->weight[i] = make_tensor(&gpu, weight_shape(i), names[i], 0.4);
        c->grad[i] = make_tensor(&gpu, weight_shape(i), "zeros", 0);
    }
    for (uint32_t s = 0; s < SIDES; s++) {
        c->embed[s] = make_tensor(&gpu, SHAPE_F32(BATCH, E), "embeddings", 1);
        c->dembed[s] = make_tensor(&gpu, SHAPE_F32(BATCH, E), "gradients", 1);
        fill_normal(c->x[s][0], BATCH * IN, names[s], 1);
    }
}

static void cached_close(struct cached *c)
{
    for (uint32_t i = 0; i < WEIGHTS; i++) {
        tensor_destroy(gpu.device, &c->weight[i]);
        tensor_destroy(gpu.device, &c->grad[i]);
    }
    for (uint32_t s = 0; s < SIDES; s++) {
        tensor_destroy(gpu.device, &c->embed[s]);
        tensor_destroy(gpu.device, &c->dembed[s]);
    }
}

static void bind_weights(const struct cached *c, struct graph *g, op_value *w)
{
    for (uint32_t i = 0; i < WEIGHTS; i++)
        w[i] = graph_bound(g, "w", &c->weight[i]);
}

/* x [rows,IN] -> unit rows [rows,E] */
static op_value tower(struct graph *g, const op_value *w, uint32_t side, op_value x)
{
    struct op_attr attr = {.trans_b = true, .activation = OP_ACT_QUICK_GELU, .save_pre = true};
    x = GRAPH_OP(g, &op_matmul, &attr, x, w[2 * side]);
    x = GRAPH_OP(g, &op_matmul, &(struct op_attr){.trans_b = true}, x, w[2 * side + 1]);
    return GRAPH_OP(g, &op_l2norm, NULL, x);
}

static op_value contrast(struct graph *g, op_value u, op_value v, op_value scale)
{
    op_value scores = GRAPH_OP(g, &op_matmul, &(struct op_attr){.trans_b = true}, u, v);
    return GRAPH_OP(g, &op_infonce, NULL, scores, scale);
}

/* Rows [first, first + PART) of x [BATCH,E] as a target of graph_store. */
static struct tensor rows_of(const struct tensor *tensor, uint32_t first)
{
    struct tensor rows = {.shape = SHAPE_F32(PART, E), .range = tensor->range};
    rows.range.offset += first * E * sizeof(float); /* a multiple of 256 only for the first */
    rows.range.size = PART * E * sizeof(float);
    return rows;
}

static void run_part(const struct cached *c, struct graph *g, const op_value *x, uint32_t first)
{
    struct graph_program *program = compiled(g, NULL);
    for (uint32_t s = 0; s < SIDES; s++)
        memcpy(graph_program_input(program, 0, x[s]), c->x[s][first], PART * IN * sizeof(float));
    CHECK_EQ(graph_program_run(program), MIEN_OK);
    graph_program_destroy(&program);
    graph_destroy(&g);
}

/* Program A: embeddings of a part, into their rows. */
static void embed_part(const struct cached *c, uint32_t first)
{
    struct graph *g = new_graph();
    op_value w[WEIGHTS], x[SIDES];
    bind_weights(c, g, w);
    for (uint32_t s = 0; s < SIDES; s++) {
        struct tensor into = rows_of(&c->embed[s], first);
        x[s] = graph_input(g, "x", SHAPE_F32(PART, IN));
        graph_store(g, tower(g, w, s, x[s]), &into);
    }
    run_part(c, g, x, first);
}

/* Program B: the loss of the whole batch and its gradients with respect to all embeddings. */
static float loss_of_all(const struct cached *c)
{
    struct graph *g = new_graph();
    op_value u = graph_bound(g, "u", &c->embed[0]), v = graph_bound(g, "v", &c->embed[1]), grads[3];
    op_value scale = graph_bound(g, "scale", &c->weight[WEIGHTS - 1]), loss = contrast(g, u, v, scale);
    const op_value of[] = {u, v, scale};
    CHECK_EQ(graph_backward(g, loss, of, 3, grads), MIEN_OK);
    graph_store(g, grads[0], &c->dembed[0]);
    graph_store(g, grads[1], &c->dembed[1]);
    graph_store(g, grads[2], &c->grad[WEIGHTS - 1]);
    graph_output(g, loss);
    struct graph_program *program = compiled(g, NULL);
    CHECK_EQ(graph_program_run(program), MIEN_OK);
    float result = *(const float *)graph_program_output(program, 0, loss);
    graph_program_destroy(&program);
    graph_destroy(&g);
    return result;
}

/* Program C: a part forward again and backward from its rows of the gradients, added to the weights' gradients. */
static void backward_part(const struct cached *c, uint32_t first)
{
    struct graph *g = new_graph();
    op_value w[WEIGHTS], x[SIDES], y[SIDES], seed[SIDES], grads[WEIGHTS];
    struct op_attr part = {.first = first, .count = PART};
    bind_weights(c, g, w);
    for (uint32_t s = 0; s < SIDES; s++) {
        x[s] = graph_input(g, "x", SHAPE_F32(PART, IN));
        y[s] = tower(g, w, s, x[s]);
        seed[s] = GRAPH_OP(g, &op_slice, &part, graph_bound(g, "gradients", &c->dembed[s]));
    }
    CHECK_EQ(graph_backward_from(g, y, seed, SIDES, w, WEIGHTS, grads), MIEN_OK);
    CHECK(grads[WEIGHTS - 1] == OP_NONE); /* the scale is no part of the towers */
    for (uint32_t i = 0; i + 1 < WEIGHTS; i++)
        GRAPH_OP(g, &accumulate, NULL, graph_bound(g, "sum", &c->grad[i]), grads[i]);
    run_part(c, g, x, first);
}

/* The same at once. */
static float whole_batch(const struct cached *c, float want[WEIGHTS][HIDDEN * IN])
{
    struct graph *g = new_graph();
    op_value w[WEIGHTS], x[SIDES], y[SIDES], grads[WEIGHTS];
    bind_weights(c, g, w);
    for (uint32_t s = 0; s < SIDES; s++) {
        x[s] = graph_input(g, "x", SHAPE_F32(BATCH, IN));
        y[s] = tower(g, w, s, x[s]);
    }
    op_value loss = contrast(g, y[0], y[1], w[WEIGHTS - 1]);
    CHECK_EQ(graph_backward(g, loss, w, WEIGHTS, grads), MIEN_OK);
    graph_output(g, loss);
    for (uint32_t i = 0; i < WEIGHTS; i++)
        graph_output(g, grads[i]);
    struct graph_program *program = compiled(g, NULL);
    for (uint32_t s = 0; s < SIDES; s++)
        memcpy(graph_program_input(program, 0, x[s]), c->x[s], sizeof(c->x[s]));
    CHECK_EQ(graph_program_run(program), MIEN_OK);
    for (uint32_t i = 0; i < WEIGHTS; i++) {
        struct tensor_shape shape = weight_shape(i);
        memcpy(want[i], graph_program_output(program, 0, grads[i]), tensor_shape_bytes(&shape));
    }
    float result = *(const float *)graph_program_output(program, 0, loss);
    graph_program_destroy(&program);
    graph_destroy(&g);
    return result;
}

static void test_micro_batches(void)
{
    static struct cached c;
    static float want[WEIGHTS][HIDDEN * IN], have[HIDDEN * IN];
    cached_open(&c);
    float at_once = whole_batch(&c, want);
    for (uint32_t first = 0; first < BATCH; first += PART)
        embed_part(&c, first);
    CHECK_NEAR(loss_of_all(&c), at_once, 1e-6);
    for (uint32_t first = 0; first < BATCH; first += PART)
        backward_part(&c, first);
    for (uint32_t i = 0; i < WEIGHTS; i++) {
        uint64_t count = tensor_shape_count(&c.grad[i].shape);
        CHECK_EQ(tensor_download(gpu.device, &c.grad[i], have), MIEN_OK);
        CHECK(nmse(have, want[i], count) < 1e-9); /* fp32 sums in another order: 1e-13 */
    }
    cached_close(&c);
}

/* A part of a tensor that a kernel cannot bind. */
static void test_alignment(void)
{
    struct graph *g = new_graph();
    struct tensor whole = make_tensor(&gpu, SHAPE_F32(BATCH, E), "whole", 1), rows = rows_of(&whole, 1);
    capture_start();
    CHECK(graph_bound(g, "rows", &rows) == OP_NONE);
    CHECK(captured_once("bound tensor rows begins at byte"));
    CHECK_EQ(graph_status(g), MIEN_ERR_ARG);
    mien_log_set(NULL, NULL, MIEN_LOG_WARN);
    graph_destroy(&g);
    tensor_destroy(gpu.device, &whole);
}

int main(void)
{
    test_product();
    test_corners();
    refused(MIEN_ERR_SHAPE, "output 0 is f32[64], its gradient f32[8,8]", false);
    refused(MIEN_ERR_ARG, "the gradient of output 0 of 1 is no value", true);
    if (!gpu_open(&gpu)) {
        printf("no Vulkan device: only the host's part was run\n");
        return check_result();
    }
    test_micro_batches();
    test_alignment();
    test_leaks();
    gpu_close(&gpu);
    return check_result();
}
