/* internal.h: shared inside nn/ only. */
#ifndef NN_INTERNAL_H
#define NN_INTERNAL_H

#include "nn/nn.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* MIEN_ERR_ARG for a precision that a model cannot have. */
enum mien_status nn_precision_check(enum mien_dtype precision);

/* Fills model->params (without device memory), sorted, from model->config and model->precision. */
enum mien_status nn_params_list(struct nn_model *model);

/* What kernels may round the operands of the scope's products and attention to, on matrix units: the 16-bit type that
 * it stores activations, or else weights, in. f32: to nothing. Losses, and the scores that they are made from, never
 * are. */
enum mien_dtype nn_multiplied_as(const struct nn_scope *scope);
/* y[...,O] = act(x[...,I] w[O,I]^T + b) + residual, stored as dtype; bias and residual may be absent. */
op_value nn_linear(struct nn_scope *scope, op_value x, const char *name, bool bias, enum op_activation act,
                   op_value residual, enum mien_dtype dtype);
/* Layer norm of rows, stored as dtype. */
op_value nn_norm(struct nn_scope *scope, op_value x, const char *name, double eps, enum mien_dtype dtype);
/* Token 0 of every sequence: x [B,N,D] -> [B,D] */
op_value nn_first_tokens(struct nn_scope *scope, op_value x);

#endif
