/* row_max.glsl: maxima and minima along rows. Techniques as in row.glsl, which this includes: row_max(v) gives every
 * owner of a row the greatest v of all of them; all owners call it together. */
#ifndef LIB_ROW_MAX_GLSL
#define LIB_ROW_MAX_GLSL

#include "lib/row.glsl"

/* The order of floats as one of unsigned integers, 0 below all: -0 equals 0, a NaN is above everything. Denormals count
 * even where arithmetic flushes them. */
uint ordered(uint bits)
{
    bool nan = (bits & 0x7fffffffu) > 0x7f800000u;
    bits = bits == 0x80000000u ? 0u : bits;
    bits = (bits & 0x80000000u) != 0u ? ~bits : bits | 0x80000000u;
    return nan ? 0xffffffffu : bits;
}

/* The greater of two, the first of equals where they come in order, and where it stands. */
void take_greater(uint other, uint other_at, inout uint key, inout uint at)
{
    at = other > key ? other_at : at;
    key = max(key, other);
}

#if defined(TECH_ROW)

uint row_max(uint v)
{
    return v;
}
float row_max(float v)
{
    return v;
}

#elif defined(TECH_SG)

uint row_max(uint v)
{
    return subgroupMax(v);
}
float row_max(float v)
{
    return subgroupMax(v);
}

#else

shared uint row_max_tree[gl_WorkGroupSize.x];

uint row_max(uint v)
{
    uint lane = gl_LocalInvocationID.x;
    barrier(); /* the last maximum has been read by all */
    row_max_tree[lane] = v;
    barrier();
    for (uint span = gl_WorkGroupSize.x / 2; span > 0; span /= 2) {
        if (lane < span)
            row_max_tree[lane] = max(row_max_tree[lane], row_max_tree[lane + span]);
        barrier();
    }
    return row_max_tree[0];
}
float row_max(float v)
{
    uint top = row_max(ordered(floatBitsToUint(v)));
    return uintBitsToFloat(top >= 0x80000000u ? top & 0x7fffffffu : ~top);
}

#endif

uint row_min(uint v)
{
    return ~row_max(~v);
}

#endif
