/* test_choice.c: listing and choosing devices, refusal below the floor, bad environment. */
#include "vk/fixture.h"

#include <ctype.h>

static struct vk_instance *instance;

static void test_choose(void)
{
    char part[8];
    uint32_t index = 99;
    const char *name = vk_instance_caps(instance, 0)->name;
    unsetenv("MIEN_DEVICE");
    CHECK_OK(vk_instance_choose(instance, NULL, &index));
    CHECK(index < vk_instance_device_count(instance));
    CHECK_OK(vk_instance_choose(instance, "0", &index));
    CHECK(index == 0);
    snprintf(part, sizeof part, "%.7s", name);
    for (char *c = part; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    CHECK_OK(vk_instance_choose(instance, part, &index));
    CHECK(index < vk_instance_device_count(instance));
    CHECK_OK(vk_instance_choose(instance, vk_instance_caps(instance, 0)->driver, &index));

    clear_log();
    CHECK(vk_instance_choose(instance, "999", &index) == MIEN_ERR_NO_DEVICE);
    CHECK_LOGGED("no device 999");
    CHECK_LOGGED(name);
    CHECK(index == 0);
    clear_log();
    CHECK(vk_instance_choose(instance, "no such card", &index) == MIEN_ERR_NO_DEVICE);
    CHECK_LOGGED("\"no such card\"");
    CHECK_LOGGED(name);

    setenv("MIEN_DEVICE", "no such card", 1);
    CHECK(vk_instance_choose(instance, "", &index) == MIEN_ERR_NO_DEVICE);
    CHECK_OK(vk_instance_choose(instance, "0", &index)); /* the caller's word goes first */
    unsetenv("MIEN_DEVICE");
}

static void test_listing(void)
{
    CHECK(vk_instance_device_count(instance) >= 1);
    for (uint32_t i = 0; i < vk_instance_device_count(instance); i++) {
        const struct vk_caps *caps = vk_instance_caps(instance, i);
        CHECK(caps->name[0] && caps->driver[0] && caps->device_memory > 0 && caps->align == 256);
        CHECK(caps->max_range > 0 && caps->max_range <= caps->max_allocation);
        CHECK(caps->features == caps->device_features);
        CHECK(caps->subgroup_min <= caps->subgroup_size && caps->subgroup_size <= caps->subgroup_max);
        CHECK((caps->features & VK_CAP_SUBGROUP) ? caps->subgroup_size >= 4 : caps->subgroup_size == 1);
        CHECK((caps->type == VK_TYPE_SOFTWARE) == (caps->class_ == VK_CLASS_SOFTWARE));
        printf("%u: %s, %s, %s, class %s, features %x\n", i, caps->name, caps->driver, vk_device_type_name(caps->type),
               vk_class_name(caps->class_), caps->features);
    }
    CHECK(vk_instance_caps(instance, 1000) == NULL);
}

static void refuse(const char *clamp, enum mien_status wanted, const char *part)
{
    struct vk_device *device = NULL;
    clear_log();
    CHECK(vk_device_create(instance, 0, &(struct mien_gpu_params){.caps = clamp}, &device) == wanted);
    CHECK(device == NULL);
    CHECK_LOGGED(part);
}

static void test_refusal(void)
{
    refuse("invocations=64", MIEN_ERR_UNSUPPORTED, "needs 128");
    refuse("shared=8192", MIEN_ERR_UNSUPPORTED, "needs 16384");
    refuse("-f17", MIEN_ERR_ARG, "\"-f16\"");
    setenv("MIEN_CAPS", "buffers=2", 1);
    refuse(NULL, MIEN_ERR_UNSUPPORTED, "storage buffers");
    setenv("MIEN_CAPS", "android-2022", 1);
    refuse(NULL, MIEN_ERR_UNSUPPORTED, "maxPerStageDescriptorStorageBuffers");
    CHECK(mien_status_exit_code(MIEN_ERR_UNSUPPORTED) == 3);
    unsetenv("MIEN_CAPS");
    setenv("MIEN_WAIT_SECONDS", "soon", 1);
    refuse(NULL, MIEN_ERR_ARG, "MIEN_WAIT_SECONDS is \"soon\"");
    unsetenv("MIEN_WAIT_SECONDS");
}

/* A mask given later starts from the caps at creation and never exceeds them. */
static void test_clamp(void)
{
    struct vk_device *device = NULL;
    CHECK_OK(vk_device_create(instance, 0, &(struct mien_gpu_params){.caps = "-f16,invocations=128"}, &device));
    CHECK(vk_device_caps(device)->max_invocations == 128);
    CHECK_OK(vk_device_clamp(device, "floor"));
    CHECK(vk_device_caps(device)->features == 0 && vk_device_caps(device)->max_buffers == 8);
    CHECK_OK(vk_device_clamp(device, NULL));
    CHECK(vk_device_caps(device)->max_invocations == 128 && !(vk_device_caps(device)->features & VK_CAP_F16));
    CHECK(vk_device_clamp(device, "invocations=1") == MIEN_ERR_UNSUPPORTED);
    CHECK(vk_device_caps(device)->max_invocations == 128);
    vk_device_destroy(&device);
}

static void test_validate_word(void)
{
    struct vk_instance *other = NULL;
    setenv("MIEN_VALIDATE", "yes", 1);
    clear_log();
    CHECK(vk_instance_create(NULL, &other) == MIEN_ERR_ARG);
    CHECK_LOGGED("0, 1 or gpu");
    setenv("MIEN_VALIDATE", "0", 1);
    CHECK_OK(vk_instance_create(NULL, &other));
    CHECK(!vk_instance_validating(other));
    vk_instance_destroy(&other);
}

int main(void)
{
    mien_log_set(keep_log, NULL, MIEN_LOG_WARN);
    unsetenv("MIEN_CAPS");
    if (vk_instance_create(NULL, &instance) != MIEN_OK)
        CHECK_SKIP("no device: %s", logged);
    test_listing();
    test_choose();
    test_refusal();
    test_clamp();
    test_validate_word();
    vk_instance_destroy(&instance);
    vk_instance_destroy(&instance);
    vk_instance_destroy(NULL);
    return check_result();
}
