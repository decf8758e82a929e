/* Compiled programs on a device: results, replays, slots, aliasing, barriers, dead nodes, stores, slices, profiles.
 * Sums are exact to the bit on every device (one rounding, one order), so most results are compared as bytes. */
#include "base/capture.h"
#include "gpu.h"
#include "interpret.h"

/* ---- an op of the test's own: a += b, in place, by the kernel of add ---- */

static enum mien_status accumulate_shapes(struct op_call *call, const char *label)
{
    (void)label;
    call->out[0] = call->in[0];
    call->out_count = 1;
    return MIEN_OK;
}

static void accumulate_reference(const struct op_call *call)
{
    const float *a = call->in_data[0], *b = call->in_data[1];
    float *y = call->out_data[0];
    for (uint64_t i = 0; i < tensor_shape_count(&call->in[0]); i++)
        y[i] = a[i] + b[i];
}

/* add's plan with its first input bound as the output. */
static enum mien_status accumulate_plan(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    struct op_call sum = *call;
    sum.op = &op_add;
    enum mien_status status = op_choose(caps, &sum)->plan(caps, &sum, plan);
    for (size_t d = 0; d < plan->count; d++) {
        for (uint32_t i = 0; i < plan->dispatch[d].bind_count; i++) {
            struct op_bind *bind = &plan->dispatch[d].bind[i];
            if (bind->place == OP_IN && bind->index == 0)
                bind->place = OP_OUT;
        }
    }
    return status;
}

static const struct op_variant accumulate_variants[] = {{.name = "accumulate", .plan = accumulate_plan}, {0}};
static const struct op_desc accumulate = {.name = "accumulate",
                                          .in_count = 2,
                                          .out_count = 1,
                                          .in_place = 1,
                                          .shapes = accumulate_shapes,
                                          .reference = accumulate_reference,
                                          .variants = accumulate_variants,
                                          .no_grad = "a test's own"};

/* ---- helpers ---- */

static struct gpu gpu;

static op_value add(struct graph *g, op_value a, op_value b)
{
    return GRAPH_OP(g, &op_add, NULL, a, b);
}

static struct graph_program *compiled(struct graph *g, const struct graph_compile_params *params)
{
    struct graph_program *program = NULL;
    CHECK_EQ(graph_compile(g, gpu.device, params, &program), MIEN_OK);
    return program;
}

static struct graph_program_stats stats_of(const struct graph_program *program)
{
    struct graph_program_stats stats;
    graph_program_stats(program, &stats);
    return stats;
}

static struct graph *new_graph(void)
{
    struct graph *g = NULL;
    CHECK_EQ(graph_create(&g), MIEN_OK);
    return g;
}

/* Fills an input of a slot; the stream depends on the round. */
static void fill_input(struct graph_program *program, const struct graph *g, uint32_t slot, op_value value,
                       uint32_t round)
{
    char name[32];
    struct tensor_shape shape = graph_shape(g, value);
    snprintf(name, sizeof(name), "input %u %u", value, round);
    fill_normal(graph_program_input(program, slot, value), tensor_shape_count(&shape), name, 1);
}

static bool same_output(struct graph_program *program, const struct graph *g, op_value value, const void *want)
{
    struct tensor_shape shape = graph_shape(g, value);
    const void *have = graph_program_output(program, 0, value);
    return have && memcmp(have, want, tensor_shape_bytes(&shape)) == 0;
}

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

/* ---- slices, profiles, misuse ---- */

static void count_line(void *user, const char *line)
{
    uint32_t *lines = user;
    CHECK(strstr(line, "add") && strstr(line, "f32[64]"));
    (*lines)++;
}

static void test_slices(void)
{
    struct graph *g = new_graph();
    op_value x = graph_input(g, "x", SHAPE_F32(64)), y = x;
    for (uint32_t i = 0; i < 10; i++)
        y = add(g, y, x);
    graph_output(g, y);
    double work = 64 + 2 * 3 * 64 * 4; /* of one sum: its FLOPs and twice its bytes */
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

static void test_profile(void)
{
    struct graph *g = new_graph();
    op_value x = graph_input(g, "x", SHAPE_F32(64)), y = add(g, x, x);
    graph_output(g, add(g, y, y));
    uint32_t lines = 0;
    struct graph_program *program = compiled(g, &(struct graph_compile_params){.profile = true});
    CHECK_EQ(graph_program_profile(program, count_line, &lines), MIEN_OK); /* before any run: without times */
    CHECK_EQ(graph_program_run(program), MIEN_OK);
    CHECK_EQ(graph_program_profile(program, count_line, &lines), MIEN_OK);
    CHECK_EQ(lines, 4);
    if (vk_device_caps(gpu.device)->timestamp_ns > 0) {
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

/* Programs give back all that they took. */
static void test_leaks(void)
{
    struct vk_memory_stats stats;
    vk_memory_stats(gpu.device, &stats);
    for (uint32_t kind = 0; kind < VK_MEMORY_KINDS; kind++)
        CHECK_EQ(stats.in_use[kind], 0);
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
    test_hazards();
    test_stores();
    test_join();
    test_small_slabs();
    test_dump();
    test_slices();
    test_profile();
    test_misuse();
    test_leaks();
    gpu_close(&gpu);
    return check_result();
}
