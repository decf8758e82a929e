#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: the TOP most similar candidates of each anchor at or above the threshold, ties to the lower index, by insertion
// into a sorted list in registers; later rounds go on below the cut of the earlier.
// Invocation (line, slice) owns candidates slice, slice + slices, ... of row first + line.
// Numerics: comparisons only.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "lib/cut.glsl"
#include "contrast/mine.glsl"
#include "contrast/top.glsl"

READ_BUFFER(0, float, similarity); // [rows,N]
READ_BUFFER(1, vec4, lines);       // [2,N,2]
WRITE_BUFFER(2, vec2, list);       // [slices,rows,TOP] similarity, index
PUSH(mine_args, p);

const uint BLOCK = 4; // candidates of a round of the loop

void main()
{
    uint i = invocation_1d(p.begin);
    if (i >= p.rows * p.slices)
        return;
    uint row = i / p.slices, slice = i % p.slices, self = p.first + row;
    mine_line anchor = mine_line_of(lines[2 * (p.line + self)], lines[2 * (p.line + self) + 1]);
    clear_list();
    for (uint begin = slice; begin < p.n; begin += BLOCK * p.slices) {
        [[unroll]] for (uint block = 0; block < BLOCK; block += ROUND) {
            float of[ROUND];
            vec2 candidate[ROUND];
            ROUND_EACH(t)
            {
                uint at = min(begin + (block + t) * p.slices, p.n - 1);
                of[t] = similarity[row * p.n + at];
                candidate[t] = mine_wants_candidate() ? lines[2 * (p.line + at)].yz : vec2(0);
            }
            ROUND_EACH(t)
            {
                uint place = begin + (block + t) * p.slices;
                float value = of[t] * p.scale;
                bool counts = place < p.n && place != self && value >= p.cut;
                if (p.again != 0)
                    counts = counts && (value < anchor.cut || (value == anchor.cut && float(place) > anchor.last));
                counts = counts && !mine_hidden(anchor, candidate[t]);
                next[t] = counts ? value : NOTHING;
                next_at[t] = float(place);
            }
            insert_round();
        }
    }
    [[unroll]] for (uint k = 0; k < TOP; k++)
        list[(slice * p.rows + row) * TOP + k] = vec2(best[k], where[k]);
}
