/* places.c: what a run is to write, tried before the first step: names, directories, room. */
#include "train/trainer.h"

#include <string.h>

enum { LONGEST = sizeof((struct mien_train_summary *)0)->model - sizeof("/checkpoints/step-999999999999999") };

enum mien_status train_check_length(const char *dir)
{
    if (strlen(dir) <= LONGEST)
        return MIEN_OK;
    return base_fail(MIEN_ERR_ARG, "run.dir has %zu bytes, %d at most are taken; choose a shorter path: %.100s...",
                     strlen(dir), (int)LONGEST, dir);
}

/* Begins a directory as it will be begun later, with a file in it, and gives it up. */
static enum mien_status try_directory(const char *dir, const char *name)
{
    enum mien_status status = MIEN_OK;
    struct base_stage *stage = NULL;
    char *path = base_path_join(dir, name), *file = NULL;
    FAIL_IF_NULL(path, dir);
    TRY(base_stage_open_own(path, &stage));
    file = base_path_join(base_stage_dir(stage), "preprocessor_config.json"); /* the longest name in one */
    FAIL_IF_NULL(file, dir);
    TRY(base_file_write(file, "{}", 2));
fail:
    base_stage_abandon(&stage);
    base_free(path);
    base_free(file);
    return status;
}

enum mien_status train_check_places(const struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    const char *dir = t->config->run.dir, *grads = t->config->run.dump_grads;
    char *checkpoints = base_path_join(dir, "checkpoints");
    FAIL_IF_NULL(checkpoints, "a path");
    TRY(try_directory(dir, "model"));
    TRY(try_directory(dir, "best"));
    status = try_directory(checkpoints, "step-999999999999999");
    (void)base_dir_remove_empty(checkpoints);
    TRY(status);
    if (grads) {
        const char *why = base_output_trouble(grads);
        FAIL_IF(why, MIEN_ERR_IO, "%s: cannot be written: %s; run.dump_grads names a file to make", grads, why);
    }
fail:
    base_free(checkpoints);
    return status;
}

/* Bytes of weights and moments. */
static uint64_t checkpoint_size(const struct trainer *t)
{
    const struct tensor *const kinds[] = {t->moments.first, t->moments.second};
    uint64_t bytes = t->model->elements * sizeof(float);
    for (size_t k = 0; k < BASE_COUNT(kinds); k++)
        for (uint32_t i = 0; kinds[k] && i < t->moments.count; i++)
            bytes += kinds[k][i].range.block ? tensor_shape_bytes(&kinds[k][i].shape) : 0;
    return bytes;
}

enum mien_status train_check_room(const struct trainer *t)
{
    uint64_t room, need = checkpoint_size(t);
    if (!base_free_space(t->config->run.dir, &room) || room >= need)
        return MIEN_OK;
    return base_fail(MIEN_ERR_IO,
                     "%s: %.1f MB are free there, a checkpoint takes %.1f MB; make room, or choose another "
                     "run.dir",
                     t->config->run.dir, (double)room / 1e6, (double)need / 1e6);
}
