/* The pack of a manifest of three rows: as it is, and with an end whose checksums are right, so that what only they
 * keep away is reached. A picture that is taken lies in the file: all of its bytes have been read for its checksum. */
#include "base/crc32.h"
#include "data/pack.h"
#include "fuzz/fuzz.h"

enum { ROWS = 3, ENTRY = 48, TAIL = 32 };
static const char rows[] = "{\"image\":\"a.png\"}\n{\"image\":\"b.png\"}\n{\"image\":\"c.png\"}\n";

static void put(uint8_t *to, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

static void look(const struct data_manifest *manifest, const void *data, size_t size)
{
    struct data_pack *pack = NULL;
    struct data_image image;
    fuzz_file("input.jsonl.pack", data, size);
    (void)data_pack_open(manifest, &pack);
    for (uint32_t row = 0; row <= ROWS; row++) {
        if (!data_pack_image(pack, row, &image))
            continue;
        size_t bytes = (size_t)image.width * image.height * image.channels;
        if (bytes > size) {
            fprintf(stderr, "a picture of %zu bytes in a pack of %zu\n", bytes, size);
            __builtin_trap();
        }
        data_image_free(&image);
    }
    data_pack_close(&pack);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct data_manifest *manifest = NULL;
    uint8_t *sealed = base_alloc(size + TAIL, 1);
    if (sealed && data_manifest_read(fuzz_file("input.jsonl", rows, strlen(rows)), &manifest) == MIEN_OK) {
        look(manifest, data, size);
        memcpy(sealed, data, size);
        uint8_t *tail = sealed + size;
        size_t table = size < ROWS * ENTRY ? size : ROWS * ENTRY;
        memcpy(tail, "MIENPACK", 8);
        put(tail + 8, 3, 4);
        put(tail + 12, ROWS, 4);
        put(tail + 16, strlen(rows), 8);
        put(tail + 24, base_crc32(0, rows, strlen(rows)), 4);
        put(tail + 28, base_crc32(0, tail - table, table), 4);
        look(manifest, sealed, size + TAIL);
    }
    data_manifest_destroy(&manifest);
    base_free(sealed);
    return 0;
}
