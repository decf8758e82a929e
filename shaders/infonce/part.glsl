/* part.glsl: the body of the kernels that sum along lines of Z = exp(q) A, A the scores [N,N] of which rows first ..
 * first + rows are bound: softmax denominators relative to the line's own element (the diagonal's) and without it, and
 * the target's share, as partial sums (maximum, sum of exp, sum of q z), so that no barrier is needed.
 * A line's anchor is its row or column; its candidates are the columns or rows.
 * Invocation (line, slice) owns candidates slice, slice + slices, ... of its line.
 * The including file declares a, q, and
 *   float own_score(uint anchor)          the anchor's element of the diagonal
 *   float target(uint anchor, uint candidate, uint at)
 *                                         the target's q, candidate != anchor; below 0: left out; at = index into a
 *   vec3 before(uint i), void keep(uint i, vec3 sums)   the partial sums i = [slices,N] */
#extension GL_EXT_control_flow_attributes : require
#include "infonce/math.glsl"
#include "lib/pair.glsl"

const uint BLOCK = 8; // candidates per rescaling

PUSH(infonce_args, p);

void main()
{
    bool column = p.by_column != 0;
    uint i = invocation_1d(), slices = column ? p.col_slices : p.row_slices;
    uint lines = column ? p.n : p.rows, length = column ? p.rows : p.n;
    if (i >= lines * slices)
        return;
    uint line = column ? i % p.n : i / slices, slice = column ? i / p.n : i % slices;
    uint base = column ? line : line * p.n, stride = column ? p.n : 1;
    uint anchor = column ? line : p.first + line, offset = column ? p.first : 0;
    float s = exp_close(q[0]), own = own_score(anchor);
    vec3 sums = before(slice * p.n + anchor);
    float top = sums.x, aim = sums.z;
    float total = sums.y, lost = 0; // as two floats: a line has thousands of blocks
    for (uint begin = slice; begin < length; begin += slices * BLOCK) {
        precise float z[BLOCK]; // the same bits in all kernels of this body
        float peak = top;
        [[unroll]] for (uint t = 0; t < BLOCK; t++) {
            uint place = begin + t * slices, candidate = offset + place, at = base + min(place, length - 1) * stride;
            // the diagonal and what is past the end count nothing
            bool counts = place < length && candidate != anchor;
            float share = counts ? target(anchor, candidate, at) : -1;
            z[t] = s * (a[at] - own);
            aim += share > 0 ? share * z[t] : 0;
            z[t] = share >= 0 ? z[t] : -3.0e38;
            peak = max(peak, z[t]);
        }
        float shrink = peak > top ? exp(top - peak) : 1; // exp(0) may be off by 3 units, and each block would add that
        top = peak;
        precise float run = 0;
        [[unroll]] for (uint t = 0; t < BLOCK; t++)
            run += exp(z[t] - peak);
        total *= shrink;
        lost *= shrink;
        pair_add(total, lost, run);
    }
    keep(slice * p.n + anchor, vec3(top, total + lost, aim));
}
