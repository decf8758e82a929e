/* Compiled programs on a device: results, replays, slots, aliasing, barriers, dead nodes, slices, profiles.
 * Sums are exact to the bit on every device (one rounding, one order), so most results are compared as bytes. */
#include "interpret.h"
#include "program_kit.h"

#include <stdlib.h>

/* ---- results ---- */

/* Constants, views, bound tensors, several outputs, one of them a view and one an input. */
static void test_results(void)
{
    struct graph *g = new_graph();
    float ones[128];
    for (uint32_t i = 0; i < 128; i++)
        ones[i] = (float)i;
    struct tensor w = make_tensor(&gpu, SHAPE_F32(2, 64), "w", 1);
    op_value x = graph_input(g, "x", SHAPE_F32(128)), c = graph_constant(g, "c", SHAPE_F32(128), ones);
    op_value b = graph_bound(g, "w", &w);
    op_value sum = add(g, add(g, x, c), graph_view(g, b, SHAPE_F32(128), 0));
    op_value half = graph_view(g, sum, SHAPE_F32(8, 8), 64);
    graph_output(g, sum);
    graph_output(g, half);
    graph_output(g, x);
    graph_output(g, sum); /* twice is once */
    struct graph_program *program = compiled(g, NULL);
    fill_input(program, g, 0, x, 0);
    const float *in = graph_program_input(program, 0, x);
    float want[128], weights[128];
    fill_normal(weights, 128, "w", 1);
    for (uint32_t i = 0; i < 128; i++)
        want[i] = (in[i] + ones[i]) + weights[i];
    CHECK_EQ(graph_program_run(program), MIEN_OK);
    CHECK(same_output(program, g, sum, want));
    CHECK(same_output(program, g, half, want + 64));
    CHECK(same_output(program, g, x, in));
    graph_destroy(&g); /* the program lives on */
    CHECK_EQ(graph_program_run(program), MIEN_OK);
    CHECK(memcmp(graph_program_output(program, 0, sum), want, sizeof(want)) == 0);
    graph_program_destroy(&program);
    CHECK(program == NULL);
    tensor_destroy(gpu.device, &w);
}

/* ---- random graphs: the device must give what the references give, with and without sharing of memory ---- */

struct random_graph {
    struct graph *graph;
    op_value input[3], pool[64];
    uint32_t count; /* of pool */
    struct tensor bound;
};

static const struct op_attr norm_attr = {.eps = 1e-5f};

/* One more node over the pool. Values that were overwritten leave it. */
static void random_node(struct random_graph *r, struct base_rng *rng)
{
    uint32_t i = base_rng_below(rng, r->count), j = base_rng_below(rng, r->count);
    op_value made;
    switch (base_rng_below(rng, 5)) {
    case 0:
        if (i == j || i < 4)
            return; /* the sources stay as they are */
        r->pool[i] = GRAPH_OP(r->graph, &accumulate, NULL, r->pool[i], r->pool[j]);
        return;
    case 1: {
        op_value row = graph_view(r->graph, r->pool[i], SHAPE_F32(64), 64);
        op_value whole = graph_view(r->graph, r->pool[j], SHAPE_F32(4, 64), 0);
        made = GRAPH_OP(r->graph, &op_layernorm, &norm_attr, whole, row, row);
        made = graph_view(r->graph, made, SHAPE_F32(256), 0);
        break;
    }
    default:
        made = add(r->graph, r->pool[i], r->pool[j]);
    }
    if (r->count < BASE_COUNT(r->pool))
        r->pool[r->count++] = made;
    else if (i >= 4)
        r->pool[i] = made;
}

static void random_open(struct random_graph *r, uint64_t seed, uint32_t nodes)
{
    struct base_rng rng = base_rng_make(seed, "graph", 0, 0);
    *r = (struct random_graph){.graph = new_graph()};
    for (uint32_t i = 0; i < 3; i++)
        r->pool[r->count++] = r->input[i] = graph_input(r->graph, "x", SHAPE_F32(256));
    r->bound = make_tensor(&gpu, SHAPE_F32(256), "bound", 1);
    r->pool[r->count++] = graph_bound(r->graph, "bound", &r->bound);
    for (uint32_t n = 0; n < nodes; n++)
        random_node(r, &rng);
    /* half the pool is wanted; an aliased view of an overwritten value cannot be in it */
    for (uint32_t i = 0; i < r->count; i++) {
        if (i % 2 && !graph_value_lost(r->graph, r->pool[i]))
            graph_output(r->graph, r->pool[i]);
    }
}

