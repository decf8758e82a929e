/* A picture through the checks to both decoders of JPEG, and a PNG to its decoder without them: one whose checksums are
 * wrong would get no further. The checks are what keeps damaged tables of a JPEG from the decoder. */
#include "data/image.h"
#include "data/stb.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct data_image_params params = {.max_pixels = 1 << 20, .keep_alpha = true};
    struct data_image image = {0};
    struct image_head head;
    const char *why = "";
    mien_log_set(fuzz_silent, NULL, MIEN_LOG_SILENT);
    for (int plain = 0; plain < 2; plain++) {
        params.plain_jpeg = plain;
        if (data_image_decode("input", data, size, &params, &image) == MIEN_OK)
            data_image_free(&image);
    }
    bool png = size > 8 && memcmp(data, "\x89PNG\r\n\x1a\n", 8) == 0;
    image_check(data, size, &head, &why);
    if (png && (uint64_t)head.width * head.height <= params.max_pixels &&
        data_stb_decode("input", data, size, true, &head, &image) == MIEN_OK)
        data_image_free(&image);
    return 0;
}
