/* Slices: pieces of a recording that are submitted together. They are cut by work at first, then by measured time, and
 * results, barriers and memory do not depend on where. */
#include "check.h"

#include "graph/program_kit.h"

#include <math.h>
#include <stdlib.h>

enum { N = 256, LINKS = 12 };

struct chain {
    struct graph *graph;
    op_value x, y;
    struct graph_program *program;
};

/* y = ... (x x + x) x + x ...: long and short dispatches by turns, some of which nothing waits for. */
static void make(struct chain *c, const struct graph_compile_params *params)
{
    c->graph = new_graph();
    c->x = c->y = graph_input(c->graph, "x", SHAPE_F32(N, N));
    for (uint32_t i = 0; i < LINKS; i++) {
        op_value aside = add(c->graph, c->x, c->x);
        c->y = GRAPH_OP(c->graph, &op_matmul, NULL, c->y, c->x);
        c->y = GRAPH_OP(c->graph, &op_scale, &(struct op_attr){.scale = 0.01f}, add(c->graph, c->y, aside));
    }
    graph_output(c->graph, c->y);
    c->program = compiled(c->graph, params);
    for (uint32_t slot = 0; slot < GRAPH_SLOTS; slot++)
        fill_input(c->program, c->graph, slot, c->x, 1);
}

static void drop(struct chain *c)
{
    graph_program_destroy(&c->program);
    graph_destroy(&c->graph);
}

/* How many slices pieces of these times make, counted here. */
static uint32_t cut(const struct graph_program *program, double most, double *longest)
{
    uint32_t slices = 0;
    double now = 0;
    *longest = 0;
    for (uint32_t i = 0; i < program->pieces; i++) {
        double ms = program->piece[i].ms;
        if (i == 0 || now + ms > most) {
            slices++;
            now = 0;
        }
        now += ms;
        *longest = fmax(*longest, now);
    }
    return slices;
}

static double whole(const struct graph_program *program)
{
    double sum = 0;
    for (uint32_t i = 0; i < program->pieces; i++)
        sum += program->piece[i].ms;
    return sum;
}

static bool timed(void)
{
    return vk_device_caps(gpu.device)->timestamp_ns > 0;
}

/* The clock is made up: every piece takes as long as its number says. */
static void test_made_up(void)
{
    struct chain c;
    make(&c, &(struct graph_compile_params){.slice_flops = 4, .slice_ms = 10});
    uint32_t pieces = c.program->pieces;
    CHECK(pieces >= 3 * LINKS && stats_of(c.program).pieces == pieces);
    CHECK_EQ(stats_of(c.program).slices, pieces); /* each is more than 4 operations */
    CHECK(stats_of(c.program).slice_ms == 0);
    c.program->by_time = true;
    for (uint32_t i = 0; i < pieces; i++)
        c.program->piece[i].ms = 1;
    program_slice(c.program);
    CHECK_EQ(stats_of(c.program).slices, base_div_up(pieces, 10));
    CHECK(stats_of(c.program).slice_ms == 10);
    c.program->piece[5].ms = 25; /* too long: by itself */
    program_slice(c.program);
    CHECK_EQ(stats_of(c.program).slices, 2 + base_div_up(pieces - 6, 10));
    CHECK(stats_of(c.program).slice_ms == 25);
    drop(&c);
}

/* Real times, limits from none to far too small: as many slices as the times say, and always the same results. */
static void test_measured(void)
{
    struct chain plain, c;
    make(&plain, NULL);
    CHECK_EQ(graph_program_run(plain.program), MIEN_OK);
    const void *want = graph_program_output(plain.program, 0, plain.y);
    double longest, all = 0;
    for (uint32_t i = 0; i < 3; i++) {
        const double most[] = {1e9, 1e-9, all / 3};
        make(&c, &(struct graph_compile_params){.slice_flops = 4, .slice_ms = most[i]});
        CHECK_EQ(c.program->measures, timed() ? PROGRAM_MEASURES : 0);
        for (uint32_t run = 0; run < PROGRAM_MEASURES + 2; run++) {
            uint64_t allocations = base_alloc_count();
            CHECK_EQ(graph_program_run(c.program), MIEN_OK);
            CHECK_EQ(base_alloc_count(), allocations);
            CHECK(same_output(c.program, c.graph, c.y, want));
        }
        CHECK_EQ(c.program->measures, 0);
        if (timed()) {
            CHECK(c.program->by_time);
            CHECK_EQ(stats_of(c.program).slices, cut(c.program, most[i], &longest));
            CHECK(stats_of(c.program).slice_ms == longest);
            CHECK(i != 0 || stats_of(c.program).slices == 1);
            CHECK(i != 2 || stats_of(c.program).slices < c.program->pieces);
            all = whole(c.program);
            CHECK(all > 0);
        }
        drop(&c);
    }
    drop(&plain);
}

