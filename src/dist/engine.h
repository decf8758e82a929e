/* engine.h: what carries messages between ranks, as a module gives it. Functions return 0, or an MPI error for
 * `explain`. Sizes are counts of 4-byte words. */
#ifndef DIST_ENGINE_H
#define DIST_ENGINE_H

#include <stddef.h>

enum { DIST_ENGINE_VERSION = 1 };

struct dist_engine {
    int version;                                                     /* DIST_ENGINE_VERSION */
    const char *kind;                                                /* "Open MPI", "MPICH", "ABI" */
    int (*start)(int *rank, int *count, char *library, size_t size); /* the library's name and version */
    int (*finish)(void);
    void (*end_all)(int exit_status);
    void (*explain)(int error, char *text, size_t size);
    int (*barrier)(void);
    int (*broadcast)(void *words, int count, int root);
    /* Each rank's `count` words, one rank's after another's. */
    int (*gather)(const void *words, int count, void *all);
    /* Part r of `words`, counts[r] from at[r] on, goes to rank r; what rank r sends goes to all + r * own. */
    int (*scatter)(const void *words, const int *counts, const int *at, void *all, int own);
    /* Rank r's part of `words` to all. */
    int (*collect)(void *words, const int *counts, const int *at);
};

/* The module's one symbol. */
typedef const struct dist_engine *(*dist_engine_get)(void);
#define DIST_ENGINE_SYMBOL "mien_dist_engine"

#endif
