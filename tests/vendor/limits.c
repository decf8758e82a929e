/* limits.c: what no pipeline that a device would choose may be, whatever it was before. */
#include "rows.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* A number at most `most`; where `or` is named, one of which at least `least` will do instead. A number that a driver
 * does not give keeps every limit. */
struct limit {
    const char *device, *shader; /* a part of the device's name; how the shader's name begins */
    const char *what;
    size_t member; /* of struct row */
    double most;
    size_t other; /* 0 = there is none */
    double least;
};
static const struct limit limits[] = {
    {"", "", "spills", offsetof(struct row, spills), 0, 0, 0},
    /* Unrolled further, a loop leaves the instruction cache. */
    {"Apple M1", "", "instructions", offsetof(struct row, instructions), 3000, 0, 0},
    /* With one wave nothing is done while it waits. */
    {"Adreno", "", "registers, with fewer than 2 waves", offsetof(struct row, registers), 64,
     offsetof(struct row, occupancy), 2},
};

static double member(const struct row *row, size_t offset)
{
    double value;
    memcpy(&value, (const char *)row + offset, sizeof value);
    return value;
}

bool limits_keep(const char *device, const struct row *row)
{
    bool good = true;
    for (size_t i = 0; i < BASE_COUNT(limits); i++) {
        const struct limit *l = &limits[i];
        if (!strstr(device, l->device) || strncmp(row->shader, l->shader, strlen(l->shader)) != 0 ||
            member(row, l->member) <= l->most || (l->other && member(row, l->other) >= l->least))
            continue;
        printf("FAIL %s: %.0f %s; at most %.0f (%s)\n", row->name, member(row, l->member), l->what, l->most, device);
        good = false;
    }
    return good;
}

/* What the kernels of products that are judged by name (shapes.h) must reach: a share of peak by the model, and either
 * so many waves or, with 32 lanes, at most so many registers. */
static const struct goal {
    const char *device, *shape; /* a part of the device's name; how the shape's name begins */
    double share, waves, registers;
} goals[] = {
    {"NAVI31", "matmul ", 55, 4, 128},
    {"NAVI31", "attention ", 65, 5, 0},
};

static bool reaches(const struct goal *g, const struct row *row, const char *shape)
{
    if (row->share >= g->share && (row->occupancy >= g->waves || (row->lanes == 32 && row->registers <= g->registers)))
        return true;
    printf("FAIL %s, %s: %.1f %% of peak by the model with %.0f waves a SIMD, %.0f registers; at least %.0f %%, %.0f "
           "waves (or with 32 lanes %.0f registers)\n",
           shape, row->name, row->share, row->occupancy, row->registers, g->share, g->waves, g->registers);
    return false;
}

/* A goal for which nothing is judged is no goal. */
static bool reach(const struct result *r, const struct goal *g)
{
    bool good = true;
    size_t seen = 0;
    for (size_t s = 0; s < r->shape_count; s++) {
        const struct shape *shape = &r->shapes[s];
        for (size_t i = 0; i < shape->count && strncmp(shape->name, g->shape, strlen(g->shape)) == 0; i++) {
            const struct row *row = &r->rows[shape->rows[i]];
            seen += row->share >= 0;
            good = (row->share < 0 || reaches(g, row, shape->name)) && good;
        }
    }
    if (seen == 0)
        printf("FAIL %s: no kernel of \"%s\" has a share of peak\n", r->device, g->shape);
    return good && seen > 0;
}

static size_t goals_missed(const struct result *r)
{
    size_t missed = 0;
    for (size_t g = 0; g < BASE_COUNT(goals); g++)
        missed += strstr(r->device, goals[g].device) && !reach(r, &goals[g]);
    return missed;
}

/* ---- kernels that may wait for one load alone -------------------------------------------------------------------- */

struct excuse {
    char kernel[80];
    double most, seen; /* loads of one pipeline */
};
struct excuses {
    struct excuse *list;
    size_t count, capacity;
};

