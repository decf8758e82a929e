/* sum.h: push constants of shaders/sum. */
#ifndef SHADERS_ARGS_SUM_H
#define SHADERS_ARGS_SUM_H

#include "args/types.h"

#define SUM_PARTIALS 64 /* of sum_squares, and the rows of clip_factor's input */

/* sum_fwd, sum_squares_fwd: elements in SUM_PARTIALS runs; sum_squares_runs_fwd: rows and first alone */
struct sum_args {
    arg_u32 count; /* elements bound */
    arg_u32 run;   /* elements per partial sum */
    arg_u32 rows;  /* partial sums of this part */
    arg_u32 first; /* the first of them */
};

/* sum_rows_fwd: x[rows, width] in blocks of rows */
struct sum_rows_args {
    arg_u32 rows, first; /* of this part */
    arg_u32 width;       /* D */
    arg_u32 block;       /* rows per partial sum */
    arg_u32 plane;       /* elements from a plane of partial sums to the next, a multiple of 64 */
};

#endif
