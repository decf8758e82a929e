/* pack.c: tensors one behind another in few ranges of memory. */
#include "tensor/pack.h"

static uint64_t aligned(const struct tensor *tensor)
{
    return base_round_up(tensor_shape_bytes(&tensor->shape), TENSOR_PACK_ALIGN);
}

/* How many tensors from `first` on one range takes, and its bytes. */
static uint32_t range_of(struct tensor *const *tensors, uint32_t first, uint32_t count, uint64_t most, uint64_t *bytes)
{
    uint32_t i = first;
    *bytes = 0;
    for (; i < count; i++) {
        uint64_t size = aligned(tensors[i]);
        if (*bytes && *bytes + size > most)
            break;
        *bytes += size;
    }
    return i - first;
}

static enum mien_status place(struct vk_device *device, struct tensor_pack *pack, const char *name,
                              struct tensor *const *tensors, uint32_t count, uint64_t bytes)
{
    struct vk_range *range = &pack->range[pack->count];
    uint64_t offset = 0, last = tensor_shape_bytes(&tensors[count - 1]->shape);
    enum mien_status status =
        vk_alloc(device, VK_MEMORY_DEVICE, bytes - aligned(tensors[count - 1]) + last, name, range);
    if (status != MIEN_OK)
        return status;
    pack->count++;
    for (uint32_t i = 0; i < count; i++) {
        tensors[i]->range = vk_subrange(*range, offset, tensor_shape_bytes(&tensors[i]->shape));
        offset += aligned(tensors[i]);
    }
    return MIEN_OK;
}

enum mien_status tensor_pack_create(struct vk_device *device, const char *name, struct tensor *const *tensors,
                                    uint32_t count, struct tensor_pack *out)
{
    enum mien_status status = MIEN_OK;
    uint64_t most = BASE_MIN(TENSOR_PACK_MOST, vk_device_caps(device)->max_range), bytes;
    *out = (struct tensor_pack){.device = device};
    out->range = base_alloc(BASE_MAX(count, 1), sizeof(*out->range));
    FAIL_IF_NULL(out->range, name);
    for (uint32_t first = 0, some; first < count; first += some) {
        some = range_of(tensors, first, count, most, &bytes);
        TRY(place(device, out, name, tensors + first, some, bytes));
    }
    return MIEN_OK;
fail:
    tensor_pack_destroy(out);
    return status;
}

void tensor_pack_destroy(struct tensor_pack *pack)
{
    for (uint32_t i = 0; i < pack->count; i++)
        vk_free(pack->device, &pack->range[i]);
    base_free(pack->range);
    *pack = (struct tensor_pack){0};
}
