/* Values stored in 16 bits: their gradients through views, joins, fan-out and segments, against the same graph in f32,
 * whose references sum in double; the device against the references. */
#include "base/capture.h"
#include "interpret.h"
#include "program_kit.h"

#include <math.h>

enum { ROWS = 6, WIDTH = 128, COUNT = ROWS * WIDTH };

/* A rounding to nearest is off by a random part of up to half a unit: in the mean square a third of that, 1.3e-6 for
 * bf16 (8 digits) and 2e-8 for f16 (11). Against f32: a few dozen of them on the way to a gradient, which one step of
 * an activation's slope may double. Device against references: values that lie next to a tie, one in twenty. */
struct format {
    enum mien_dtype dtype;
    double against_f32, against_host;
};
static const struct format formats[] = {{MIEN_BF16, 1e-4, 1.5e-6}, {MIEN_F16, 1.5e-6, 2e-8}};

/* ---- views of parts, joins, fan-out ---- */

struct pieces {
    struct graph *graph;
    op_value x, loss, grad;
};

static op_value bend(struct graph *g, op_value x)
{
    const struct op_attr attr = {.activation = OP_ACT_GELU, .dtype = graph_shape(g, x).dtype};
    return GRAPH_OP(g, &op_activation, &attr, x);
}

/* Overlapping, repeated and missing rows of gelu(x), each bent again or not, joined, bent and summed. */
static void pieces_record(struct pieces *p, enum mien_dtype dtype, bool again)
{
    static const uint32_t first[] = {1, 0, 3, 1, 2}, rows[] = {1, 2, 2, 1, 2};
    const struct op_attr stored = {.dtype = dtype}, whole = {.dtype = MIEN_F32};
    struct tensor_shape shape = SHAPE_F32(8, WIDTH);
    op_value part[5];
    *p = (struct pieces){.graph = new_graph(), .grad = OP_NONE};
    struct graph *g = p->graph;
    p->x = graph_input(g, "x", SHAPE_F32(ROWS, WIDTH));
    if (again)
        graph_recompute_begin(g);
    op_value y = bend(g, GRAPH_OP(g, &op_cast, &stored, p->x));
    for (uint32_t i = 0; i < 5; i++) {
        struct tensor_shape cut = SHAPE_F32(rows[i], WIDTH);
        cut.dtype = dtype;
        part[i] = graph_view(g, y, cut, (uint64_t)first[i] * WIDTH);
        if (i != 1)
            part[i] = bend(g, part[i]);
    }
    shape.dtype = dtype;
    op_value join = bend(g, graph_join(g, part, 5, shape));
    if (again)
        graph_recompute_end(g);
    p->loss = GRAPH_OP(g, &op_sum, NULL, GRAPH_OP(g, &op_cast, &whole, join));
    graph_output(g, p->loss);
    CHECK_EQ(graph_backward(g, p->loss, &p->x, 1, &p->grad), MIEN_OK);
    graph_output(g, p->grad);
}

static void pieces_on_host(enum mien_dtype dtype, const float *x, float *grad)
{
    struct pieces p;
    struct interpret host;
    pieces_record(&p, dtype, false);
    interpret_open(&host, p.graph);
    memcpy(interpret_data(&host, p.x), x, COUNT * sizeof(*x));
    interpret_run(&host);
    memcpy(grad, interpret_data(&host, p.grad), COUNT * sizeof(*grad));
    interpret_close(&host);
    graph_destroy(&p.graph);
}

static uint64_t pieces_on_device(enum mien_dtype dtype, bool again, const float *x, float *grad)
{
    struct pieces p;
    pieces_record(&p, dtype, again);
    struct graph_program *program = compiled(p.graph, NULL);
    uint64_t bytes = stats_of(program).unaliased_bytes;
    memcpy(graph_program_input(program, 0, p.x), x, COUNT * sizeof(*x));
    CHECK_EQ(graph_program_run(program), MIEN_OK);
    memcpy(grad, graph_program_output(program, 0, p.grad), COUNT * sizeof(*grad));
    graph_program_destroy(&program);
    graph_destroy(&p.graph);
    return bytes;
}

static void test_pieces(const struct format *f)
{
    static float x[COUNT], exact[COUNT], host[COUNT], device[COUNT], again[COUNT];
    fill_normal(x, COUNT, "pieces", 1);
    pieces_on_host(MIEN_F32, x, exact);
    pieces_on_host(f->dtype, x, host);
    uint64_t whole = pieces_on_device(MIEN_F32, false, x, device);
    uint64_t half = pieces_on_device(f->dtype, false, x, device);
    pieces_on_device(f->dtype, true, x, again);
    printf("%s: gradient's NMSE %.3g of f32's, %.3g of the references'; %.2f of the memory\n",
           mien_dtype_name(f->dtype), nmse(host, exact, COUNT), nmse(device, host, COUNT),
           (double)half / (double)whole);
    CHECK(nmse(host, exact, COUNT) < f->against_f32 && nmse(host, exact, COUNT) > 0);
    CHECK(nmse(device, host, COUNT) <= f->against_host);
    CHECK(memcmp(device, again, sizeof(device)) == 0);
    CHECK(half < whole);
    for (uint32_t i = 5 * WIDTH; i < COUNT; i++)
        CHECK(device[i] == 0); /* the last row is in no view */
}

