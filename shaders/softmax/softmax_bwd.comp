#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: one workgroup differentiates one row; its sum by trees in shared memory.
// Lane l of the workgroup owns elements l, l + local size, ... of the row.
// Numerics: fp32; taken about the row's first dy; the sum is carried as two floats.
#extension GL_GOOGLE_include_directive : require
#include "softmax/bwd.glsl"
