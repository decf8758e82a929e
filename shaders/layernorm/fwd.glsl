// The body of layernorm_fwd*: the technique was chosen by the .comp file (lib/row.glsl).
#include "lib/row.glsl"
#include "args/layernorm.h"

READ_BUFFER(0, float, x);     // [R,D]
READ_BUFFER(1, float, w);     // [D]
READ_BUFFER(2, float, b);     // [D]
WRITE_BUFFER(3, float, y);    // [R,D]
WRITE_BUFFER(4, float, mean); // [R]
WRITE_BUFFER(5, float, rstd); // [R]
PUSH(layernorm_args, p);

void main()
{
    uint row = row_index();
    if (row >= p.rows)
        return;
    uint base = row * p.width, lane = row_lane(), lanes = row_lanes();

    ROW_SUM(sum, j, p.width, x[base + j], 0);
    float near = sum.x / float(p.width); // the mean up to its rounding

    ROW_SUM(moment, j, p.width, x[base + j] - near, (x[base + j] - near) * (x[base + j] - near)); // about `near`
    moment /= float(p.width);
    float r = inversesqrt(max(moment.y - moment.x * moment.x, 0) + p.eps);

    for (uint j = lane; j < p.width; j += lanes)
        y[base + j] = ((x[base + j] - near) - moment.x) * r * w[j] + b[j];
    if (lane == 0) {
        mean[row] = near + moment.x;
        rstd[row] = r;
    }
}
