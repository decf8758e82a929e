// The body of l2norm_fwd*: the technique was chosen by the .comp file (lib/row.glsl).
#include "lib/row.glsl"
#include "args/l2norm.h"

READ_BUFFER(0, float, x);     // [R,D]
WRITE_BUFFER(1, float, y);    // [R,D]
WRITE_BUFFER(2, float, norm); // [R]
PUSH(l2norm_args, p);

void main()
{
    uint row = row_index();
    if (row >= p.rows)
        return;
    uint base = row * p.width, lane = row_lane(), lanes = row_lanes();
    ROW_SUM(sum, j, p.width, x[base + j] * x[base + j], 0);
    float n = max(sqrt(sum.x), L2NORM_LEAST);
    for (uint j = lane; j < p.width; j += lanes)
        y[base + j] = x[base + j] / n;
    if (lane == 0)
        norm[row] = n;
}
