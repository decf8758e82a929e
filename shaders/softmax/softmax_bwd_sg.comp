#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: one subgroup differentiates one row; its sum by subgroup arithmetic.
// Lane l of the subgroup owns elements l, l + subgroup size, ... of the row.
// Numerics: fp32; taken about the row's first dy; the sum is carried as two floats.
#extension GL_GOOGLE_include_directive : require
#define ROW_SUBGROUP
#include "softmax/bwd.glsl"
