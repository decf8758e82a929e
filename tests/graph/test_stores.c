/* Where a program's results lie: stores into outside memory, joins, several slabs. */
#include "program_kit.h"

/* ---- stores ---- */

static bool tensor_holds(const struct tensor *tensor, const float *want)
{
    float have[64];
    CHECK_EQ(tensor_download(gpu.device, tensor, have), MIEN_OK);
    return memcmp(have, want, sizeof(have)) == 0;
}

static void test_stores(void)
{
    struct graph *g = new_graph();
    struct tensor a = make_tensor(&gpu, SHAPE_F32(64), "a", 1), b = make_tensor(&gpu, SHAPE_F32(64), "b", 1),
                  into = make_tensor(&gpu, SHAPE_F32(8, 8), "into", 1),
                  into2 = make_tensor(&gpu, SHAPE_F32(64), "i", 1);
    float a0[64], b0[64], sum[64], twice[64];
    fill_normal(a0, 64, "a", 1);
    fill_normal(b0, 64, "b", 1);
    for (uint32_t i = 0; i < 64; i++) {
        sum[i] = a0[i] + b0[i];
        twice[i] = sum[i] + sum[i];
    }
    op_value va = graph_bound(g, "a", &a), vb = graph_bound(g, "b", &b), s = add(g, va, vb);
    graph_store(g, s, &into);         /* made in place */
    graph_store(g, s, &into2);        /* a second place: copied */
    graph_store(g, add(g, s, s), &a); /* a is read by the graph: copied at the end */
    struct graph_program *program = compiled(g, NULL);
    CHECK_EQ(stats_of(program).copies, 2);
    CHECK_EQ(graph_program_run(program), MIEN_OK);
    CHECK(tensor_holds(&into, sum));
    CHECK(tensor_holds(&into2, sum));
    CHECK(tensor_holds(&a, twice));
    CHECK(tensor_holds(&b, b0));
    graph_program_destroy(&program);
    graph_store(g, va, &b); /* which a, the old or the new one? */
    capture_start();
    CHECK_EQ(graph_compile(g, gpu.device, NULL, &program), MIEN_ERR_ARG);
    CHECK(captured_once("graph_store of a: another graph_store overwrites"));
    mien_log_set(NULL, NULL, MIEN_LOG_WARN);
    graph_destroy(&g);
    tensor_destroy(gpu.device, &a);
    tensor_destroy(gpu.device, &b);
    tensor_destroy(gpu.device, &into);
    tensor_destroy(gpu.device, &into2);
}

/* A store over memory that an op has read: nothing but the copy's own write asks for the barrier. */
static void test_store_after_read(void)
{
    struct graph *g = new_graph();
    struct tensor a = make_tensor(&gpu, SHAPE_F32(64), "a", 1);
    op_value x = graph_input(g, "x", SHAPE_F32(64)), va = graph_bound(g, "a", &a), sum = add(g, va, va);
    graph_output(g, sum);
    graph_store(g, x, &a);
    struct graph_program *program = compiled(g, NULL);
    CHECK_EQ(stats_of(program).barriers, 1);
    CHECK_EQ(stats_of(program).copies, 1);
    float want[64];
    fill_normal(want, 64, "a", 1);
    for (uint32_t i = 0; i < 64; i++)
        want[i] += want[i];
    fill_input(program, g, 0, x, 0);
    CHECK_EQ(graph_program_run(program), MIEN_OK);
    CHECK(same_output(program, g, sum, want));
    CHECK(tensor_holds(&a, graph_program_input(program, 0, x)));
    graph_program_destroy(&program);
    graph_destroy(&g);
    tensor_destroy(gpu.device, &a);
}

/* ---- joins, slabs ---- */

/* A join of what an op made, of an input, of a bound tensor, of one part twice, of a part overwritten in place: stored
 * into a flat tensor, where the op's part is made in the first place. */
