/* store.c: embeddings to a safetensors file. */
#include "io/safetensors.h"
#include "base/base.h"
#include "mien/model.h"

enum mien_status mien_embeds_write(const char *path, const struct mien_embeds *sets, size_t count)
{
    enum mien_status status = MIEN_OK;
    struct io_tensor_out *tensors = NULL;
    FAIL_IF(!path || !path[0] || !sets, MIEN_ERR_ARG, "mien_embeds_write: a path and embeddings are needed");
    tensors = base_alloc(count + 1, sizeof(*tensors));
    FAIL_IF_NULL(tensors, "a list of tensors");
    for (size_t i = 0; i < count; i++) {
        FAIL_IF(!sets[i].name || !sets[i].data, MIEN_ERR_ARG, "mien_embeds_write: set %zu has no name or no data", i);
        tensors[i] = (struct io_tensor_out){
            .name = sets[i].name, .dtype = IO_F32, .rank = 2, .dims = {sets[i].rows, sets[i].width}};
        tensors[i].data = sets[i].data;
    }
    TRY(io_safetensors_write(path, tensors, count, NULL, NULL, NULL));
fail:
    base_free(tensors);
    return status;
}
