/* common.glsl: what every kernel begins with. */
#ifndef LIB_COMMON_GLSL
#define LIB_COMMON_GLSL

#include "args/types.h"

/* Specialisation constants, project-wide: 0-2 local size, 3-7 tile, 8 and up options of the op. */
layout(local_size_x_id = 0, local_size_y_id = 1, local_size_z_id = 2) in;

/* Storage buffers: READ_BUFFER(0, float, x) gives x[]. The qualifier must match the bind's access in the op's plan. */
#define READ_BUFFER(slot, type, name)                                                                                  \
    layout(set = 0, binding = slot, std430) readonly buffer name##_buffer { type name[]; }
#define WRITE_BUFFER(slot, type, name)                                                                                 \
    layout(set = 0, binding = slot, std430) writeonly buffer name##_buffer { type name[]; }
#define UPDATE_BUFFER(slot, type, name)                                                                                \
    layout(set = 0, binding = slot, std430) buffer name##_buffer { type name[]; }

/* Vectors that are only read: READ_QUADS(0, x) gives the vec4 x_quad(i), READ_PAIRS(0, x) the uvec2 x_pair(i). With
 * TECH_TEXEL they come through the texture cache, in ranges of whole vectors, vk_caps.max_texels of them at most. */
#ifdef TECH_TEXEL
#extension GL_EXT_samplerless_texture_functions : require
#define READ_QUADS(slot, name)                                                                                         \
    layout(set = 0, binding = slot) uniform textureBuffer name;                                                        \
    vec4 name##_quad(uint i)                                                                                           \
    {                                                                                                                  \
        return texelFetch(name, int(i));                                                                               \
    }
#define READ_PAIRS(slot, name)                                                                                         \
    layout(set = 0, binding = slot) uniform utextureBuffer name;                                                       \
    uvec2 name##_pair(uint i)                                                                                          \
    {                                                                                                                  \
        return texelFetch(name, int(i)).xy;                                                                            \
    }
#else
#define READ_QUADS(slot, name)                                                                                         \
    READ_BUFFER(slot, vec4, name);                                                                                     \
    vec4 name##_quad(uint i)                                                                                           \
    {                                                                                                                  \
        return name[i];                                                                                                \
    }
#define READ_PAIRS(slot, name)                                                                                         \
    READ_BUFFER(slot, uvec2, name);                                                                                    \
    uvec2 name##_pair(uint i)                                                                                          \
    {                                                                                                                  \
        return name[i];                                                                                                \
    }
#endif

/* Push constants: PUSH(layernorm_args, p) gives p.rows, ... The struct stands in shaders/args. */
#define PUSH(type, name)                                                                                               \
    layout(push_constant, std430) uniform push_block { type name; }

/* Linear index of the workgroup in a 1-d dispatch that was folded into x and y (op_dispatch_groups_1d). The last row
 * may be ragged: compare with the kernel's own count. */
uint group_1d()
{
    return gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x;
}

/* The same for the invocation, in workgroups of gl_WorkGroupSize.x. */
uint invocation_1d()
{
    return group_1d() * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
}

#endif
