/* matmul_slice.c: which tile of matmul_fwd_slice, and how many parts of k, keep a device busy. */
#include "op/matmul.h"

uint64_t matmul_parts_to_fill(const struct vk_caps *caps, const struct matmul_size *s, uint32_t fill, uint32_t least,
                              uint64_t tiles)
{
    uint64_t rest = caps->class_ == VK_CLASS_SOFTWARE ? tiles - 1 : tiles / 2;
    if (s->same_order || tiles >= fill)
        return 1;
    return BASE_MAX(BASE_MIN((fill + rest) / tiles, s->k / least), 1);
}

/* Rows and groups of 4 columns per invocation, and about what share of its peak a GPU reaches inside a tile, as RADV's
 * code for Navi 31 suggests (tests/bench/LOG.md). The widest needs some 190 registers of 64 lanes, which leave four
 * waves or more to a GPU that has subgroups of 32 beside those of 64 (RDNA); elsewhere one, or it spills. The last asks
 * for nothing: one must serve. */
static const struct slice_tile {
    uint32_t rows, cols, registers; /* the last: what the device must have */
    bool wide;
    double speed;
} tiles[] = {{8, 4, 256, true, 0.60}, {8, 2, 256, false, 0.52}, {4, 2, 0, false, 0.36}};

/* Steps of k that go by while one partial sum is written and read: 8 bytes of a GPU's cache against multiply-adds. */
#define SPLIT_COST 100.0

struct matmul_shape matmul_slice_of(uint32_t rows, uint32_t cols)
{
    return (struct matmul_shape){rows, cols, MATMUL_SLICE_SIDE * rows, MATMUL_SLICE_SIDE * 4 * cols};
}

bool matmul_slice_tile(const struct vk_caps *caps, uint32_t index, struct matmul_shape *out)
{
    for (size_t i = 0; i < BASE_COUNT(tiles); i++) {
        if (caps->max_registers < tiles[i].registers || index-- > 0)
            continue;
        *out = matmul_slice_of(tiles[i].rows, tiles[i].cols);
        return true;
    }
    return false;
}

double matmul_used(const struct vk_caps *caps, const struct matmul_size *s, uint32_t m, uint32_t n,
                   const struct matmul_load *load)
{
    uint64_t count = base_div_up(s->m, m) * base_div_up(s->n, n) * s->batch;
    uint64_t parts = matmul_parts_to_fill(caps, s, load->fill, load->least, count), groups = count * parts;
    double used = (double)s->m * s->n * s->batch / ((double)count * m * n);
    used *= (double)groups / (double)BASE_MAX(load->fill, base_round_up(groups, load->turn));
    return parts > 1 ? used * (s->k / (s->k + SPLIT_COST * (double)parts)) : used;
}

/* The tile that leaves least idle. */
struct matmul_shape matmul_slice_shape(const struct vk_caps *caps, const struct matmul_size *s, uint32_t fill,
                                       uint32_t least)
{
    bool wide = caps->subgroup_size >= 64 && caps->subgroup_min < 64;
    const struct matmul_load load = {fill, least, 1}; /* many fit onto a core, and begin as others end */
    struct matmul_shape best = {0};
    double most = 0;
    for (size_t i = 0; i < BASE_COUNT(tiles); i++) {
        struct matmul_shape shape = matmul_slice_of(tiles[i].rows, tiles[i].cols);
        double speed = tiles[i].speed * matmul_used(caps, s, shape.m, shape.n, &load);
        if ((wide || !tiles[i].wide) && caps->max_registers >= tiles[i].registers && speed > most) {
            most = speed;
            best = shape;
        }
    }
    return best;
}