static void random_interpret(struct random_graph *r, struct interpret *host, struct graph_program *program)
{
    interpret_open(host, r->graph);
    for (uint32_t i = 0; i < 3; i++)
        memcpy(interpret_data(host, r->input[i]), graph_program_input(program, 0, r->input[i]), 256 * sizeof(float));
    fill_normal(interpret_data(host, r->pool[3]), 256, "bound", 1);
    interpret_run(host);
}

static void random_compare(uint64_t seed, uint32_t nodes)
{
    struct random_graph r;
    struct interpret host;
    random_open(&r, seed, nodes);
    struct graph_program *shared = compiled(r.graph, NULL),
                         *apart = compiled(r.graph, &(struct graph_compile_params){.no_alias = true});
    for (uint32_t i = 0; i < 3; i++) {
        fill_input(shared, r.graph, 0, r.input[i], 0);
        fill_input(apart, r.graph, 0, r.input[i], 0);
    }
    CHECK_EQ(graph_program_run(shared), MIEN_OK);
    CHECK_EQ(graph_program_run(apart), MIEN_OK);
    random_interpret(&r, &host, shared);
    for (size_t i = 0; i < r.graph->output_count; i++) {
        op_value v = r.graph->output[i];
        CHECK(same_output(shared, r.graph, v, graph_program_output(apart, 0, v)));
        /* fp32 layer norms of the device against double ones, some dozens in a row */
        CHECK(nmse(graph_program_output(shared, 0, v), interpret_data(&host, v), 256) < 1e-9);
    }
    CHECK(stats_of(shared).activation_bytes <= stats_of(apart).activation_bytes);
    CHECK_EQ(stats_of(apart).activation_bytes, stats_of(apart).unaliased_bytes);
    CHECK(stats_of(shared).activation_bytes >= stats_of(shared).live_bytes);
    interpret_close(&host);
    graph_program_destroy(&shared);
    graph_program_destroy(&apart);
    graph_destroy(&r.graph);
    tensor_destroy(gpu.device, &r.bound);
}

static void test_random(void)
{
    for (uint64_t seed = 0; seed < 12; seed++)
        random_compare(seed, 10 + 25 * (uint32_t)seed);
}

/* ---- replays ---- */

static void test_replay(void)
{
    struct random_graph r;
    struct vk_memory_stats before, after;
    random_open(&r, 99, 120);
    struct graph_program *program = compiled(r.graph, NULL);
    op_value v = r.graph->output[r.graph->output_count - 1];
    float first[256];
    for (uint32_t i = 0; i < 3; i++)
        fill_input(program, r.graph, 0, r.input[i], 0);
    CHECK_EQ(graph_program_run(program), MIEN_OK);
    memcpy(first, graph_program_output(program, 0, v), sizeof(first));
    uint64_t allocations = base_alloc_count();
    vk_memory_stats(gpu.device, &before);
    for (uint32_t run = 0; run < 100; run++) {
        CHECK_EQ(graph_program_run(program), MIEN_OK);
        CHECK(same_output(program, r.graph, v, first));
    }
    vk_memory_stats(gpu.device, &after);
    CHECK_EQ(base_alloc_count(), allocations);
    CHECK_EQ(after.allocations, before.allocations);
    CHECK_EQ(after.blocks, before.blocks);
    graph_program_destroy(&program);
    graph_destroy(&r.graph);
    tensor_destroy(gpu.device, &r.bound);
}

/* Two slots in flight at once give what one after the other gives, also through state that every run updates. */
static void test_slots(void)
{
    enum { N = 4096, RUNS = 20 };
    struct graph *g = new_graph();
    struct tensor state = make_tensor(&gpu, SHAPE_F32(N), "state", 1);
    op_value x = graph_input(g, "x", SHAPE_F32(N));
    op_value next = GRAPH_OP(g, &accumulate, NULL, graph_bound(g, "state", &state), x);
    op_value y = add(g, next, x);
    graph_output(g, y);
    struct graph_program *program = compiled(g, NULL);
    float *sum = base_alloc(N, sizeof(float)), *in = base_alloc((size_t)N * RUNS, sizeof(float));
    fill_normal(sum, N, "state", 1);
    fill_normal(in, (uint64_t)N * RUNS, "in", 1);
    for (uint32_t run = 0; run <= RUNS; run++) {
        uint32_t slot = run % 2;
        if (run < RUNS) {
            memcpy(graph_program_input(program, slot, x), in + (size_t)run * N, N * sizeof(float));
            CHECK_EQ(graph_program_submit(program, slot), MIEN_OK);
        }
        if (run == 0)
            continue;
        CHECK_EQ(graph_program_wait(program, !slot), MIEN_OK);
        const float *have = graph_program_output(program, !slot, y), *x0 = in + (size_t)(run - 1) * N;
        uint32_t wrong = 0;
        for (uint32_t i = 0; i < N; i++) {
            sum[i] += x0[i];
            wrong += have[i] != sum[i] + x0[i];
        }
        CHECK_EQ(wrong, 0);
    }
    graph_program_submit(program, 0); /* destroy waits for it */
    graph_program_destroy(&program);
    graph_destroy(&g);
    tensor_destroy(gpu.device, &state);
    base_free(sum);
    base_free(in);
}

