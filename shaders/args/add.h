/* add.h: push constants of shaders/add. */
#ifndef SHADERS_ARGS_ADD_H
#define SHADERS_ARGS_ADD_H

#include "args/types.h"

struct add_args {
    arg_u32 count; /* elements */
};

#endif
