/* walk.glsl: the body of the kernels that go over rows first .. first + rows of the scores A [N,N], Z = exp(q) A + b.
 * Invocation (slice, column) walks slice_rows rows of one column; neighbours own neighbouring columns. Partial sums go
 * on from slab to slab. fp32.
 * The including file declares a, scale (scale.comp says of what) and part, and includes given.glsl or stream.glsl, for
 *   void meet_column(uint column)
 *   vec2 sign_and_weight(uint row, uint column, uint at)   sign +1, -1; weight 0 = left out
 * and fwd.glsl or bwd.glsl, for
 *   vec2 visit(uint at, float z, vec2 pair)                what is added to the sums; z without b */
#include "infonce/math.glsl"

void main()
{
    uint i = invocation_1d();
    uint column = i % p.n, begin = i / p.n * p.slice_rows, end = min(begin + p.slice_rows, p.rows);
    if (begin >= p.rows)
        return;
    meet_column(column);
    vec2 sum = vec2(0);
    for (uint r = begin; r < end; r++) {
        uint at = r * p.n + column;
        sum += visit(at, scale[0] * a[at], sign_and_weight(p.first + r, column, at));
    }
    part[i] = p.first > 0 ? part[i] + sum : sum;
}
