/* walk.glsl: the body of the kernels that go over rows first .. first + rows of the scores [N,N], pair by pair.
 * Invocation (slice, column) walks slice_rows rows of one column; neighbours own neighbouring columns. Partial sums go
 * on from slab to slab. fp32.
 * The including file declares p, part [slices,N] of type SUM, and
 *   void meet_column(uint column)
 *   seen see(uint row, uint column, uint at)            all that is loaded for a pair; at = index in the bound scores
 *   SUM visit(seen s, uint row, uint column, uint at)   what is added to the sum; may store, and be called twice
 *   void finish(uint own)                               what is left for the pair (own, own), if it was visited
 *   SUM whole(SUM sum)                                  what becomes of the sum */
#include "lib/cut.glsl"
#include "lib/round.glsl"

void main()
{
    uint i = invocation_1d(p.begin);
    uint column = i % p.n, begin = i / p.n * p.slice_rows, end = min(begin + p.slice_rows, p.rows);
    if (begin >= p.rows)
        return;
    meet_column(column);
    precise SUM sum = SUM(0);
    for (uint r = begin; r < end; r += ROUND) {
        seen of[ROUND];
        ROUND_EACH(t)
        {
            uint row = round_place(r + t, end);
            of[t] = see(p.first + row, column, row * p.n + column);
        }
        ROUND_EACH(t)
        {
            uint row = round_place(r + t, end);
            SUM term = visit(of[t], p.first + row, column, row * p.n + column);
            sum += round_counts(r + t, end) ? term : SUM(0);
        }
    }
    if (column >= p.first + begin && column < p.first + end)
        finish(column);
    part[i] = p.first > 0 ? part[i] + whole(sum) : whole(sum);
}
