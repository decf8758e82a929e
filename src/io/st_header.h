/* st_header.h: inside io: the JSON header of a safetensors file, parsed without building a tree. */
#ifndef IO_ST_HEADER_H
#define IO_ST_HEADER_H

#include "base/base.h"
#include "io/safetensors.h"

/* A tensor as declared; io_tensor.in is NULL still. */
struct st_entry {
    struct io_tensor tensor;
    uint64_t begin, end; /* bytes into the data buffer */
};

struct st_pair {
    const char *key, *value;
};

struct st_header {
    struct st_entry *entries;
    size_t count, capacity;
    struct st_pair *pairs; /* __metadata__ */
    size_t pair_count, pair_capacity;
    struct base_arena arena; /* names and strings */
};

/* Parses text [size]; `path` for messages, whose byte numbers count from `text`. On failure the header is to be
 * cleared as well. Checks syntax, types, duplicate names; not the ranges. */
enum mien_status st_header_parse(const char *text, size_t size, const char *path, struct st_header *out);
void st_header_clear(struct st_header *header);

#endif
