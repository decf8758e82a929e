/* tensor.c: tensors in device memory. */
#include "tensor/tensor.h"

enum mien_status tensor_create(struct vk_device *device, const struct tensor_shape *shape, const char *name,
                               struct tensor *out)
{
    enum mien_status status = MIEN_OK;
    *out = (struct tensor){0};
    FAIL_IF(tensor_shape_count(shape) == 0, MIEN_ERR_SHAPE, "tensor %s has no elements", name);
    TRY(vk_alloc(device, VK_MEMORY_DEVICE, tensor_shape_bytes(shape), name, &out->range));
    out->shape = *shape;
fail:
    return status;
}

void tensor_destroy(struct vk_device *device, struct tensor *tensor)
{
    if (!tensor)
        return;
    vk_free(device, &tensor->range);
    *tensor = (struct tensor){0};
}

enum mien_status tensor_upload(struct vk_device *device, const struct tensor *tensor, const void *data)
{
    return vk_upload(device, tensor->range, 0, data, tensor_shape_bytes(&tensor->shape));
}

enum mien_status tensor_download(struct vk_device *device, const struct tensor *tensor, void *data)
{
    return vk_download(device, tensor->range, 0, data, tensor_shape_bytes(&tensor->shape));
}
