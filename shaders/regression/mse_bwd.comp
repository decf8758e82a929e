#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: da = dloss * 2 (a - b) / n, or with the root dloss * (a - b) / (n rmse).
// Each workgroup owns a run of elements, each invocation quads of it (lib/elements.glsl).
// Numerics: one factor for all; where the RMSE is next to 0 the gradient is 0.
#extension GL_GOOGLE_include_directive : require
#include "lib/elements.glsl"
#include "args/regression.h"

layout(constant_id = 8) const uint ROOT = 0;

READ_ELEMENTS(0, a);
READ_ELEMENTS(1, b);
READ_BUFFER(2, float, loss);  // [1]: the RMSE; another tensor without ROOT
READ_BUFFER(3, float, dloss); // [1]
WRITE_ELEMENTS(4, da);
PUSH(mse_bwd_args, p);

#define VALUE(v, i) (a##v[i] - b##v[i]) * factor
#define STORE(v, i, value) da##v[i] = value

void main()
{
    float factor = 2 * dloss[0] / float(p.count);
    if (ROOT != 0)
        factor = loss[0] < RMSE_LEAST ? 0 : dloss[0] / (float(p.count) * loss[0]);
    EACH_ELEMENT(p.part)
}
