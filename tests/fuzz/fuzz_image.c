/* A picture through the checks, and a PNG to the decoder without them: one whose checksums are wrong would
 * get no further. The checks are what keeps damaged tables of a JPEG from the decoder. */
#include "data/image.h"
#include "data/stb.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct data_image_params params = {.max_pixels = 1 << 20, .keep_alpha = true};
    struct data_image image = {0};
    uint32_t width, height, channels;
    const char *why = "";
    mien_log_set(fuzz_silent, NULL, MIEN_LOG_SILENT);
    if (data_image_decode("input", data, size, &params, &image) == MIEN_OK)
        data_image_free(&image);
    bool png = size > 8 && memcmp(data, "\x89PNG\r\n\x1a\n", 8) == 0;
    if (png && data_pixels_info(data, size, &width, &height, &why) && (uint64_t)width * height <= params.max_pixels)
        data_pixels_free(data_pixels_decode(data, size, true, &width, &height, &channels, &why));
    return 0;
}
