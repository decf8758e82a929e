/* test_known.c: drivers with known faults, planted: what is switched off, what `mien devices` says of it, and that
 * their siblings without the fault keep everything. */
#include "vk/planted_driver.h"

enum { AMD = 0x1002, IMAGINATION = 0x1010, APPLE = 0x106b, NVIDIA = 0x10de, ARM = 0x13b5, BROADCOM = 0x14e4 };
enum { QUALCOMM = 0x5143, INTEL = 0x8086 };
static const uint32_t subgroups =
    VK_CAP_SUBGROUP | VK_CAP_SUBGROUP_ARITH | VK_CAP_SUBGROUP_SHUFFLE | VK_CAP_SUBGROUP_FULL;

static struct vk_physical as(struct planted driver)
{
    struct vk_physical device;
    CHECK_OK(plant(driver, false, &device));
    CHECK(device.caps.device_features == device.caps.features); /* nothing counts as masked by the user */
    return device;
}

/* "word: ... part ..." stands in the text of disabled features. */
static void check_disabled(const struct vk_caps *caps, const char *word, const char *part)
{
    char text[sizeof((struct mien_gpu_info *)0)->disabled], wanted[64];
    vk_caps_disabled(caps, text, sizeof text);
    snprintf(wanted, sizeof wanted, "%s: ", word);
    const char *at = strstr(text, wanted);
    CHECK(at != NULL);
    const char *found = at ? strstr(at, part) : NULL, *end = at ? strstr(at, "; ") : NULL;
    CHECK(found && (!end || found < end));
    CHECK(strlen(text) + 1 < sizeof text); /* all fit */
    if (!found)
        fprintf(stderr, "  wanted \"%s\" for %s in: %s\n", part, word, text);
}

static void test_sound(void)
{
    struct vk_physical d = as((struct planted){.name = "GeForce", .vendor = NVIDIA, .driver_id = 4, .lanes = 32});
    CHECK(d.caps.features == (subgroups | VK_CAP_STORAGE16 | VK_CAP_F16) && d.caps.known == 0);
    CHECK(d.caps.least_barrier == 0 && d.has_budget && d.caps.class_ == VK_CLASS_DESKTOP);
    CHECK(d.caps.driver_id == 4);
    CHECK_STR(d.caps.driver, "planted"); /* says nothing more of itself */
}

/* A size that Vulkan does not know, as lavapipe's with LP_NATIVE_VECTOR_WIDTH=0: no kernel counts on it. */
static void test_no_size(void)
{
    static const uint32_t bad[] = {0, 24, 256, 134217727};
    for (size_t i = 0; i < BASE_COUNT(bad); i++) {
        struct vk_physical d = as((struct planted){.name = "odd", .lanes = bad[i]});
        CHECK(!(d.caps.features & subgroups) && d.caps.subgroup_size == 1 && d.caps.subgroup_max == 1);
        CHECK_EQ(vk_caps_check_floor(&d.caps), MIEN_OK);
    }
    CHECK_EQ(as((struct planted){.name = "even", .lanes = 2}).caps.subgroup_size, 2);
}

static void test_moltenvk(void)
{
    struct planted mac = {.name = "AMD Radeon Pro 5500M",
                          .vendor = AMD,
                          .driver_id = VK_DRIVER_ID_MOLTENVK,
                          .type = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU,
                          .lanes = 64};
    struct vk_physical d = as(mac);
    CHECK(!(d.caps.features & subgroups) && d.caps.subgroup_size == 1 && (d.caps.features & VK_CAP_F16));
    CHECK(d.caps.least_barrier == 65);
    check_disabled(&d.caps, "subgroup", "MoltenVK/issues/2750");
    check_disabled(&d.caps, "subgroup_arith", "subgroup is not there");
    CHECK_OK(plant(mac, true, &d)); /* MIEN_TRUST_DRIVER=1 */
    CHECK((d.caps.features & subgroups) == subgroups && d.caps.least_barrier == 0 && !d.caps.known);
    mac.driver_id = VK_DRIVER_ID_MESA_RADV;
    CHECK((as(mac).caps.features & subgroups) == subgroups);
    d = as((struct planted){.name = "Intel(R) UHD Graphics 630",
                            .vendor = INTEL,
                            .driver_id = VK_DRIVER_ID_MOLTENVK,
                            .type = VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU,
                            .lanes = 32});
    CHECK(!(d.caps.features & subgroups));
    check_disabled(&d.caps, "subgroup", "2757");
    d = as((struct planted){.name = "Apple M1",
                            .vendor = APPLE,
                            .driver_id = VK_DRIVER_ID_MOLTENVK,
                            .type = VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU,
                            .lanes = 32,
                            .lazy_memory = true});
    CHECK((d.caps.features & subgroups) == subgroups && d.caps.least_barrier == 33);
    CHECK(d.caps.class_ == VK_CLASS_DESKTOP && d.caps.max_buffers == 31);
}