static void test_join(void)
{
    struct graph *g = new_graph();
    struct tensor w = make_tensor(&gpu, SHAPE_F32(64), "w", 1), flat = make_tensor(&gpu, SHAPE_F32(330), "f", 1);
    op_value x = graph_input(g, "x", SHAPE_F32(64)), tail = graph_input(g, "tail", SHAPE_F32(10));
    op_value made = add(g, x, x), bumped = GRAPH_OP(g, &accumulate, NULL, add(g, x, made), x);
    op_value parts[] = {made, graph_bound(g, "w", &w), made, x, bumped, add(g, tail, tail)};
    op_value join = graph_join(g, parts, 6, SHAPE_F32(330)), after = add(g, join, join);
    graph_store(g, join, &flat);
    graph_output(g, after);
    graph_output(g, made); /* by its own name, in the join's memory */
    struct graph_program *program = compiled(g, NULL);
    CHECK_EQ(stats_of(program).copies, 0);
    CHECK_EQ(stats_of(program).nodes, 9); /* 4 sums, accumulate, copies of w, made, x, bumped */
    float want[330], have[330], twice[330], w0[64];
    float *in = graph_program_input(program, 0, x), *end = graph_program_input(program, 0, tail);
    fill_normal(in, 64, "x", 1);
    fill_normal(end, 10, "tail", 1);
    fill_normal(w0, 64, "w", 1);
    for (uint32_t i = 0; i < 64; i++) {
        want[i] = want[i + 128] = in[i] + in[i];
        want[i + 64] = w0[i];
        want[i + 192] = in[i];
        want[i + 256] = (in[i] + want[i]) + in[i];
    }
    for (uint32_t i = 0; i < 10; i++)
        want[i + 320] = end[i] + end[i];
    for (uint32_t i = 0; i < 330; i++)
        twice[i] = want[i] + want[i];
    CHECK_EQ(graph_program_run(program), MIEN_OK);
    CHECK_EQ(tensor_download(gpu.device, &flat, have), MIEN_OK);
    CHECK(memcmp(have, want, sizeof(want)) == 0);
    CHECK(same_output(program, g, after, twice));
    CHECK(same_output(program, g, made, want));
    graph_program_destroy(&program);
    graph_destroy(&g);
    tensor_destroy(gpu.device, &w);
    tensor_destroy(gpu.device, &flat);
}

/* Parts of any size, each at a multiple of 64 elements; a view goes with what it shows, an input is copied. */
static void test_pack(void)
{
    struct graph *g = new_graph();
    op_value x = graph_input(g, "x", SHAPE_F32(5)), y = graph_input(g, "y", SHAPE_F32(70));
    op_value parts[] = {add(g, x, x), x, graph_view(g, add(g, y, y), SHAPE_F32(7, 10), 0), add(g, x, x)};
    op_value pack = graph_pack(g, parts, 4);
    CHECK_EQ(graph_shape(g, pack).dim[0], 64 + 64 + 128 + 5);
    graph_output(g, pack);
    struct graph_program *program = compiled(g, NULL);
    CHECK_EQ(stats_of(program).nodes, 4); /* 3 sums and a copy */
    float *small = graph_program_input(program, 0, x), *large = graph_program_input(program, 0, y);
    fill_normal(small, 5, "x", 1);
    fill_normal(large, 70, "y", 1);
    CHECK_EQ(graph_program_run(program), MIEN_OK);
    const float *have = graph_program_output(program, 0, pack);
    for (uint32_t i = 0; i < 5; i++) {
        CHECK(have[i] == 2 * small[i] && have[256 + i] == 2 * small[i]);
        CHECK(have[64 + i] == small[i]);
    }
    for (uint32_t i = 0; i < 70; i++)
        CHECK(have[128 + i] == 2 * large[i]);
    graph_program_destroy(&program);
    graph_destroy(&g);
}

/* A device that allocates little at once gets several slabs, and the same results. */
static void test_small_slabs(void)
{
    struct vk_caps *caps = (struct vk_caps *)(uintptr_t)vk_device_caps(gpu.device);
    uint64_t max_allocation = caps->max_allocation;
    struct graph *g = new_graph();
    op_value x = graph_input(g, "x", SHAPE_F32(4096)), y[8], sum = x;
    for (uint32_t i = 0; i < 8; i++)
        y[i] = add(g, sum, x);
    for (uint32_t i = 0; i < 8; i++)
        sum = add(g, sum, y[i]);
    graph_output(g, sum);
    struct graph_program *whole = compiled(g, NULL);
    caps->max_allocation = 65536; /* room for four of them */
    struct graph_program *split = compiled(g, NULL), *none = NULL;
    caps->max_allocation = 4096;
    capture_start();
    CHECK_EQ(graph_compile(g, gpu.device, NULL, &none), MIEN_ERR_DEVICE_MEMORY);
    CHECK(captured_once("use a smaller batch"));
    mien_log_set(NULL, NULL, MIEN_LOG_WARN);
    caps->max_allocation = max_allocation;
    CHECK(none == NULL);
    CHECK(!whole->slab[1].block && split->slab[1].block && split->slab[2].block);
    fill_input(whole, g, 0, x, 0);
    fill_input(split, g, 0, x, 0);
    CHECK_EQ(graph_program_run(whole), MIEN_OK);
    CHECK_EQ(graph_program_run(split), MIEN_OK);
    CHECK(same_output(split, g, sum, graph_program_output(whole, 0, sum)));
    graph_program_destroy(&whole);
    graph_program_destroy(&split);
    graph_destroy(&g);
}

