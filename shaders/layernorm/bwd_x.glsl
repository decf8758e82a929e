// The body of layernorm_bwd_x*: the technique was chosen by the .comp file (lib/row.glsl).
// With t = dy * w and n = (x - mean) * rstd:  dx = rstd * (t - mean(t) - n * mean(t * n)).
#include "lib/row.glsl"
#include "args/layernorm.h"

READ_BUFFER(0, float, dy);   // [R,D]
READ_BUFFER(1, float, x);    // [R,D]
READ_BUFFER(2, float, w);    // [D]
READ_BUFFER(3, float, mean); // [R]
READ_BUFFER(4, float, rstd); // [R]
WRITE_BUFFER(5, float, dx);  // [R,D]
PUSH(layernorm_args, p);

void main()
{
    uint row = row_index();
    if (row >= p.rows)
        return;
    uint base = row * p.width, lane = row_lane(), lanes = row_lanes();
    float m = mean[row], r = rstd[row];

    ROW_SUM(t, j, p.width, dy[base + j] * w[j], dy[base + j] * w[j] * ((x[base + j] - m) * r));
    t /= float(p.width);
    for (uint j = lane; j < p.width; j += lanes)
        dx[base + j] = r * (dy[base + j] * w[j] - t.x - ((x[base + j] - m) * r) * t.y);
}
