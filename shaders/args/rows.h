/* rows.h: push constants of kernels that move whole rows: shaders/embedding/embedding_fwd, select, tokens. */
#ifndef SHADERS_ARGS_ROWS_H
#define SHADERS_ARGS_ROWS_H

#include "args/types.h"

struct rows_args {
    arg_u32 rows, width;       /* rows written by this dispatch; D */
    arg_u32 first;             /* the first of them, counted in the whole tensor */
    arg_u32 tokens;            /* T, L or G, where rows are [B,T] */
    arg_u32 in_first, in_rows; /* source rows in the bound range; in_first counted in the whole tensor */
    arg_u32 in_skip, out_skip; /* first element of either in its bound range */
    arg_u32 limit;             /* rows of the whole source: indices are clamped below it */
};

#endif
