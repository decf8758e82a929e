/* signature.h: what an op takes and gives, as one line of text that is its shape rule, its documentation and a part of
 * its messages:
 *
 *   x[...,D] w[D] b[D] -> y[...,D] (mean[R] rstd[R])
 *
 * Inputs, `->`, outputs. A tensor is a name, then
 *   ?           it may be absent (an output: op_desc.shapes decides)
 *   :i32        its dtype, if not f32
 *   :half       an input: f32, f16 or bf16
 *   :stored     an output: f32, or attr dtype where that is f16 or bf16; then its width is a multiple of 4, so that an
 *               invocation owns whole words
 *   [dims]      its sizes; without them op_desc.shapes looks after them
 * A size is a capital letter, the same number everywhere; a letter + or - 1, or times a number (3D); a number; `...`,
 * any number of leading sizes, the same everywhere; R, the product of those; or an attribute of the op: rows, count,
 * heads (0 = 1).
 * All 16-bit tensors of a call have one dtype (but for cast, whose output is not marked).
 * Outputs in parentheses are by-products saved for the backward pass: no gradient flows into them. An output with the
 * name and place of an input is stored where the input is. An input called `like` gives a shape alone: it is not read.
 */
#ifndef OP_SIGNATURE_H
#define OP_SIGNATURE_H

#include "op/op.h"

struct op_tensor {
    const char *name, *dims; /* name: not ended, `length` characters; dims behind its '[', NULL = any */
    uint32_t length;
};

/* Bit i: input or output i. */
struct op_signature {
    uint32_t in_count, out_count;
    struct op_tensor in[OP_MAX_IN], out[OP_MAX_OUT];
    uint32_t optional, index_inputs, half_inputs; /* inputs: may be absent; i32; f32, f16 or bf16 */
    uint32_t optional_outputs, index_outputs, in_place, aux_outputs, stored_outputs;
};

/* Takes an op's signature apart: cheap, without memory. */
void op_signature(const struct op_desc *op, struct op_signature *out);
/* Whether the tensor is called `name` [length]. */
bool op_tensor_named(const struct op_tensor *tensor, const char *name, size_t length);

/* The signature's part of op_call_shapes: holds call->in against the sizes and sets those of call->out that it tells.
 */
enum mien_status op_signature_apply(const struct op_signature *signature, struct op_call *call, const char *label);

#endif
