/* known.c: faults of drivers that are known and that their own answers do not tell: what is switched off for each, and
 * why. Data alone decides; known.md lists all that is known, also what other code holds for every driver. */
#include "vk/vk_internal.h"

#include <string.h>

enum { IMAGINATION = 0x1010, APPLE = 0x106b, ARM = 0x13b5, QUALCOMM = 0x5143, INTEL = 0x8086 };

/* Which devices: those for which all hold that are set. */
struct known {
    uint32_t driver, vendor, not_vendor; /* VkDriverId, PCI or Khronos number; 0 = any */
    bool narrow;                         /* runs subgroups of 8 */
    const char *name;                    /* a part of the device's name, in any case; NULL = any */
    uint32_t off;                        /* VK_CAP_* bits that are not used */
    uint32_t faults;                     /* VK_FAULT_* bits */
    const char *why;                     /* without "; ", which separates reasons; with its public source */
};

static const struct known table[] = {
    {.driver = VK_DRIVER_ID_MOLTENVK,
     .not_vendor = APPLE,
     .off = VK_CAP_SUBGROUP,
     .why = "MoltenVK's shuffles and sums are wrong on GPUs that are not Apple's "
            "(https://github.com/KhronosGroup/MoltenVK/issues/2750, 2756, 2757)"},
    {.driver = VK_DRIVER_ID_MOLTENVK,
     .faults = VK_FAULT_BARRIER,
     .why = "Metal drops barriers where a workgroup is one SIMD group "
            "(https://github.com/KhronosGroup/MoltenVK/issues/2711)"},
    {.vendor = IMAGINATION,
     .off = VK_CAP_F16,
     .why = "16-bit arithmetic on PowerVR is off by 2 % (https://github.com/EdVince/Hey-PowerVR-FP16)"},
    {.driver = VK_DRIVER_ID_AMD_PROPRIETARY,
     .off = VK_CAP_COOPMAT,
     .why = "AMD's own driver claims matrices without the hardware, and crashes where it is asked for their shapes "
            "(https://github.com/ggml-org/llama.cpp/issues/11074, 22750)"},
    {.driver = VK_DRIVER_ID_AMD_OPEN_SOURCE,
     .off = VK_CAP_COOPMAT,
     .why = "AMDVLK claims matrices without the hardware (https://github.com/GPUOpen-Drivers/AMDVLK/issues/422)"},
    {.vendor = INTEL,
     .name = "arc(tm) a",
     .off = VK_CAP_COOPMAT,
     .why = "matrices of the first Arc generation are as often slower as faster, and regress between drivers "
            "(https://github.com/ggml-org/llama.cpp/issues/12690, 24404)"},
    {.vendor = INTEL,
     .narrow = true,
     .off = VK_CAP_COOPMAT,
     .why = "ANV claims matrices on Intel GPUs before Xe2, which have no units for them or slow ones (tests/vendor: "
            "Tiger Lake and Alder Lake claim them)"},
    {.vendor = QUALCOMM,
     .faults = VK_FAULT_TILES,
     .why = "Adreno's compilers spill in shared-memory tiles (https://github.com/ggml-org/llama.cpp/issues/27640)"},
    {.vendor = ARM,
     .faults = VK_FAULT_TILES,
     .why = "Mali's shared memory is main memory, and tiles of small subgroups went wrong "
            "(https://github.com/ggml-org/llama.cpp/issues/28637)"},
    {.name = "null hardware",
     .faults = VK_FAULT_BUDGET,
     .why = "RADV without hardware calls a function that is not there when it is asked for its memory budget"},
};

static bool matches(const struct known *row, const struct vk_caps *caps)
{
    return (!row->driver || row->driver == caps->driver_id) && (!row->vendor || row->vendor == caps->vendor_id) &&
           (!row->not_vendor || row->not_vendor != caps->vendor_id) && (!row->narrow || caps->subgroup_min <= 8) &&
           (!row->name || vk_contains(caps->name, row->name));
}

uint32_t vk_known_apply(struct vk_caps *caps, uint32_t lanes)
{
    uint32_t faults = 0;
    for (size_t i = 0; i < BASE_COUNT(table); i++) {
        if (!matches(&table[i], caps))
            continue;
        faults |= table[i].faults;
        caps->known |= caps->features & table[i].off;
        for (uint32_t bit = 0; bit < VK_CAP_COUNT; bit++)
            if (table[i].off >> bit & 1)
                vk_caps_remove(caps, bit);
    }
    if (faults & VK_FAULT_TILES)
        caps->class_ = VK_CLASS_MOBILE;
    if (faults & VK_FAULT_BARRIER)
        caps->least_barrier = lanes + 1;
    return faults;
}

const char *vk_known_why(const struct vk_caps *caps, uint32_t bit)
{
    for (size_t i = 0; i < BASE_COUNT(table); i++)
        if (table[i].off >> bit & 1 && matches(&table[i], caps))
            return table[i].why;
    return "";
}

enum mien_status vk_known_read_switch(bool *trusting)
{
    const char *value = base_env("MIEN_TRUST_DRIVER");
    *trusting = value && strcmp(value, "1") == 0;
    if (*trusting || !value || !*value || strcmp(value, "0") == 0)
        return MIEN_OK;
    return base_fail(MIEN_ERR_ARG, "MIEN_TRUST_DRIVER is \"%s\"; it takes 1 or 0", value);
}
