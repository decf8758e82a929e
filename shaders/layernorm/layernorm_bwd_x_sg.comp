#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: one subgroup differentiates one row; sums by subgroup arithmetic.
// Lane l of the subgroup owns elements l, l + subgroup size, ... of the row.
// Numerics: fp32; x - mean is exact or nearly so; the two sums run over the whole row.
#extension GL_GOOGLE_include_directive : require
#define ROW_SUBGROUP
#include "layernorm/bwd_x.glsl"
