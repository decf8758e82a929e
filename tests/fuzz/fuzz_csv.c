/* A table: as such, and as a manifest. */
#include "data/csv.h"
#include "data/manifest.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct data_manifest *manifest = NULL;
    struct data_csv csv = {0};
    uint32_t number;
    if (data_csv_read(fuzz_file("input.csv", data, size), size % 2 ? ',' : 0, &csv) == MIEN_OK) {
        int column = data_csv_column(&csv, "n");
        for (size_t i = 0; i < csv.rows && column >= 0; i++)
            (void)data_csv_u32(&csv, i, column, &number);
    }
    data_csv_clear(&csv);
    (void)data_manifest_read("input.csv", &manifest);
    data_manifest_destroy(&manifest);
    return 0;
}
