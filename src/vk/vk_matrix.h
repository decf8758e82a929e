/* vk_matrix.h: VK_KHR_cooperative_matrix and VK_KHR_shader_bfloat16 as their specifications have them: newer than the
 * headers that Mien is built with. */
#ifndef VK_MATRIX_H
#define VK_MATRIX_H

#define VK_MATRIX_EXTENSION "VK_KHR_cooperative_matrix"
#define VK_BFLOAT16_EXTENSION "VK_KHR_shader_bfloat16"

/* VkStructureType, VkComponentTypeKHR, VkScopeKHR */
enum {
    VK_MATRIX_FEATURES_TYPE = 1000506000,
    VK_MATRIX_SHAPE_TYPE = 1000506001,
    VK_MATRIX_STAGES_TYPE = 1000506002,
    VK_BFLOAT16_FEATURES_TYPE = 1000141000,
    VK_MATRIX_F16 = 0,
    VK_MATRIX_F32 = 1,
    VK_MATRIX_BF16 = 1000141000,
    VK_MATRIX_SUBGROUP = 3,
};

/* VkPhysicalDeviceCooperativeMatrixFeaturesKHR */
struct vk_matrix_features {
    VkStructureType sType;
    void *pNext;
    VkBool32 matrices, robust;
};
/* VkPhysicalDeviceCooperativeMatrixPropertiesKHR */
struct vk_matrix_stages {
    VkStructureType sType;
    void *pNext;
    VkShaderStageFlags stages;
};
/* VkPhysicalDeviceShaderBfloat16FeaturesKHR */
struct vk_bfloat16_features {
    VkStructureType sType;
    void *pNext;
    VkBool32 type, dot, matrices;
};
/* VkCooperativeMatrixPropertiesKHR */
struct vk_matrix_shape {
    VkStructureType sType;
    void *pNext;
    uint32_t m, n, k;
    int a, b, c, result;
    VkBool32 saturates;
    int scope;
};
/* vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR */
typedef VkResult(VKAPI_PTR *vk_matrix_shapes_fn)(VkPhysicalDevice handle, uint32_t *count,
                                                 struct vk_matrix_shape *shapes);

#endif
