// The body of l2norm_bwd*: the technique was chosen by the .comp file (lib/row.glsl).
// dx = (dy - y * (y . dy)) / norm; where the norm was raised to the least one it is a constant: dx = dy / norm.
#include "lib/row.glsl"
#include "args/l2norm.h"

READ_BUFFER(0, float, dy);   // [R,D]
READ_BUFFER(1, float, y);    // [R,D]
READ_BUFFER(2, float, norm); // [R]
WRITE_BUFFER(3, float, dx);  // [R,D]
PUSH(l2norm_args, p);

void main()
{
    uint row = row_index();
    if (row >= p.rows)
        return;
    uint base = row * p.width, lane = row_lane(), lanes = row_lanes();
    float n = norm[row];
    ROW_SUM(sum, j, p.width, y[base + j] * dy[base + j], 0);
    float along = n > L2NORM_LEAST ? sum.x : 0;
    for (uint j = lane; j < p.width; j += lanes)
        dx[base + j] = (dy[base + j] - y[base + j] * along) / n;
}
