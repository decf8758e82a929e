/* Recording and differentiating without a device: errors, versions, views, the shape of the gradient graph. Ops of the
 * test's own are used where a property of the op matters; nothing is run. */
#include "base/capture.h"
#include "check.h"
#include "graph/graph_internal.h"

static const struct op_desc spread_op = {.name = "spread", .signature = "x[...] like -> y[...]"};

static void pass_grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    for (uint32_t i = 0; i < use->in_count; i++) {
        if (use->wants[i])
            din[i] = OP_RECORD(recorder, &spread_op, NULL, use->in[i], use->dout[0]);
    }
}

static void wrong_grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    (void)recorder;
    din[0] = use->dout[0]; /* of the loss's shape, not of the input's */
}

static const struct op_desc total = {.name = "total", .signature = "x -> y[1]", .grad = pass_grad};
static const struct op_desc wrong = {.name = "wrong", .signature = "x -> y[1]", .grad = wrong_grad};
static const struct op_desc twist = {.name = "twist", .signature = "x[...] by? -> y[...]", .grad = pass_grad};
static const struct op_desc norm = {.name = "norm", .signature = "x[...,D] -> y[...,D] (norm[R])", .grad = pass_grad};
static const struct op_desc bump = {.name = "bump", .signature = "x[...] by -> x[...]", .no_grad = "it forgets"};
static const struct op_desc pick = {.name = "pick", .signature = "x[...] at:i32 -> y[...]", .grad = pass_grad};

static uint32_t count_op(const struct graph *g, const struct op_desc *op)
{
    uint32_t count = 0;
    for (size_t n = 0; n < g->node_count; n++)
        count += g->node[n].op == op;
    return count;
}

static struct graph *new_graph(void)
{
    struct graph *g = NULL;
    CHECK_EQ(graph_create(&g), MIEN_OK);
    capture_start();
    return g;
}

static int fake_block; /* never looked into without a device */

static struct tensor fake_tensor(struct tensor_shape shape, uint64_t offset)
{
    return (struct tensor){.shape = shape,
                           .range = {.block = (struct vk_block *)&fake_block,
                                     .offset = offset,
                                     .size = base_round_up(tensor_shape_bytes(&shape), 256)}};
}

static void test_values(void)
{
    struct graph *g = new_graph();
    op_value x = graph_input(g, "x", SHAPE_F32(4, 64));
    float data[4] = {1, 2, 3, 4};
    op_value c = graph_constant(g, "c", SHAPE_F32(2, 2), data);
    data[0] = 9; /* copied */
    CHECK_EQ(((const float *)g->memory[g->value[c].memory].data)[0], 1);
    op_value v = graph_view(g, x, SHAPE_F32(128), 64);
    struct tensor_shape shape = graph_shape(g, v);
    CHECK_EQ(shape.rank, 1);
    CHECK_EQ(shape.dim[0], 128);
    CHECK_EQ(g->value[v].offset, 256);
    CHECK_EQ(graph_shape(g, OP_NONE).rank, 0);
    CHECK_EQ(graph_status(g), MIEN_OK);
    graph_destroy(&g);
    CHECK(g == NULL);
    graph_destroy(&g);
    graph_destroy(NULL);
}

static void test_labels(void)
{
    struct graph *g = new_graph();
    op_value x = graph_input(g, "x", SHAPE_F32(4));
    graph_push(g, "vision");
    graph_push(g, "layers.%d", 3);
    GRAPH_OP(g, &twist, NULL, x);
    graph_pop(g);
    GRAPH_OP(g, &twist, NULL, x, OP_NONE);
    graph_pop(g);
    GRAPH_OP(g, &twist, NULL, x, x);
    CHECK_STR(g->node[0].label, "vision.layers.3");
    CHECK_STR(g->node[1].label, "vision");
    CHECK_STR(g->node[2].label, "");
    CHECK_EQ(g->node[0].in_count, 2); /* left out = absent */
    CHECK_EQ(g->node[0].in[1], OP_NONE);
    graph_pop(g);
    CHECK_EQ(graph_status(g), MIEN_ERR_ARG);
    CHECK(captured_once("graph_pop"));
    graph_destroy(&g);
}

