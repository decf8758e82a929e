/* compile.c: builds, on one device, the pipeline of every dispatch that every variant plans for every case of every op,
 * with its real layout and specialisation, and prints what the driver's compiler says of it. Nothing is run: a device
 * that only pretends to be there will do.
 *
 * vendor_compile [--op GLOB] [--all]: a line per pipeline that spills; --all prints the others too. Ends with 1 when a
 * pipeline cannot be made, or when one that the device would choose spills.
 * vendor_compile --planted: ends with 0 when the spills of a kernel that must spill are seen, with 77 where the driver
 * says nothing. */
#include "check/check.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_STATISTICS = 64 };

static const uint32_t spill_spirv[] = {
#include "spill.inc"
};

/* One pipeline and the first use of it; the first by a chosen variant, when there is one. */
struct entry {
    const struct vk_pipeline *pipeline;
    struct check_pipeline first;
};

struct survey {
    struct vk_device *device;
    bool has_statistics;
    struct entry *entries;
    size_t count, capacity;
    uint32_t failed, spilling;
};

/* ---- gathering --------------------------------------------------------------------------------------------------- */

/* A pipeline that cannot be made is counted and the survey goes on; the message has been logged. */
static enum mien_status add(void *user, const struct check_pipeline *found)
{
    enum mien_status status = MIEN_OK;
    struct survey *s = user;
    struct vk_pipeline *pipeline = NULL;
    if (vk_pipeline_get(s->device, &found->kernel, &pipeline) != MIEN_OK) {
        printf("FAIL %s %s %s: no pipeline\n", found->op, found->case_name, found->variant);
        s->failed++;
        return vk_device_lost(s->device) ? MIEN_ERR_DEVICE_LOST : MIEN_OK;
    }
    struct entry *at = s->entries;
    while (at < s->entries + s->count && at->pipeline != pipeline)
        at++;
    if (at == s->entries + s->count) {
        TRY(base_grow(&s->entries, &s->capacity, s->count + 1, sizeof *s->entries));
        at = &s->entries[s->count++];
        *at = (struct entry){0};
    }
    if (!at->pipeline || (found->chosen && !at->first.chosen))
        *at = (struct entry){pipeline, *found};
fail:
    return status;
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

static bool has(const char *text, const char *part)
{
    for (; *text; text++) {
        size_t i = 0;
        while (part[i] && tolower((unsigned char)text[i]) == part[i])
            i++;
        if (!part[i])
            return true;
    }
    return false;
}

/* Registers that went to memory, under the names that drivers give it: RADV "Spilled VGPRs", "Scratch size"; ANV "Spill
 * Count", "Scratch Memory Size"; NVK "Spills to memory"; Honeykrisp "Spills", "Scratch"; Turnip "STP Count", "LDP
 * Count" (stores and loads of private memory). Spills to other registers (NVK "to reg", RADV's of SGPRs, which go to
 * lanes of a VGPR) cost an instruction each and are no failure. */
static bool is_spill(const struct vk_statistic *s)
{
    if (s->value <= 0 || has(s->name, "to reg") || has(s->name, "from reg") || has(s->name, "sgpr"))
        return false;
    return has(s->name, "spill") || has(s->name, "fill") || has(s->name, "scratch") || has(s->name, "stp count") ||
           has(s->name, "ldp count");
}

/* Worth a place on the line: registers, occupancy, size, shared memory, spills. */
static bool is_telling(const struct vk_statistic *s)
{
    static const char *const words[] = {"subgroup", "vgprs", "gprs",  "registers used", "waves",    "warps",
                                        "threads",  "lds",   "spill", "scratch",        "stp count"};
    for (size_t i = 0; i < BASE_COUNT(words); i++)
        if (has(s->name, words[i]))
            return s->value != 0;
    return strcmp(s->name, "Instructions") == 0 || has(s->name, "instruction count");
}

static void print_entry(const struct entry *e, const char *verdict, const struct vk_statistic *list, uint32_t count)
{
    const struct check_pipeline *p = &e->first;
    printf("%s %s %s %s %s [", verdict, p->op, p->case_name, p->variant, p->kernel.name);
    for (uint32_t i = 0; i < p->kernel.spec_count; i++)
        printf("%s%u", i ? " " : "", p->kernel.spec[i]);
    printf("]");
    for (uint32_t i = 0; i < count; i++)
        if (is_telling(&list[i]) || is_spill(&list[i]))
            printf(" %s=%g", list[i].name, list[i].value);
    printf("\n");
}

static enum mien_status judge(struct survey *s, const struct entry *e, bool all, bool *out)
{
    enum mien_status status = MIEN_OK;
    struct vk_statistic list[MOST_STATISTICS];
    uint32_t count = 0;
    bool spills = false;
    if (s->has_statistics)
        TRY(vk_pipeline_statistics(s->device, e->pipeline, list, MOST_STATISTICS, &count));
    count = BASE_MIN(count, (uint32_t)MOST_STATISTICS);
    for (uint32_t i = 0; i < count; i++)
        spills = spills || is_spill(&list[i]);
    *out = spills;
    if (spills)
        print_entry(e, e->first.chosen ? "SPILL" : "spill, not chosen:", list, count);
    else if (all)
        print_entry(e, e->first.chosen ? "chosen" : "other", list, count);
fail:
    return status;
}

/* ---- the program ------------------------------------------------------------------------------------------------- */

static void log_line(void *user, enum mien_log_level level, const char *message)
{
    (void)user;
    (void)level;
    printf("  %s\n", message);
}

static enum mien_status run(struct survey *s, const char *op_glob, bool all)
{
    enum mien_status status = MIEN_OK;
    const struct vk_caps *caps = vk_device_caps(s->device);
    struct check_pipeline_counts counts;
    uint32_t chosen = 0;
    bool spills;
    TRY(check_pipelines(caps, op_glob, add, s, &counts));
    for (size_t i = 0; i < s->count; i++) {
        TRY(judge(s, &s->entries[i], all, &spills));
        s->spilling += spills && s->entries[i].first.chosen;
        chosen += s->entries[i].first.chosen;
    }
    printf("%s (%s), class %s: %zu pipelines of %u plans, %u of them chosen; %u not made, %u chosen ones spill%s\n",
           caps->name, caps->driver, vk_class_name(caps->class_), s->count, counts.plans, chosen, s->failed,
           s->spilling, s->has_statistics ? "" : " (as far as is known: no statistics)");
    if (s->failed || s->spilling || !s->count)
        status = MIEN_ERR_FAILED;
fail:
    return status;
}

/* Whether a kernel that spills would be noticed here. */
static enum mien_status run_planted(struct survey *s)
{
    enum mien_status status = MIEN_OK;
    struct vk_pipeline *pipeline = NULL;
    struct entry e = {.first = {.op = "planted", .case_name = "640 floats", .variant = "spill"}};
    bool spills = false;
    if (!s->has_statistics)
        return MIEN_OK;
    e.first.kernel = (struct vk_kernel){
        .name = "spill", .spirv = spill_spirv, .spirv_size = sizeof spill_spirv, .buffers = 2, .push_size = 4};
    TRY(vk_pipeline_get(s->device, &e.first.kernel, &pipeline));
    e.pipeline = pipeline;
    TRY(judge(s, &e, true, &spills));
    FAIL_IF(!spills, MIEN_ERR_FAILED, "the planted kernel's spills are not seen: see is_spill for this driver's names");
fail:
    return status;
}

int main(int argc, char **argv)
{
    struct survey s = {0};
    struct vk_instance *instance = NULL;
    const char *op_glob = "*";
    uint32_t index = 0;
    bool all = false, planted = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--all") == 0) {
            all = true;
        } else if (strcmp(argv[i], "--planted") == 0) {
            planted = true;
        } else if (strcmp(argv[i], "--op") == 0 && i + 1 < argc) {
            op_glob = argv[++i];
        } else {
            fprintf(stderr, "usage: vendor_compile [--op GLOB] [--all] [--planted]\n");
            return 2;
        }
    }
    mien_log_set(log_line, NULL, MIEN_LOG_WARN);
    setenv("MIEN_PIPELINE_CACHE", "off", 1); /* each is to be compiled */
    if (vk_instance_create(NULL, &instance) != MIEN_OK || vk_instance_choose(instance, NULL, &index) != MIEN_OK ||
        vk_device_create(instance, index, NULL, &s.device) != MIEN_OK) {
        printf("skipped: no device\n");
        return 77;
    }
    s.has_statistics = vk_device_keep_statistics(s.device) == MIEN_OK;
    enum mien_status status = planted ? run_planted(&s) : run(&s, op_glob, all);
    base_free(s.entries);
    vk_device_destroy(&s.device);
    vk_instance_destroy(&instance);
    return planted && !s.has_statistics ? 77 : status ? 1 : 0;
}
