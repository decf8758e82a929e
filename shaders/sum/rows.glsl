// The body of sum_rows_*: the .comp file defines what a term and a result are.
#include "lib/common.glsl"
#include "lib/pair.glsl"
#include "args/sum.h"

READ_BUFFER(0, TERM, x);     // [R,D]
WRITE_BUFFER(1, RESULT, sum); // [blocks,D]
PUSH(sum_rows_args, p);

void main()
{
    uint j = gl_GlobalInvocationID.x, begin = gl_WorkGroupID.y * p.block;
    uint end = min(begin + p.block, p.rows);
    if (j >= p.width)
        return;
    vec2 s = vec2(0);
    for (uint row = begin; row < end; row++)
        s = ADD(s, x[row * p.width + j]);
    sum[(p.first / p.block + gl_WorkGroupID.y) * p.width + j] = ROUND(s);
}
