/* compile.c: builds, on one device, the pipeline of every dispatch of the plans that the device would choose for every
 * case of every op, and for the products of shapes.h, with its real layout and specialisation, and prints what the
 * driver's compiler says of it. Nothing is run: a device that only pretends to be there will do.
 *
 * vendor_compile [--op GLOB] [--all] [--list] [--json FILE [--chip NAME]] [--text DIR]: a line per pipeline that
 * spills; --all makes those of all other variants too, --list prints every line, --json writes the chosen ones to a
 * result file, --text RADV's listing of each to DIR/SHADER_SPEC.ir, whose head tells the statistics and the waves of a
 * workgroup on a SIMD (model.h); NAME is for drivers that know none. Ends with 1 when a pipeline cannot be made, or
 * when one that the device would choose spills. vendor_compile --planted [--json FILE]: ends with 0 when the spills of
 * a kernel that must spill are seen, with 77 where the driver says nothing. In the file it stands as if it had been
 * chosen. */
#include "check/check.h"

#include "model.h"
#include "shapes.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_STATISTICS = 64, MOST_LOOPS = 64, SCALAR_LATENCY = 100 };

static const uint32_t spill_spirv[] = {
#include "spill.inc"
};

/* One pipeline and the first use of it; the first by a chosen variant, when there is one. */
struct entry {
    const struct vk_pipeline *pipeline;
    struct check_pipeline first;
    uint32_t row;    /* in the result file */
    uint32_t shapes; /* bit i: shapes_get(i) takes it */
};

struct survey {
    struct vk_device *device;
    bool has_statistics;
    struct entry *entries;
    size_t count, capacity;
    uint32_t failed, spilling;
    const char *op_glob, *chip;
    const char *text_dir; /* where the compiler's texts go, NULL = nowhere */
    uint32_t shapes;      /* bits of those that are being gathered */
    bool all, list;       /* not only the chosen ones; a line for each */
    uint32_t row_count;
    struct base_text rows; /* of the result file */
};

/* ---- gathering --------------------------------------------------------------------------------------------------- */

/* A pipeline that cannot be made is counted and the survey goes on; the message has been logged. */
static enum mien_status add(void *user, const struct check_pipeline *found)
{
    enum mien_status status = MIEN_OK;
    struct survey *s = user;
    struct vk_pipeline *pipeline = NULL;
    if (!found->chosen && !s->all)
        return MIEN_OK;
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
        *at = (struct entry){.pipeline = pipeline, .first = *found, .shapes = at->shapes};
    at->shapes |= found->chosen ? s->shapes : 0;
fail:
    return status;
}

/* What the device would choose for the shapes that are judged by name. */
static enum mien_status add_shapes(struct survey *s, struct check_pipeline_counts *counts)
{
    enum mien_status status = MIEN_OK;
    for (size_t i = 0; i < SHAPES; i++) {
        struct check_case c = shapes_get(i);
        s->shapes = 1u << i;
        if (check_glob(s->op_glob, c.op->name))
            TRY(check_case_pipelines(vk_device_caps(s->device), &c, add, s, counts));
    }
fail:
    s->shapes = 0;
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
        if (is_telling(&list[i]) || vk_statistic_is_spill(&list[i]))
            printf(" %s=%g", list[i].name, list[i].value);
    printf("\n");
}

/* ---- the result file --------------------------------------------------------------------------------------------- */

/* The first of the driver's statistics of these names. NULL = none. */
static const struct vk_statistic *named(const struct vk_statistic *list, uint32_t count, const char *const *names)
{
    for (; *names; names++)
        for (uint32_t i = 0; i < count; i++)
            if (strcmp(list[i].name, *names) == 0)
                return &list[i];
    return NULL;
}

/* A value that the driver gives. ANV gives no registers and no bytes of code: its occupancy is the subgroup size that
 * it chose, the widest at which registers suffice, and its code is counted in instructions. */
static void add_value(struct base_text *row, const char *key, const struct vk_statistic *list, uint32_t count,
                      const char *const *names)
{
    const struct vk_statistic *s = named(list, count, names);
    if (s)
        base_text_print(row, ",\"%s\":%.0f", key, s->value);
}

