/* A manifest of JSON Lines, and what its rows are asked for. */
#include "data/manifest.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct data_manifest *manifest = NULL;
    uint32_t *rows = NULL;
    size_t count = 0;
    if (data_manifest_read(fuzz_file("input.jsonl", data, size), &manifest) == MIEN_OK) {
        for (uint32_t i = 0; i < manifest->count; i++)
            cJSON_Delete(data_row_json(&manifest->rows[i]));
        (void)data_manifest_select(manifest, DATA_SPLIT_TRAIN, true, &rows, &count);
        base_free(rows);
    }
    data_manifest_destroy(&manifest);
    return 0;
}