/* The first error is logged once, names the place, and everything after it is silent. */
static void test_sticky(void)
{
    struct graph *g = new_graph();
    op_value x = graph_input(g, "x", SHAPE_F32(4, 3)), y = graph_input(g, "y", SHAPE_F32(3, 4)), dx;
    graph_push(g, "text.layers.7");
    op_value sum = GRAPH_OP(g, &op_add, NULL, x, y);
    CHECK_EQ(sum, OP_NONE);
    CHECK(captured_once("text.layers.7"));
    CHECK(strstr(captured, "add") && strstr(captured, "f32[4,3]") && strstr(captured, "f32[3,4]"));
    sum = GRAPH_OP(g, &op_add, NULL, sum, x);
    CHECK_EQ(sum, OP_NONE);
    CHECK_EQ(graph_input(g, "z", SHAPE_F32(1)), OP_NONE);
    CHECK_EQ(graph_view(g, x, SHAPE_F32(12), 0), OP_NONE);
    graph_output(g, sum);
    CHECK_EQ(graph_backward(g, sum, &x, 1, &dx), MIEN_ERR_SHAPE);
    CHECK_EQ(dx, OP_NONE);
    CHECK_EQ(graph_status(g), MIEN_ERR_SHAPE);
    CHECK_EQ(captured_count, 1);
    graph_destroy(&g);
}

static enum mien_status view_error(struct tensor_shape from, struct tensor_shape to, uint64_t first)
{
    struct graph *g = new_graph();
    graph_view(g, graph_input(g, "x", from), to, first);
    enum mien_status status = graph_status(g);
    CHECK(status == MIEN_OK || captured_count == 1);
    graph_destroy(&g);
    return status;
}

static void test_view_errors(void)
{
    CHECK_EQ(view_error(SHAPE_F32(4, 64), SHAPE_F32(64), 192), MIEN_OK);
    CHECK_EQ(view_error(SHAPE_F32(4, 64), SHAPE_F32(65), 192), MIEN_ERR_SHAPE);
    CHECK_EQ(view_error(SHAPE_F32(4, 64), SHAPE_F32(1), 100), MIEN_ERR_SHAPE); /* not at 256 bytes */
    CHECK_EQ(view_error(SHAPE_F32(4, 64), SHAPE_I32(64), 0), MIEN_ERR_SHAPE);
    CHECK_EQ(view_error(SHAPE_F32(4, 64), SHAPE_F32(1), UINT64_MAX / 4 + 1), MIEN_ERR_SHAPE);
}

/* What an in-place op has overwritten cannot be read any more, by whatever name; the rest can. */
static void test_versions(void)
{
    struct graph *g = new_graph();
    struct tensor whole = fake_tensor(SHAPE_F32(4, 64), 1024), row = fake_tensor(SHAPE_F32(64), 1024 + 256);
    op_value x = graph_input(g, "x", SHAPE_F32(64)), a = graph_bound(g, "all", &whole), b = graph_bound(g, "row", &row);
    op_value other = graph_view(g, a, SHAPE_F32(64), 128);
    op_value before = GRAPH_OP(g, &twist, NULL, a);
    op_value made = GRAPH_OP(g, &bump, NULL, b, x);
    CHECK(before != OP_NONE && made != OP_NONE);
    CHECK_EQ(g->value[made].offset, 1024 + 256);
    CHECK(graph_value_lost(g, a) != NULL);
    CHECK(graph_value_lost(g, b) != NULL);
    CHECK(graph_value_lost(g, other) == NULL);
    CHECK(graph_value_lost(g, made) == NULL);
    CHECK(GRAPH_OP(g, &twist, NULL, made) != OP_NONE);
    CHECK(GRAPH_OP(g, &twist, NULL, other) != OP_NONE);
    CHECK_EQ(captured_count, 0);
    graph_push(g, "late");
    CHECK_EQ(GRAPH_OP(g, &twist, NULL, a), OP_NONE);
    CHECK(captured_once("overwritten in place by bump"));
    CHECK(strstr(captured, "late") && strstr(captured, "all"));
    graph_destroy(&g);

    g = new_graph();
    const float one = 1;
    op_value c = graph_constant(g, "c", SHAPE_F32(1), &one);
    CHECK_EQ(GRAPH_OP(g, &bump, NULL, c, c), OP_NONE);
    CHECK(captured_once("a constant"));
    graph_destroy(&g);
}

