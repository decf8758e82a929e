/* replay.c: a target without libFuzzer: every seed as it is, cut short, and changed in a few bytes, by a fixed stream
 * of random numbers. replay SEEDS COPIES: a directory, and how many changed copies of each seed. */
#include "fuzz/fuzz.h"

#include <stdlib.h>

/* Some bytes changed, one in four a boundary; one copy in four is cut. */
static size_t change(struct base_rng *rng, uint8_t *data, size_t size)
{
    static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xff, '"', '[', '{'};
    for (uint32_t n = 1 + base_rng_below(rng, 8); size > 0 && n > 0; n--) {
        uint32_t at = base_rng_below(rng, (uint32_t)size), kind = base_rng_below(rng, 4);
        data[at] = kind == 0 ? edges[base_rng_below(rng, sizeof(edges))] : (uint8_t)base_rng_u32(rng);
    }
    return size > 0 && base_rng_below(rng, 4) == 0 ? base_rng_below(rng, (uint32_t)size) : size;
}

static bool replay(const char *path, uint32_t copies, uint64_t seed)
{
    char *text = NULL;
    size_t size = 0;
    if (base_file_read(path, 0, &text, &size) != MIEN_OK)
        return false;
    LLVMFuzzerTestOneInput((const uint8_t *)text, size);
    struct base_rng rng = base_rng_make(seed, "fuzz", 0, 0);
    for (uint32_t i = 0; i < copies; i++) {
        uint8_t *copy = malloc(size + 1); /* exactly as long as the input, for the sanitizers */
        if (!copy)
            break;
        memcpy(copy, text, size);
        size_t length = change(&rng, copy, size);
        uint8_t *exact = realloc(copy, length ? length : 1);
        LLVMFuzzerTestOneInput(exact ? exact : copy, length);
        free(exact ? exact : copy);
    }
    base_free(text);
    return true;
}

int main(int argc, char **argv)
{
    char **names = NULL;
    size_t count = 0;
    uint32_t copies = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
    bool good = argc > 1 && base_dir_list(argv[1], &names, &count) == MIEN_OK && count > 0;
    for (size_t i = 0; good && i < count; i++) {
        char *path = base_path_join(argv[1], names[i]);
        good = path && replay(path, copies, i);
        base_free(path);
    }
    printf("%zu seeds, %u changed copies of each\n", count, copies);
    base_dir_list_free(&names, &count);
    return good ? 0 : 1;
}