static void test_powervr(void)
{
    struct vk_physical d = as(
        (struct planted){.name = "PowerVR D-Series DXT-48-1536", .vendor = IMAGINATION, .driver_id = 7, .lanes = 128});
    CHECK(!(d.caps.features & VK_CAP_F16) && (d.caps.features & VK_CAP_STORAGE16) && d.caps.known == VK_CAP_F16);
    check_disabled(&d.caps, "f16", "Hey-PowerVR-FP16");
    /* what the device lacks by itself is not told as a fault */
    d = as((struct planted){.name = "PowerVR Rogue GE8320", .vendor = IMAGINATION, .lanes = 32, .no_f16 = true});
    CHECK(!d.caps.known);
    check_disabled(&d.caps, "f16", "the driver lacks shaderFloat16");
}

static struct vk_caps with_matrices(const char *name, uint32_t vendor, uint32_t driver)
{
    struct vk_caps caps = {.vendor_id = vendor, .driver_id = driver, .features = VK_CAP_COOPMAT | VK_CAP_F16};
    snprintf(caps.name, sizeof caps.name, "%s", name);
    caps.subgroup_min = strstr(name, "DG2") || strstr(name, "A380") || strstr(name, "TGL") ? 8 : 16;
    CHECK(vk_known_apply(&caps, 32) == 0);
    return caps;
}

/* Sizes of matrices are asked for where they are used; a driver that is known to be wrong is not asked. */
static void test_matrix_sizes(void)
{
    struct planted d = {
        .name = "Navi", .vendor = AMD, .driver_id = VK_DRIVER_ID_MESA_RADV, .lanes = 32, .matrices = true};
    planted_asked = 0;
    struct vk_caps caps = as(d).caps;
    CHECK(planted_asked == 2 && (caps.features & VK_CAP_COOPMAT) && (caps.features & VK_CAP_COOPMAT_BF16));
    CHECK(caps.coopmat.m == 16 && caps.coopmat.n == 16 && caps.coopmat.k == 16);
    CHECK(caps.coopmat_bf16.m == 8 && caps.coopmat_bf16.n == 16 && caps.coopmat_bf16.k == 16);
    planted_refuses = VK_ERROR_UNKNOWN;
    caps = as(d).caps; /* still a device */
    CHECK(!(caps.features & (VK_CAP_COOPMAT | VK_CAP_COOPMAT_BF16)) && caps.coopmat.m == 0);
    planted_refuses = VK_SUCCESS;
    planted_asked = 0;
    d.driver_id = VK_DRIVER_ID_AMD_PROPRIETARY;
    caps = as(d).caps;
    CHECK(!(caps.features & (VK_CAP_COOPMAT | VK_CAP_COOPMAT_BF16)) && caps.known == VK_CAP_COOPMAT);
    check_disabled(&caps, "coopmat", "issues/11074");
    check_disabled(&caps, "coopmat_bf16", "coopmat is not there");
    d.driver_id = VK_DRIVER_ID_MESA_RADV;
    d.no_memory_model = true;
    CHECK(!(as(d).caps.features & VK_CAP_COOPMAT));
    d.no_memory_model = false;
    d.api = VK_API_VERSION_1_1;
    CHECK(!(as(d).caps.features & VK_CAP_COOPMAT));
    CHECK(planted_asked == 0);
}