/* A view of a lost value is lost. */
static void test_lost_view(void)
{
    struct graph *g = new_graph();
    op_value x = graph_input(g, "x", SHAPE_F32(2, 64));
    GRAPH_OP(g, &bump, NULL, x, x);
    op_value v = graph_view(g, x, SHAPE_F32(128), 0);
    CHECK(graph_value_lost(g, v) != NULL);
    graph_destroy(&g);
}

/* loss = total(twist(x, x) + twist(x, w)): x is used three times, so two adds. */
static void test_fan_out(void)
{
    struct graph *g = new_graph();
    op_value x = graph_input(g, "x", SHAPE_F32(2, 3)), w = graph_input(g, "w", SHAPE_F32(2, 3)),
             unused = graph_input(g, "unused", SHAPE_F32(5));
    op_value y = GRAPH_OP(g, &op_add, NULL, GRAPH_OP(g, &twist, NULL, x, x), GRAPH_OP(g, &twist, NULL, x, w));
    op_value loss = GRAPH_OP(g, &total, NULL, y);
    uint32_t adds = count_op(g, &op_add);
    op_value of[3] = {x, w, unused}, grads[3];
    CHECK_EQ(graph_backward(g, loss, of, 3, grads), MIEN_OK);
    struct tensor_shape gx = graph_shape(g, grads[0]), gw = graph_shape(g, grads[1]), s = graph_shape(g, x);
    CHECK(tensor_shape_equal(&gx, &s) && tensor_shape_equal(&gw, &s));
    CHECK_EQ(grads[2], OP_NONE);
    CHECK_EQ(count_op(g, &op_add) - adds, 2);
    CHECK_EQ(captured_count, 0);
    graph_destroy(&g);
}

/* Only what the wanted values need is differentiated; no_grad off the path does not matter, on the path it is named. */
static void test_wants(void)
{
    struct graph *g = new_graph();
    op_value x = graph_input(g, "x", SHAPE_F32(2, 3)), w = graph_input(g, "w", SHAPE_F32(2, 3)), grad;
    graph_push(g, "deep");
    op_value dull = GRAPH_OP(g, &bump, NULL, x, w);
    graph_pop(g);
    op_value keep = graph_input(g, "k", SHAPE_F32(2, 3));
    op_value loss = GRAPH_OP(g, &total, NULL, GRAPH_OP(g, &twist, NULL, keep, dull));
    uint32_t before = count_op(g, &spread_op);
    CHECK_EQ(graph_backward(g, loss, &keep, 1, &grad), MIEN_OK);
    CHECK(grad != OP_NONE);
    CHECK_EQ(count_op(g, &spread_op) - before, 2); /* of total and of twist's first input */
    CHECK_EQ(graph_backward(g, loss, &w, 1, &grad), MIEN_ERR_UNSUPPORTED);
    CHECK_EQ(grad, OP_NONE);
    CHECK(captured_once("bump in \"deep\""));
    CHECK(strstr(captured, "it forgets") != NULL);
    graph_destroy(&g);
}

static void test_gradient_errors(void)
{
    struct graph *g = new_graph();
    op_value x = graph_input(g, "x", SHAPE_F32(2, 3)), dx;
    CHECK_EQ(graph_backward(g, x, &x, 1, &dx), MIEN_ERR_SHAPE);
    CHECK(captured_once("f32[2,3]"));
    graph_destroy(&g);

    g = new_graph();
    x = graph_input(g, "x", SHAPE_F32(2, 3));
    CHECK_EQ(graph_backward(g, GRAPH_OP(g, &wrong, NULL, x), &x, 1, &dx), MIEN_ERR_SHAPE);
    CHECK(captured_once("gradient rule of wrong"));
    graph_destroy(&g);

    g = new_graph();
    x = graph_input(g, "x", SHAPE_F32(2, 3));
    op_value in[1] = {x}, out[OP_MAX_OUT];
    graph_op(g, &norm, NULL, in, 1, out);
    CHECK_EQ(graph_backward(g, GRAPH_OP(g, &total, NULL, out[1]), &x, 1, &dx), MIEN_ERR_UNSUPPORTED);
    CHECK(captured_once("by-product"));
    graph_destroy(&g);
}

