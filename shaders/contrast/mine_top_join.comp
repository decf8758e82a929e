#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: the lists of a line's slices into one; its keep-th entry is the cut. A list that is not full cuts nothing.
// Invocation i owns row first + i.
// Numerics: comparisons only.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "lib/common.glsl"
#include "args/mine.h"
#include "contrast/top.glsl"

READ_BUFFER(0, vec2, list);    // [slices,rows,TOP] similarity, index
UPDATE_BUFFER(1, vec4, lines); // [2,N,2]
PUSH(mine_args, p);

void main()
{
    uint row = invocation_1d();
    if (row >= p.rows)
        return;
    clear_list();
    uint entries = p.slices * TOP;
    for (uint i = 0; i < entries; i += ROUND) {
        vec2 entry[ROUND];
        ROUND_EACH(t)
        {
            uint k = round_place(i + t, entries);
            entry[t] = list[(k / TOP * p.rows + row) * TOP + k % TOP];
        }
        ROUND_EACH(t)
        {
            next[t] = round_counts(i + t, entries) ? entry[t].x : NOTHING;
            next_at[t] = entry[t].y;
        }
        insert_round();
    }
    bool full = best[TOP - 1] > NOTHING;
    uint self = p.first + row;
    float cut = full ? best[TOP - 1] : p.cut, last = full ? where[TOP - 1] : MINE_ALL;
    lines[2 * (p.line + self)].w = cut;
    lines[2 * (p.line + self) + 1].x = last;
    lines[2 * (p.line2 + self)].w = cut;
    lines[2 * (p.line2 + self) + 1].x = last;
}
