/* table.c: the table "Which devices" of README.md, made from the result files of this folder.
 *
 *   results_table README.md RESULTS          prints what differs; ends with 1 where README.md and the files disagree
 *   results_table --write README.md RESULTS  puts the table between the two marks
 *
 * What a device has done is never said better than it was: a driver whose submissions are discarded has compiled. */
#include "base/base.h"
#include "base/sha256.h"
#include "op/shader.h"
#include "vk/vk.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROFILES MIEN_SOURCE_DIR "/src/vk/profiles"
static const char begin_mark[] = "<!-- devices: made by results_table --write, see tests/results/README.md -->\n";
static const char end_mark[] = "<!-- end of devices -->\n";

enum how { HARDWARE, SOFTWARE, OFFLINE };
static const char *const hows[] = {"run on hardware", "run in software", "compiled offline (submissions discarded)"};

/* One device with one driver. */
struct line {
    char device[256], driver[256];
    enum how how;
    struct base_text what;
    struct base_text profiles; /* that it acted as, with every check passed */
    double profile_checks;
};

static struct line lines[128];
static size_t line_count;

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* The line of a result's device. */
static enum mien_status line_of(const cJSON *head, enum how how, const char *where, struct line **out)
{
    enum mien_status status = MIEN_OK;
    const char *device = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(head, "device"));
    const char *driver = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(head, "driver"));
    size_t i = 0;
    FAIL_IF(!device || !driver, MIEN_ERR_DATA, "%s: its head names no device and driver", where);
    while (i < line_count &&
           (lines[i].how != how || strcmp(lines[i].device, device) != 0 || strcmp(lines[i].driver, driver) != 0))
        i++;
    FAIL_IF(i == BASE_COUNT(lines), MIEN_ERR_DATA, "%s: one device too many for this program", where);
    *out = &lines[i];
    if (i < line_count)
        return MIEN_OK;
    line_count++;
    lines[i].how = how;
    snprintf(lines[i].device, sizeof lines[i].device, "%s", device);
    snprintf(lines[i].driver, sizeof lines[i].driver, "%s", driver);
fail:
    return status;
}

/* "12,345" */
static void print_count(struct base_text *text, double value)
{
    if (value >= 1000)
        base_text_print(text, "%.0f,%03.0f", (value - (double)((long)value % 1000)) / 1000,
                        (double)((long)value % 1000));
    else
        base_text_print(text, "%.0f", value);
}

static void separate(struct base_text *text)
{
    if (text->size)
        base_text_print(text, "; ");
}

static bool is(const cJSON *row, const char *key, const char *value)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, key));
    return text && strcmp(text, value) == 0;
}

static enum how how_of(const cJSON *head)
{
    return is(head, "type", "software") ? SOFTWARE : HARDWARE;
}

/* The ops that fail, each once; rows of an op stand together. */
static void print_failed(const cJSON *rows, struct base_text *out)
{
    const char *last = "";
    const cJSON *row;
    base_text_print(out, ", failed:");
    cJSON_ArrayForEach(row, rows)
    {
        const char *op = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, "op"));
        if (!op || !is(row, "status", "fail") || strcmp(op, last) == 0)
            continue;
        base_text_print(out, " %s", op);
        last = op;
    }
}

/* Kernels of this build that a result has not, or has as another module. */
static size_t newer_kernels(const cJSON *kernels)
{
    size_t newer = 0;
    for (const struct op_shader *s = op_shaders; s->name; s++) {
        struct base_sha256 hash = base_sha256_begin();
        unsigned char bytes[BASE_SHA256_SIZE];
        char text[17];
        base_sha256_add(&hash, s->words, s->size);
        base_sha256_end(&hash, bytes);
        for (size_t i = 0; i < 8; i++)
            snprintf(text + 2 * i, 3, "%02x", bytes[i]);
        newer += !is(kernels, s->name, text);
    }
    return newer;
}

/* A result of mien check. */
static enum mien_status read_check(const cJSON *head, const cJSON *rows, const char *where)
{
    enum mien_status status = MIEN_OK;
    const char *tier = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(head, "tier"));
    const char *caps = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(head, "caps"));
    bool profile = caps && *caps;
    struct line *line = NULL;
    double passed = 0, failed = 0;
    const cJSON *row;
    cJSON_ArrayForEach(row, rows)
    {
        passed += is(row, "status", "pass");
        failed += is(row, "status", "fail");
    }
    size_t newer = newer_kernels(cJSON_GetObjectItemCaseSensitive(head, "kernels"));
    if (newer) /* no failure: a table that every edit of a shader outdates would be written without a look */
        printf("note: %s was made before %zu of the kernels\n", where, newer);
    FAIL_IF(passed <= failed, MIEN_ERR_DATA, "%s: more fails than passes; was anything computed?", where);
    TRY(line_of(head, how_of(head), where, &line));
    if (profile && failed == 0 && is(head, "tier", "quick")) {
        base_text_print(&line->profiles, "%s`%s`", line->profiles.size ? ", " : "", caps);
        line->profile_checks += passed;
        return MIEN_OK;
    }
    separate(&line->what);
    base_text_print(&line->what, "%s check%s%s: ", tier ? tier : "?", profile ? " as " : "", profile ? caps : "");
    print_count(&line->what, passed);
    if (failed > 0) {
        base_text_print(&line->what, " of ");
        print_count(&line->what, passed + failed);
    }
    base_text_print(&line->what, " pass");
    if (failed > 0)
        print_failed(rows, &line->what);