/* Views pass the gradient on in the shape of what they view; index inputs get none; the loss's own gradient is 1. */
static void test_view_gradients(void)
{
    struct graph *g = new_graph();
    op_value x = graph_input(g, "x", SHAPE_F32(2, 64)), ids = graph_input(g, "ids", SHAPE_I32(2)), grad;
    op_value flat = graph_view(g, GRAPH_OP(g, &twist, NULL, x), SHAPE_F32(128), 0);
    op_value loss = GRAPH_OP(g, &total, NULL, GRAPH_OP(g, &pick, NULL, flat, ids));
    CHECK_EQ(graph_backward(g, loss, &x, 1, &grad), MIEN_OK);
    struct tensor_shape shape = graph_shape(g, grad), want = SHAPE_F32(2, 64);
    CHECK(tensor_shape_equal(&shape, &want));
    CHECK_EQ(graph_backward(g, loss, &ids, 1, &grad), MIEN_OK);
    CHECK_EQ(grad, OP_NONE);
    CHECK_EQ(graph_backward(g, loss, &loss, 1, &grad), MIEN_OK);
    CHECK_EQ(g->value[grad].kind, GRAPH_CONSTANT);
    CHECK_EQ(captured_count, 0);

    op_value part = graph_view(g, x, SHAPE_F32(3), 64);
    CHECK_EQ(graph_backward(g, GRAPH_OP(g, &total, NULL, part), &x, 1, &grad), MIEN_ERR_UNSUPPORTED);
    CHECK(captured_once("ends at element 67"));
    graph_destroy(&g);
}

/* Views of parts: pieces that cover the value are joined without a fill or an add; gaps are filled; pieces of one range
 * are added; other overlaps are widened. */
static void test_piece_gradients(void)
{
    static const struct {
        uint64_t first[3], count[3];
        uint32_t fills, adds;
    } cases[] = {
        {{0, 64, 128}, {64, 64, 128}, 0, 0}, /* all of it */
        {{64, 128, 0}, {64, 64, 0}, 2, 0},   /* gaps at both ends */
        {{64, 64, 192}, {64, 64, 64}, 2, 1}, /* one twice */
        {{0, 64, 0}, {128, 128, 0}, 3, 1},   /* an overlap: the whole of one is widened */
    };
    for (size_t k = 0; k < BASE_COUNT(cases); k++) {
        struct graph *g = new_graph();
        op_value x = GRAPH_OP(g, &twist, NULL, graph_input(g, "x", SHAPE_F32(4, 64))), sum = OP_NONE, grad;
        for (uint32_t i = 0; i < 3 && cases[k].count[i]; i++) {
            uint32_t rows = (uint32_t)cases[k].count[i] / 64;
            op_value part = graph_view(g, x, SHAPE_F32(rows, 64), cases[k].first[i]);
            op_value one = GRAPH_OP(g, &total, NULL, part);
            sum = sum == OP_NONE ? one : GRAPH_OP(g, &op_add, NULL, sum, one);
        }
        uint32_t fills = count_op(g, &op_fill), adds = count_op(g, &op_add);
        CHECK_EQ(graph_backward(g, sum, &x, 1, &grad), MIEN_OK);
        struct tensor_shape have = graph_shape(g, grad), want = SHAPE_F32(4, 64);
        CHECK(tensor_shape_equal(&have, &want));
        CHECK_EQ(count_op(g, &op_fill) - fills, cases[k].fills);
        CHECK_EQ(count_op(g, &op_add) - adds, cases[k].adds);
        CHECK_EQ(count_op(g, &op_copy), 0);
        CHECK_EQ(captured_count, 0);
        graph_destroy(&g);
    }
}

