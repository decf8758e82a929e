/* interpret.h: runs a recorded graph on the host by the references of its ops: the definition of what a compiled
 * program must give. Every node runs, dead or not, in recording order. */
#ifndef TESTS_GRAPH_INTERPRET_H
#define TESTS_GRAPH_INTERPRET_H

#include "check.h"
#include "graph/graph_internal.h"

struct interpret {
    const struct graph *graph;
    char **memory; /* [memories] */
};

static inline uint64_t interpret_bytes(const struct graph *graph, uint32_t memory)
{
    uint64_t bytes = 0;
    for (size_t v = 0; v < graph->value_count; v++) {
        const struct graph_value *value = &graph->value[v];
        if (value->memory == memory)
            bytes = BASE_MAX(bytes, value->offset + tensor_shape_bytes(&value->shape));
    }
    return bytes;
}

static inline void interpret_open(struct interpret *host, const struct graph *graph)
{
    host->graph = graph;
    host->memory = base_alloc(graph->memory_count, sizeof(*host->memory));
    for (uint32_t m = 0; m < graph->memory_count; m++) {
        host->memory[m] = base_alloc(1, BASE_MAX(interpret_bytes(graph, m), 1));
        if (graph->memory[m].data)
            memcpy(host->memory[m], graph->memory[m].data, graph->memory[m].bytes);
    }
}

static inline void interpret_close(struct interpret *host)
{
    for (uint32_t m = 0; m < host->graph->memory_count; m++)
        base_free(host->memory[m]);
    base_free(host->memory);
}

static inline void *interpret_data(const struct interpret *host, op_value value)
{
    const struct graph_value *v = &host->graph->value[value];
    return host->memory[v->memory] + v->offset;
}

static inline void interpret_run(struct interpret *host)
{
    for (size_t n = 0; n < host->graph->node_count; n++) {
        const struct graph_node *node = &host->graph->node[n];
        struct op_call call;
        graph_node_call(host->graph, node, &call);
        for (uint32_t i = 0; i < node->in_count; i++)
            call.in_data[i] = node->in[i] == OP_NONE ? NULL : interpret_data(host, node->in[i]);
        for (uint32_t o = 0; o < node->out_count; o++)
            call.out_data[o] = interpret_data(host, node->out[o]);
        op_reference(&call);
    }
}

/* Sum (a-b)^2 / sum b^2; 0 when both are all zero. */
static inline double nmse(const float *a, const float *b, uint64_t count)
{
    double error = 0, power = 0;
    for (uint64_t i = 0; i < count; i++) {
        error += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        power += (double)b[i] * b[i];
    }
    return power > 0 ? error / power : error;
}

#endif
