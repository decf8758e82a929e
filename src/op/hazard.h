/* hazard.h: where barriers are needed, from what dispatches read and write. Whoever records dispatches asks, for each
 * in order, op_hazards_step; when it says so, a barrier is recorded before that dispatch.
 *
 * Two dispatches conflict when their ranges overlap in one block and at least one of them writes there. */
#ifndef OP_HAZARD_H
#define OP_HAZARD_H

#include "op/op.h"

struct op_span {
    const struct vk_block *block;
    uint64_t begin, end; /* bytes */
    uint32_t access;     /* OP_READ, OP_WRITE or both */
};

/* A zeroed struct is empty. */
struct op_hazards {
    struct op_span *span; /* touched since the last barrier */
    size_t count, capacity;
};

/* Notes that the next dispatch (or copy) touches `ranges` [count] with `access` [count] (OP_READ, OP_WRITE bits).
 * *barrier = whether a barrier must stand before it; what came earlier is then forgotten. MIEN_ERR_NOMEM. */
enum mien_status op_hazards_step(struct op_hazards *hazards, const struct vk_range *ranges, const uint8_t *access,
                                 uint32_t count, bool *barrier);
/* Whether op_hazards_step would ask for a barrier. */
bool op_hazards_meet(const struct op_hazards *hazards, const struct vk_range *ranges, const uint8_t *access,
                     uint32_t count);
/* A barrier was recorded for another reason (a slice, the end): nothing is outstanding. */
void op_hazards_barrier(struct op_hazards *hazards);
void op_hazards_clear(struct op_hazards *hazards); /* frees */

#endif
