#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: one subgroup normalises one row; maximum and sum by subgroup arithmetic.
// Lane l of the subgroup owns elements l, l + subgroup size, ... of the row.
// Numerics: fp32, online: exponents relative to the maximum so far; the sum is carried as two floats.
#extension GL_GOOGLE_include_directive : require
#define ROW_SUBGROUP
#include "softmax/fwd.glsl"
