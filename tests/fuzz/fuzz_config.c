/* config.json and preprocessor_config.json, one after the other. */
#include "fuzz/fuzz.h"
#include "io/model_dir.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct io_clip_config config;
    struct io_preprocess preprocess;
    cJSON *extra = NULL;
    const uint8_t *at = data;
    size_t length = fuzz_part(&data, &size);
    fuzz_file("config.json", at, length);
    fuzz_file("preprocessor_config.json", data, size);
    if (io_clip_config_read(".", &config, &extra) == MIEN_OK)
        (void)io_clip_config_check(&config, "config.json");
    cJSON_Delete(extra);
    (void)io_preprocess_read(".", 224, &preprocess);
    return 0;
}