static void test_matrices(void)
{
    CHECK(with_matrices("AMD Radeon RX 5700", AMD, VK_DRIVER_ID_AMD_PROPRIETARY).known == VK_CAP_COOPMAT);
    CHECK(with_matrices("AMD Radeon RX 5700", AMD, VK_DRIVER_ID_AMD_OPEN_SOURCE).features == VK_CAP_F16);
    CHECK(with_matrices("AMD Radeon RX 7900 XTX (RADV NAVI31)", AMD, VK_DRIVER_ID_MESA_RADV).known == 0);
    CHECK(with_matrices("Intel(R) Arc(tm) A770 Graphics (DG2)", INTEL, 6).known == VK_CAP_COOPMAT);
    CHECK(with_matrices("Intel(R) Arc(TM) A380 Graphics", INTEL, 5).known == VK_CAP_COOPMAT);
    CHECK(with_matrices("Intel(R) Arc(tm) B580 Graphics (BMG G21)", INTEL, 6).known == 0);
    CHECK(with_matrices("Intel(R) Iris(R) Xe Graphics (TGL GT2)", INTEL, 6).known == VK_CAP_COOPMAT);
    CHECK(with_matrices("Intel(R) Arc(TM) 140T GPU (48GB)", INTEL, 5).known == 0);
    struct vk_caps caps = with_matrices("Intel(R) Arc(tm) A770 Graphics (DG2)", INTEL, 6);
    caps.device_features = caps.features;
    check_disabled(&caps, "coopmat", "issues/12690");
}

/* Only what is asked can crash: RADV without hardware, and its memory budget. */
static void test_null_hardware(void)
{
    CHECK(!as((struct planted){.name = "Null hardware (RADV NAVI21)", .vendor = AMD, .driver_id = 3, .lanes = 64})
               .has_budget);
    CHECK(as((struct planted){.name = "AMD Radeon RX 6800 (RADV NAVI21)", .vendor = AMD, .driver_id = 3, .lanes = 64})
              .has_budget);
}

/* Shared-memory tiles spill or gain nothing, though the limits are a desktop's. */
static void test_tiles(void)
{
    struct planted phone = {.name = "Adreno (TM) 740",
                            .vendor = QUALCOMM,
                            .driver_id = VK_DRIVER_ID_QUALCOMM_PROPRIETARY,
                            .type = VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU,
                            .lanes = 64,
                            .lanes_max = 128};
    struct vk_physical adreno = as(phone);
    CHECK(adreno.caps.class_ == VK_CLASS_MOBILE && vk_slice_limits(&adreno.caps).flops == 5e8); /* short submissions */
    phone = (struct planted){.name = "Mali-G715",
                             .vendor = ARM,
                             .driver_id = VK_DRIVER_ID_ARM_PROPRIETARY,
                             .type = VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU,
                             .lanes = 16};
    CHECK(as(phone).caps.class_ == VK_CLASS_MOBILE);
    CHECK((as(phone).caps.features & subgroups) == subgroups); /* 16 lanes are used as they are */
}

/* The size varies and cannot be required: no subgroup operations, as after RADV's change, and as on Turnip 64..128. */
static void test_varying(void)
{
    struct planted d = {.name = "Turnip Adreno (TM) 650",
                        .vendor = QUALCOMM,
                        .driver_id = VK_DRIVER_ID_MESA_TURNIP,
                        .lanes = 128,
                        .lanes_min = 64};
    CHECK((as(d).caps.features & subgroups) == subgroups && as(d).caps.subgroup_min == 64);
    d.no_size_control = true;
    CHECK(!(as(d).caps.features & subgroups));
    struct vk_physical without = as(d);
    check_disabled(&without.caps, "subgroup", "varies and cannot be required");
}

