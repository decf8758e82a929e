/* test_tensor.c: data types, shapes, and tensors on the default device. */
#include "check.h"
#include "device.h"
#include "tensor/pack.h"

static void test_dtypes(void)
{
    CHECK_STR(mien_dtype_name(MIEN_F32), "f32");
    CHECK_STR(mien_dtype_name(MIEN_BF16), "bf16");
    CHECK_STR(mien_dtype_name((enum mien_dtype)77), "unknown");
    CHECK(mien_dtype_size(MIEN_F32) == 4 && mien_dtype_size(MIEN_I32) == 4);
    CHECK(mien_dtype_size(MIEN_F16) == 2 && mien_dtype_size(MIEN_BF16) == 2);
    CHECK(mien_dtype_size((enum mien_dtype)77) == 0);
}

static void test_shapes(void)
{
    struct tensor_shape a = SHAPE_F32(2, 3, 4), none = {0}, scalar = SHAPE_F32(1), ids = SHAPE_I32(2, 3, 4);
    struct tensor_shape same = SHAPE_F32(2, 3, 4), shorter = SHAPE_F32(2, 3), wider = SHAPE_F32(2, 3, 5);
    char text[64], tiny[6];
    CHECK(a.rank == 3 && a.dim[0] == 2 && a.dim[2] == 4 && a.dim[3] == 0);
    CHECK(tensor_shape_count(&a) == 24 && tensor_shape_bytes(&a) == 96);
    CHECK(tensor_shape_rows(&a) == 6 && tensor_shape_width(&a) == 4);
    CHECK(tensor_shape_count(&none) == 0 && tensor_shape_rows(&none) == 0 && tensor_shape_width(&none) == 0);
    CHECK(tensor_shape_count(&scalar) == 1 && tensor_shape_rows(&scalar) == 1);
    CHECK(tensor_shape_equal(&a, &same));
    CHECK(!tensor_shape_equal(&a, &ids) && !tensor_shape_equal(&a, &shorter));
    CHECK(!tensor_shape_equal(&a, &wider) && !tensor_shape_equal(&a, &none));
    CHECK(tensor_shape_equal(&none, &(struct tensor_shape){.dtype = MIEN_I32}));
    CHECK_STR(tensor_shape_text(&a, text, sizeof text), "f32[2,3,4]");
    CHECK_STR(tensor_shape_text(&scalar, text, sizeof text), "f32[1]");
    CHECK_STR(tensor_shape_text(&none, text, sizeof text), "none[]");
    CHECK_STR(tensor_shape_text(&a, tiny, sizeof tiny), "f32[2"); /* cut, never overrun */
    struct tensor_shape large = SHAPE_F32(65536, 65536, 16);
    CHECK(tensor_shape_count(&large) == (uint64_t)1 << 36);
}

static void test_device(struct vk_device *device)
{
    struct tensor tensor, empty;
    struct tensor_shape shape = SHAPE_F32(5, 7), none = {0}, half = SHAPE_F32(3);
    float in[35], out[35] = {0};
    uint16_t bits[3] = {1, 2, 3}, back[3] = {0};
    for (int i = 0; i < 35; i++)
        in[i] = (float)i / 3;
    CHECK(tensor_create(device, &shape, "t", &tensor) == MIEN_OK);
    CHECK(tensor.range.size == 140 && tensor_shape_equal(&tensor.shape, &shape));
    CHECK(tensor_upload(device, &tensor, in) == MIEN_OK);
    CHECK(tensor_download(device, &tensor, out) == MIEN_OK);
    CHECK(memcmp(in, out, sizeof in) == 0);
    tensor_destroy(device, &tensor);
    CHECK(tensor.shape.rank == 0 && tensor.range.block == NULL);
    tensor_destroy(device, &tensor);
    half.dtype = MIEN_BF16; /* 6 bytes: not a multiple of 4 */
    CHECK(tensor_create(device, &half, "half", &tensor) == MIEN_OK);
    CHECK(tensor_upload(device, &tensor, bits) == MIEN_OK && tensor_download(device, &tensor, back) == MIEN_OK);
    CHECK(memcmp(bits, back, sizeof bits) == 0);
    tensor_destroy(device, &tensor);
    mien_log_set(NULL, NULL, MIEN_LOG_SILENT);
    CHECK(tensor_create(device, &none, "none", &empty) == MIEN_ERR_SHAPE && empty.range.block == NULL);
    struct tensor_shape huge = SHAPE_F32(4000000000u, 4000000000u);
    CHECK(tensor_create(device, &huge, "huge", &empty) == MIEN_ERR_DEVICE_MEMORY);
    mien_log_set(NULL, NULL, MIEN_LOG_WARN);
}

static void test_pack(struct vk_device *device)
{
    struct tensor a = {.shape = SHAPE_F32(5)}, b = {.shape = SHAPE_F32(7, 11)}, c = {.shape = SHAPE_F32(100)};
    struct tensor large = {.shape = SHAPE_F32(TENSOR_PACK_MOST / 4 + 1)};
    struct tensor *const tensors[] = {&a, &b, &large, &c};
    struct tensor_pack pack, none;
    struct vk_memory_stats before, after;
    float in[77], out[77] = {0};
    for (int i = 0; i < 77; i++)
        in[i] = (float)i;
    vk_memory_stats(device, &before);
    CHECK_EQ(tensor_pack_create(device, "pack", tensors, 4, &pack), MIEN_OK);
    CHECK_EQ(pack.count, 3); /* what is too large is by itself, and ends the range before it */
    CHECK(a.range.block == b.range.block && b.range.offset == a.range.offset + 256 && b.range.size == sizeof in);
    CHECK(c.range.offset % TENSOR_PACK_ALIGN == 0 && large.range.size == TENSOR_PACK_MOST + 4);
    CHECK_EQ(tensor_upload(device, &b, in), MIEN_OK);
    CHECK_EQ(tensor_download(device, &b, out), MIEN_OK);
    CHECK(memcmp(in, out, sizeof in) == 0);
    tensor_pack_destroy(&pack);
    CHECK_EQ(tensor_pack_create(device, "none", tensors, 0, &none), MIEN_OK);
    tensor_pack_destroy(&none);
    vk_memory_stats(device, &after);
    CHECK_EQ(after.in_use[VK_MEMORY_DEVICE], before.in_use[VK_MEMORY_DEVICE]);
}

int main(void)
{
    struct gpu gpu;
    test_dtypes();
    test_shapes();
    if (!gpu_open(&gpu))
        GPU_SKIP();
    test_device(gpu.device);
    test_pack(gpu.device);
    gpu_close(&gpu);
    return check_result();
}
