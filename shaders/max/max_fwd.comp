#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: one workgroup searches one row; joined by trees in shared memory.
// Lane l of the workgroup owns elements l, l + local size, ... of the row.
// Numerics: exact; the first of equals; a NaN is above everything.
#extension GL_GOOGLE_include_directive : require
#include "max/fwd.glsl"
