/* compare.c: a result file of vendor_compile against the one kept for the chip.
 *
 * vendor_compare BASELINE CURRENT     ends with 1, naming each pipeline, where one of CURRENT spills or takes above 10
 * % more registers than in BASELINE; new and gone ones are counted and are no failure vendor_compare --planted CURRENT
 * CURRENT against itself with one row changed, twice: ends with 0 when a growth of registers and a spill are told, each
 * by its pipeline's name
 *
 * Where the driver's version is another than BASELINE's, growth is told but is no failure: its compiler may be why.
 * Where a driver gives no registers (ANV), the subgroup size that it chooses stands for them: half the size is a
 * growth. */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_GROWTH 1.1

struct row {
    char key[256]; /* shader, specialisation, required subgroup size: one pipeline */
    char name[256];
    double registers, occupancy, spills, code; /* -1: not given */
    double alone;                              /* loads in loops that are waited for alone */
};

struct result {
    char device[256], driver[256];
    struct row *rows;
    size_t count, capacity;
};

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text ? text : "?";
}

static double number_of(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : -1;
}

static void read_row(const cJSON *json, struct row *out)
{
    const cJSON *item;
    char spec[128] = "";
    size_t used = 0;
    *out = (struct row){.registers = number_of(json, "registers"),
                        .occupancy = number_of(json, "occupancy"),
                        .spills = number_of(json, "spills"),
                        .code = number_of(json, "code")};
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(json, "spec")) if (used < sizeof spec) used +=
        (size_t)snprintf(spec + used, sizeof spec - used, "%s%.0f", used ? " " : "", item->valuedouble);
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(json, "loops")) out->alone +=
        BASE_MAX(number_of(item, "alone"), 0);
    snprintf(out->key, sizeof out->key, "%.80s [%.120s] %.0f", text_of(json, "shader"), spec,
             number_of(json, "pinned"));
    snprintf(out->name, sizeof out->name, "%.40s %.40s %.60s [%.100s]", text_of(json, "op"), text_of(json, "variant"),
             text_of(json, "shader"), spec);
}

static enum mien_status read_result(const char *path, struct result *out)
{
    enum mien_status status = MIEN_OK;
    cJSON *json = NULL;
    const cJSON *item;
    TRY(base_json_read(path, &json));
    const cJSON *head = base_json_member(json, "head"), *rows = base_json_member(json, "rows");
    FAIL_IF(!cJSON_IsObject(head) || !cJSON_IsArray(rows) || !cJSON_GetArraySize(rows), MIEN_ERR_DATA,
            "%s: is no {\"head\", \"rows\"}", path);
    snprintf(out->device, sizeof out->device, "%s", text_of(head, "device"));
    snprintf(out->driver, sizeof out->driver, "%s", text_of(head, "driver"));
    cJSON_ArrayForEach(item, rows)
    {
        TRY(base_grow(&out->rows, &out->capacity, out->count + 1, sizeof *out->rows));
        read_row(item, &out->rows[out->count]);
        FAIL_IF(out->rows[out->count].spills < 0, MIEN_ERR_DATA, "%s: row %zu says nothing of spills", path,
                out->count + 1);
        out->count++;
    }
fail:
    cJSON_Delete(json);
    return status;
}

/* ---- comparing --------------------------------------------------------------------------------------------------- */

static const struct row *find(const struct result *r, const char *key)
{
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->rows[i].key, key) == 0)
            return &r->rows[i];
    return NULL;
}

/* How many times as many registers; 1 where nothing is known. */
static double growth(const struct row *old, const struct row *new)
{
    if (old->registers > 0 && new->registers > 0)
        return new->registers / old->registers;
    if (old->registers < 0 && old->occupancy > 0 && new->occupancy > 0)
        return old->occupancy / new->occupancy;
    return 1;
}

static bool judge(const struct row *old, const struct row *new, bool same_driver)
{
    bool good = true;
    if (new->spills > 0) {
        printf("FAIL %s: spills (%.0f)\n", new->name, new->spills);
        good = false;
    }
    if (!old)
        return good;
    if (growth(old, new) > MOST_GROWTH) {
        bool registers = new->registers > 0;
        printf("%s %s: %s %.0f -> %.0f (+%.0f %% registers)\n", same_driver ? "FAIL" : "another driver:", new->name,
               registers ? "registers" : "subgroup size", registers ? old->registers : old->occupancy,
               registers ? new->registers : new->occupancy, 100 * (growth(old, new) - 1));
        good = good && !same_driver;
    }
    if (new->alone > old->alone)
        printf("note %s: loads waited for alone %.0f -> %.0f\n", new->name, old->alone, new->alone);
    return good;
}

static bool compare(const struct result *old, const struct result *new)
{
    bool good = true, same_driver = strcmp(old->driver, new->driver) == 0;
    size_t added = 0, gone = 0, failed = 0;
    if (!same_driver)
        printf("note: the baseline is of %s, this is %s\n", old->driver, new->driver);
    for (size_t i = 0; i < new->count; i++) {
        const struct row *before = find(old, new->rows[i].key);
        added += !before;
        failed += !judge(before, &new->rows[i], same_driver);
    }
    for (size_t i = 0; i < old->count; i++)
        gone += !find(new, old->rows[i].key);
    good = failed == 0;
    printf("%s: %zu pipelines, %zu of them new, %zu gone, %zu failed\n", new->device, new->count, added, gone, failed);
    return good;
}

/* ---- what must be told ------------------------------------------------------------------------------------------- */

/* One row in the middle with a fifth more registers than before (or half the subgroup size), and then with a spill. */
static enum mien_status try_planted(struct result *r)
{
    enum mien_status status = MIEN_OK;
    struct row *row = &r->rows[r->count / 2], kept = *row;
    struct row changed[2] = {kept, kept};
    changed[0].registers = kept.registers > 0 ? 1.2 * kept.registers : kept.registers;
    changed[0].occupancy = kept.registers > 0 ? kept.occupancy : kept.occupancy / 2;
    changed[1].spills = 4;
    for (int i = 0; i < 2; i++)
        FAIL_IF(judge(&kept, &changed[i], true), MIEN_ERR_FAILED, "%s: a planted %s is not told", kept.name,
                i ? "spill" : "growth of registers");
    FAIL_IF(!judge(&kept, &kept, true), MIEN_ERR_FAILED, "%s: fails against itself", kept.name);
fail:
    return status;
}

static void clear(struct result *r)
{
    base_free(r->rows);
    *r = (struct result){0};
}

int main(int argc, char **argv)
{
    enum mien_status status = MIEN_OK;
    struct result old = {0}, new = {0};
    bool planted = argc == 3 && strcmp(argv[1], "--planted") == 0, good = true;
    if (argc != 3) {
        fprintf(stderr, "usage: vendor_compare BASELINE CURRENT | --planted CURRENT\n");
        return 2;
    }
    TRY(read_result(argv[2], &new));
    if (planted) {
        TRY(try_planted(&new));
    } else {
        TRY(read_result(argv[1], &old));
        good = compare(&old, &new);
    }
fail:
    clear(&old);
    clear(&new);
    return status || !good;
}
