/* tokenizer.json, and what tokenizer_config.json adds to it; then a sentence through it. */
#include "data/tokenizer.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char text[] = "A shy <my-face> smile, Na\xc3\xafve &amp; happy 12 <|endoftext|>";
    struct data_tokenizer *tokenizer = NULL;
    struct data_ids ids = {0};
    const uint8_t *at = data;
    size_t length = fuzz_part(&data, &size);
    fuzz_file("tokenizer.json", at, length);
    fuzz_file("tokenizer_config.json", data, size);
    if (data_tokenizer_load(".", &tokenizer) == MIEN_OK)
        (void)data_tokenizer_encode(tokenizer, text, strlen(text), &ids);
    base_free(ids.ids);
    data_tokenizer_destroy(&tokenizer);
    return 0;
}
