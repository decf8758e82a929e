#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: one workgroup compares one row with its target; maximum and sums by trees in shared memory.
// Lane l of the workgroup owns elements l, l + local size, ... of the row.
// Numerics: fp32; exponents relative to the maximum, whose own 1 is kept apart.
#extension GL_GOOGLE_include_directive : require
#include "cross_entropy/fwd.glsl"
