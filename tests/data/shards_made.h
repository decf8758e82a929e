/* shards_made.h: small shards for tests. */
#ifndef TESTS_DATA_SHARDS_MADE_H
#define TESTS_DATA_SHARDS_MADE_H

#include "data/shards.h"

#include "data/png.h"
#include "io/support.h"

/* 8x8 pixels; some are to be turned. */
static inline size_t picture(uint32_t i, unsigned char file[1024])
{
    unsigned char pixels[8 * 8 * 3];
    struct base_rng rng = base_rng_make(9, "picture", i, 0);
    for (size_t k = 0; k < sizeof(pixels); k++)
        pixels[k] = (unsigned char)base_rng_below(&rng, 256);
    return png_make(8, 8, 3, pixels, i % 4 ? 0 : 6, file);
}

static inline struct data_shards *open_shards(const char *pattern)
{
    struct data_shards *shards = NULL;
    CHECK_EQ(data_shards_open(support_file(pattern), NULL, &shards), MIEN_OK);
    return shards;
}

static inline enum mien_status count_row(void *user, const struct data_row *row)
{
    (void)row;
    ++*(uint64_t *)user;
    return MIEN_OK;
}

static unsigned char png[1024];
static size_t png_size;

struct member {
    const char *name, *text; /* text NULL: a picture */
};

static inline void write_tar(const char *name, const struct member *members, size_t count)
{
    struct base_out *out = NULL;
    CHECK_EQ(base_out_open(support_file(name), &out), MIEN_OK);
    for (size_t i = 0; i < count; i++)
        CHECK_EQ(tar_write(out, members[i].name, members[i].text ? members[i].text : (const char *)png,
                           members[i].text ? strlen(members[i].text) : png_size),
                 MIEN_OK);
    CHECK_EQ(tar_write_end(out), MIEN_OK);
    CHECK_EQ(base_out_commit(&out), MIEN_OK);
}

#endif