/* The loops, the loads that wait alone in the main ones, and the share of peak that the model sees. */
static void add_loops(const struct isa_code *code, struct base_text *row)
{
    struct isa_loop loops[MOST_LOOPS];
    uint32_t count = BASE_MIN(isa_loops(code, loops, MOST_LOOPS), (uint32_t)MOST_LOOPS), alone = 0;
    for (uint32_t i = 0; i < count; i++) {
        base_text_print(row, "%s", i ? ",{" : ",\"loops\":[{");
        for (int kind = 0; kind < ISA_KINDS; kind++)
            if (loops[i].of[kind])
                base_text_print(row, "\"%s\":%u,", isa_kind_name((enum isa_kind)kind), loops[i].of[kind]);
        base_text_print(row, "\"alone\":%u,\"main\":%d}", loops[i].alone, loops[i].main);
        alone += loops[i].main ? loops[i].alone : 0;
    }
    if (count)
        base_text_print(row, "],\"alone\":%u", alone);
}

/* For other programs that read RADV's listings: a head that names the pipeline, the driver's statistics in a line, the
 * text. */
static enum mien_status save_text(const struct survey *s, const struct entry *e, const struct vk_statistic *list,
                                  uint32_t count, uint32_t group_waves, const char *assembly)
{
    enum mien_status status = MIEN_OK;
    const struct vk_kernel *kernel = &e->first.kernel;
    struct base_text name = {0}, text = {0};
    base_text_print(&name, "%s/%s", s->text_dir, kernel->name);
    for (uint32_t i = 0; i < kernel->spec_count; i++)
        base_text_print(&name, "%c%u", i ? '-' : '_', kernel->spec[i]);
    base_text_print(&name, ".ir");
    base_text_print(&text, "%s %s %s %s --group-waves %u\n", e->first.op, e->first.case_name, e->first.variant,
                    kernel->name, group_waves);
    base_text_print(&text, "  sg %.0f:", count ? list[0].value : 0);
    for (uint32_t i = 1; i < count; i++)
        base_text_print(&text, " %s=%.0f", list[i].name, list[i].value);
    base_text_print(&text, "\n  IR Assembly (%zu bytes)\n%s\n", strlen(assembly), assembly);
    TRY(name.status);
    TRY(text.status);
    TRY(base_file_write(name.data, text.data, text.size));
fail:
    base_text_clear(&name);
    base_text_clear(&text);
    return status;
}

/* A product of many steps sums CHAIN of them, DEPTH a round, in a loop within the one that stores
 * (shaders/matmul/matmul_fwd_slice.comp: constants 6 and 5). */
static uint32_t chain_trips(const struct vk_kernel *kernel, const struct isa_code *code, struct model_trip *out)
{
    struct isa_loop loops[MOST_LOOPS];
    uint32_t count = BASE_MIN(isa_loops(code, loops, MOST_LOOPS), (uint32_t)MOST_LOOPS), most = 0;
    if (strncmp(kernel->name, "matmul_fwd_slice", strlen("matmul_fwd_slice")) != 0 || kernel->spec[6] == 0)
        return 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t adds = loops[i].own[ISA_FMA];
        if (adds == loops[i].of[ISA_FMA] && adds > most) {
            most = adds;
            *out = (struct model_trip){code->labels[loops[i].first - 1], kernel->spec[6] / kernel->spec[5]};
        }
    }
    return most > 0;
}

static enum mien_status add_assembly(struct survey *s, const struct entry *e, const struct vk_statistic *list,
                                     uint32_t count, struct base_text *row)
{
    static const char *const waves[] = {"Subgroups per SIMD", NULL}, *const lanes[] = {"Subgroup size", NULL};
    enum mien_status status = MIEN_OK;
    const struct vk_statistic *w = named(list, count, waves), *l = named(list, count, lanes);
    struct isa_code code = {0};
    struct vk_pipeline_form form;
    struct model_result result;
    char *text = NULL;
    TRY(vk_pipeline_text(s->device, e->pipeline, "Assembly", &text));
    if (!text || !strstr(text, "s_endpgm") || !w || !l)
        goto fail;
    TRY(isa_read(text, &code));
    add_loops(&code, row);
    TRY(vk_pipeline_form(s->device, &e->first.kernel, &form));
    struct model_params params = {.lanes = (uint32_t)l->value, .waves = (uint32_t)w->value};
    struct model_trip trip;
    params.trips = &trip;
    params.trip_count = chain_trips(&e->first.kernel, &code, &trip);
    params.group_waves = model_group_waves(form.local[0] * form.local[1] * form.local[2], params.lanes);
    if (s->text_dir)
        TRY(save_text(s, e, list, count, params.group_waves, text));
    TRY(model_estimate(&code, &params, &result));
    base_text_print(row, ",\"lanes\":%u,\"group_waves\":%u", params.lanes, params.group_waves);
    if (result.label)
        base_text_print(row, ",\"share\":%.1f", 100 * result.share);
    if (result.label && result.scalar_loads) {
        params.scalar_latency = SCALAR_LATENCY;
        TRY(model_estimate(&code, &params, &result));
        base_text_print(row, ",\"share_scalar\":%.1f", 100 * result.share);
    }
fail:
    isa_clear(&code);
    base_free(text);
    return status;
}

