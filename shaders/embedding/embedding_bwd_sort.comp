#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: first step of a stable sort of the ids: within each chunk, an id's place is the count of those before it.
// Invocation i owns OWN neighbouring ids, all of one chunk (a multiple of OWN), so one load serves OWN comparisons.
// Numerics: integers; equal ids keep their order, so the sums that follow have one order: deterministic.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "lib/common.glsl"
#include "lib/round.glsl"
#include "args/embedding.h"

const uint OWN = 8;

READ_BUFFER(0, int, ids);       // [n]
WRITE_BUFFER(1, uvec2, sorted); // [n] (id, place in ids), each chunk by itself
PUSH(embedding_args, p);

uint id_at(uint i)
{
    return uint(clamp(ids[p.id_skip + i], 0, int(p.rows) - 1));
}

void main()
{
    uint first = invocation_1d() * OWN;
    if (first >= p.count)
        return;
    uint begin = first / p.chunk * p.chunk, end = min(begin + p.chunk, p.count);
    uint id[OWN], place[OWN];
    [[unroll]] for (uint t = 0; t < OWN; t++) {
        id[t] = id_at(min(first + t, p.count - 1));
        place[t] = begin;
    }
    for (uint at = begin; at < end; at += ROUND) {
        uint others[ROUND];
        ROUND_EACH(r)
        {
            uint other = id_at(round_place(at + r, end));
            others[r] = round_counts(at + r, end) ? other : 0xffffffffu; // above all
        }
        ROUND_EACH(r)
        {
            uint j = at + r;
            // an equal id counts when it stands before: other < id + 1
            [[unroll]] for (uint t = 0; t < OWN; t++)
                place[t] += others[r] < id[t] + uint(j < first + t) ? 1 : 0;
        }
    }
    [[unroll]] for (uint t = 0; t < OWN; t++) {
        if (first + t < p.count)
            sorted[place[t]] = uvec2(id[t], first + t);
    }
}
