/* pack.c: writing and reading decoded pictures. */
#include "data/pack.h"

#include "base/stamp.h"
#include "data/row_image.h"

#include <stdlib.h>
#include <string.h>

enum { VERSION = 3, TAIL = 32, ENTRY = 48, BLOCK = 64 };
static const char magic[8] = {'M', 'I', 'E', 'N', 'P', 'A', 'C', 'K'};

struct data_pack {
    struct base_in *in;
    const struct data_manifest *manifest;
    uint64_t pixels;      /* bytes before the table */
    unsigned char *index; /* [rows, ENTRY] */
    uint32_t rows;
    const char *path;
    struct base_arena arena;
};

/* ---- little-endian numbers ---- */

static void put(unsigned char *to, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        to[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t get(const unsigned char *from, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++)
        value |= (uint64_t)from[i] << (8 * i);
    return value;
}

/* ---- the end of the file ---- */

/* Size and checksum of the manifest's bytes: what a pack is valid for. */
static enum mien_status sign(const struct data_manifest *manifest, uint64_t *size, uint32_t *crc)
{
    char *text = NULL;
    size_t bytes = 0;
    enum mien_status status = base_file_read(manifest->path, 0, &text, &bytes);
    *size = bytes;
    *crc = status == MIEN_OK ? base_crc32(0, text, bytes) : 0;
    base_free(text);
    return status;
}

static enum mien_status make_tail(const struct data_manifest *manifest, const unsigned char *index,
                                  unsigned char tail[TAIL])
{
    uint64_t size;
    uint32_t crc;
    enum mien_status status = sign(manifest, &size, &crc);
    memcpy(tail, magic, sizeof(magic));
    put(tail + 8, VERSION, 4);
    put(tail + 12, manifest->count, 4);
    put(tail + 16, size, 8);
    put(tail + 24, crc, 4);
    put(tail + 28, base_crc32(0, index, manifest->count * ENTRY), 4);
    return status;
}

/* ---- writing ---- */

struct block {
    const struct data_manifest *manifest;
    size_t first;
    struct data_image images[BLOCK];
    struct base_stamp stamps[BLOCK]; /* of before they were read */
    enum mien_status status[BLOCK];
};

static void decode(void *user, uint32_t i)
{
    struct block *block = user;
    const struct data_row *row = &block->manifest->rows[block->first + i];
    const struct data_image_params params = {.keep_alpha = true};
    block->images[i] = (struct data_image){0};
    block->stamps[i] = (struct base_stamp){0};
    if (row->image)
        (void)base_file_stamp(row->image, &block->stamps[i]);
    block->status[i] = row->image ? data_row_image(row, &params, &block->images[i]) : MIEN_OK;
    if (block->status[i] == MIEN_ERR_DATA || block->status[i] == MIEN_ERR_IO) {
        LOG_WARN("%s:%u: not packed", block->manifest->path, row->line);
        block->status[i] = MIEN_OK;
    }
}

static enum mien_status write_image(struct base_out *out, const struct data_image *image,
                                    const struct base_stamp *stamp, unsigned char *entry, uint64_t *at)
{
    uint64_t bytes = (uint64_t)image->width * image->height * image->channels;
    put(entry, *at, 8);
    put(entry + 8, image->width, 4);
    put(entry + 12, image->height, 4);
    put(entry + 16, image->channels, 4);
    put(entry + 20, image->pixels ? base_crc32(0, image->pixels, bytes) : 0, 4);
    put(entry + 24, stamp->size, 8);
    put(entry + 32, (uint64_t)stamp->seconds, 8);
    put(entry + 40, (uint64_t)stamp->nanoseconds, 8);
    *at += bytes;
    return bytes ? base_out_write(out, image->pixels, bytes) : MIEN_OK;
}

static enum mien_status write_images(const struct data_manifest *manifest, struct base_out *out, unsigned char *index,
                                     mien_progress_fn progress, void *user, struct data_pack_summary *s)
{
    enum mien_status status = MIEN_OK;
    struct block *block = base_alloc(1, sizeof(*block));
    FAIL_IF_NULL(block, "pictures");
    block->manifest = manifest;
    for (; block->first < manifest->count; block->first += BLOCK) {
        uint32_t n = (uint32_t)BASE_MIN(manifest->count - block->first, (size_t)BLOCK);
        base_parallel_for(0, n, decode, block);
        for (uint32_t i = 0; i < n; i++) {
            bool good = block->images[i].pixels;
            if (status == MIEN_OK)
                status = block->status[i];
            if (status == MIEN_OK)
                status = write_image(out, &block->images[i], &block->stamps[i], index + (block->first + i) * ENTRY,
                                     &s->bytes);
            s->pictures += good;
            s->bad += !good && manifest->rows[block->first + i].image;
            data_image_free(&block->images[i]);
        }
        TRY(status);
        TRY(base_progress(progress, user, block->first + n, manifest->count));
    }
fail:
    base_free(block);
    return status;
}

static char *pack_path(const struct data_manifest *manifest, struct base_arena *arena)
{
    return base_arena_printf(arena, "%s.pack", manifest->path);
}

enum mien_status data_pack_write(const struct data_manifest *manifest, mien_progress_fn progress, void *user,
                                 struct data_pack_summary *summary)
{
    enum mien_status status = MIEN_OK;
    struct base_arena arena = {0};
    struct base_out *out = NULL;
    struct data_pack_summary s = {0};
    unsigned char *index = base_alloc(manifest->count + 1, ENTRY), tail[TAIL];
    const char *path = pack_path(manifest, &arena);
    *summary = (struct data_pack_summary){0};
    FAIL_IF(!index || !path || manifest->count > UINT32_MAX, MIEN_ERR_NOMEM, "out of host memory for a pack");
    TRY(base_out_open_own(path, &out));
    TRY(write_images(manifest, out, index, progress, user, &s));
    TRY(make_tail(manifest, index, tail));
    TRY(base_out_write(out, index, manifest->count * ENTRY));
    TRY(base_out_write(out, tail, TAIL));
    TRY(base_out_commit(&out));
    s.bytes += manifest->count * ENTRY + TAIL;
    *summary = s;
fail:
    base_out_abandon(&out);
    base_free(index);
    base_arena_clear(&arena);
    return status;
}

/* ---- reading ---- */

/* *why: that a pack cannot be used, or NULL. */
static enum mien_status check(struct data_pack *pack, const struct data_manifest *manifest, uint64_t size, uint32_t crc,
                              const char **why)
{
    enum mien_status status = MIEN_OK;
    unsigned char tail[TAIL];
    uint64_t all = base_in_size(pack->in);
    size_t table = manifest->count * ENTRY;
    *why = "it is cut off, or no pack";
    if (all < TAIL)
        return MIEN_OK;
    TRY(base_in_read(pack->in, all - TAIL, tail, TAIL));
    if (memcmp(tail, magic, sizeof(magic)) != 0)
        return MIEN_OK;
    *why = "it is of another version";
    if (get(tail + 8, 4) != VERSION)
        return MIEN_OK;
    *why = "the manifest has changed since";
    if (get(tail + 12, 4) != manifest->count || get(tail + 16, 8) != size || get(tail + 24, 4) != crc)
        return MIEN_OK;
    *why = "it is damaged";
    if ((all - TAIL) / ENTRY < manifest->count)
        return MIEN_OK;
    pack->pixels = all - TAIL - table;
    pack->index = base_alloc(table + 1, 1);
    FAIL_IF_NULL(pack->index, pack->path);
    TRY(base_in_read(pack->in, pack->pixels, pack->index, table));
    if (get(tail + 28, 4) == base_crc32(0, pack->index, table))
        *why = NULL;
fail:
    return status;
}

enum mien_status data_pack_open(const struct data_manifest *manifest, struct data_pack **out)
{
    enum mien_status status = MIEN_OK;
    struct data_pack *pack = base_alloc(1, sizeof(*pack));
    uint64_t size;
    uint32_t crc;
    *out = NULL;
    FAIL_IF_NULL(pack, "a pack");
    pack->path = pack_path(manifest, &pack->arena);
    FAIL_IF_NULL(pack->path, "a path");
    if (base_file_exists(pack->path)) {
        const char *why = NULL;
        TRY(base_in_open(pack->path, &pack->in));
        TRY(sign(manifest, &size, &crc));
        TRY(check(pack, manifest, size, crc, &why));
        if (why) {
            LOG_WARN("%s is not used: %s; pictures are read from their files. Import with --pack again", pack->path,
                     why);
        } else {
            pack->rows = (uint32_t)manifest->count;
            pack->manifest = manifest;
            *out = pack;
            return MIEN_OK;
        }
    }
fail:
    data_pack_close(&pack);
    return status;
}

void data_pack_close(struct data_pack **pack)
{
    if (!pack || !*pack)
        return;
    base_in_close(&(*pack)->in);
    base_free((*pack)->index);
    base_arena_clear(&(*pack)->arena);
    base_free(*pack);
    *pack = NULL;
}

/* The picture of an entry, when it can be: three or four channels, as many pixels as a picture may have, all of them
 * before the table, none of them changed. A checksum proves that the numbers are those that somebody wrote, not that
 * they are right. */
static bool read_entry(const struct data_pack *pack, const unsigned char *entry, struct data_image *image)
{
    uint64_t at = get(entry, 8), width = get(entry + 8, 4), height = get(entry + 12, 4), channels = get(entry + 16, 4);
    if (width == 0 || height == 0 || width > DATA_MOST_PIXELS / height || (channels != 3 && channels != 4))
        return false;
    uint64_t bytes = width * height * channels;
    if (at > pack->pixels || bytes > pack->pixels - at)
        return false;
    struct data_image read = {(uint32_t)width, (uint32_t)height, (uint32_t)channels, malloc((size_t)bytes)};
    enum mien_log_level before = base_log_soften(MIEN_LOG_WARN);
    bool good = read.pixels && base_in_read(pack->in, at, read.pixels, (size_t)bytes) == MIEN_OK &&
                base_crc32(0, read.pixels, (size_t)bytes) == (uint32_t)get(entry + 20, 4);
    base_log_soften(before);
    if (good)
        *image = read;
    else
        data_image_free(&read);
    return good;
}

static bool has_changed(const struct data_pack *pack, uint32_t row, const unsigned char *entry)
{
    struct base_stamp now;
    const char *path = pack->manifest->rows[row].image;
    return path && base_file_stamp(path, &now) &&
           (now.size != get(entry + 24, 8) || (uint64_t)now.seconds != get(entry + 32, 8) ||
            (uint64_t)now.nanoseconds != get(entry + 40, 8));
}

bool data_pack_has(const struct data_pack *pack, uint32_t row)
{
    return pack && row < pack->rows && get(pack->index + (size_t)row * ENTRY + 12, 4) > 0;
}

bool data_pack_image(const struct data_pack *pack, uint32_t row, struct data_image *image)
{
    if (!data_pack_has(pack, row))
        return false;
    const unsigned char *entry = pack->index + (size_t)row * ENTRY;
    if (has_changed(pack, row, entry))
        return false;
    if (read_entry(pack, entry, image))
        return true;
    LOG_WARN("%s: the picture of row %u is damaged; it is read from its file", pack->path, row);
    return false;
}