static enum mien_status add_row(struct survey *s, struct entry *e, const struct vk_statistic *list, uint32_t count)
{
    enum mien_status status = MIEN_OK;
    static const char *const registers[] = {"VGPRs", "Registers used", "Number of GPRs", "GPRs", NULL};
    static const char *const occupancy[] = {
        "Subgroups per SIMD", "Max Waves Per Core", "Max warps/SM", "Threads", "Subgroup size", NULL};
    static const char *const code[] = {"Code size", "Instruction Count", NULL};
    static const char *const instructions[] = {"Instructions", "Instruction Count", "Instruction count", NULL};
    const struct check_pipeline *p = &e->first;
    struct base_text *row = &s->rows;
    double spills = 0;
    base_text_print(row, "%s{\"op\":\"%s\",\"variant\":\"%s\",\"shader\":\"%s\",\"spec\":[", row->size ? ",\n" : "",
                    p->op, p->variant, p->kernel.name);
    for (uint32_t i = 0; i < p->kernel.spec_count; i++)
        base_text_print(row, "%s%u", i ? "," : "", p->kernel.spec[i]);
    base_text_print(row, "]");
    if (p->kernel.subgroup_size)
        base_text_print(row, ",\"pinned\":%u", p->kernel.subgroup_size);
    add_value(row, "registers", list, count, registers);
    add_value(row, "occupancy", list, count, occupancy);
    for (uint32_t i = 0; i < count; i++)
        spills += vk_statistic_is_spill(&list[i]) ? list[i].value : 0;
    base_text_print(row, ",\"spills\":%.0f", spills);
    add_value(row, "code", list, count, code);
    add_value(row, "instructions", list, count, instructions);
    TRY(add_assembly(s, e, list, count, row));
    base_text_print(row, "}");
    e->row = s->row_count++;
    status = row->status;
fail:
    return status;
}

/* The shapes and the rows of their pipelines. */
static void print_shapes(const struct survey *s, struct base_text *text)
{
    bool first_shape = true;
    for (size_t i = 0; i < SHAPES; i++) {
        struct check_case c = shapes_get(i);
        bool first = true;
        for (size_t k = 0; k < s->count; k++) {
            if (!(s->entries[k].shapes >> i & 1))
                continue;
            if (first)
                base_text_print(text, "%s{\"name\":\"%s%s\",\"rows\":[", first_shape ? "" : "]},\n", c.given->name,
                                c.forward ? ", backward" : "");
            base_text_print(text, "%s%u", first ? "" : ",", s->entries[k].row);
            first = first_shape = false;
        }
    }
    base_text_print(text, first_shape ? "" : "]}");
}

/* Rows in the order in which they were made, one a line. */
static enum mien_status write_rows(struct survey *s, const char *path)
{
    enum mien_status status = MIEN_OK;
    const struct vk_caps *caps = vk_device_caps(s->device);
    struct base_text text = {0};
    size_t length = strlen(caps->name);
    bool nameless = length && caps->name[length - 1] == ' '; /* NVK's name ends before the chip's */
    base_text_print(&text, "{\"head\":{\"kind\":\"vendor\",\"device\":\"%s%s\",\"driver\":\"%s\",", caps->name,
                    nameless ? s->chip : "", caps->driver);
    base_text_print(&text, "\"class\":\"%s\"},\n\"rows\":[\n", vk_class_name(caps->class_));
    base_text_add(&text, s->rows.data, s->rows.size);
    base_text_print(&text, "\n],\n\"shapes\":[\n");
    print_shapes(s, &text);
    base_text_print(&text, "\n]}\n");
    TRY(text.status);
    TRY(base_file_write(path, text.data, text.size));
fail:
    base_text_clear(&text);
    return status;
}

/* ---- verdicts ---------------------------------------------------------------------------------------------------- */

