/* signs.glsl: what siglip's kernels over the scores read: scores A [N,N], of which rows first .. first + rows are
 * bound, Z = exp(q) A + b, and signs, given or mined (stream); for walk.glsl.
 *   pair_seen pair_at(uint row, uint at)                        what is loaded for a pair
 *   vec2 sign_and_weight(pair_seen s, uint row, uint column)    sign +1, -1; weight 0 = left out */
#include "lib/common.glsl"
#include "args/contrast.h"
#include "lib/exp.glsl"

READ_BUFFER(1, float, scale); // [3] exp(q), dloss / (2 sum of weights), b
PUSH(contrast_args, p);
#define SUM vec2

vec3 scales; // set by meet_column

void finish(uint own)
{
}

vec2 whole(vec2 sum)
{
    return sum;
}

#ifdef TECH_STREAM

#define PART 5
#include "contrast/mined.glsl"

mine_line me;

void meet_column(uint column)
{
    me = line_at(p.line2 + column);
    scales = vec3(scale[0], scale[1], scale[2]);
}

struct pair_seen {
    mine_line other;
    vec2 value;
};

pair_seen pair_at(uint row, uint at)
{
    return pair_seen(line_at(p.line + row), similarities(at));
}

vec2 sign_and_weight(pair_seen s, uint row, uint column)
{
    float kind = mine_sign(s.other, row, me, column, s.value);
    return vec2(kind, kind != 0 ? s.other.weight + me.weight : 0);
}

#else

#define PART 4
layout(constant_id = 8) const uint SIGNS = 0;   // 1: sign is there; else +1 on the diagonal and -1 beside it
layout(constant_id = 9) const uint WEIGHTS = 0; // 1: pairs are weighted

READ_BUFFER(2, float, sign_of); // [rows,N]
READ_BUFFER(3, float, w);       // [N]

float my_weight;

void meet_column(uint column)
{
    my_weight = WEIGHTS != 0 ? w[column] : 1;
    scales = vec3(scale[0], scale[1], scale[2]);
}

struct pair_seen {
    float value, weight;
};

pair_seen pair_at(uint row, uint at)
{
    return pair_seen(SIGNS != 0 ? sign_of[at] : 0, WEIGHTS != 0 ? w[row] : 1);
}

vec2 sign_and_weight(pair_seen s, uint row, uint column)
{
    float value = SIGNS != 0 ? s.value : row == column ? 1 : -1;
    bool there = value != 0 && s.weight > 0 && my_weight > 0;
    return vec2(value > 0 ? 1 : -1, there ? s.weight + my_weight : 0);
}

#endif

UPDATE_BUFFER(PART, vec2, part); // [slices,N]

struct seen {
    float score;
    pair_seen pair;
};