/* ---- what is removed, where barriers stand ---- */

static void test_dead(void)
{
    struct graph *g = new_graph();
    struct tensor kept = make_tensor(&gpu, SHAPE_F32(64), "kept", 1);
    op_value x = graph_input(g, "x", SHAPE_F32(64)), y = add(g, x, x);
    add(g, y, x);                                                     /* dead */
    op_value lost = GRAPH_OP(g, &accumulate, NULL, add(g, x, x), x);  /* dead, and its input */
    add(g, lost, lost);                                               /* dead */
    GRAPH_OP(g, &accumulate, NULL, graph_bound(g, "kept", &kept), y); /* lives: it writes bound memory */
    op_value z = add(g, y, y);
    graph_output(g, graph_view(g, z, SHAPE_F32(8, 8), 0)); /* lives through a view */
    struct graph_program *program = compiled(g, NULL);
    CHECK_EQ(stats_of(program).nodes, 3);
    CHECK_EQ(stats_of(program).dispatches, 3);
    CHECK_EQ(stats_of(program).barriers, 1); /* y is made; both others only read it */
    graph_program_destroy(&program);
    graph_destroy(&g);
    tensor_destroy(gpu.device, &kept);

    g = new_graph(); /* nothing to do is fine */
    graph_input(g, "x", SHAPE_F32(64));
    program = compiled(g, NULL);
    CHECK_EQ(stats_of(program).nodes, 0);
    CHECK_EQ(graph_program_run(program), MIEN_OK);
    graph_program_destroy(&program);
    graph_destroy(&g);
}

/* width independent chains of depth nodes, recorded chain by chain or level by level. */
static uint32_t barriers(uint32_t width, uint32_t depth, bool by_level)
{
    struct graph *g = new_graph();
    op_value x = graph_input(g, "x", SHAPE_F32(64)), chain[16];
    for (uint32_t w = 0; w < width; w++)
        chain[w] = x;
    for (uint32_t i = 0; i < width * depth; i++) {
        uint32_t w = by_level ? i % width : i / depth;
        chain[w] = add(g, chain[w], x);
    }
    for (uint32_t w = 0; w < width; w++)
        graph_output(g, chain[w]);
    struct graph_program *program = compiled(g, &(struct graph_compile_params){.no_alias = true});
    uint32_t count = stats_of(program).barriers;
    graph_program_destroy(&program);
    graph_destroy(&g);
    return count;
}

static void test_barriers(void)
{
    CHECK_EQ(barriers(1, 1, true), 0);
    CHECK_EQ(barriers(16, 1, true), 0); /* independent nodes share none */
    CHECK_EQ(barriers(1, 5, true), 4);
    CHECK_EQ(barriers(8, 5, true), 4); /* one barrier serves a level */
}

/* On a GPU what needs no barrier overtakes what waits for one; results are the same. */
static void test_overtaking(void)
{
    CHECK_EQ(vk_device_clamp(gpu.device, "class=software"), MIEN_OK);
    CHECK_EQ(barriers(2, 5, false), 8);
    CHECK_EQ(vk_device_clamp(gpu.device, "class=desktop"), MIEN_OK);
    CHECK_EQ(barriers(2, 5, false), 4);
    CHECK_EQ(barriers(1, 5, false), 4);
    CHECK(barriers(16, 5, false) < 16 * 4); /* as many wait as there is room for */
    test_random();
    CHECK_EQ(vk_device_clamp(gpu.device, getenv("MIEN_CAPS")), MIEN_OK);
}

