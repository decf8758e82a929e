/* test_caps.c: clamping by words and the floor, on made-up devices. */
#include "vk/made_up.h"

static void test_features(void)
{
    const uint32_t subgroup = VK_CAP_SUBGROUP | VK_CAP_SUBGROUP_ARITH | VK_CAP_SUBGROUP_SHUFFLE | VK_CAP_SUBGROUP_FULL;
    struct vk_caps caps = rich(), all = rich();
    CHECK_OK(vk_caps_clamp(&caps, NULL));
    CHECK_OK(vk_caps_clamp(&caps, ""));
    CHECK_OK(vk_caps_clamp(&caps, " , ,"));
    CHECK(is_rich(&caps));
    CHECK_OK(vk_caps_clamp(&caps, "-f16, -storage16"));
    CHECK(caps.features == (all.features & ~(uint32_t)(VK_CAP_F16 | VK_CAP_STORAGE16)));
    CHECK(caps.device_features == all.features);
    CHECK_OK(vk_caps_clamp(&caps, "-subgroup_arith"));
    CHECK((caps.features & subgroup) == (subgroup & ~(uint32_t)VK_CAP_SUBGROUP_ARITH));
    CHECK(caps.subgroup_size == 32);
    CHECK_OK(vk_caps_clamp(&caps, "-subgroup"));
    CHECK(!(caps.features & subgroup) && caps.subgroup_size == 1 && caps.subgroup_max == 1);
    CHECK((caps.features & VK_CAP_COOPMAT) && (caps.features & VK_CAP_COOPMAT_BF16));
    CHECK_OK(vk_caps_clamp(&caps, "-coopmat_bf16"));
    CHECK((caps.features & VK_CAP_COOPMAT) && !(caps.features & VK_CAP_COOPMAT_BF16));
    caps.features |= VK_CAP_COOPMAT_BF16;
    CHECK_OK(vk_caps_clamp(&caps, "-coopmat")); /* neither of them */
    CHECK(!(caps.features & (VK_CAP_COOPMAT | VK_CAP_COOPMAT_BF16)));
    CHECK_OK(vk_caps_clamp(&caps, "-unified"));
    CHECK(!caps.unified);
}

/* Without a required size a varying one is unknown, so SUBGROUP goes with SUBGROUP_FULL; a constant one stays. */
static void test_varying(void)
{
    struct vk_caps caps = rich();
    CHECK_OK(vk_caps_clamp(&caps, "-subgroup_full"));
    CHECK(!(caps.features & (VK_CAP_SUBGROUP | VK_CAP_SUBGROUP_ARITH)) && caps.subgroup_size == 1);
    caps = rich();
    caps.subgroup_min = 32;
    CHECK_OK(vk_caps_clamp(&caps, "-subgroup_full"));
    CHECK((caps.features & VK_CAP_SUBGROUP) && !(caps.features & VK_CAP_SUBGROUP_FULL) && caps.subgroup_size == 32);
}

static void test_limits(void)
{
    struct vk_caps caps = rich();
    CHECK_OK(vk_caps_clamp(&caps, "invocations=128,shared=16384,push=128,buffers=8,range=134217728,groups=65535"));
    CHECK(caps.max_invocations == 128 && caps.max_shared == 16384 && caps.max_push == 128 && caps.max_buffers == 8);
    CHECK(caps.max_range == 134217728 && caps.max_groups[0] == 65535 && caps.max_groups[2] == 65535);
    CHECK(caps.max_local[0] == 128 && caps.max_local[1] == 128 && caps.max_local[2] == 64);
    CHECK(caps.features == rich().features);
    CHECK_OK(vk_caps_clamp(&caps, "invocations=4096,range=99999999999999"));
    CHECK(caps.max_invocations == 128 && caps.max_range == 134217728); /* never raised */
    CHECK_OK(vk_caps_clamp(&caps, "registers=128,registers=256"));
    CHECK(caps.max_registers == 128);
    CHECK_OK(vk_caps_clamp(&caps, "flops=5000,flops=70000"));
    CHECK(caps.most_flops == 5000);
    CHECK_OK(vk_caps_clamp(&caps, "cores=12"));
    CHECK(caps.cores == 12);
    CHECK_OK(vk_caps_clamp(&caps, "cores=128")); /* no limit: it may be raised */
    CHECK(caps.cores == 128);
    CHECK_OK(vk_caps_clamp(&caps, "memory=1000000,memory=2000000"));
    CHECK(caps.device_memory == 1000000 && caps.max_allocation == rich().max_allocation);
    CHECK_OK(vk_caps_clamp(&caps, "allocation=1048576")); /* no binding is larger than an allocation */
    CHECK(caps.max_allocation == 1048576 && caps.max_range == 1048576);
    CHECK_OK(vk_caps_clamp(&caps, "allocation=1048575")); /* in units of 256 bytes */
    CHECK(caps.max_allocation == 1048320 && caps.max_range == 1048320);
    CHECK_OK(vk_caps_clamp(&caps, "barrier=65,barrier=33"));
    CHECK(caps.least_barrier == 65);
    CHECK_OK(vk_caps_clamp(&caps, "class=mobile"));
    CHECK(caps.class_ == VK_CLASS_MOBILE);
    CHECK_OK(vk_caps_clamp(&caps, "class=software,class=desktop"));
    CHECK(caps.class_ == VK_CLASS_DESKTOP);
}

