// strip.glsl: column sums of x[R,D] in one stage. A workgroup owns a strip of COLS columns, or of four times as many
// (lib/quads.glsl); its invocations take the rows in turn, LANES at a time, and add up in a tree. All of them call.
#ifndef LIB_STRIP_GLSL
#define LIB_STRIP_GLSL

#include "lib/pair.glsl"
#include "lib/quads.glsl"

layout(constant_id = 3) const uint COLS = 4;  // divides the local size
layout(constant_id = 8) const uint QUADS = 0; // columns come in fours

#define STRIP_ROUND 4 // rows whose loads are in flight together

uint strip_lanes()
{
    return gl_WorkGroupSize.x / COLS;
}

uint strip_lane()
{
    return gl_LocalInvocationID.x / COLS;
}

uint strip_column()
{
    return group_1d() * COLS + gl_LocalInvocationID.x % COLS;
}

shared vec4 strip_value[gl_WorkGroupSize.x];
shared vec4 strip_lost[gl_WorkGroupSize.x];

// The sum over a column's lanes, in the first of them.
vec4 strip_sum(vec4 value, vec4 lost)
{
    uint lane = gl_LocalInvocationID.x;
    barrier(); // the last sum has been read
    strip_value[lane] = value;
    strip_lost[lane] = lost;
    barrier();
    for (uint span = gl_WorkGroupSize.x / 2; span >= COLS; span /= 2) {
        if (lane < span) {
            value = strip_value[lane];
            lost = strip_lost[lane] + strip_lost[lane + span];
            pair_add(value, lost, strip_value[lane + span]);
            strip_value[lane] = value;
            strip_lost[lane] = lost;
        }
        barrier();
    }
    return strip_value[lane] + strip_lost[lane];
}

float strip_sum(float value, float lost)
{
    return strip_sum(vec4(value, 0, 0, 0), vec4(lost, 0, 0, 0)).x;
}

#endif
