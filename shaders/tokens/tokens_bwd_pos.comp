#version 450
//! tech: plain add
//! target: vulkan1.1
// Idea: dpos[t] = sum over b of dy[b,t]; zeros for positions that were not used.
// Invocation i owns element i of dpos [P,D] and walks the batch in order: deterministic.
// Numerics: fp32, runs of 16 summed first.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "args/tokens.h"

READ_BUFFER(0, float, dy); // whole batches of [B,T,D]
#ifdef TECH_ADD
UPDATE_BUFFER(1, float, dpos);
#else
WRITE_BUFFER(1, float, dpos); // [P,D], P >= T
#endif
PUSH(tokens_sum_args, p);

void main()
{
    uint i = invocation_1d();
    if (i >= p.count)
        return;
    float sum = 0, run = 0; // runs of 16 first: the error grows with B / 16 + 16, not with B
    if (i < p.used) {
        for (uint b = 0; b < p.batches; b++) {
            run += dy[p.skip + b * p.used + i];
            if (b % 16 == 15) {
                sum += run;
                run = 0;
            }
        }
    }
#ifdef TECH_ADD
    dpos[i] += sum + run;
#else
    dpos[i] = sum + run;
#endif
}
