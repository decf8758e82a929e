/* A file of tensors: the header, and every tensor that it names. */
#include "fuzz/fuzz.h"
#include "io/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct io_safetensors *file = NULL;
    float out[16];
    if (io_safetensors_open(fuzz_file("input.safetensors", data, size), &file) == MIEN_OK) {
        for (size_t i = 0; i < io_safetensors_count(file); i++)
            (void)io_tensor_read_f32(io_safetensors_at(file, i), 0, BASE_MIN(io_safetensors_at(file, i)->count, 16),
                                     out);
    }
    io_safetensors_close(&file);
    return 0;
}
