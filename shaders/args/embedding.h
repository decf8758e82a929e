/* embedding.h: push constants of shaders/embedding/embedding_bwd*. */
#ifndef SHADERS_ARGS_EMBEDDING_H
#define SHADERS_ARGS_EMBEDDING_H

#include "args/types.h"

/* Sorted chunks that are merged into one at a time. */
#define EMBEDDING_FAN 4

/* All kernels of the scatter gradient work on one run of n ids. */
struct embedding_args {
    arg_u32 count;     /* n */
    arg_u32 id_skip;   /* first id in the bound range */
    arg_u32 rows;      /* V: ids are clamped below it */
    arg_u32 chunk;     /* elements sorted together so far; the sorting kernels only */
    arg_u32 width;     /* D */
    arg_u32 dy_skip;   /* first element of dy in its bound range */
    arg_u32 row_first; /* the first table row of this dispatch */
    arg_u32 row_count;
    arg_u32 row_skip; /* first element of dtable in its bound range */
};

#endif
