/* png_write.c: the one file that compiles stb_image_write. */
#include "data/png_write.h"

#include "base/base.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

/* stb_image_write does not look whether its arrays have grown: memory that runs out leaves it by longjmp, and its
 * blocks, which are on a list, go. */
struct block {
    _Alignas(16) struct block *next;
    struct block **link; /* what points here */
};

static _Thread_local struct {
    jmp_buf back;
    struct block *blocks;
} work;

static void *keep(struct block *block)
{
    if (!block)
        longjmp(work.back, 1);
    block->next = work.blocks;
    block->link = &work.blocks;
    if (block->next)
        block->next->link = &block->next;
    work.blocks = block;
    return block + 1;
}

static struct block *release(void *memory)
{
    struct block *block = (struct block *)memory - 1;
    *block->link = block->next;
    if (block->next)
        block->next->link = block->link;
    return block;
}

static void *work_malloc(size_t size)
{
    return keep(malloc(sizeof(struct block) + size));
}

static void *work_realloc(void *old, size_t size)
{
    struct block *block = old ? release(old) : NULL, *grown = realloc(block, sizeof(struct block) + size);
    if (!grown)
        free(block);
    return keep(grown);
}

static void work_free(void *memory)
{
    if (memory)
        free(release(memory));
}

#define STBIW_MALLOC(size) work_malloc(size)
#define STBIW_REALLOC(memory, size) work_realloc(memory, size)
#define STBIW_FREE(memory) work_free(memory)
#define STBI_WRITE_NO_STDIO
#define STBIW_ASSERT(x) ((void)(x))
#define STB_IMAGE_WRITE_IMPLEMENTATION
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wsign-compare"
#endif
#include <stb/stb_image_write.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

static unsigned char *encode(const unsigned char *rgb, uint32_t width, uint32_t height, int *length)
{
    if (setjmp(work.back))
        return NULL;
    return stbi_write_png_to_mem(rgb, (int)width * 3, (int)width, (int)height, 3, length);
}

enum mien_status data_png_encode(const unsigned char *rgb, uint32_t width, uint32_t height, unsigned char **out,
                                 size_t *size)
{
    int length = 0;
    work.blocks = NULL;
    unsigned char *png = encode(rgb, width, height, &length);
    *size = 0;
    *out = png ? malloc((size_t)length) : NULL;
    if (*out) {
        memcpy(*out, png, (size_t)length);
        *size = (size_t)length;
    }
    while (work.blocks)
        work_free(work.blocks + 1);
    return *out ? MIEN_OK
                : base_fail(MIEN_ERR_NOMEM, "out of host memory for a PNG file of %u x %u pixels", width, height);
}

void data_png_free(unsigned char *png)
{
    free(png);
}
