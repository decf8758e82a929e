/* pool_plan.c: see pool.h. */
#include "op/pool.h"

#include <math.h>
#include <string.h>

enum {
    PART_BYTES = 16 << 20, /* aimed at, of [n,G,M] and of [n,G,E] */
    /* invocations go over patches up to three times, or over the images of a part; lavapipe ends their loops after
     * 65,535 rounds */
    MOST_PATCHES = 16384,
    MOST_IMAGES = 32768,
};

bool pool_begin(struct pool *p, struct op_plan *plan, uint32_t columns)
{
    const struct tensor_shape *patches = &plan->call->in[0], *texts = &plan->call->in[1];
    uint32_t g = patches->dim[1], e = patches->dim[2], m = (uint32_t)tensor_shape_rows(texts);
    uint64_t per_image = (uint64_t)g * BASE_MAX(BASE_MAX(g, m), e) * 4, unit = 1, range = plan->caps->max_range;
    if (op_plan_refuse(plan, g > MOST_PATCHES, "%u patches per image; at most %d are supported", g, MOST_PATCHES))
        return false;
    while (unit * g * e % 64 || unit * columns % 64)
        unit *= 2;
    uint64_t step = BASE_MAX(BASE_MIN((uint64_t)PART_BYTES, range) / per_image / unit, 1) * unit;
    step = BASE_MIN(BASE_MIN(step, MOST_IMAGES), patches->dim[0]);
    *p = (struct pool){
        .plan = plan, .images = patches->dim[0], .patches = g, .width = e, .texts = m, .step = (uint32_t)step};
    return !op_plan_refuse(plan, step * per_image > range,
                           "%llu images of %u patches [%u] by %u sentences exceed the %llu bytes that %s can bind: use "
                           "fewer sentences",
                           (unsigned long long)step, g, e, m, (unsigned long long)range, plan->caps->name);
}

struct op_where pool_part(enum op_place place, uint32_t index, uint32_t first, uint64_t per_image)
{
    return (struct op_where){place, index, first * per_image * 4};
}

void pool_product(struct pool *p, const struct op_product *product)
{
    op_plan_product(p->plan, product, (struct op_where){OP_SCRATCH, 1, 0});
}

void pool_dots(struct pool *p, uint32_t first, uint32_t n, struct op_where dots)
{
    pool_product(p, &(struct op_product){.attr = {.trans_b = true},
                                         .a_shape = SHAPE_F32(n, p->patches, p->width),
                                         .b_shape = SHAPE_F32(p->texts, p->width),
                                         .a = pool_part(OP_IN, 0, first, (uint64_t)p->patches * p->width),
                                         .b = {OP_IN, 1, 0},
                                         .y = dots});
}

/* y = x + noise, to length 1 */
static void near_row(float *y, const float *x, double noise, uint32_t width, struct base_rng *rng)
{
    double square = 0;
    for (uint32_t e = 0; e < width; e++) {
        y[e] = (float)(x[e] + noise * base_rng_normal(rng));
        square += (double)y[e] * y[e];
    }
    for (uint32_t e = 0; e < width; e++)
        y[e] = (float)(y[e] / sqrt(square));
}

void pool_fill(struct op_call *call, struct base_rng *rng)
{
    const struct tensor_shape *shape = &call->in[0];
    float *patches = call->in_data[0], *texts = call->in_data[1];
    uint32_t g = shape->dim[1], width = shape->dim[2];
    uint64_t rows = tensor_shape_rows(shape), sentences = tensor_shape_rows(&call->in[1]);
    for (uint64_t r = 0; r < rows; r++, patches += width) {
        if (r % g)
            near_row(patches, patches - r % g * width, 0.8 / sqrt(width), width, rng);
        else
            for (uint32_t e = 0; e < width; e++)
                patches[e] = (float)(base_rng_normal(rng) / sqrt(width));
        if (r % g == g - 1) /* the first was the image's centre so far */
            near_row(patches - (g - 1) * width, patches - (g - 1) * width, 0, width, rng);
    }
    for (uint64_t j = 0; j < sentences; j++, texts += width) {
        uint64_t like = base_rng_below(rng, (uint32_t)rows);
        near_row(texts, (const float *)call->in_data[0] + like * width, 2 / sqrt(width), width, rng);
    }
    if (call->attr.value > 0)
        memset(patches - (size_t)g * width, 0, (size_t)g * width * sizeof(*patches));
}
