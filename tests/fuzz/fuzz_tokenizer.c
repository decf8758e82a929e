/* A tokenizer: vocab.json and merges.txt, one after the other; then a sentence through it. */
#include "data/tokenizer.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char text[] = "A shy smile, na\xc3\xafve &amp; 12 <|endoftext|>";
    struct data_tokenizer *tokenizer = NULL;
    struct data_ids ids = {0};
    const uint8_t *at = data;
    size_t length = fuzz_part(&data, &size);
    fuzz_file("vocab.json", at, length);
    fuzz_file("merges.txt", data, size);
    if (data_tokenizer_load(".", &tokenizer) == MIEN_OK)
        (void)data_tokenizer_encode(tokenizer, text, strlen(text), &ids);
    base_free(ids.ids);
    data_tokenizer_destroy(&tokenizer);
    return 0;
}
