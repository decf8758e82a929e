/* contrast_block.c: what the losses in blocks of anchors share: infonce_blocks.c, siglip_blocks.c. */
#include "op/contrast.h"

enum mien_status contrast_block_shapes(struct op_call *call, const char *label)
{
    const struct op_attr *attr = &call->attr;
    if (attr->count == 0 || (uint64_t)attr->first + attr->count > call->in[0].dim[0])
        return op_shape_error(call, label, 0, "at least attr first + count pairs, and count above 0");
    return contrast_lines_shapes(call, label);
}

void contrast_block_lines(struct op_call *call, struct base_rng *rng)
{
    float *lines = call->in_data[contrast_input(call, "lines")];
    uint32_t dloss = contrast_input(call, "dloss"), n = call->in[0].dim[0];
    contrast_prepare(call, rng);
    for (uint32_t i = 0; i < n; i++) {
        float weight = n % 2 && i != n / 2 ? 0.5f * (float)base_rng_below(rng, 4) : 1;
        float id = (float)base_rng_below(rng, n / 2 + 1);
        for (uint32_t side = 0; side < 2; side++) {
            lines[8 * ((size_t)side * n + i) + 1] = weight;
            lines[8 * ((size_t)side * n + i) + 2] = id;
        }
    }
    if (dloss != OP_NONE)
        *(float *)call->in_data[dloss] = (float)(0.5 + base_rng_uniform(rng));
}

/* Blocks of anchors [first, first + count) of a side one behind another, joined four at a time. */
static op_value rows_of(struct op_recorder *recorder, const struct op_use *use, contrast_block_bwd *bwd,
                        struct op_attr attr)
{
    enum { AT_ONCE = 4 };
    uint32_t size = BASE_MAX(use->attr->rows, 1), share = size, n = 0, count = attr.count, first = attr.first;
    op_value part[AT_ONCE] = {OP_NONE, OP_NONE, OP_NONE, OP_NONE};
    if (count <= size)
        return bwd(recorder, use, &attr);
    while ((uint64_t)share * AT_ONCE < count)
        share *= AT_ONCE;
    for (uint32_t at = 0; at < count; at += share) {
        attr.first = first + at;
        attr.count = BASE_MIN(share, count - at);
        part[n++] = rows_of(recorder, use, bwd, attr);
    }
    return OP_RECORD(recorder, &op_concat, NULL, part[0], part[1], part[2], part[3]);
}

void contrast_record_sides(struct op_recorder *recorder, const struct op_use *use, contrast_block_bwd *bwd,
                           op_value *din)
{
    const struct op_attr *attr = use->attr;
    const struct op_attr pad = {.first = attr->first, .rows = recorder->shape(recorder, use->in[0]).dim[0]};
    for (uint32_t side = 0; side < 2; side++) {
        const struct op_attr own = {.mining = attr->mining, .axis = side, .first = attr->first, .count = attr->count};
        if (!use->wants[side])
            continue;
        din[side] = rows_of(recorder, use, bwd, own);
        if (attr->count < pad.rows)
            din[side] = OP_RECORD(recorder, &op_pad, &pad, din[side]);
    }
}
