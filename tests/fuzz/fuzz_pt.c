/* PyTorch's zip of a pickle and storages. */
#include "fuzz/fuzz.h"
#include "io/weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct io_weights *file = NULL;
    float out[16];
    if (io_weights_open(fuzz_file("input.pt", data, size), &file) == MIEN_OK) {
        for (size_t i = 0; i < io_weights_count(file); i++)
            (void)io_tensor_read_f32(io_weights_at(file, i), 0, BASE_MIN(io_weights_at(file, i)->count, 16), out);
    }
    io_weights_close(&file);
    return 0;
}
