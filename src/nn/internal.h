/* internal.h: shared inside nn/ only. */
#ifndef NN_INTERNAL_H
#define NN_INTERNAL_H

#include "nn/nn.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Fills model->params (without device memory), sorted, from model->config. */
enum mien_status nn_params_list(struct nn_model *model);

#endif
