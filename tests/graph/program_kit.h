/* program_kit.h: what the tests of compiled programs share: an in-place op, short forms, the device. */
#ifndef TESTS_GRAPH_PROGRAM_KIT_H
#define TESTS_GRAPH_PROGRAM_KIT_H

#include "base/capture.h"
#include "gpu.h"
#include "graph/graph_internal.h"

/* ---- an op of the test's own: a += b, in place, by the kernel of add ---- */

static inline void accumulate_reference(const struct op_call *call)
{
    const float *a = call->in_data[0], *b = call->in_data[1];
    float *y = call->out_data[0];
    for (uint64_t i = 0; i < tensor_shape_count(&call->in[0]); i++)
        y[i] = a[i] + b[i];
}

static const struct op_variant accumulate_variants[] = {{.name = "accumulate_fwd", .bind = "a b"}, {0}};
static const struct op_desc accumulate = {.name = "accumulate",
                                          .signature = "a[...] b[...] -> a[...]",
                                          .reference = accumulate_reference,
                                          .variants = accumulate_variants,
                                          .no_grad = "a test's own"};

/* ---- helpers ---- */

static struct gpu gpu; /* opened by main */

static inline op_value add(struct graph *g, op_value a, op_value b)
{
    return GRAPH_OP(g, &op_add, NULL, a, b);
}

static inline struct graph_program *compiled(struct graph *g, const struct graph_compile_params *params)
{
    struct graph_program *program = NULL;
    CHECK_EQ(graph_compile(g, gpu.device, params, &program), MIEN_OK);
    return program;
}

static inline struct graph_program_stats stats_of(const struct graph_program *program)
{
    struct graph_program_stats stats;
    graph_program_stats(program, &stats);
    return stats;
}

static inline struct graph *new_graph(void)
{
    struct graph *g = NULL;
    CHECK_EQ(graph_create(&g), MIEN_OK);
    return g;
}

/* Fills an input of a slot; the stream depends on the round. */
static inline void fill_input(struct graph_program *program, const struct graph *g, uint32_t slot, op_value value,
                              uint32_t round)
{
    char name[32];
    struct tensor_shape shape = graph_shape(g, value);
    snprintf(name, sizeof(name), "input %u %u", value, round);
    fill_normal(graph_program_input(program, slot, value), tensor_shape_count(&shape), name, 1);
}

static inline bool same_output(struct graph_program *program, const struct graph *g, op_value value, const void *want)
{
    struct tensor_shape shape = graph_shape(g, value);
    const void *have = graph_program_output(program, 0, value);
    return have && memcmp(have, want, tensor_shape_bytes(&shape)) == 0;
}

/* Programs give back all that they took. */
static void test_leaks(void)
{
    struct vk_memory_stats stats;
    vk_memory_stats(gpu.device, &stats);
    for (uint32_t kind = 0; kind < VK_MEMORY_KINDS; kind++)
        CHECK_EQ(stats.in_use[kind], 0);
}

#endif
