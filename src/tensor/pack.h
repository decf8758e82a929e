/* pack.h: many tensors in few ranges of memory, so that one kernel can bind all tensors of a range. */
#ifndef TENSOR_PACK_H
#define TENSOR_PACK_H

#include "tensor/tensor.h"

enum { TENSOR_PACK_ALIGN = 256, TENSOR_PACK_MOST = 64 << 20 }; /* bytes of a range with several tensors */

struct tensor_pack {
    struct vk_device *device;
    struct vk_range *range;
    uint32_t count; /* of ranges */
};

/* Gives tensors whose shapes are set their memory, contents undefined: one behind another, each at the next multiple of
 * 256 bytes, in ranges that the device can bind whole; a tensor larger than that has a range of its own. They are parts
 * of the pack: not for tensor_destroy. MIEN_ERR_DEVICE_MEMORY names `name`. */
enum mien_status tensor_pack_create(struct vk_device *device, const char *name, struct tensor *const *tensors,
                                    uint32_t count, struct tensor_pack *out);
void tensor_pack_destroy(struct tensor_pack *pack); /* clears; a zeroed one is fine */

#endif