static void check_bad(const char *list, const char *part)
{
    struct vk_caps caps = rich();
    clear_log();
    CHECK(vk_caps_clamp(&caps, list) == MIEN_ERR_ARG);
    CHECK(logged_count == 1);
    CHECK_LOGGED(part);
    CHECK(is_rich(&caps));
}

static void test_errors(void)
{
    check_bad("-f61", "\"-f16\"");
    check_bad("-f16,-subgrup", "\"-subgroup\"");
    check_bad("invocation=128", "\"invocations\"");
    check_bad("flor", "\"floor\"");
    check_bad("qqqqqqqqqqqqqqqqqq", "known are: -texel -subgroup");
    check_bad("f16", "-f16");
    check_bad("shared=", "whole number above 0");
    check_bad("shared=12kb", "whole number above 0");
    check_bad("shared=0", "whole number above 0");
    check_bad("shared=-5", "whole number above 0");
    check_bad("cores=0", "whole number above 0");
    check_bad("class=laptop", "desktop, mobile or software");
    char word[2000];
    memset(word, 'a', sizeof word);
    word[sizeof word - 1] = 0;
    check_bad(word, "too long");
}

static void test_disabled(void)
{
    struct vk_caps caps = rich();
    char text[768];
    caps.device_features = caps.features = (1u << VK_CAP_COUNT) - 1;
    vk_caps_disabled(&caps, text, sizeof text);
    CHECK_STR(text, "");
    CHECK_OK(vk_caps_clamp(&caps, "-f16")); /* masked is not disabled */
    vk_caps_disabled(&caps, text, sizeof text);
    CHECK_STR(text, "");
    caps.device_features &= ~(uint32_t)(VK_CAP_F16 | VK_CAP_COOPMAT);
    vk_caps_disabled(&caps, text, sizeof text);
    CHECK_STR(text, "f16: the driver lacks shaderFloat16; coopmat: the driver lacks VK_KHR_cooperative_matrix for f16 "
                    "operands and fp32 sums");
    caps.device_features = VK_CAP_TEXEL;
    caps.subgroup_varies = true;
    vk_caps_disabled(&caps, text, sizeof text);
    CHECK(strstr(text, "subgroup: the subgroup size varies") == text);
    CHECK(strstr(text, "; subgroup_arith: subgroup is not there; ") != NULL);
    CHECK(strstr(text, "; coopmat_bf16: coopmat is not there") != NULL); /* all fit */
    caps.subgroup_varies = false;
    vk_caps_disabled(&caps, text, sizeof text);
    CHECK(strstr(text, "subgroup: the driver has no subgroup operations") == text);
    vk_caps_disabled(&caps, text, 20);
    CHECK(strlen(text) == 19);
}

static void check_missing(struct vk_caps caps, const char *part)
{
    clear_log();
    CHECK(vk_caps_check_floor(&caps) == MIEN_ERR_UNSUPPORTED);
    CHECK_LOGGED("Made-up");
    CHECK_LOGGED(part);
}

static void test_floor(void)
{
    struct vk_caps caps = rich();
    CHECK_OK(vk_caps_check_floor(&caps));
    caps.api_version = 1u << 22;
    check_missing(caps, "Vulkan 1.x: has 0, needs 1");
    caps = rich();
    caps.timeline = false;
    check_missing(caps, "VK_KHR_timeline_semaphore");
    caps = rich();
    caps.max_invocations = 127;
    check_missing(caps, "invocations per workgroup (maxComputeWorkGroupInvocations): has 127, needs 128");
    caps = rich();
    caps.max_shared = 8192;
    check_missing(caps, "bytes of shared memory (maxComputeSharedMemorySize): has 8192, needs 16384");
    caps = rich();
    caps.max_push = 64;
    check_missing(caps, "push constants");
    caps = rich();
    caps.max_buffers = 7;
    check_missing(caps, "maxPerStageDescriptorStorageBuffers): has 7, needs 8");
    caps = rich();
    caps.compute = false;
    check_missing(caps, "compute queue");
}

int main(void)
{
    mien_log_set(keep_log, NULL, MIEN_LOG_WARN);
    test_features();
    test_varying();
    test_limits();
    test_errors();
    test_floor();
    test_disabled();
    return check_result();
}
