/* Fusion: fewer nodes, the same results; what others read is still there. Sums are the same bits (one rounding each, in
 * the same order); an activation in an epilogue may be contracted with what follows it. */
#include "clip_graph.h"
#include "interpret.h"
#include "program_kit.h"

enum { ROWS = 12, WIDTH = 36 };

/* A graph over x, w, r of [ROWS,WIDTH], [WIDTH,WIDTH], [ROWS,WIDTH]. */
struct small {
    struct graph *g;
    op_value x, w, r;
};

static struct small small_open(void)
{
    struct small s = {.g = new_graph()};
    s.x = graph_input(s.g, "x", SHAPE_F32(ROWS, WIDTH));
    s.w = graph_input(s.g, "w", SHAPE_F32(WIDTH, WIDTH));
    s.r = graph_input(s.g, "r", SHAPE_F32(ROWS, WIDTH));
    return s;
}

static op_value product(const struct small *s, op_value x)
{
    return GRAPH_OP(s->g, &op_matmul, &(struct op_attr){.trans_b = true}, x, s->w);
}

static op_value gelu(const struct small *s, op_value x)
{
    return GRAPH_OP(s->g, &op_activation, &(struct op_attr){.activation = OP_ACT_GELU}, x);
}

static void small_run(const struct small *s, struct graph_program *program)
{
    const op_value in[] = {s->x, s->w, s->r};
    for (uint32_t i = 0; i < 3; i++)
        fill_input(program, s->g, 0, in[i], 0);
    CHECK_EQ(graph_program_run(program), MIEN_OK);
}

/* Compiles with and without fusion: `nodes` are left of `all`, every output agrees. Destroys the graph. */
static void compare(struct small *s, const char *name, uint32_t all, uint32_t nodes, bool bits)
{
    struct graph_program *fused = compiled(s->g, NULL),
                         *apart = compiled(s->g, &(struct graph_compile_params){.no_fuse = true});
    printf("%s: %u nodes, %u fused\n", name, stats_of(apart).nodes, stats_of(fused).nodes);
    CHECK_EQ(stats_of(apart).nodes, all);
    CHECK_EQ(stats_of(apart).fused, 0);
    CHECK_EQ(stats_of(fused).nodes, nodes);
    CHECK_EQ(stats_of(fused).fused, all - nodes);
    CHECK(stats_of(fused).activation_bytes <= stats_of(apart).activation_bytes);
    small_run(s, fused);
    small_run(s, apart);
    for (size_t i = 0; i < s->g->output_count; i++) {
        op_value v = s->g->output[i];
        struct tensor_shape shape = graph_shape(s->g, v);
        const float *want = graph_program_output(apart, 0, v), *have = graph_program_output(fused, 0, v);
        if (bits)
            CHECK(memcmp(have, want, tensor_shape_bytes(&shape)) == 0);
        CHECK(nmse(have, want, tensor_shape_count(&shape)) < 1e-12);
    }
    graph_program_destroy(&fused);
    graph_program_destroy(&apart);
    graph_destroy(&s->g);
}

static void test_chains(void)
{
    struct small s = small_open();
    graph_output(s.g, add(s.g, product(&s, s.x), s.r));
    compare(&s, "product + r", 2, 1, true);

    s = small_open();
    graph_output(s.g, add(s.g, s.r, gelu(&s, product(&s, s.x))));
    compare(&s, "r + gelu(product)", 3, 1, false);

    s = small_open(); /* as the gradients of q, k and v meet */
    op_value h = add(s.g, add(s.g, product(&s, s.x), product(&s, s.r)), product(&s, s.x));
    graph_output(s.g, h);
    compare(&s, "product + product + product", 5, 3, true);

    s = small_open(); /* the other operand is made later */
    op_value t = product(&s, s.x),
             late = GRAPH_OP(s.g, &op_layernorm, &(struct op_attr){.eps = 1e-5f}, s.r,
                             graph_view(s.g, s.w, SHAPE_F32(WIDTH), 0), graph_view(s.g, s.w, SHAPE_F32(WIDTH), 0));
    graph_output(s.g, add(s.g, t, late));
    compare(&s, "product + a later value", 3, 2, true);
}

/* A product that others read: the sum stays; of an activation it is the second output. */
static void test_wanted(void)
{
    struct small s = small_open();
    op_value t = product(&s, s.x);
    graph_output(s.g, t);
    graph_output(s.g, add(s.g, t, s.r));
    compare(&s, "a product that is an output", 2, 2, true);

    s = small_open();
    t = product(&s, s.x);
    graph_output(s.g, add(s.g, t, t));
    compare(&s, "a product twice", 2, 2, true);

    s = small_open();
    t = product(&s, s.x);
    graph_output(s.g, add(s.g, t, s.r));
    graph_output(s.g, graph_view(s.g, t, SHAPE_F32(WIDTH, ROWS), 0));
    compare(&s, "a product under another shape", 2, 2, true);

    s = small_open();
    t = product(&s, s.x);
    op_value y = gelu(&s, t);
    graph_output(s.g, product(&s, t));
    graph_output(s.g, y);
    compare(&s, "gelu of a product that is read", 3, 2, false);

    s = small_open(); /* the epilogue is taken */
    graph_output(s.g, add(s.g, add(s.g, product(&s, s.x), s.r), s.x));
    compare(&s, "two sums", 3, 2, true);

    s = small_open();
    graph_output(s.g, gelu(&s, gelu(&s, product(&s, s.x))));
    compare(&s, "two activations", 3, 2, false);
}

static op_value gelu_grad(const struct small *s, op_value dy, op_value x)
{
    return GRAPH_OP(s->g, &op_activation_bwd, &(struct op_attr){.activation = OP_ACT_GELU}, dy, x);
}

