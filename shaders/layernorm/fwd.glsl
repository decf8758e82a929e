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

    float sum = 0;
    for (uint j = lane; j < p.width; j += lanes)
        sum += x[base + j];
    float near = row_sum(sum) / float(p.width); // the mean up to its rounding

    float first = 0, second = 0; // moments about `near`
    for (uint j = lane; j < p.width; j += lanes) {
        float d = x[base + j] - near;
        first += d;
        second += d * d;
    }
    first = row_sum(first) / float(p.width);
    second = row_sum(second) / float(p.width);
    float r = inversesqrt(max(second - first * first, 0) + p.eps);

    for (uint j = lane; j < p.width; j += lanes)
        y[base + j] = ((x[base + j] - near) - first) * r * w[j] + b[j];
    if (lane == 0) {
        mean[row] = near + first;
        rstd[row] = r;
    }
}
