#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: how many candidates each anchor has mined or given, and the sum of the positives' shares, as partial sums.
// Invocation (line, slice) owns candidates slice, slice + slices, ... of row first + line.
// Numerics: fp32, blocks of 8 first; shares are at most about 1.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "lib/cut.glsl"
#include "lib/round.glsl"
#include "contrast/mine.glsl"

READ_BUFFER(0, float, similarity); // [rows,N]
READ_BUFFER(1, vec4, lines);       // [2,N,2]
WRITE_BUFFER(2, vec4, part);       // [slices,rows] shares of others, their number, own share
PUSH(mine_args, p);

const uint BLOCK = 8; // candidates of a round of the loop

void main()
{
    uint i = invocation_1d(p.begin);
    if (i >= p.rows * p.slices)
        return;
    uint row = i / p.slices, slice = i % p.slices, self = p.first + row;
    mine_line anchor = mine_line_of(lines[2 * (p.line + self)], lines[2 * (p.line + self) + 1]);
    vec3 sum = vec3(0);
    for (uint begin = slice; begin < p.n; begin += BLOCK * p.slices) {
        vec3 run = vec3(0);
        [[unroll]] for (uint block = 0; block < BLOCK; block += ROUND) {
            float of[ROUND];
            vec2 candidate[ROUND];
            ROUND_EACH(t)
            {
                uint at = min(begin + (block + t) * p.slices, p.n - 1);
                of[t] = KIND != MINE_NONE ? similarity[row * p.n + at] : 0;
                candidate[t] = mine_wants_candidate() ? lines[2 * (p.line + at)].yz : vec2(0);
            }
            ROUND_EACH(t)
            {
                uint place = begin + (block + t) * p.slices;
                float value = of[t] * p.scale;
                float share = mine_candidate(anchor, candidate[t], place, value, p.tau);
                bool other = place < p.n && place != self && !mine_hidden(anchor, candidate[t]);
                run.x += other && share > 0 ? share : 0;
                run.y += other && share != 0 ? 1 : 0; // those that are ignored count too
                run.z += place == self ? mine_share(value, p.tau) : 0;
            }
        }
        sum += run;
    }
    part[slice * p.rows + row] = vec4(sum, 0);
}
