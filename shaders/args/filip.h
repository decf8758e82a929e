/* filip.h: push constants of shaders/filip. Kernels see some images at a time. */
#ifndef SHADERS_ARGS_FILIP_H
#define SHADERS_ARGS_FILIP_H

#include "args/types.h"

struct filip_args {
    arg_u32 count;   /* what invocations own */
    arg_u32 images;  /* of this part */
    arg_u32 patches; /* G */
    arg_u32 texts;   /* M: lists of sentences */
    arg_u32 slots;   /* K: sentences of a list */
    arg_u32 width;   /* E */
    arg_u32 again;   /* filip_scores_bwd_texts: add to what earlier parts gave */
    arg_u32 begin;   /* op_plan_cut */
};

#endif
