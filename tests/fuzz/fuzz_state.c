/* state.json of a checkpoint that is whole otherwise, as resuming looks for one. */
#include "train/trainer.h"

#include "fuzz/fuzz.h"

#define DIR "run/checkpoints/step-4/"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char none[] = "\x02\0\0\0\0\0\0\0{}"; /* safetensors without a tensor */
    struct train_state state;
    char *path = NULL;
    if (!base_file_exists(DIR "optimizer.safetensors")) {
        (void)base_dir_create(DIR);
        fuzz_file(DIR "model.safetensors", none, sizeof(none) - 1);
        fuzz_file(DIR "optimizer.safetensors", none, sizeof(none) - 1);
    }
    fuzz_file(DIR "state.json", data, size);
    if (train_find_checkpoint("run", &path, &state) == MIEN_OK && path && state.step != 4) {
        fprintf(stderr, "a checkpoint of another step was taken\n");
        __builtin_trap();
    }
    base_free(path);
    return 0;
}
