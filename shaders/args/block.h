/* block.h: push constants of shaders/concat: a block of rows and columns, taken from one tensor, put into another. */
#ifndef SHADERS_ARGS_BLOCK_H
#define SHADERS_ARGS_BLOCK_H

#include "args/types.h"

/* In elements, or in quads of them. */
struct block_args {
    arg_u32 count, width;          /* elements of the block; of one of its rows */
    arg_u32 in_stride, out_stride; /* from row to row of either tensor */
    arg_u32 in_skip, out_skip;     /* the block's first element in either bound range */
};

#endif
