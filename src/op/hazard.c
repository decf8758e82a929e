/* hazard.c: see hazard.h. */
#include "op/hazard.h"

#include <string.h>

static bool conflicts(const struct op_hazards *hazards, const struct op_span *s)
{
    for (size_t i = 0; i < hazards->count; i++) {
        const struct op_span *t = &hazards->span[i];
        bool writes = (s->access | t->access) & OP_WRITE;
        if (writes && s->block == t->block && s->begin < t->end && t->begin < s->end)
            return true;
    }
    return false;
}

bool op_hazards_meet(const struct op_hazards *hazards, const struct vk_range *ranges, const uint8_t *access,
                     uint32_t count)
{
    bool meet = false;
    for (uint32_t i = 0; i < count && !meet; i++) {
        struct op_span s = {ranges[i].block, ranges[i].offset, ranges[i].offset + ranges[i].size, access[i]};
        meet = conflicts(hazards, &s);
    }
    return meet;
}

enum mien_status op_hazards_step(struct op_hazards *hazards, const struct vk_range *ranges, const uint8_t *access,
                                 uint32_t count, bool *barrier)
{
    enum mien_status status = MIEN_OK;
    *barrier = op_hazards_meet(hazards, ranges, access, count);
    if (*barrier)
        op_hazards_barrier(hazards);
    TRY(base_grow(&hazards->span, &hazards->capacity, hazards->count + count, sizeof(*hazards->span)));
    for (uint32_t i = 0; i < count; i++) {
        hazards->span[hazards->count++] =
            (struct op_span){ranges[i].block, ranges[i].offset, ranges[i].offset + ranges[i].size, access[i]};
    }
    return MIEN_OK;
fail:
    return status;
}

void op_hazards_barrier(struct op_hazards *hazards)
{
    hazards->count = 0;
}

void op_hazards_clear(struct op_hazards *hazards)
{
    base_free(hazards->span);
    memset(hazards, 0, sizeof(*hazards));
}
