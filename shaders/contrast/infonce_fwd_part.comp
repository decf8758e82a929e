#version 450
//! tech: given stream block
//! target: vulkan1.1
// Idea: sums along the rows or columns ("lines") of Z = exp(q) A, of whose scores rows first .. first + rows are bound:
// softmax denominators relative to the line's own element (the diagonal's) and without it, and the target's share.
// Partial sums, so that no barrier is needed; they go on from slab to slab. Targets are given, or mined (stream). A
// block of the anchors (block) are rows, of whichever side: there the sum of exp(Z) Z is made as well.
// Invocation (line, slice) owns the candidates slice, slice + slices, ... of its line that are bound.
// Numerics: fp32, online; a maximum starts at the diagonal's 0, so that a saturated line loses nothing.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "lib/cut.glsl"
#include "lib/pair.glsl"
#include "lib/round.glsl"
#include "args/contrast.h"
#include "lib/exp.glsl"

READ_BUFFER(0, float, a);     // [rows,N]
READ_BUFFER(1, float, q);     // [1]
UPDATE_BUFFER(4, vec4, part); // [slices,N] maximum, sum, target's sum, sum of exp(Z) Z
PUSH(contrast_args, p);

/* own_score: the anchor's element of the diagonal. see: what a candidate's target depends on; at = index into a.
 * target: q of a candidate other than the anchor; below 0: left out. */
#ifdef TECH_BLOCK
#define TECH_STREAM 1
const bool SLOPE = true;
#else
const bool SLOPE = false;
#endif

#ifdef TECH_STREAM

#include "contrast/mine.glsl"

const bool POSITIVES = KIND != MINE_NONE || SAME == SAME_POSITIVE; // others than the anchor's own

READ_BUFFER(2, float, similarity); // [rows,N]
READ_BUFFER(3, vec4, lines);       // [2,N,2]

mine_line me;

uint line_place(uint i)
{
    return 2 * (p.line + (p.by_column != 0 ? p.n + i : i));
}

float own_score(uint anchor)
{
    me = mine_line_of(lines[line_place(anchor)], lines[line_place(anchor) + 1]);
    return me.own;
}

struct seen {
    vec2 other;
    float value;
};

seen see(uint candidate, uint at)
{
    return seen(mine_wants_candidate() ? lines[line_place(candidate)].yz : vec2(0),
                KIND != MINE_NONE ? similarity[at] * p.scale : 0);
}

float target(uint candidate, seen s)
{
    return mine_target(me, s.other, candidate, s.value, p.tau);
}

#else

layout(constant_id = 8) const uint TARGETS = 0; // 1: there are targets in this direction
layout(constant_id = 9) const uint WEIGHTS = 0; // 1: pairs of weight 0 are left out

const bool POSITIVES = TARGETS != 0; // others than the anchor's own

READ_BUFFER(2, float, share); // [N,N] targets of the lines; below 0 = left out
READ_BUFFER(3, float, w);     // [N]

float own_score(uint anchor)
{
    return a[anchor * p.n + anchor];
}

struct seen {
    float weight, share;
};

seen see(uint candidate, uint at)
{
    return seen(WEIGHTS != 0 ? w[candidate] : 1, TARGETS != 0 ? share[at] : 0);
}

float target(uint candidate, seen s)
{
    return WEIGHTS != 0 && s.weight <= 0 ? -1 : s.share;
}

#endif

const uint BLOCK = 8; // candidates per rescaling

void main()
{
    bool column = p.by_column != 0;
    uint i = invocation_1d(p.begin), slices = column ? p.col_slices : p.row_slices;
    uint lines = column ? p.n : p.rows, length = column ? p.rows : p.n;
    if (i >= lines * slices)
        return;
    uint line = column ? i % p.n : i / slices, slice = column ? i / p.n : i % slices;
    uint base = column ? line : line * p.n, stride = column ? p.n : 1;
    uint anchor = column ? line : p.first + line, offset = column ? p.first : 0, to = slice * p.n + anchor;
    float s = exp_close(q[0]), own = own_score(anchor);
    vec3 sums = column && p.first > 0 ? part[to].xyz : vec3(0); // columns meet one slab after the other, rows only one
    float top = sums.x, aim = sums.z;
    float total = sums.y, lost = 0; // as two floats: a line has thousands of blocks
    float slope = 0;
    for (uint begin = slice; begin < length; begin += slices * BLOCK) {
        precise float z[BLOCK]; // the same bits whatever the targets' source
        float peak = top;
        [[unroll]] for (uint block = 0; block < BLOCK; block += ROUND) {
            float score[ROUND];
            seen of[ROUND];
            ROUND_EACH(t)
            {
                uint place = min(begin + (block + t) * slices, length - 1), at = base + place * stride;
                score[t] = a[at];
                of[t] = see(offset + place, at);
            }
            ROUND_EACH(t)
            {
                uint place = begin + (block + t) * slices, candidate = offset + place;
                // the diagonal and what is past the end count nothing
                float share_of = target(candidate, of[t]);
                share_of = place < length && candidate != anchor ? share_of : -1;
                precise float relative = s * (score[t] - own);
                if (POSITIVES)
                    aim += share_of > 0 ? share_of * relative : 0;
                z[block + t] = share_of >= 0 ? relative : -3.0e38;
                peak = max(peak, z[block + t]);
            }
        }
        float shrink = peak > top ? exp(top - peak) : 1; // exp(0) may be off by 3 units, and each block would add that
        top = peak;
        precise float run = 0, turn = 0;
        [[unroll]] for (uint t = 0; t < BLOCK; t++) {
            float e = exp(z[t] - peak);
            run += e;
            if (SLOPE)
                turn += e > 0 ? e * z[t] : 0;
        }
        total *= shrink;
        lost *= shrink;
        pair_add(total, lost, run);
        if (SLOPE)
            slope = slope * shrink + turn;
    }
    part[to] = vec4(top, total + lost, aim, slope);
}
