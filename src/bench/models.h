/* models.h: inside bench: the models whose towers and steps are timed. */
#ifndef BENCH_MODELS_H
#define BENCH_MODELS_H

#include "bench/bench.h"

struct bench_model {
    const char *name;
    uint32_t batch;
    bool quick;                   /* also in a quick run */
    struct io_tower_config tower; /* of both; width 0 = ViT-B/32 as it is published */
    uint32_t image, patch, vocab, context, embed;
};

extern const struct bench_model bench_models[];
extern const size_t bench_model_count;

void bench_model_config(const struct bench_model *model, struct io_clip_config *out);

/* One part of a model in a graph. */
struct bench_record {
    enum bench_part part;
    uint32_t batch;
    enum mien_dtype stored; /* of activations: nn_scope.stored */
    struct tensor *grads;   /* [model->stack_count], where gradients go; NULL: they are only planned */
    op_value pixels, ids, eot, out;
};
/* Errors are sticky in the graph. */
enum mien_status bench_record(struct graph *graph, const struct nn_model *model, struct bench_record *record);
/* Inputs of either kind, as a batch has them. */
void bench_fill_pixels(const struct io_clip_config *config, uint32_t batch, float *pixels);
void bench_fill_ids(const struct io_clip_config *config, uint32_t batch, int32_t *ids, int32_t *eot);

#endif