/* "KERNEL LOADS  # reason" */
static enum mien_status add_excuse(const char *line, size_t length, const char *path, struct excuses *out)
{
    enum mien_status status = MIEN_OK;
    const char *reason = memchr(line, '#', length);
    size_t name = 0;
    while (name < length && !isspace((unsigned char)line[name]) && line[name] != '#')
        name++;
    if (name == 0 && (reason == line || length == 0))
        return MIEN_OK;
    TRY(base_grow(&out->list, &out->capacity, out->count + 1, sizeof *out->list));
    struct excuse *e = &out->list[out->count];
    *e = (struct excuse){0};
    snprintf(e->kernel, sizeof e->kernel, "%.*s", (int)name, line);
    FAIL_IF(!name || !reason || strspn(reason, "# ") >= (size_t)(line + length - reason) ||
                sscanf(line + name, "%lf #", &e->most) != 1 || e->most < 1,
            MIEN_ERR_DATA, "%s: \"%.*s\" is no \"KERNEL LOADS  # reason\"", path, (int)length, line);
    FAIL_IF(out->count && strcmp(out->list[out->count - 1].kernel, e->kernel) >= 0, MIEN_ERR_DATA,
            "%s: %s is not in its place; sort the list", path, e->kernel);
    out->count++;
fail:
    return status;
}

static enum mien_status read_excuses(const char *path, struct excuses *out)
{
    enum mien_status status = MIEN_OK;
    char *text = NULL;
    size_t size;
    TRY(base_file_read(path, 0, &text, &size));
    for (const char *line = text; line < text + size;) {
        const char *end = memchr(line, '\n', (size_t)(text + size - line));
        size_t length = end ? (size_t)(end - line) : (size_t)(text + size - line);
        TRY(add_excuse(line, length, path, out));
        line += length + 1;
    }
fail:
    base_free(text);
    return status;
}

/* "embedding_fwd.bf16" is embedding_fwd. */
static struct excuse *excuse_of(const struct excuses *all, const char *shader)
{
    size_t length = strcspn(shader, ".");
    for (size_t i = 0; i < all->count; i++)
        if (strlen(all->list[i].kernel) == length && strncmp(all->list[i].kernel, shader, length) == 0)
            return &all->list[i];
    return NULL;
}

static bool check_alone(const struct result *r, const struct row *row, const struct excuses *excuses)
{
    if (row->alone <= 0 || strcmp(r->class_, "desktop") != 0)
        return true;
    struct excuse *e = excuse_of(excuses, row->shader);
    if (e)
        e->seen = BASE_MAX(e->seen, row->alone);
    if (e && row->alone <= e->most)
        return true;
    printf("FAIL %s: %.0f loads wait alone in its main loops; at most %.0f (%s)\n", row->name, row->alone,
           e ? e->most : 0, r->device);
    return false;
}

enum mien_status limits_check(const char *list_path, char *const *paths, size_t count, bool *good)
{
    enum mien_status status = MIEN_OK;
    struct excuses excuses = {0};
    struct result r = {0};
    size_t failed = 0, rows = 0;
    TRY(read_excuses(list_path, &excuses));
    for (size_t f = 0; f < count; f++) {
        TRY(result_read(paths[f], &r));
        rows += r.count;
        for (size_t i = 0; i < r.count; i++) {
            failed += !limits_keep(r.device, &r.rows[i]);
            failed += !check_alone(&r, &r.rows[i], &excuses);
        }
        failed += goals_missed(&r);
        result_clear(&r);
    }
    for (size_t i = 0; i < excuses.count; i++) {
        const struct excuse *e = &excuses.list[i];
        if (e->seen < e->most)
            printf("FAIL %s: of its loads %.0f wait alone, not %.0f; mend %s\n", e->kernel, e->seen, e->most,
                   list_path);
        failed += e->seen < e->most;
    }
    printf("%zu pipelines of %zu chips, %zu kernels excused, %zu failed\n", rows, count, excuses.count, failed);
    *good = failed == 0;
fail:
    result_clear(&r);
    base_free(excuses.list);
    return status;
}
