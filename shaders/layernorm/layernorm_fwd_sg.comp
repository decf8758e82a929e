#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: one subgroup normalises one row; sums by subgroup arithmetic.
// Lane l of the subgroup owns elements l, l + subgroup size, ... of the row.
// Numerics: fp32; mean, then both moments about that mean: a large common offset of the row costs no accuracy.
#extension GL_GOOGLE_include_directive : require
#define ROW_SUBGROUP
#include "layernorm/fwd.glsl"