/* The least devices that Mien runs on, with no optional feature. */
static void test_least(void)
{
    struct planted v3d = {.name = "V3D 7.1.7",
                          .vendor = BROADCOM,
                          .driver_id = VK_DRIVER_ID_MESA_V3DV,
                          .api = VK_MAKE_API_VERSION(0, 1, 2, 0),
                          .type = VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU,
                          .lanes = 16,
                          .no_f16 = true,
                          .no_storage16 = true,
                          .no_subgroups = true,
                          .invocations = 256,
                          .shared = 16384,
                          .buffers = 8,
                          .range = 1 << 30};
    struct vk_physical d = as(v3d);
    CHECK(d.caps.features == 0 && d.caps.subgroup_size == 1 && d.caps.class_ == VK_CLASS_MOBILE);
    CHECK_OK(vk_caps_check_floor(&d.caps));
    v3d.buffers = 4;
    v3d.name = "an old phone";
    d = as(v3d);
    clear_log();
    CHECK(vk_caps_check_floor(&d.caps) == MIEN_ERR_UNSUPPORTED);
    CHECK_LOGGED("an old phone");
    CHECK_LOGGED("storage buffers per kernel (maxPerStageDescriptorStorageBuffers): has 4, needs 8");
}

/* The smaller of two limits, in whole units of 256 bytes, and never more bound than is allocated. */
static void test_limits(void)
{
    struct planted d = {.name = "old", .lanes = 32, .allocation = (uint64_t)1 << 31, .buffer_size = 0xfffffffcu};
    CHECK(as(d).caps.max_allocation == (uint64_t)1 << 31 && as(d).caps.max_range == (uint64_t)1 << 31);
    d.allocation = (uint64_t)1 << 40;
    CHECK(as(d).caps.max_allocation == 0xffffff00u && as(d).caps.max_range == 0xffffff00u);
    d.range = 1073741820;
    CHECK(as(d).caps.max_range == 1073741820);
    d.align = 256;
    CHECK(as(d).caps.align == 256);
    d.align = 512;
    struct vk_physical out;
    clear_log();
    CHECK(plant(d, false, &out) == MIEN_ERR_DRIVER);
    CHECK_LOGGED("old is left out: its minStorageBufferOffsetAlignment is 512");
}

/* known.md names files that hold and show its rules: they are there. */
static void test_list(void)
{
    char *text = NULL, path[256];
    size_t size = 0;
    int named = 0;
    CHECK_OK(base_file_read(MIEN_SOURCE_DIR "/src/vk/known.md", 1 << 20, &text, &size));
    for (const char *at = text ? strchr(text, '`') : NULL; at;) {
        const char *end = strchr(at + 1, '`');
        int length = end ? (int)(end - at - 1) : 0;
        if (length > 4 && (strncmp(at + 1, "src/", 4) == 0 || strncmp(at + 1, "tests/", 6) == 0)) {
            snprintf(path, sizeof path, "%s/%.*s", MIEN_SOURCE_DIR, length, at + 1);
            CHECK(base_file_exists(path));
            named++;
        }
        at = end ? strchr(end + 1, '`') : NULL;
    }
    CHECK(named > 30);
    base_free(text);
}

static void test_switch(void)
{
    bool trusting;
    unsetenv("MIEN_TRUST_DRIVER");
    CHECK(vk_known_read_switch(&trusting) == MIEN_OK && !trusting);
    setenv("MIEN_TRUST_DRIVER", "1", 1);
    CHECK(vk_known_read_switch(&trusting) == MIEN_OK && trusting);
    setenv("MIEN_TRUST_DRIVER", "yes", 1);
    clear_log();
    CHECK(vk_known_read_switch(&trusting) == MIEN_ERR_ARG && !trusting);
    CHECK_LOGGED("MIEN_TRUST_DRIVER is \"yes\"; it takes 1 or 0");
    unsetenv("MIEN_TRUST_DRIVER");
}

int main(void)
{
    mien_log_set(keep_log, NULL, MIEN_LOG_WARN);
    test_sound();
    test_no_size();
    test_moltenvk();
    test_powervr();
    test_matrices();
    test_matrix_sizes();
    test_null_hardware();
    test_tiles();
    test_varying();
    test_least();
    test_limits();
    test_list();
    test_switch();
    return check_result();
}
