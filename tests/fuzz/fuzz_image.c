/* A picture through the checks to both decoders of JPEG, to a smaller one too, which must have the same fate; a PNG to
 * its decoder without them: one whose checksums are wrong would get no further. The checks are what keeps damaged
 * tables of a JPEG from the decoder. */
#include "data/image.h"
#include "data/stb.h"
#include "fuzz/fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct data_image_params params = {.max_pixels = 1 << 20, .keep_alpha = true};
    struct data_image image = {0};
    struct image_head head;
    const char *why = "";
    mien_log_set(fuzz_silent, NULL, MIEN_LOG_SILENT);
    enum mien_status status[3];
    for (int way = 0; way < 3; way++) {
        params.plain_jpeg = way == 1;
        params.draft = way == 2;
        status[way] = data_image_decode("input", data, size, &params, &image);
        data_image_free(&image);
    }
    if (status[0] != status[2])
        abort();
    bool png = size > 8 && memcmp(data, "\x89PNG\r\n\x1a\n", 8) == 0;
    image_check(data, size, &head, &why);
    if (png && (uint64_t)head.width * head.height <= params.max_pixels &&
        data_stb_decode("input", data, size, true, &head, &image) == MIEN_OK)
        data_image_free(&image);
    return 0;
}