/* A value read, then overwritten, then read again: write after read and read after write. */
static void test_hazards(void)
{
    struct graph *g = new_graph();
    op_value x = graph_input(g, "x", SHAPE_F32(64)), a = add(g, x, x);
    op_value before = add(g, a, x);
    op_value after = GRAPH_OP(g, &accumulate, NULL, a, x);
    op_value twice = GRAPH_OP(g, &accumulate, NULL, after, x);
    graph_output(g, before);
    graph_output(g, twice);
    struct graph_program *program = compiled(g, NULL);
    CHECK_EQ(stats_of(program).barriers, 3);
    float *in = graph_program_input(program, 0, x), want[64], want2[64];
    for (uint32_t i = 0; i < 64; i++) {
        in[i] = (float)i;
        want[i] = 3 * in[i];
        want2[i] = 4 * in[i];
    }
    CHECK_EQ(graph_program_run(program), MIEN_OK);
    CHECK(same_output(program, g, before, want));
    CHECK(same_output(program, g, twice, want2));
    graph_program_destroy(&program);

    graph_output(g, a); /* what is overwritten cannot be an output */
    capture_start();
    CHECK_EQ(graph_compile(g, gpu.device, NULL, &program), MIEN_ERR_ARG);
    CHECK(captured_once("overwritten in place by accumulate"));
    CHECK(program == NULL);
    mien_log_set(NULL, NULL, MIEN_LOG_WARN);
    graph_destroy(&g);
}

/* ---- slices, profiles, misuse ---- */

static void count_dump(void *user, const char *line)
{
    uint32_t *lines = user;
    lines[0] += strncmp(line, "step ", 5) == 0 && strstr(line, "add") != NULL;
    lines[1] += strncmp(line, "memory: slab 0 at ", 18) == 0;
}

static void test_dump(void)
{
    struct graph *g = new_graph();
    op_value x = graph_input(g, "x", SHAPE_F32(64));
    graph_output(g, add(g, add(g, x, x), x));
    uint32_t lines[2] = {0};
    struct graph_program *program = compiled(g, &(struct graph_compile_params){.dump = count_dump, .dump_user = lines});
    CHECK_EQ(lines[0], 2);
    CHECK_EQ(lines[1], 2);
    graph_program_destroy(&program);
    graph_destroy(&g);
}

struct profile {
    uint32_t lines, timed;
};

static void count_line(void *user, const char *line)
{
    struct profile *profile = user;
    double gflop, gb, ms, gflops, gbs;
    const char *cost = strstr(line, "  0.0");
    CHECK(strstr(line, "add") && strstr(line, "f32[1048576]") && cost);
    profile->lines++;
    if (!cost || !strstr(line, "GB/s"))
        return;
    profile->timed++;
    CHECK_EQ(sscanf(cost, "%lf GFLOP %lf GB %lf ms %lf GFLOP/s %lf GB/s", &gflop, &gb, &ms, &gflops, &gbs), 5);
    CHECK(ms > 0);
    CHECK_NEAR(gb / gflop, 3 * 4, 0.001 * 3 * 4); /* a sum moves three floats; six decimals are printed */
    /* Rates are amounts over the time, as near as two decimals of them and four of the time can say. */
    CHECK_NEAR(gflops, gflop * 1e3 / ms, 0.0051 + gflops * (0.001 + 0.00005 / ms));
    CHECK_NEAR(gbs, gb * 1e3 / ms, 0.0051 + gbs * (0.001 + 0.00005 / ms));
}

static void test_slices(void)
{
    struct graph *g = new_graph();
    op_value x = graph_input(g, "x", SHAPE_F32(64)), y = x;
    for (uint32_t i = 0; i < 10; i++)
        y = add(g, y, x);
    graph_output(g, y);
    double work = 64 + 2.5 * 3 * 64 * 4; /* of one sum: its FLOPs and 2.5 per byte */
    struct graph_program *whole = compiled(g, NULL),
                         *fives = compiled(g, &(struct graph_compile_params){.slice_flops = 5 * work}),
                         *ones = compiled(g, &(struct graph_compile_params){.slice_flops = 1});
    CHECK_EQ(stats_of(whole).slices, 1);
    CHECK_EQ(stats_of(fives).slices, 2);
    CHECK_EQ(stats_of(ones).slices, 10);
    CHECK_EQ(stats_of(ones).dispatches, 10);
    fill_input(whole, g, 0, x, 0);
    fill_input(fives, g, 0, x, 0);
    fill_input(ones, g, 0, x, 0);
    CHECK_EQ(graph_program_run(whole), MIEN_OK);
    CHECK_EQ(graph_program_run(fives), MIEN_OK);
    CHECK_EQ(graph_program_run(ones), MIEN_OK);
    CHECK(same_output(fives, g, y, graph_program_output(whole, 0, y)));
    CHECK(same_output(ones, g, y, graph_program_output(whole, 0, y)));
    graph_program_destroy(&whole);
    graph_program_destroy(&fives);
    graph_program_destroy(&ones);
    graph_destroy(&g);
}

