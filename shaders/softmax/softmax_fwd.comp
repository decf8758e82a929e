#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: one workgroup normalises one row; maximum and sum by trees in shared memory.
// Lane l of the workgroup owns elements l, l + local size, ... of the row.
// Numerics: fp32, online: exponents relative to the maximum so far; the sum is carried as two floats.
#extension GL_GOOGLE_include_directive : require
#include "softmax/fwd.glsl"
