/* batch.c: a batch's pictures and texts into the inputs of a program. */
#include "train/trainer.h"

#include "args/optim.h"

#include <stdlib.h>
#include <string.h>

static int by_hash(const void *a, const void *b)
{
    const struct train_same *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static uint64_t hash_of(const int32_t *ids, uint32_t length) /* FNV-1a */
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (uint32_t i = 0; i < length; i++)
        hash = (hash ^ (uint32_t)ids[i]) * 0x100000001b3u;
    return hash;
}

/* Equal rows of texts [count,length] get the number of the first of them: out [count]. */
static void number_texts(struct train_same *same, const int32_t *texts, uint32_t count, uint32_t length, int32_t *out)
{
    uint32_t first = 0;
    for (uint32_t i = 0; i < count; i++)
        same[i] = (struct train_same){hash_of(texts + (size_t)i * length, length), i};
    qsort(same, count, sizeof(*same), by_hash);
    for (uint32_t i = 0; i < count; i++) {
        const int32_t *a = texts + (size_t)same[first].row * length, *b = texts + (size_t)same[i].row * length;
        if (same[i].hash != same[first].hash || memcmp(a, b, length * sizeof(*a)) != 0)
            first = i;
        out[same[i].row] = (int32_t)same[first].row;
    }
}

/* Two numberings at once: rows that are equal in both get the number of the first of them, in `out`. */
static void join_numbers(struct train_same *same, const int32_t *other, uint32_t count, int32_t *out)
{
    for (uint32_t i = 0; i < count; i++)
        same[i] = (struct train_same){(uint64_t)(uint32_t)out[i] << 32 | (uint32_t)other[i], i};
    qsort(same, count, sizeof(*same), by_hash);
    for (uint32_t i = 0, first = 0; i < count; i++) {
        if (same[i].hash != same[first].hash)
            first = i;
        out[same[i].row] = (int32_t)same[first].row;
    }
}

/* Images and texts of one part; `image` floats a sample. */
static void fill_part(const struct train_step *p, uint32_t slot, const struct train_part *part,
                      const struct data_batch *batch, size_t image)
{
    bool features = part->frames != OP_NONE;
    const float *from_images = features ? batch->features : batch->images;
    int32_t *ids = part->ids == OP_NONE ? NULL : graph_program_input(p->program, slot, part->ids);
    int32_t *eot = part->eot == OP_NONE ? NULL : graph_program_input(p->program, slot, part->eot);
    memcpy(graph_program_input(p->program, slot, features ? part->frames : part->pixels),
           from_images + (part->first - batch->first) * image, part->count * image * sizeof(float));
    if (part->kinds != OP_NONE)
        memcpy(graph_program_input(p->program, slot, part->kinds), batch->kinds + part->first,
               part->count * sizeof(*batch->kinds));
    for (uint32_t k = 0; k < batch->levels; k++) {
        size_t from = (size_t)k * batch->count + part->first, to = (size_t)k * part->count;
        memcpy(ids + to * batch->length, batch->tokens + from * batch->length,
               (size_t)part->count * batch->length * sizeof(*ids));
        memcpy(eot + to, batch->eot + from, part->count * sizeof(*eot));
    }
}

void train_fill_inputs(struct trainer *t, struct train_step *p, uint32_t slot, const struct data_batch *batch)
{
    const struct train_look *look = &t->recipe.look;
    size_t side = t->model->config.vision.image, frame = look->features ? t->model->config.embed : 3 * side * side;
    uint32_t count = batch->count;
    for (uint32_t i = 0; i < p->in.parts; i++)
        fill_part(p, slot, &p->in.part[i], batch, BASE_MAX(look->frames, 1u) * frame);
    for (uint32_t k = 0; k < batch->levels; k++) {
        if (p->in.weights[k] != OP_NONE)
            memcpy(graph_program_input(p->program, slot, p->in.weights[k]), batch->weights + (size_t)k * count,
                   count * sizeof(float));
        if (p->in.same[k] != OP_NONE)
            number_texts(t->same, batch->tokens + (size_t)k * count * batch->length, count, batch->length,
                         graph_program_input(p->program, slot, p->in.same[k]));
    }
    train_head_fill(t, p, slot, batch);
    const struct train_objective *o = &t->recipe.objective;
    for (uint32_t k = o->global_levels + 1; o->slots && o->local->lists && k < batch->levels; k++) {
        if (p->in.same[k] != OP_NONE) /* lists are equal where all their sentences are */
            join_numbers(t->same, graph_program_input(p->program, slot, p->in.same[k]), count,
                         graph_program_input(p->program, slot, p->in.same[o->global_levels]));
    }
}

/* Whether two texts of a level differ; those that rows lack do not count. */
static bool has_two(const struct data_batch *batch, uint32_t level)
{
    const int32_t *first = NULL;
    for (uint32_t i = 0; i < batch->count; i++) {
        size_t row = (size_t)level * batch->count + i;
        const int32_t *ids = batch->tokens + row * batch->length;
        if (batch->weights[row] == 0)
            continue;
        if (first && memcmp(first, ids, batch->length * sizeof(*ids)) != 0)
            return true;
        first = first ? first : ids;
    }
    return false;
}

void train_watch_texts(struct trainer *t, const struct data_batch *batch, uint64_t step)
{
    if (batch->levels == 0) /* a head alone */
        return;
    for (uint32_t k = 0; k < batch->levels; k++) {
        if (has_two(batch, k))
            return;
    }
    if (!t->few_texts_warned && train_leads(t))
        LOG_WARN("step %llu: its %u samples have fewer than two different texts, from which nothing is learnt; leave "
                 "rows without captions out of %s, or raise run.batch (said once, whatever follows)",
                 (unsigned long long)step, batch->count, t->manifest->path);
    t->few_texts_warned = true;
}
