/* formats.h: how tensors' elements are stored, for C and GLSL: a specialisation constant of two bits for each slot. */
#ifndef SHADERS_ARGS_FORMATS_H
#define SHADERS_ARGS_FORMATS_H

#define FORMAT_F32 0
#define FORMAT_F16 1
#define FORMAT_BF16 2
#define FORMAT_BITS 2

#endif
