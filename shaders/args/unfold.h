/* unfold.h: push constants of shaders/unfold. */
#ifndef SHADERS_ARGS_UNFOLD_H
#define SHADERS_ARGS_UNFOLD_H

#include "args/types.h"

struct unfold_args {
    arg_u32 count;                   /* invocations that have work */
    arg_u32 channels, height, width; /* C, R, R' */
    arg_u32 side;                    /* P */
    arg_u32 down, across;            /* patches: gh, gw */
    arg_u32 in_skip, out_skip;       /* first element of either in its bound range */
};

#endif