/* ---- products, and what is fused into them ---- */

/* Two products of one 16-bit value, of which one is bent and has the value added: sums and slopes that are fused where
 * tensors are f32 meet here in all mixtures. */
static void products(const struct format *f, bool no_fuse, const float *x, float *out, uint32_t *fused)
{
    const struct op_attr stored = {.dtype = f->dtype}, whole = {.dtype = MIEN_F32};
    const struct op_attr product = {.trans_b = true, .dtype = f->dtype};
    static float weights[2][WIDTH * WIDTH];
    struct graph *g = new_graph();
    op_value w[2], dx, given = graph_input(g, "x", SHAPE_F32(ROWS, WIDTH)), h = GRAPH_OP(g, &op_cast, &stored, given);
    for (uint32_t i = 0; i < 2; i++) {
        fill_normal(weights[i], WIDTH * WIDTH, i ? "one" : "two", 1 / sqrt(WIDTH));
        w[i] = graph_constant(g, "w", SHAPE_F32(WIDTH, WIDTH), weights[i]);
    }
    op_value a = GRAPH_OP(g, &op_add, &stored, bend(g, GRAPH_OP(g, &op_matmul, &product, h, w[0])), h);
    op_value b = GRAPH_OP(g, &op_add, &whole, GRAPH_OP(g, &op_matmul, &product, h, w[1]), h);
    op_value sum = GRAPH_OP(g, &op_add, &whole, a, b);
    op_value loss = GRAPH_OP(g, &op_sum, NULL, GRAPH_OP(g, &op_multiply, NULL, sum, sum));
    CHECK_EQ(graph_backward(g, loss, &given, 1, &dx), MIEN_OK);
    graph_output(g, dx);
    struct graph_program *program = compiled(g, &(struct graph_compile_params){.no_fuse = no_fuse});
    memcpy(graph_program_input(program, 0, given), x, COUNT * sizeof(*x));
    CHECK_EQ(graph_program_run(program), MIEN_OK);
    memcpy(out, graph_program_output(program, 0, dx), COUNT * sizeof(*out));
    *fused = stats_of(program).fused;
    graph_program_destroy(&program);
    graph_destroy(&g);
}

static void test_products(const struct format *f)
{
    static float x[COUNT], exact[COUNT], fused[COUNT], plain[COUNT];
    const struct format f32 = {.dtype = MIEN_F32};
    uint32_t count, none;
    fill_normal(x, COUNT, "products", 1);
    products(&f32, true, x, exact, &none);
    products(f, true, x, plain, &none);
    products(f, false, x, fused, &count);
    printf("%s: %u nodes fused; NMSE of f32's %.3g, without fusing %.3g\n", mien_dtype_name(f->dtype), count,
           nmse(fused, exact, COUNT), nmse(plain, exact, COUNT));
    CHECK(none == 0 && count > 0);
    CHECK(nmse(fused, exact, COUNT) < f->against_f32 && nmse(plain, exact, COUNT) < f->against_f32);
}

/* ---- gradients that are given ---- */

static void test_seeds(const struct format *f)
{
    const struct op_attr stored = {.dtype = f->dtype};
    struct tensor_shape half = SHAPE_F32(8);
    struct graph *g = new_graph();
    op_value dx;
    half.dtype = f->dtype;
    op_value x = graph_input(g, "x", SHAPE_F32(8)), y = GRAPH_OP(g, &op_cast, &stored, x);
    op_value dy = graph_input(g, "dy", half), wrong = graph_input(g, "wrong", SHAPE_F32(8));
    CHECK_EQ(graph_backward_from(g, &y, &dy, 1, &x, 1, &dx), MIEN_OK);
    CHECK_EQ(graph_shape(g, dx).dtype, MIEN_F32);
    capture_start();
    CHECK_EQ(graph_backward_from(g, &y, &wrong, 1, &x, 1, &dx), MIEN_ERR_SHAPE);
    CHECK(captured_once("gradient of its output's shape"));
    graph_destroy(&g);
}

int main(void)
{
    if (!gpu_open(&gpu))
        GPU_SKIP();
    for (size_t i = 0; i < BASE_COUNT(formats); i++) {
        test_pieces(&formats[i]);
        test_products(&formats[i]);
        test_seeds(&formats[i]);
    }
    test_leaks();
    gpu_close(&gpu);
    return check_result();
}
