/* mine.glsl: which candidates of an anchor are positives, and what their targets are (args/mine.h). Specialised by
 * KIND, SAME and WEIGHTS, so that what is not asked for costs nothing. A candidate is its pair's weight and text id. */
#ifndef CONTRAST_MINE_GLSL
#define CONTRAST_MINE_GLSL

#include "args/mine.h"

layout(constant_id = 8) const uint KIND = 0;    // MINE_*
layout(constant_id = 9) const uint SAME = 0;    // SAME_*
layout(constant_id = 10) const uint WEIGHTS = 0; // 1: pairs of weight 0 are left out

struct mine_line {
    float own, weight, id, cut, last, factor, rest;
};

mine_line mine_line_of(vec4 a, vec4 b)
{
    return mine_line(a.x, a.y, a.z, a.w, b.x, b.y, b.z);
}

vec2 mine_as_candidate(mine_line line)
{
    return vec2(line.weight, line.id);
}

// Whether a candidate must be read.
bool mine_wants_candidate()
{
    return WEIGHTS != 0 || SAME != SAME_NEGATIVE;
}

// Not to be seen by this anchor at all, whatever the similarity.
bool mine_hidden(mine_line anchor, vec2 candidate)
{
    return (WEIGHTS != 0 && candidate.x <= 0) || (SAME == SAME_IGNORE && candidate.y == anchor.id);
}

// A positive's share before it is normalised; cosines are at most 1, so that it does not overflow.
float mine_share(float similarity, float tau)
{
    return KIND == MINE_SOFT ? exp(min((similarity - 1) / tau, 80.0)) : 1;
}

// The share of a candidate other than the anchor: above 0 a positive, 0 a negative, below 0 left out.
float mine_candidate(mine_line anchor, vec2 candidate, uint index, float similarity, float tau)
{
    bool mined = KIND != MINE_NONE &&
                 (similarity > anchor.cut || (similarity == anchor.cut && float(index) <= anchor.last));
    bool positive = (mined && KIND != MINE_IGNORE) || (SAME == SAME_POSITIVE && candidate.y == anchor.id);
    float share = positive ? mine_share(similarity, tau) : mined ? -1 : 0;
    return mine_hidden(anchor, candidate) ? -1 : share;
}

// Its target q, normalised.
float mine_target(mine_line anchor, vec2 candidate, uint index, float similarity, float tau)
{
    float share = mine_candidate(anchor, candidate, index, similarity, tau);
    return share > 0 ? share * anchor.factor : share;
}

// As SigLIP wants it, +1, -1, 0 = left out: a positive of either side is one, else what either leaves out is.
float mine_sign(mine_line row_line, uint row, mine_line col_line, uint column, vec2 similarity)
{
    float r = mine_candidate(row_line, mine_as_candidate(col_line), column, similarity.x, 1);
    float c = mine_candidate(col_line, mine_as_candidate(row_line), row, similarity.y, 1);
    float kind = row == column || r > 0 || c > 0 ? 1 : r < 0 || c < 0 ? 0 : -1;
    return row_line.weight > 0 && col_line.weight > 0 ? kind : 0;
}

#endif