/* Barriers, and dispatches that wait for one, do not depend on where pieces end: on GPUs' classes, too. */
static void test_barriers(void)
{
    static const char *const clamp[] = {"class=software", "class=desktop", "class=mobile"};
    for (uint32_t i = 0; i < BASE_COUNT(clamp); i++) {
        struct chain whole_, cut_;
        CHECK_EQ(vk_device_clamp(gpu.device, clamp[i]), MIEN_OK);
        make(&whole_, &(struct graph_compile_params){.slice_flops = 1e18});
        make(&cut_, &(struct graph_compile_params){.slice_flops = 1, .slice_ms = 1e-9});
        struct graph_program_stats a = stats_of(whole_.program), b = stats_of(cut_.program);
        CHECK(a.pieces == 1 && a.slices == 1 && b.pieces == b.dispatches && b.slices == b.pieces);
        CHECK(a.dispatches == b.dispatches && a.barriers == b.barriers);
        CHECK(i == 0 || a.barriers < a.dispatches - 1);
        CHECK_EQ(graph_program_run(whole_.program), MIEN_OK);
        for (uint32_t run = 0; run < 2; run++) {
            CHECK_EQ(graph_program_run(cut_.program), MIEN_OK);
            CHECK(same_output(cut_.program, cut_.graph, cut_.y, graph_program_output(whole_.program, 0, whole_.y)));
        }
        drop(&whole_);
        drop(&cut_);
    }
    CHECK_EQ(vk_device_clamp(gpu.device, getenv("MIEN_CAPS")), MIEN_OK);
}

/* Two slots in turn, as training uses them: only the first runs are waited for. */
static void test_slots(void)
{
    struct chain c;
    make(&c, &(struct graph_compile_params){.slice_flops = 4, .slice_ms = 1});
    for (uint32_t run = 0; run < 6; run++) {
        CHECK_EQ(graph_program_wait(c.program, run % 2), MIEN_OK);
        CHECK_EQ(graph_program_submit(c.program, run % 2), MIEN_OK);
        CHECK_EQ(c.program->measures, timed() && run < PROGRAM_MEASURES ? PROGRAM_MEASURES - 1 - run : 0);
    }
    CHECK_EQ(graph_program_wait(c.program, 0), MIEN_OK);
    CHECK_EQ(graph_program_wait(c.program, 1), MIEN_OK);
    CHECK(same_output(c.program, c.graph, c.y, graph_program_output(c.program, 1, c.y)));
    drop(&c);
}

/* Without time stamps slices stay as their work has it. */
static void test_no_times(void)
{
    struct vk_caps *caps = (struct vk_caps *)(uintptr_t)vk_device_caps(gpu.device);
    const float period = caps->timestamp_ns;
    struct chain c;
    caps->timestamp_ns = 0;
    make(&c, &(struct graph_compile_params){.slice_flops = 4, .slice_ms = 1e9});
    for (uint32_t run = 0; run < 2; run++)
        CHECK_EQ(graph_program_run(c.program), MIEN_OK);
    CHECK(!c.program->by_time && c.program->measures == 0);
    CHECK_EQ(stats_of(c.program).slices, c.program->pieces);
    CHECK(stats_of(c.program).slice_ms == 0);
    drop(&c);
    caps->timestamp_ns = period;
}

/* A clock that tells of a moment where the host has waited for a quarter of an hour: longer than any machine takes. */
static void test_no_belief(void)
{
    struct chain c;
    if (!timed())
        return;
    make(&c, &(struct graph_compile_params){.slice_flops = 4, .slice_ms = 1e9});
    CHECK_EQ(graph_program_run(c.program), MIEN_OK);
    CHECK(c.program->by_time && c.program->measures == PROGRAM_MEASURES - 1);
    CHECK_EQ(stats_of(c.program).slices, 1);
    CHECK_EQ(program_measure(c.program, 0, base_clock_ns() - 1000000000000u), MIEN_OK);
    CHECK(!c.program->by_time && c.program->measures == 0);
    CHECK_EQ(stats_of(c.program).slices, c.program->pieces);
    drop(&c);
}

int main(void)
{
    if (!gpu_open(&gpu))
        GPU_SKIP();
    test_made_up();
    test_measured();
    test_barriers();
    test_slots();
    test_no_times();
    test_no_belief();
    test_leaks();
    gpu_close(&gpu);
    return check_result();
}
