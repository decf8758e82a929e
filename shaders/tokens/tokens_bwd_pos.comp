#version 450
//! tech: plain add
//! target: vulkan1.1
// Idea: dpos[t] = sum over b of dy[b,t]; zeros for positions that were not used.
// Invocation i owns element i of dpos [P,D] and walks the batch in order: deterministic.
// Numerics: fp32, runs of 16 summed first.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "lib/round.glsl"
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
        for (uint b = 0; b < p.batches; b += ROUND) {
            float term[ROUND];
            ROUND_EACH(t)
                term[t] = dy[p.skip + round_place(b + t, p.batches) * p.used + i];
            ROUND_EACH(t)
                run += round_value(round_counts(b + t, p.batches), term[t]);
            if (b % 16 == 16 - ROUND) {
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
