#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: the TOP most similar candidates of each anchor at or above the threshold, ties to the lower index, by insertion
// into a sorted list in registers; later rounds go on below the cut of the earlier.
// Invocation (line, slice) owns candidates slice, slice + slices, ... of row first + line.
// Numerics: comparisons only.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "lib/common.glsl"
#include "contrast/mine.glsl"
#include "contrast/top.glsl"

READ_BUFFER(0, float, similarity); // [rows,N]
READ_BUFFER(1, vec4, lines);       // [2,N,2]
WRITE_BUFFER(2, vec2, list);       // [slices,rows,TOP] similarity, index
PUSH(mine_args, p);

const uint BLOCK = 4;

void main()
{
    uint i = invocation_1d();
    if (i >= p.rows * p.slices)
        return;
    uint row = i / p.slices, slice = i % p.slices, self = p.first + row;
    mine_line anchor = mine_line_of(lines[2 * (p.line + self)], lines[2 * (p.line + self) + 1]);
    clear_list();
    for (uint begin = slice; begin < p.n; begin += BLOCK * p.slices) {
        [[unroll]] for (uint t = 0; t < BLOCK; t++) {
            uint place = begin + t * p.slices, at = min(place, p.n - 1);
            float value = similarity[row * p.n + at] * p.scale;
            bool counts = place < p.n && place != self && value >= p.cut;
            if (p.again != 0)
                counts = counts && (value < anchor.cut || (value == anchor.cut && float(place) > anchor.last));
            if (mine_wants_candidate())
                counts = counts && !mine_hidden(anchor, lines[2 * (p.line + at)].yz);
            insert(counts ? value : NOTHING, float(place));
        }
    }
    [[unroll]] for (uint k = 0; k < TOP; k++)
        list[(slice * p.rows + row) * TOP + k] = vec2(best[k], where[k]);
}
