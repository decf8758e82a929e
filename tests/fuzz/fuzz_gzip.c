/* gzip, as of bpe_simple_vocab_16e6.txt.gz. */
#include "data/stb.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = NULL;
    size_t length = 0;
    mien_log_set(fuzz_silent, NULL, MIEN_LOG_SILENT);
    if (data_gunzip("input", (const char *)data, size, &text, &length) == MIEN_OK)
        data_gunzip_free(text);
    return 0;
}