/* A join hands each part its piece of the gradient; parts that are not wanted get none. */
static void test_join(void)
{
    struct graph *g = new_graph();
    op_value x = graph_input(g, "x", SHAPE_F32(64)), w = graph_input(g, "w", SHAPE_F32(2, 3)), grad[2];
    op_value a = GRAPH_OP(g, &twist, NULL, x), b = GRAPH_OP(g, &twist, NULL, w);
    op_value parts[] = {a, b}, of[] = {x, w};
    op_value join = graph_join(g, parts, 2, SHAPE_F32(70));
    CHECK_EQ(g->value[a].memory, g->value[join].memory);
    CHECK_EQ(g->value[b].offset, 256);
    op_value loss = GRAPH_OP(g, &total, NULL, join);
    CHECK_EQ(graph_backward(g, loss, of, 2, grad), MIEN_OK);
    struct tensor_shape gx = graph_shape(g, grad[0]), gw = graph_shape(g, grad[1]), want = SHAPE_F32(2, 3);
    CHECK_EQ(gx.dim[0], 64);
    CHECK(tensor_shape_equal(&gw, &want));
    CHECK_EQ(captured_count, 0);
    parts[0] = b; /* 24 bytes: the next part would not start at a multiple of 256 */
    CHECK_EQ(graph_join(g, parts, 2, SHAPE_F32(12)), OP_NONE);
    CHECK(captured_once("part 0 of a join"));
    graph_destroy(&g);

    g = new_graph();
    parts[0] = graph_input(g, "x", SHAPE_F32(64));
    CHECK_EQ(graph_join(g, parts, 1, SHAPE_F32(65)), OP_NONE);
    CHECK(captured_once("64 elements, its shape has 65"));
    graph_destroy(&g);
}

static char dumped[4096];

static void dump_line(void *user, const char *line)
{
    (void)user;
    strncat(dumped, line, sizeof(dumped) - strlen(dumped) - 2);
    strcat(dumped, "\n");
}

static void test_dump(void)
{
    struct graph *g = new_graph();
    op_value x = graph_input(g, "x", SHAPE_F32(2, 3));
    graph_push(g, "head");
    op_value y = GRAPH_OP(g, &twist, NULL, graph_view(g, x, SHAPE_F32(6), 0), OP_NONE);
    graph_output(g, y);
    dumped[0] = '\0';
    graph_dump(g, dump_line, NULL);
    CHECK_STR(dumped,
              "%0 = input x f32[2,3]\n%1 = view %0 as f32[6]\n%2 f32[6] = twist %1 f32[6] -  # head\noutput %2\n");
    graph_destroy(&g);
}

static void test_misuse(void)
{
    struct graph *g = new_graph();
    graph_output(g, OP_NONE);
    CHECK_EQ(graph_status(g), MIEN_ERR_ARG);
    CHECK(captured_once("graph_output"));
    graph_destroy(&g);

    g = new_graph();
    struct tensor into = fake_tensor(SHAPE_F32(5), 0);
    graph_store(g, graph_input(g, "x", SHAPE_F32(4)), &into);
    CHECK_EQ(graph_status(g), MIEN_ERR_SHAPE);
    graph_destroy(&g);

    g = new_graph();
    into.range.size = 16;
    graph_bound(g, "short", &into);
    CHECK(captured_once("short"));
    graph_destroy(&g);

    g = new_graph();
    graph_input(g, "empty", (struct tensor_shape){.dtype = MIEN_F32, .rank = 2, .dim = {3, 0}});
    CHECK(captured_once("empty"));
    graph_destroy(&g);
}

int main(void)
{
    test_values();
    test_labels();
    test_sticky();
    test_view_errors();
    test_versions();
    test_lost_view();
    test_fan_out();
    test_wants();
    test_gradient_errors();
    test_view_gradients();
    test_piece_gradients();
    test_join();
    test_dump();
    test_misuse();
    return check_result();
}