/* ---- plans without a device ---- */

static uint64_t in_use(enum vk_memory kind)
{
    struct vk_memory_stats stats;
    vk_memory_stats(gpu.device, &stats);
    return stats.in_use[kind];
}

/* The figures of a plan are those of the program, and what the allocator counts. */
static void test_plan(void)
{
    struct graph *g = new_graph();
    struct tensor flat = make_tensor(&gpu, SHAPE_F32(1000), "flat", 1), first = flat, into = flat;
    float ones[100] = {1};
    first.shape = into.shape = SHAPE_F32(100); /* inside flat */
    into.range.offset += 1024;
    op_value x = graph_input(g, "x", SHAPE_F32(100)), c = graph_constant(g, "c", SHAPE_F32(100), ones);
    op_value a = graph_bound(g, "flat", &flat), b = graph_bound(g, "first", &first),
             again = graph_bound(g, "b", &first);
    op_value sum = add(g, add(g, add(g, x, c), add(g, b, again)), graph_view(g, a, SHAPE_F32(100), 0));
    graph_output(g, sum);
    graph_store(g, sum, &into);
    struct graph_program_stats plan, stats;
    uint64_t device = in_use(VK_MEMORY_DEVICE);
    CHECK_EQ(graph_plan(g, vk_device_caps(gpu.device), NULL, &plan), MIEN_OK);
    CHECK_EQ(in_use(VK_MEMORY_DEVICE), device);
    struct graph_program *program = compiled(g, NULL);
    stats = stats_of(program);
    CHECK_EQ(in_use(VK_MEMORY_DEVICE) - device, plan.device_bytes);
    CHECK_EQ(in_use(VK_MEMORY_UPLOAD) + in_use(VK_MEMORY_READBACK), plan.host_bytes);
    CHECK_EQ(plan.bound_bytes, 4096);
    CHECK_EQ(plan.device_bytes, plan.activation_bytes + 2 * 512);
    CHECK_EQ(plan.nodes, stats.nodes);
    CHECK_EQ(plan.dispatches, stats.dispatches);
    CHECK_EQ(plan.activation_bytes, stats.activation_bytes);
    CHECK_EQ(plan.live_bytes, stats.live_bytes);
    CHECK_EQ(plan.io_bytes, stats.io_bytes);
    CHECK(plan.flops == stats.flops && plan.bytes == stats.bytes);
    graph_program_destroy(&program);
    graph_destroy(&g);
    tensor_destroy(gpu.device, &flat);
}

static void test_planned(void)
{
    struct graph *g = new_graph();
    struct graph_program *program = NULL;
    struct graph_program_stats plan;
    op_value w = graph_bound_planned(g, "weights", SHAPE_F32(100));
    op_value v = graph_bound_planned(g, "more", SHAPE_F32(100));
    graph_output(g, GRAPH_OP(g, &accumulate, NULL, w, add(g, w, v)));
    CHECK_EQ(graph_plan(g, vk_device_caps(gpu.device), NULL, &plan), MIEN_OK);
    CHECK_EQ(plan.bound_bytes, 1024);
    CHECK_EQ(plan.nodes, 2);
    capture_start();
    CHECK_EQ(graph_compile(g, gpu.device, NULL, &program), MIEN_ERR_ARG);
    CHECK(captured_once("weights has a shape, but no memory"));
    mien_log_set(NULL, NULL, MIEN_LOG_WARN);
    graph_destroy(&g);
}

int main(void)
{
    if (!gpu_open(&gpu))
        CHECK_SKIP("no Vulkan device");
    test_stores();
    test_store_after_read();
    test_join();
    test_pack();
    test_small_slabs();
    test_plan();
    test_planned();
    test_leaks();
    gpu_close(&gpu);
    return check_result();
}
