#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: one workgroup normalises one row; sums by a tree in shared memory.
// Lane l of the workgroup owns elements l, l + local size, ... of the row.
// Numerics: fp32; a sum of squares has no cancellation.
#extension GL_GOOGLE_include_directive : require
#include "l2norm/fwd.glsl"
