#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: one subgroup searches one row; joined by subgroup arithmetic.
// Lane l of the subgroup owns elements l, l + subgroup size, ... of the row.
// Numerics: exact; the first of equals; a NaN is above everything.
#extension GL_GOOGLE_include_directive : require
#define ROW_SUBGROUP
#include "max/fwd.glsl"
