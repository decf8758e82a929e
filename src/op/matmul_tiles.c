/* matmul_tiles.c: which tile a product has by rule, and which others the tuner may try. */
#include "op/matmul.h"

/* Steps of k below which a part is not worth while. Software drivers have few cores. */
uint32_t matmul_least_steps(const struct vk_caps *caps)
{
    return caps->class_ == VK_CLASS_SOFTWARE ? 512 : 256;
}

/* Rows per invocation, a multiple of 16: more rows do more per load; fewer when that leaves a fifth less to do, at the
 * speed measured on llvmpipe (768^3, subgroups of 8: 36, 48 and 54 GFLOP/s). Subgroups of 4 gain nothing from 48. Those
 * of 16 gain a fifth from 64 rows, and the driver's compiler takes 0.4 s longer: for products of 0.005 s. */
uint32_t matmul_software_rows(const struct matmul_size *s, uint32_t lanes)
{
    static const struct {
        uint32_t rows;
        double cost;
    } choice[] = {{64, 1.0}, {48, 0.8}, {32, 0.6}, {16, 0.4}};
    bool large = 2.0 * s->batch * s->m * s->n * s->k >= 5e8;
    uint32_t first = lanes == 8 ? 1 : lanes == 16 && large ? 0 : 2, rows = choice[first].rows;
    double best = (double)base_div_up(s->m, rows) * choice[first].cost / 1.25;
    for (uint32_t i = first + 1; i < BASE_COUNT(choice); i++) {
        double cost = (double)base_div_up(s->m, choice[i].rows) * choice[i].cost;
        if (cost < best) {
            best = cost;
            rows = choice[i].rows;
        }
    }
    return rows;
}

/* Fours of steps at once. Measured on llvmpipe: with 16 lanes 16 steps gain a fifth, with 8 nothing. */
uint32_t matmul_software_fours(uint32_t k, uint32_t lanes)
{
    if (lanes < 16)
        return 1;
    return k % 16 == 0 ? 4 : k % 8 == 0 ? 2 : 1;
}

/* Rows and groups of four columns of an invocation; the rule's come first. */
static const struct op_tile strips[][3] = {
    [VK_CLASS_DESKTOP] = {{.rows = 8, .cols = 1}, {.rows = 4, .cols = 1}, {.rows = 4, .cols = 2}},
    [VK_CLASS_MOBILE] = {{.rows = 8, .cols = 1}, {.rows = 4, .cols = 1}, {.rows = 4, .cols = 2}},
    [VK_CLASS_SOFTWARE] = {{.rows = 16, .cols = 2}, {.rows = 16, .cols = 1}, {.rows = 8, .cols = 2}},
};

struct op_tile matmul_strip(const struct vk_caps *caps, uint32_t index)
{
    return strips[caps->class_][index];
}

uint32_t matmul_strip_lanes(const struct vk_caps *caps)
{
    return caps->class_ == VK_CLASS_SOFTWARE ? 1 : 8;
}

/* ---- others ------------------------------------------------------------------------------------------------------ */

uint32_t matmul_add_tiles(const struct vk_caps *caps, const struct matmul_size *s, struct op_tile tile, uint32_t m,
                          uint32_t n, struct op_tile *out)
{
    enum { LEAST = 64 }; /* steps of a part, below which its sums cost more than its products */
    uint64_t tiles = base_div_up(s->m, m) * base_div_up(s->n, n) * s->batch;
    uint32_t rule = (uint32_t)matmul_parts_to_fill(caps, s, op_busy_groups(caps), matmul_least_steps(caps), tiles);
    const uint32_t parts[] = {tile.rows ? 0 : rule, 1, rule / 2, 2 * rule};
    uint32_t count = 0;
    for (uint32_t i = 0; i < BASE_COUNT(parts) && !(s->same_order && i > 0); i++) {
        bool known = parts[i] == rule || (parts[i] == 0 && i > 0);
        for (uint32_t k = 1; k < i; k++)
            known = known || parts[k] == parts[i];
        tile.parts = parts[i];
        if (!known && (uint64_t)parts[i] * LEAST <= s->k)
            out[count++] = tile;
    }
    return count;
}

uint32_t matmul_tiles_sg(const struct vk_caps *caps, const struct op_call *call, struct op_tile out[OP_MAX_TILES])
{
    static const uint32_t rows[] = {64, 48, 32, 16};
    struct matmul_size s = matmul_size_of(call);
    uint32_t cols = caps->subgroup_size == 4 ? 2 : 1, n = 4 * cols * caps->subgroup_size, count = 0;
    uint32_t rule = matmul_software_rows(&s, caps->subgroup_size);
    for (size_t i = caps->subgroup_size < 16; i < BASE_COUNT(rows); i++) {
        struct op_tile tile = {.rows = rows[i] == rule ? 0 : rows[i], .cols = rows[i] == rule ? 0 : cols};
        count += matmul_add_tiles(caps, &s, tile, rows[i], n, &out[count]);
    }
    return count;
}

uint32_t matmul_tiles_slice(const struct vk_caps *caps, const struct op_call *call, struct op_tile out[OP_MAX_TILES])
{
    struct matmul_size s = matmul_size_of(call);
    struct matmul_shape rule = matmul_slice_shape(caps, &s, op_busy_groups(caps), matmul_least_steps(caps)), shape;
    uint32_t count = 0;
    for (uint32_t i = 0; matmul_slice_tile(caps, i, &shape); i++) {
        bool same = shape.rows == rule.rows && shape.cols == rule.cols;
        struct op_tile tile = {.rows = same ? 0 : shape.rows, .cols = same ? 0 : shape.cols};
        count += matmul_add_tiles(caps, &s, tile, shape.m, shape.n, &out[count]);
    }
    return count;
}

uint32_t matmul_tiles_vec(const struct vk_caps *caps, const struct op_call *call, struct op_tile out[OP_MAX_TILES])
{
    struct matmul_size s = matmul_size_of(call);
    uint32_t count = 0;
    for (uint32_t i = 0; i < BASE_COUNT(strips[0]); i++) {
        struct op_tile tile = strips[caps->class_][i];
        uint32_t m = tile.rows * matmul_strip_lanes(caps), n = 8 * 4 * tile.cols;
        count += matmul_add_tiles(caps, &s, i == 0 ? (struct op_tile){0} : tile, m, n, &out[count]);
    }
    return count;
}
