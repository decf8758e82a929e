#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: one workgroup differentiates one row; sums by a tree in shared memory.
// Lane l of the workgroup owns elements l, l + local size, ... of the row.
// Numerics: fp32; x - mean is exact or nearly so; the two sums run over the whole row.
#extension GL_GOOGLE_include_directive : require
#include "layernorm/bwd_x.glsl"
