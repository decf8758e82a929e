/* matrix.c: which matrices a device multiplies. A driver that is known to be wrong about them is not asked: some crash.
 * One that fails to tell has none: that costs speed, not the device. */
#include "vk/vk_internal.h"

enum { MOST_SIDE = 16 };

/* Of 16-bit operands and fp32 sums, by a subgroup. */
static bool serves(const struct vk_matrix_shape *s, int operand)
{
    return s->a == operand && s->b == operand && s->c == VK_MATRIX_F32 && s->result == VK_MATRIX_F32 &&
           s->scope == VK_MATRIX_SUBGROUP && !s->saturates && s->m % 8 == 0 && s->n % 8 == 0 && s->k % 8 == 0 &&
           s->m <= MOST_SIDE && s->n <= MOST_SIDE && s->k <= MOST_SIDE;
}

/* The largest, which leave the compiler most freedom; zeros where there is none. */
static struct vk_matrix largest(const struct vk_matrix_shape *shapes, uint32_t count, int operand)
{
    struct vk_matrix best = {0};
    for (uint32_t i = 0; i < count; i++) {
        const struct vk_matrix_shape *s = &shapes[i];
        if (serves(s, operand) && s->m * s->n * s->k > best.m * best.n * best.k)
            best = (struct vk_matrix){s->m, s->n, s->k};
    }
    return best;
}

enum mien_status vk_matrix_query(const struct vk_instance *instance, VkPhysicalDevice handle, struct vk_caps *caps)
{
    enum mien_status status = MIEN_OK;
    struct vk_matrix_shape *shapes = NULL;
    uint32_t count = 0;
    vk_matrix_shapes_fn get = NULL;
    if (caps->features & VK_CAP_COOPMAT)
        get = (vk_matrix_shapes_fn)instance->get(instance->handle, "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR");
    if (get && get(handle, &count, NULL) == VK_SUCCESS) {
        shapes = base_alloc(count + 1, sizeof *shapes);
        FAIL_IF_NULL(shapes, "the list of matrices");
        for (uint32_t i = 0; i < count; i++)
            shapes[i].sType = (VkStructureType)VK_MATRIX_SHAPE_TYPE;
        if (get(handle, &count, shapes) < VK_SUCCESS)
            count = 0;
        caps->coopmat = largest(shapes, count, VK_MATRIX_F16);
        caps->coopmat_bf16 = largest(shapes, count, VK_MATRIX_BF16);
    }
    if (!caps->coopmat.m)
        vk_caps_remove(caps, VK_CAP_BIT_COOPMAT);
    if (!caps->coopmat_bf16.m)
        vk_caps_remove(caps, VK_CAP_BIT_COOPMAT_BF16);
fail:
    base_free(shapes);
    return status;
}
