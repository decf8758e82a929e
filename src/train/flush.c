/* flush.c: how a device adds numbers below the smallest normal one: the ranks' sums, which the host makes, are to be
 * those that the device would make. */
#include "train/trainer.h"

enum mien_status train_flushes(struct vk_device *device, bool *out)
{
    enum mien_status status = MIEN_OK;
    enum { COUNT = 64 };
    struct graph *graph = NULL;
    struct graph_program *program = NULL;
    TRY(graph_create(&graph));
    op_value x = graph_input(graph, "x", SHAPE_F32(COUNT)), y = graph_input(graph, "y", SHAPE_F32(COUNT));
    op_value sum = GRAPH_OP(graph, &op_add, NULL, x, y);
    graph_output(graph, sum);
    TRY(graph_compile(graph, device, &(struct graph_compile_params){.label = "small numbers"}, &program));
    for (uint32_t i = 0; i < COUNT; i++) {
        ((float *)graph_program_input(program, 0, x))[i] = 1e-40f;
        ((float *)graph_program_input(program, 0, y))[i] = 2e-40f;
    }
    TRY(graph_program_run(program));
    *out = ((const float *)graph_program_output(program, 0, sum))[0] == 0;
fail:
    graph_program_destroy(&program);
    graph_destroy(&graph);
    return status;
}