fail:
    return status;
}

/* A result of mien bench: what the device itself can do at most. */
static enum mien_status read_bench(const cJSON *head, const cJSON *rows, const char *where)
{
    enum mien_status status = MIEN_OK;
    struct line *line = NULL;
    double fma = 0, copy = 0;
    (void)rows;
    TRY(base_json_number(head, "fma_gflops", where, &fma));
    TRY(base_json_number(head, "copy_gbps", where, &copy));
    TRY(line_of(head, how_of(head), where, &line));
    separate(&line->what);
    base_text_print(&line->what, "bench: ");
    print_count(&line->what, floor(fma + 0.5));
    base_text_print(&line->what, " GFLOP/s of multiply-adds, ");
    print_count(&line->what, floor(copy + 0.5));
    base_text_print(&line->what, " GB/s of copies");
fail:
    return status;
}

/* A baseline of tests/vendor: what a vendor's compiler made of the chosen kernels. */
static enum mien_status read_vendor(const cJSON *head, const cJSON *rows, const char *where)
{
    enum mien_status status = MIEN_OK;
    struct line *line = NULL;
    double kernels = 0, spilling = 0;
    const cJSON *row;
    TRY(line_of(head, OFFLINE, where, &line));
    cJSON_ArrayForEach(row, rows)
    {
        const cJSON *spills = cJSON_GetObjectItemCaseSensitive(row, "spills");
        kernels++;
        spilling += cJSON_IsNumber(spills) && spills->valuedouble > 0;
    }
    separate(&line->what);
    print_count(&line->what, kernels);
    base_text_print(&line->what, " chosen pipelines, ");
    if (spilling > 0)
        base_text_print(&line->what, "%.0f of them spill", spilling);
    else
        base_text_print(&line->what, "none spills");
fail:
    return status;
}

