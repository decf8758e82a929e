#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: one subgroup normalises one row; sums by subgroup arithmetic.
// Lane l of the subgroup owns elements l, l + subgroup size, ... of the row.
// Numerics: fp32; a sum of squares has no cancellation.
#extension GL_GOOGLE_include_directive : require
#define ROW_SUBGROUP
#include "l2norm/fwd.glsl"
