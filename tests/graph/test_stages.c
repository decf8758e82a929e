/* Runs that the host takes part in: the same bits as in one piece, what the host has changed, inputs that come late,
 * memory of early outputs, misuse. */
#include "program_kit.h"

enum { N = 96, ROUNDS = 3 };

struct chain {
    struct graph *graph;
    op_value x, w, late, scale, h, u, g, y, first, loss;
};

/* h = gelu(x w), u = h + late, g = u w, y = g + g, its InfoNCE: the late input and g are where stages end. */
static void chain_record(struct chain *c, bool stages, bool through)
{
    struct op_attr gelu = {.activation = OP_ACT_GELU};
    *c = (struct chain){.graph = new_graph()};
    c->x = graph_input(c->graph, "x", SHAPE_F32(N, N));
    c->w = graph_input(c->graph, "w", SHAPE_F32(N, N));
    c->h = GRAPH_OP(c->graph, &op_activation, &gelu, GRAPH_OP(c->graph, &op_matmul, NULL, c->x, c->w));
    c->first = GRAPH_OP(c->graph, &op_sum, NULL, c->h);
    c->late = graph_input(c->graph, "late", SHAPE_F32(N, N));
    c->u = add(c->graph, c->h, c->late);
    c->g = GRAPH_OP(c->graph, &op_matmul, NULL, c->u, c->w);
    c->y = add(c->graph, c->g, c->g);
    c->scale = graph_input(c->graph, "scale", SHAPE_F32(1));
    c->loss = GRAPH_OP(c->graph, &op_infonce, NULL, c->y, c->scale); /* has scratch */
    graph_output(c->graph, c->loss);
    graph_output(c->graph, c->y);
    graph_output(c->graph, c->first);
    if (stages) {
        graph_stage_end(c->graph, &c->g, 1); /* in any order */
        graph_stage_end(c->graph, &c->first, 1);
        graph_stage_end(c->graph, &c->first, 1);
    }
    if (through)
        graph_through_host(c->graph, c->g);
}

static void run_stage(struct graph_program *program, uint32_t stage, uint32_t slot)
{
    CHECK_EQ(graph_program_submit_stage(program, stage, slot), MIEN_OK);
    CHECK_EQ(graph_program_wait_stage(program, stage, slot), MIEN_OK);
}

/* In stages, through the host, which multiplies by `factor`: y is as much larger. */
static void run_in_stages(const struct chain *c, struct graph_program *program, uint32_t slot, uint32_t round,
                          float factor)
{
    uint32_t stage = 0;
    fill_input(program, c->graph, slot, c->x, round);
    fill_input(program, c->graph, slot, c->w, round);
    run_stage(program, 0, slot);
    fill_input(program, c->graph, slot, c->late, round);
    run_stage(program, 1, slot);
    float *g = graph_program_exchanged(program, c->g, &stage);
    CHECK_EQ(stage, 1);
    for (uint32_t i = 0; g && i < N * N; i++)
        g[i] *= factor;
    run_stage(program, 2, slot);
}

static void test_bits(void)
{
    struct chain whole, cut;
    chain_record(&whole, false, false);
    chain_record(&cut, true, true);
    struct graph_program *one = compiled(whole.graph, NULL), *program = compiled(cut.graph, NULL);
    CHECK_EQ(graph_program_stages(program), 3);
    CHECK_EQ(graph_program_stages(one), 1);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        const op_value in[] = {whole.x, whole.w, whole.late};
        for (uint32_t i = 0; i < BASE_COUNT(in); i++)
            fill_input(one, whole.graph, 0, in[i], round);
        CHECK_EQ(graph_program_run(one), MIEN_OK);
        const float *want = graph_program_output(one, 0, whole.y);
        uint32_t slot = round % GRAPH_SLOTS;
        run_in_stages(&cut, program, slot, round, 1);
        CHECK(memcmp(graph_program_output(program, slot, cut.y), want, N * N * 4) == 0);
        CHECK(memcmp(graph_program_output(program, slot, cut.loss), graph_program_output(one, 0, whole.loss), 4) == 0);
        CHECK(memcmp(graph_program_output(program, slot, cut.first), graph_program_output(one, 0, whole.first), 4) ==
              0);
        run_in_stages(&cut, program, slot, round, 2);
        const float *twice = graph_program_output(program, slot, cut.y);
        for (uint32_t i = 0; i < N * N; i++)
            CHECK(twice[i] == 2 * want[i]);
    }
    CHECK_EQ(stats_of(one).dispatches <= stats_of(program).dispatches, true);
    graph_program_destroy(&one);
    graph_program_destroy(&program);
    graph_destroy(&whole.graph);
    graph_destroy(&cut.graph);
}

static void refused(const struct chain *c, const char *part)
{
    struct graph_program *program = NULL;
    CHECK_EQ(graph_compile(c->graph, gpu.device, NULL, &program), MIEN_ERR_ARG);
    CHECK(captured_once(part));
}

static void test_misuse(void)
{
    struct chain c;
    struct graph_program *program;
    capture_start();
    chain_record(&c, true, false);
    graph_through_host(c.graph, c.h); /* which the stage between reads */
    refused(&c, "on its way through the host");
    graph_destroy(&c.graph);
    capture_start();
    chain_record(&c, false, true);
    refused(&c, "of the last stage");
    graph_destroy(&c.graph);
    capture_start();
    chain_record(&c, true, false);
    graph_through_host(c.graph, c.x);
    refused(&c, "is no result");
    graph_destroy(&c.graph);
    chain_record(&c, true, true);
    program = compiled(c.graph, NULL);
    capture_start();
    CHECK_EQ(graph_program_submit(program, 0), MIEN_ERR_ARG);
    CHECK(captured_once("is in stages"));
    capture_start();
    CHECK_EQ(graph_program_submit_stage(program, 3, 0), MIEN_ERR_ARG);
    CHECK(captured_once("there is no stage 3"));
    graph_program_destroy(&program);
    graph_destroy(&c.graph);
    mien_log_set(NULL, NULL, MIEN_LOG_WARN);
}

int main(void)
{
    if (!gpu_open(&gpu))
        CHECK_SKIP("no Vulkan device");
    test_bits();
    test_misuse();
    test_leaks();
    gpu_close(&gpu);
    return check_result();
}
