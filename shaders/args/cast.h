/* cast.h: push constants of shaders/cast. */
#ifndef SHADERS_ARGS_CAST_H
#define SHADERS_ARGS_CAST_H

#include "args/types.h"

/* Specialisation constants 8 and 9: what a buffer holds; enum mien_dtype in another order would do as well. */
#define CAST_F32 0
#define CAST_F16 1
#define CAST_BF16 2

struct cast_args {
    arg_u32 count; /* elements of this part */
};

#endif
