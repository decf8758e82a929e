// The kernel of sum_rows_*: PAIRS_IN says that x has a second plane, what rounding took from the first; PAIRS_OUT that
// the sums get one. Columns are taken one by one or by quads.
#include "lib/pair.glsl"
#include "lib/quads.glsl"
#include "args/sum.h"

layout(constant_id = 8) const uint QUADS = 0;

READ_ELEMENTS(0, x);    // [R,D], PAIRS_IN: [2][R,D], the second plane at p.plane
WRITE_ELEMENTS(1, sum); // [blocks,D], PAIRS_OUT: [2][blocks,D], the second plane at p.plane
PUSH(sum_rows_args, p);

#define V 1
#include "sum/rows_column.glsl"
#undef V
#define V 4
#include "sum/rows_column.glsl"

void main()
{
    if (QUADS != 0)
        column4(gl_GlobalInvocationID.x);
    else
        column1(gl_GlobalInvocationID.x);
}