static void test_slope(void)
{
    struct small s = small_open();
    graph_output(s.g, gelu_grad(&s, product(&s, s.x), s.r));
    compare(&s, "gelu'(r) product", 2, 1, false);

    s = small_open(); /* the epilogue is taken */
    graph_output(s.g, add(s.g, gelu_grad(&s, product(&s, s.x), s.r), s.r));
    compare(&s, "gelu'(r) product + r", 3, 2, false);

    s = small_open();
    graph_output(s.g, gelu_grad(&s, add(s.g, product(&s, s.x), s.r), s.r));
    compare(&s, "gelu'(r) (product + r)", 3, 2, false);

    s = small_open();
    graph_output(s.g, gelu_grad(&s, s.r, product(&s, s.x)));
    compare(&s, "gelu'(product) r", 2, 2, false);

    s = small_open();
    op_value t = product(&s, s.x);
    graph_output(s.g, gelu_grad(&s, t, s.r));
    graph_output(s.g, gelu(&s, t));
    compare(&s, "gelu'(r) product, and gelu(product)", 3, 2, false);
}

/* Another gradient of x beside the norm's. */
static void test_norm(void)
{
    struct small s = small_open();
    op_value w = graph_view(s.g, s.w, SHAPE_F32(WIDTH), 0), mean = graph_view(s.g, s.w, SHAPE_F32(ROWS), 64);
    op_value rstd = graph_view(s.g, s.w, SHAPE_F32(ROWS), 128), out[OP_MAX_OUT];
    const op_value in[] = {product(&s, s.x), s.x, w, mean, rstd};
    graph_op(s.g, &op_layernorm_bwd, NULL, in, 5, out);
    graph_output(s.g, add(s.g, s.r, out[0]));
    graph_output(s.g, out[1]);
    compare(&s, "layernorm_bwd + r", 3, 2, true);
}

/* An input of the product that is overwritten before the sum: the product cannot wait. */
static void test_overwritten(void)
{
    struct small s = small_open();
    op_value x = add(s.g, s.x, s.r), t = product(&s, x), x2 = GRAPH_OP(s.g, &accumulate, NULL, x, s.r);
    graph_output(s.g, add(s.g, t, s.r));
    graph_output(s.g, x2);
    compare(&s, "an input overwritten in between", 4, 4, true);

    s = small_open();
    x = add(s.g, s.x, s.r);
    op_value y = add(s.g, product(&s, x), s.r);
    graph_output(s.g, GRAPH_OP(s.g, &accumulate, NULL, x, s.r));
    graph_output(s.g, y);
    compare(&s, "an input overwritten afterwards", 4, 3, true);
}

/* The value before the activation is read before the sum: the product cannot wait for it. */
static void test_pre(void)
{
    struct small s = small_open();
    struct op_attr attr = {.trans_b = true, .save_pre = true, .activation = OP_ACT_GELU};
    const op_value in[] = {s.x, s.w};
    op_value out[OP_MAX_OUT];
    graph_op(s.g, &op_matmul, &attr, in, 2, out);
    op_value early = add(s.g, out[1], s.x);
    graph_output(s.g, add(s.g, out[0], early));
    compare(&s, "the value before the activation", 3, 3, true);
}

/* ---- a training step ---- */

static op_value bind_input(void *user, struct graph *graph, const struct clip_param *param)
{
    (void)user;
    return graph_input(graph, param->name, param->shape);
}

static void clip_run(const struct clip *c, struct graph_program *program)
{
    for (uint32_t p = 0; p < c->count; p++)
        clip_values(&c->param[p], graph_program_input(program, 0, c->param[p].value));
    clip_batch(graph_program_input(program, 0, c->patches), graph_program_input(program, 0, c->ids),
               graph_program_input(program, 0, c->eot), 0);
    CHECK_EQ(graph_program_run(program), MIEN_OK);
}

static void test_training(void)
{
    struct clip c = {.graph = new_graph(), .bind = bind_input};
    op_value of[MAX_PARAMS], grads[MAX_PARAMS];
    clip_record(&c);
    for (uint32_t p = 0; p < c.count; p++)
        of[p] = c.param[p].value;
    CHECK_EQ(graph_backward(c.graph, c.loss, of, c.count, grads), MIEN_OK);
    for (uint32_t p = 0; p < c.count; p++)
        graph_output(c.graph, grads[p]);
    struct graph_program *fused = compiled(c.graph, NULL),
                         *apart = compiled(c.graph, &(struct graph_compile_params){.no_fuse = true});
    /* in either tower: the gradients of each half of a block meet in a sum, and the activation's is the second
     * product's epilogue */
    CHECK_EQ(stats_of(fused).fused, 6);
    clip_run(&c, fused);
    clip_run(&c, apart);
    for (uint32_t p = 0; p < c.count; p++)
        CHECK(same_output(fused, c.graph, grads[p], graph_program_output(apart, 0, grads[p])));
    printf("training step: %u nodes and %u dispatches, fused %u and %u\n", stats_of(apart).nodes,
           stats_of(apart).dispatches, stats_of(fused).nodes, stats_of(fused).dispatches);
    graph_program_destroy(&fused);
    graph_program_destroy(&apart);
    graph_destroy(&c.graph);
}

int main(void)
{
    if (!gpu_open(&gpu))
        CHECK_SKIP("no Vulkan device");
    test_chains();
    test_wanted();
    test_overwritten();
    test_pre();
    test_slope();
    test_norm();
    test_training();
    test_leaks();
    gpu_close(&gpu);
    return check_result();
}
