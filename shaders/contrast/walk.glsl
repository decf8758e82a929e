/* walk.glsl: the body of the kernels that go over rows first .. first + rows of the scores [N,N], pair by pair.
 * Invocation (slice, column) walks slice_rows rows of one column; neighbours own neighbouring columns. Partial sums go
 * on from slab to slab. fp32.
 * The including file declares p, part [slices,N] of type SUM, and
 *   void meet_column(uint column)
 *   SUM visit(uint row, uint column, uint at)   what is added to the sum; at = index among the bound scores
 *   SUM whole(SUM sum)                          what becomes of the sum */
void main()
{
    uint i = invocation_1d();
    uint column = i % p.n, begin = i / p.n * p.slice_rows, end = min(begin + p.slice_rows, p.rows);
    if (begin >= p.rows)
        return;
    meet_column(column);
    precise SUM sum = SUM(0);
    for (uint r = begin; r < end; r++)
        sum += visit(p.first + r, column, r * p.n + column);
    part[i] = p.first > 0 ? part[i] + whole(sum) : whole(sum);
}
