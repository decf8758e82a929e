// The body of sum_fwd* and sum_squares_fwd*: the technique was chosen by the .comp file (lib/row.glsl). A "row" is a
// run of elements with one partial sum; runs past the end give 0.
#include "lib/pair_row.glsl"
#include "args/sum.h"

READ_BUFFER(0, float, x);
WRITE_BUFFER(1, PARTIAL, partial); // [SUM_PARTIALS]
PUSH(sum_args, p);

void main()
{
    uint row = row_index();
    if (row >= p.rows)
        return;
    uint begin = min(row * p.run, p.count), end = min(begin + p.run, p.count);
    vec2 s = vec2(0);
    for (uint i = begin + row_lane(); i < end; i += row_lanes())
        s = pair_add(s, TERM(x[i]));
    s = pair_row_sum(s);
    if (row_lane() == 0)
        partial[p.first + row] = RESULT(s);
}
