/* devices.c: lists the Vulkan devices. */
#include "command.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Who made it, by the identifier of PCI, or of Khronos for those without one. */
static const char *vendor(uint32_t id)
{
    static const struct {
        uint32_t id;
        const char *name;
    } vendors[] = {{0x1002, "AMD"},   {0x1010, "Imagination"}, {0x106b, "Apple"},  {0x10de, "NVIDIA"},
                   {0x13b5, "Arm"},   {0x144d, "Samsung"},     {0x1ae0, "Google"}, {0x5143, "Qualcomm"},
                   {0x8086, "Intel"}, {0x10001, "Vivante"},    {0x10005, "Mesa"},  {0x10006, "PoCL"}};
    for (size_t i = 0; i < sizeof(vendors) / sizeof(vendors[0]); i++) {
        if (vendors[i].id == id)
            return vendors[i].name;
    }
    return "unknown";
}

/* "name: why; name: why", a line each. */
static void print_disabled(const char *what, const char *list)
{
    for (const char *at = list; *at;) {
        const char *end = strstr(at, "; ");
        size_t length = end ? (size_t)(end - at) : strlen(at);
        printf("   %-9s %s%.*s\n", at == list ? "disabled" : "", what, (int)length, at);
        at += length + (end ? 2 : 0);
    }
}

static void print_text(const struct mien_gpu_info *info, uint32_t index)
{
    printf("%" PRIu32 ": %s (%s)\n", index, info->name, info->type);
    printf("   driver    %s\n", info->driver);
    printf("   vulkan    %s, vendor %s (0x%04" PRIx32 "), device 0x%04" PRIx32 "\n", info->api, vendor(info->vendor_id),
           info->vendor_id, info->device_id);
    printf("   memory    %.1f GiB, bindings up to %.0f MiB\n", (double)info->memory / (1u << 30),
           (double)info->max_buffer / (1u << 20));
    printf("   kernels   %s, subgroups of %" PRIu32 "\n", info->tiles, info->subgroup_size);
    printf("   in use    %s\n", *info->features ? info->features : "nothing optional");
    if (*info->matrices)
        printf("   matrices  %s\n", info->matrices);
    if (*info->masked)
        printf("   masked    %s\n", info->masked);
    print_disabled("", info->disabled);
    print_disabled("kernel ", info->kernels);
    if (*info->tuned)
        printf("   tuned     %s\n", info->tuned);
    if (*info->missing)
        printf("   unusable  %s\n", info->missing);
}

static void print_pair(const char *key, const char *value, const char *end)
{
    printf("\"%s\":", key);
    print_json_string(value);
    printf("%s", end);
}

/* The kernels that have failed: {"kernel":"op/variant","why":...} each. */
static void print_kernels(const char *list)
{
    char part[sizeof(((struct mien_gpu_info *)0)->kernels)];
    printf("\"disabled_kernels\":[");
    for (const char *at = list; *at;) {
        const char *end = strstr(at, "; "), *colon = strstr(at, ": ");
        size_t length = end ? (size_t)(end - at) : strlen(at);
        size_t name = colon && (size_t)(colon - at) < length ? (size_t)(colon - at) : length;
        printf("%s{", at == list ? "" : ",");
        snprintf(part, sizeof(part), "%.*s", (int)name, at);
        print_pair("kernel", part, ",");
        snprintf(part, sizeof(part), "%.*s", (int)(length - name), at + name);
        print_pair("why", part + (part[0] ? 2 : 0), "}");
        at += length + (end ? 2 : 0);
    }
    printf("],");
}

static void print_json(const struct mien_gpu_info *info, uint32_t index)
{
    printf("{\"index\":%" PRIu32 ",", index);
    print_pair("name", info->name, ",");
    print_pair("type", info->type, ",");
    print_pair("vendor", vendor(info->vendor_id), ",");
    print_pair("driver", info->driver, ",");
    print_pair("api", info->api, ",");
    print_pair("tiles", info->tiles, ",");
    print_pair("features", info->features, ",");
    print_pair("masked", info->masked, ",");
    print_pair("matrices", info->matrices, ",");
    print_pair("disabled", info->disabled, ",");
    print_pair("missing", info->missing, ",");
    print_pair("tuned", info->tuned, ",");
    print_kernels(info->kernels);
    printf("\"memory\":%" PRIu64 ",\"max_buffer\":%" PRIu64 ",\"subgroup_size\":%" PRIu32 ",\"vendor_id\":%" PRIu32
           ",\"device_id\":%" PRIu32 ",\"driver_version\":%" PRIu32 "}\n",
           info->memory, info->max_buffer, info->subgroup_size, info->vendor_id, info->device_id, info->driver_version);
}

static int run(const struct command *command, int argc, char **argv)
{
    enum { MOST = 32 };
    static struct mien_gpu_info infos[MOST] = {{sizeof infos[0]}};
    const struct arg args[] = {{0}};
    struct common common;
    uint32_t count = 0, only = 0;
    int result = args_parse(command, argc, argv, args, &common, NULL);
    if (result != ARGS_RUN)
        return result;
    enum mien_status status = mien_gpu_list(common.caps, infos, MOST, &count);
    if (status == MIEN_OK && common.device)
        status = mien_gpu_find(common.device, &only);
    for (uint32_t i = 0; status == MIEN_OK && i < count && i < MOST; i++) {
        if (common.device && i != only)
            continue;
        if (common.json)
            print_json(&infos[i], i);
        else
            print_text(&infos[i], i);
    }
    return mien_status_exit_code(status);
}

const struct command command_devices = {
    .name = "devices",
    .synopsis = "[options]",
    .summary = "lists Vulkan devices, and what of each is in use",
    .help = "All of them, or the one that --device names. In use: optional features that kernels may use; masked: "
            "taken away by\n"
            "--caps; disabled: not there or not used, and why (MIEN_TRUST_DRIVER=1 uses what drivers are known to do\n"
            "wrong); a kernel: it failed the self-test with this version of the driver, and another serves in its\n"
            "place; tuned: what mien tune has measured, which kernels are chosen by. --json prints one object a line.",
    .run = run,
    .lacks = LACKS_SEED | LACKS_QUIET,
};
