/* shapes.h: products of large models at the sizes at which their kernels are judged by name. */
#ifndef VENDOR_SHAPES_H
#define VENDOR_SHAPES_H

#include "check/check.h"

enum { SHAPES = 30 };
/* The name is the case's. */
struct check_case shapes_get(size_t index);

#endif
