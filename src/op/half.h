/* half.h: 16-bit floats by their dtype (base/half.h), for references and tests; kernels have lib/half.glsl. */
#ifndef OP_HALF_H
#define OP_HALF_H

#include "op/op.h"

/* The bits of x in f16 or bf16: to nearest, ties to even, overflow to infinity, NaN quiet. */
uint16_t op_half_of(float x, enum mien_dtype dtype);
/* Element i of host data in f32, f16 or bf16; exact. */
float op_load(const void *data, uint64_t i, enum mien_dtype dtype);
/* Floats become the 16-bit floats that the shape says, in place, if it says so. */
void op_narrow(float *x, const struct tensor_shape *shape);

#endif
