#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: global norm from partial sums of squares, and the factor that clips it.
// One workgroup owns all; lane l adds elements l, l + local size, ...
// Numerics: sums carried as two floats (lib/pair.glsl).
#extension GL_GOOGLE_include_directive : require
#include "lib/pair_row.glsl"
#include "args/optim.h"

READ_BUFFER(0, float, partial);  // [T,64]
READ_BUFFER(1, float, hyper);    // [HYPER_COUNT]
WRITE_BUFFER(2, float, clipping); // [2]: norm, factor
PUSH(clip_args, p);

void main()
{
    ROW_PAIR_EACH(float, s, i, p.count, partial[i]);
    float norm = sqrt(s.x + s.y), most = hyper[HYPER_MAX_NORM];
    if (row_lane() == 0) {
        clipping[0] = norm;
        clipping[1] = most > 0 ? min(1, most / (norm + 1e-6)) : 1;
    }
}
