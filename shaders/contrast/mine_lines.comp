#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: begins the lines of both directions: the pair's own score u.v, its weight, its text's id, the thresholds.
// Invocation i owns pair first + i.
// Numerics: fp32; a dot product in four sums, each in blocks of 16.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "lib/common.glsl"
#include "args/mine.h"

layout(constant_id = 8) const uint OWN = 0;     // 1: there are u and v
layout(constant_id = 9) const uint IDS = 0;     // 1: there are ids
layout(constant_id = 10) const uint WEIGHTS = 0; // 1: there are weights

READ_BUFFER(0, float, u);     // [rows,E]
READ_BUFFER(1, float, v);     // [rows,E]
READ_BUFFER(2, int, id);      // [N]
READ_BUFFER(3, float, w);     // [N]
WRITE_BUFFER(4, vec4, lines); // [2,N,2]
PUSH(mine_args, p);

float own_score(uint row)
{
    vec4 sum = vec4(0);
    for (uint begin = 0; begin < p.width; begin += 64) {
        vec4 run = vec4(0);
        for (uint j = begin; j < min(begin + 64, p.width); j += 4) {
            [[unroll]] for (uint t = 0; t < 4; t++) {
                uint at = p.skip + row * p.width + min(j + t, p.width - 1);
                run[t] = j + t < p.width ? fma(u[at], v[at], run[t]) : run[t];
            }
        }
        sum += run;
    }
    return (sum.x + sum.y) + (sum.z + sum.w);
}

void main()
{
    uint i = invocation_1d();
    if (i >= p.rows)
        return;
    uint pair = p.first + i;
    float own = OWN != 0 ? own_score(i) : 0, weight = WEIGHTS != 0 ? max(w[pair], 0) : 1;
    float text = IDS != 0 ? float(id[pair]) : 0;
    lines[2 * pair] = vec4(own, weight, text, p.cut);
    lines[2 * pair + 1] = vec4(MINE_ALL, 0, 0, weight > 0 ? 1 : 0);
    lines[2 * (p.n + pair)] = vec4(own, weight, text, p.cut2);
    lines[2 * (p.n + pair) + 1] = vec4(MINE_ALL, 0, 0, weight > 0 ? 1 : 0);
}