static enum mien_status judge(struct survey *s, struct entry *e, bool *out)
{
    enum mien_status status = MIEN_OK;
    struct vk_statistic list[MOST_STATISTICS];
    uint32_t count = 0;
    bool spills = false;
    if (s->has_statistics)
        TRY(vk_pipeline_statistics(s->device, e->pipeline, list, MOST_STATISTICS, &count));
    count = BASE_MIN(count, (uint32_t)MOST_STATISTICS);
    for (uint32_t i = 0; i < count; i++)
        spills = spills || vk_statistic_is_spill(&list[i]);
    *out = spills;
    if (spills)
        print_entry(e, e->first.chosen ? "SPILL" : "spill, not chosen:", list, count);
    else if (s->list)
        print_entry(e, e->first.chosen ? "chosen" : "other", list, count);
    if (s->has_statistics && e->first.chosen)
        TRY(add_row(s, e, list, count));
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

static enum mien_status run(struct survey *s, const char *json)
{
    enum mien_status status = MIEN_OK;
    const struct vk_caps *caps = vk_device_caps(s->device);
    struct check_pipeline_counts counts;
    uint32_t chosen = 0;
    bool spills;
    TRY(check_pipelines(caps, s->op_glob, add, s, &counts));
    TRY(add_shapes(s, &counts));
    for (size_t i = 0; i < s->count; i++) {
        TRY(judge(s, &s->entries[i], &spills));
        s->spilling += spills && s->entries[i].first.chosen;
        chosen += s->entries[i].first.chosen;
    }
    printf("%s (%s), class %s: %zu pipelines of %u plans, %u of them chosen; %u not made, %u chosen ones spill%s\n",
           caps->name, caps->driver, vk_class_name(caps->class_), s->count, counts.plans, chosen, s->failed,
           s->spilling, s->has_statistics ? "" : " (as far as is known: no statistics)");
    if (json && s->has_statistics)
        TRY(write_rows(s, json));
    if (s->failed || s->spilling || !s->count)
        status = MIEN_ERR_FAILED;
fail:
    return status;
}

/* Whether a kernel that spills would be noticed here. */
static enum mien_status run_planted(struct survey *s, const char *json)
{
    enum mien_status status = MIEN_OK;
    struct vk_pipeline *pipeline = NULL;
    struct entry e = {.first = {.op = "planted", .case_name = "640 floats", .variant = "spill", .chosen = json}};
    bool spills = false;
    if (!s->has_statistics)
        return MIEN_OK;
    e.first.kernel = (struct vk_kernel){
        .name = "spill", .spirv = spill_spirv, .spirv_size = sizeof spill_spirv, .buffers = 2, .push_size = 4};
    TRY(vk_pipeline_get(s->device, &e.first.kernel, &pipeline));
    e.pipeline = pipeline;
    TRY(judge(s, &e, &spills));
    if (json)
        TRY(write_rows(s, json));
    FAIL_IF(!spills, MIEN_ERR_FAILED, "the planted kernel's spills are not seen: see is_spill for this driver's names");
fail:
    return status;
}

static bool read_options(int argc, char **argv, struct survey *s, const char **json, bool *planted)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--all") == 0)
            s->all = true;
        else if (strcmp(argv[i], "--list") == 0)
            s->list = true;
        else if (strcmp(argv[i], "--planted") == 0)
            *planted = s->list = true;
        else if (strcmp(argv[i], "--op") == 0 && i + 1 < argc)
            s->op_glob = argv[++i];
        else if (strcmp(argv[i], "--chip") == 0 && i + 1 < argc)
            s->chip = argv[++i];
        else if (strcmp(argv[i], "--text") == 0 && i + 1 < argc)
            s->text_dir = argv[++i];
        else if (strcmp(argv[i], "--json") == 0 && i + 1 < argc)
            *json = argv[++i];
        else
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct survey s = {.op_glob = "*", .chip = ""};
    struct vk_instance *instance = NULL;
    const char *json = NULL;
    uint32_t index = 0;
    bool planted = false;
    if (!read_options(argc, argv, &s, &json, &planted)) {
        fprintf(stderr, "usage: vendor_compile [--op GLOB] [--all] [--list] [--json FILE] [--chip NAME] [--text DIR]"
                        " [--planted]\n");
        return 2;
    }
    mien_log_set(log_line, NULL, MIEN_LOG_WARN);
    setenv("MIEN_PIPELINE_CACHE", "off", 1); /* each is to be compiled */
    if (vk_instance_create(NULL, &instance) != MIEN_OK || vk_instance_choose(instance, NULL, &index) != MIEN_OK ||
        vk_device_create(instance, index, NULL, &s.device) != MIEN_OK) {
        printf("skipped: no device\n");
        return 77;
    }
    s.has_statistics = vk_device_keep_text(s.device) == MIEN_OK;
    enum mien_status status = planted ? run_planted(&s, json) : run(&s, json);
    base_free(s.entries);
    base_text_clear(&s.rows);
    vk_device_destroy(&s.device);
    vk_instance_destroy(&instance);
    return planted && !s.has_statistics ? 77 : status ? 1 : 0;
}
