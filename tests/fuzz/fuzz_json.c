/* JSON, as every other file is read through it. */
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cJSON *json = NULL;
    mien_log_set(fuzz_silent, NULL, MIEN_LOG_SILENT);
    if (base_json_parse((const char *)data, size, "input", &json) == MIEN_OK)
        base_free(base_json_print(json, true));
    cJSON_Delete(json);
    return 0;
}