/* Every file of a folder, which may be absent, in the order of their names. */
static enum mien_status read_folder(const char *results, const char *name,
                                    enum mien_status (*take)(const cJSON *head, const cJSON *rows, const char *where))
{
    enum mien_status status = MIEN_OK;
    static const char *const ending[] = {".json", NULL};
    char *dir = base_path_join(results, name), **names = NULL, *path = NULL;
    size_t count = 0;
    cJSON *json = NULL;
    FAIL_IF_NULL(dir, "a path");
    if (base_file_is_dir(dir))
        TRY(base_dir_list(dir, &names, &count));
    for (size_t i = 0; i < count; i++) {
        if (!base_path_ends(names[i], ending))
            continue;
        path = base_path_join(dir, names[i]);
        FAIL_IF_NULL(path, "a path");
        TRY(base_json_read(path, &json));
        const cJSON *head = base_json_member(json, "head"), *rows = base_json_member(json, "rows");
        FAIL_IF(!cJSON_IsObject(head) || !cJSON_IsArray(rows), MIEN_ERR_DATA, "%s: is no {\"head\", \"rows\"}", path);
        TRY(take(head, rows, path));
        cJSON_Delete(json);
        base_free(path);
        json = NULL;
        path = NULL;
    }
fail:
    cJSON_Delete(json);
    base_free(path);
    base_free(dir);
    base_dir_list_free(&names, &count);
    return status;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

/* A cell, in which a bar would end it. */
static void print_cell(struct base_text *out, const char *text)
{
    size_t size = strlen(text);
    while (size && text[size - 1] == ' ') /* some drivers' */
        size--;
    base_text_print(out, "| ");
    for (const char *end = text + size; text < end; text++)
        base_text_print(out, *text == '|' ? "\\|" : "%c", *text);
    base_text_print(out, " ");
}

static int compare(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    int driver = strcmp(x->driver, y->driver);
    return x->how != y->how ? (int)x->how - (int)y->how : driver ? driver : strcmp(x->device, y->device);
}

static void print_line(struct base_text *out, const struct line *line)
{
    print_cell(out, line->device);
    print_cell(out, line->driver);
    base_text_print(out, "| %s | %s", hows[line->how], line->what.size ? line->what.data : "");
    if (line->profiles.size) {
        base_text_print(out, "%squick check as %s: ", line->what.size ? "; " : "", line->profiles.data);
        print_count(out, line->profile_checks);
        base_text_print(out, " pass");
    }
    base_text_print(out, " |\n");
}

static void keep_message(void *user, enum mien_log_level level, const char *message)
{
    (void)level;
    snprintf(user, 512, "%s", message);
}

/* The profiles that are below what Mien needs, with what they lack, as it is said to whoever tries. */
static enum mien_status print_refused(struct base_text *out)
{
    enum mien_status status = MIEN_OK;
    char **names = NULL, message[512] = "", word[64];
    size_t count = 0;
    struct vk_caps caps;
    mien_log_set(keep_message, message, MIEN_LOG_ERROR);
    TRY(base_dir_list(PROFILES, &names, &count));
    for (size_t i = 0; i < count; i++) {
        const char *end = strstr(names[i], ".json");
        if (!end)
            continue;
        snprintf(word, sizeof word, "%.*s", (int)(end - names[i]), names[i]);
        vk_caps_typical(VK_CLASS_MOBILE, &caps);
        TRY(vk_caps_clamp(&caps, word));
        if (vk_caps_check_floor(&caps) == MIEN_OK)
            continue;
        char *missing = strstr(message, "needs: "), *advice = strstr(message, "; choose");
        FAIL_IF(!missing || !advice, MIEN_ERR_DATA, "\"%s\" says no longer what is missing", message);
        *advice = 0;
        base_text_print(out, "\nRefused (exit status 3), as profile `%s` acts: %s.\n", word,
                        missing + strlen("needs: "));
    }
fail:
    mien_log_set(NULL, NULL, MIEN_LOG_WARN);
    base_dir_list_free(&names, &count);
    return status;
}

static enum mien_status make_table(const char *results, struct base_text *out)
{
    enum mien_status status = MIEN_OK;
    TRY(read_folder(results, "check", read_check));
    TRY(read_folder(results, "bench", read_bench));
    TRY(read_folder(results, "vendor", read_vendor));
    base_text_print(out, line_count ? "| device | driver | how | what |\n|---|---|---|---|\n" : "No files yet.\n");
    qsort(lines, line_count, sizeof *lines, compare);
    for (size_t i = 0; i < line_count; i++)
        print_line(out, &lines[i]);
    TRY(print_refused(out));
    return out->status;
fail:
    return status;
}

/* README.md with the table between the marks, in place of what stands there. */
static enum mien_status splice(const char *path, const char *readme, const struct base_text *table,
                               struct base_text *out)
{
    enum mien_status status = MIEN_OK;
    const char *begin = strstr(readme, begin_mark), *end = begin ? strstr(begin, end_mark) : NULL;
    FAIL_IF(!end, MIEN_ERR_DATA, "%s: the marks of the table are not there: %s", path, begin_mark);
    base_text_add(out, readme, (size_t)(begin - readme) + strlen(begin_mark));
    base_text_add(out, table->data, table->size);
    base_text_add(out, end, strlen(end));
    return out->status;
fail:
    return status;
}

/* The first line that differs. */
static void print_difference(const char *old, const char *new)
{
    size_t line = 0;
    for (size_t i = 0; old[i] && old[i] == new[i]; i++)
        if (old[i] == '\n')
            line = i + 1;
    fprintf(stderr, "README.md:   %.*s\nfrom files:  %.*s\n", (int)strcspn(old + line, "\n"), old + line,
            (int)strcspn(new + line, "\n"), new + line);
}

int main(int argc, char **argv)
{
    enum mien_status status = MIEN_OK;
    bool write = argc == 4 && strcmp(argv[1], "--write") == 0, same = false;
    const char *path = argv[write ? 2 : 1];
    struct base_text table = {0}, made = {0};
    char *readme = NULL;
    size_t size = 0;
    if (argc != 3 && !write) {
        fprintf(stderr, "usage: results_table [--write] README.md RESULTS\n");
        return 2;
    }
    TRY(base_file_read(path, 1 << 20, &readme, &size));
    TRY(make_table(argv[argc - 1], &table));
    TRY(splice(path, readme, &table, &made));
    same = strcmp(readme, made.data) == 0;
    if (write && !same)
        TRY(base_file_write(path, made.data, made.size));
    else if (!same) {
        print_difference(readme, made.data);
        fprintf(stderr, "%s and the result files disagree: results_table --write %s %s\n", path, path, argv[argc - 1]);
    }
fail:
    base_free(readme);
    base_text_clear(&table);
    base_text_clear(&made);
    for (size_t i = 0; i < line_count; i++) {
        base_text_clear(&lines[i].what);
        base_text_clear(&lines[i].profiles);
    }
    return status != MIEN_OK || (!same && !write);
}
