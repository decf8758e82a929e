#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: one subgroup compares one row with its target; maximum and sums by subgroup arithmetic.
// Lane l of the subgroup owns elements l, l + subgroup size, ... of the row.
// Numerics: fp32; exponents relative to the maximum, whose own 1 is kept apart.
#extension GL_GOOGLE_include_directive : require
#define ROW_SUBGROUP
#include "cross_entropy/fwd.glsl"
