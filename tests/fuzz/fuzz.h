/* fuzz.h: what the targets share. A target is one function that hands bytes to a parser; clang's libFuzzer calls it
 * (MIEN_FUZZ), or else replay.c, over the seeds and changed copies of them. It must neither crash nor leak, whatever
 * the bytes; sanitizers see the rest. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "base/base.h"

#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_silent(void *user, enum mien_log_level level, const char *message)
{
    (void)user;
    (void)level;
    (void)message;
}

/* Bytes as a file of the working directory, which a target has for itself. */
static inline const char *fuzz_file(const char *name, const void *data, size_t size)
{
    FILE *file = fopen(name, "wb");
    mien_log_set(fuzz_silent, NULL, MIEN_LOG_SILENT);
    if (!file || fwrite(data, 1, size, file) != size)
        fprintf(stderr, "%s: cannot be written\n", name);
    if (file)
        fclose(file);
    return name;
}

/* Inputs of several files stand one after another, with this line between them. Returns the end of the first. */
#define FUZZ_NEXT "\n=====\n"
static inline size_t fuzz_part(const uint8_t **data, size_t *size)
{
    const uint8_t *at = *data;
    size_t mark = strlen(FUZZ_NEXT), length = 0;
    while (length + mark <= *size && memcmp(at + length, FUZZ_NEXT, mark) != 0)
        length++;
    bool last = length + mark > *size;
    length = last ? *size : length;
    *data += last ? length : length + mark;
    *size -= last ? length : length + mark;
    return length;
}

#endif
