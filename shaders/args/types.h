/* types.h: scalar types of push constants, for C and for GLSL. Only 4-byte scalars: their layout is the same in both.
 */
#ifndef SHADERS_ARGS_TYPES_H
#define SHADERS_ARGS_TYPES_H

#ifdef VULKAN /* defined by GLSL compilers for Vulkan */
#define arg_u32 uint
#define arg_f32 float
#else
#include <stdint.h>
typedef uint32_t arg_u32;
typedef float arg_f32;
#endif

#endif
