/* part.h: binding a run of a tensor that may be larger than one storage-buffer range (128 MiB on many devices).
 * A kernel is dispatched once per part; a bind begins at a multiple of 256 bytes, so up to 63 elements stand between
 * it and the first element wanted: the kernel gets their count as a push constant. Elements are 4 bytes, or as said 2,
 * two of which stand in a word: ranges end with whole words. */
#ifndef OP_PART_H
#define OP_PART_H

#include "op/op.h"

/* Floating-point operations that one dispatch should have at most; 0 = any: a software driver has no watchdog. What
 * consists of single rows or workgroups that have more is not cut further. */
static inline double op_most_flops(const struct vk_caps *caps)
{
    static const double most[] = {
        [VK_CLASS_DESKTOP] = 2e10, /* 100 ms at 200 GFLOP/s */
        [VK_CLASS_MOBILE] = 4e8,   /* 20 ms at 20 GFLOP/s: the display waits behind it */
        [VK_CLASS_SOFTWARE] = 0,
    };
    return caps->most_flops ? (double)caps->most_flops : most[caps->class_];
}

struct op_part {
    uint64_t offset, size; /* bytes, for op_dispatch_bind_range */
    uint32_t skip;         /* elements between the bind's start and the first one wanted */
};

/* Elements [first, first + count) of a tensor, in a range that begins at a multiple of `step` elements: with 128 one of
 * 16-bit elements has the skip of one of floats. */
static inline struct op_part op_part_of_step(uint64_t first, uint64_t count, uint64_t element, uint64_t step)
{
    uint64_t offset = first / step * step * element;
    return (struct op_part){.offset = offset,
                            .size = base_round_up((first + count) * element, 4) - offset,
                            .skip = (uint32_t)(first % step)};
}

/* Elements [first, first + count) of a tensor. */
static inline struct op_part op_part_of_sized(uint64_t first, uint64_t count, uint64_t element)
{
    return op_part_of_step(first, count, element, 256 / element);
}

static inline struct op_part op_part_of(uint64_t first, uint64_t count)
{
    return op_part_of_sized(first, count, 4);
}

/* How many rows of `width` elements fit into one bind wherever it starts; 0 when not even one does. */
static inline uint64_t op_part_rows_sized(const struct vk_caps *caps, uint64_t width, uint64_t element)
{
    return caps->max_range > 256 ? (caps->max_range - 256) / (element * width) : 0;
}

static inline uint64_t op_part_rows(const struct vk_caps *caps, uint64_t width)
{
    return op_part_rows_sized(caps, width, 4);
}

static inline void op_part_bind(struct op_dispatch *d, enum op_place place, uint32_t index, uint32_t access,
                                struct op_part part)
{
    op_dispatch_bind_range(d, place, index, access, part.offset, part.size);
}

/* Refuses a tensor whose single row exceeds what the device can bind; returns cond, as op_plan_refuse. */
static inline bool op_plan_too_large(struct op_plan *plan, bool cond, uint64_t width)
{
    return op_plan_refuse(plan, cond, "a row of %llu elements exceeds the %llu bytes that %s can bind",
                          (unsigned long long)width, (unsigned long long)plan->caps->max_range, plan->caps->name);
}

#endif