/* Without a wish, slices are as long as the device's class asks for: none on a software device, one per product of
 * 2.1 GFLOP on an integrated GPU. Only compiled: a desktop's kernels are slow here. */
static void test_default_slices(void)
{
    static const char *const clamp[] = {"class=software", "class=desktop"};
    static const uint32_t slices[] = {1, 3};
    for (uint32_t i = 0; i < 2; i++) {
        struct graph *g = new_graph();
        op_value x = graph_input(g, "x", SHAPE_F32(1024, 1024)), y = x;
        for (uint32_t n = 0; n < 3; n++)
            y = GRAPH_OP(g, &op_matmul, NULL, y, x);
        graph_output(g, y);
        CHECK_EQ(vk_device_clamp(gpu.device, clamp[i]), MIEN_OK);
        double most = vk_slice_limits(vk_device_caps(gpu.device)).flops;
        struct graph_program *program = compiled(g, NULL);
        CHECK_EQ(stats_of(program).slices, most > 0 && most < 4e9 ? slices[i] : 1);
        graph_program_destroy(&program);
        graph_destroy(&g);
    }
    CHECK_EQ(vk_device_clamp(gpu.device, getenv("MIEN_CAPS")), MIEN_OK);
}

static void test_profile(void)
{
    struct graph *g = new_graph();
    op_value x = graph_input(g, "x", SHAPE_F32(1 << 20)), y = add(g, x, x);
    graph_output(g, add(g, y, y));
    struct profile profile = {0};
    struct graph_program *program = compiled(g, &(struct graph_compile_params){.profile = true});
    CHECK_EQ(graph_program_profile(program, count_line, &profile), MIEN_OK); /* before any run: without times */
    CHECK_EQ(profile.timed, 0);
    CHECK_EQ(graph_program_run(program), MIEN_OK);
    CHECK_EQ(graph_program_profile(program, count_line, &profile), MIEN_OK);
    CHECK_EQ(profile.lines, 4);
    if (vk_device_caps(gpu.device)->timestamp_ns > 0) {
        CHECK_EQ(profile.timed, 2);
        CHECK(program->times[1] >= program->times[0]);
        CHECK(program->times[2] > program->times[0]);
    }
    graph_program_destroy(&program);
    graph_destroy(&g);
}

static void test_misuse(void)
{
    struct graph *g = new_graph();
    op_value x = graph_input(g, "x", SHAPE_F32(64)), y = add(g, x, x);
    graph_output(g, y);
    struct graph_program *program = compiled(g, NULL);
    capture_start();
    CHECK(graph_program_input(program, 0, y) == NULL);
    CHECK(graph_program_input(program, GRAPH_SLOTS, x) == NULL);
    CHECK(graph_program_output(program, 0, x) == NULL);
    CHECK_EQ(captured_count, 3);
    CHECK_EQ(graph_program_wait(program, 1), MIEN_OK); /* not in flight */
    CHECK_EQ(graph_program_submit(program, 1), MIEN_OK);
    CHECK_EQ(graph_program_submit(program, 1), MIEN_ERR_ARG);
    CHECK(strstr(captured, "in flight") != NULL);
    CHECK_EQ(graph_program_wait(program, 1), MIEN_OK);
    CHECK_EQ(graph_program_submit(program, 1), MIEN_OK);
    graph_program_destroy(&program);
    add(g, x, graph_input(g, "z", SHAPE_F32(3)));
    CHECK_EQ(graph_compile(g, gpu.device, NULL, &program), MIEN_ERR_SHAPE);
    CHECK(program == NULL);
    mien_log_set(NULL, NULL, MIEN_LOG_WARN);
    graph_destroy(&g);
}

int main(void)
{
    if (!gpu_open(&gpu))
        CHECK_SKIP("no Vulkan device");
    test_results();
    test_random();
    test_replay();
    test_slots();
    test_dead();
    test_barriers();
    test_overtaking();
    test_hazards();
    test_dump();
    test_slices();
    test_default_slices();
    test_profile();
    test_misuse();
    test_leaks();
    gpu_close(&gpu);
    return check_result();
}
