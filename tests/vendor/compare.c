/* compare.c: result files of vendor_compile against those kept for the chips, and against what is asked of all.
 *
 * vendor_compare BASELINE CURRENT: ends with 1, naming each pipeline, where one of CURRENT breaks a limit of its device
 * (limits.c: spills, ...), takes above 10 % more registers than in BASELINE, or falls by more than a tenth in the
 * model's share of peak; new and gone ones are counted and are no failure.
 * vendor_compare --limits LIST FILE...: ends with 1 where a pipeline of the files breaks a limit or misses a goal, or
 * where LIST, of the kernels that may wait for one load alone, lacks one or has one too many.
 * vendor_compare --table [--write] TEXT.md FILE: ends with 1 where the table between the marks in TEXT.md is not what
 * FILE tells of the products in shapes.h; --write puts it there. vendor_compare --planted CURRENT: CURRENT against
 * itself with one row changed, thrice: ends with 0 when a growth of registers, a spill and a fall of the share (where
 * there is any) are told, each by its pipeline's name.
 *
 * Where the driver's version is another than BASELINE's, growth is told but is no failure: its compiler may be why.
 * Where a driver gives no registers (ANV), the subgroup size that it chooses stands for them: half the size is a
 * growth. */
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_GROWTH 1.1
#define LEAST_SHARE 0.9 /* of what it was */

/* ---- comparing --------------------------------------------------------------------------------------------------- */

/* How many times as many registers; 1 where nothing is known. */
static double growth(const struct row *old, const struct row *new)
{
    if (old->registers > 0 && new->registers > 0)
        return new->registers / old->registers;
    if (old->registers < 0 && old->occupancy > 0 && new->occupancy > 0)
        return old->occupancy / new->occupancy;
    return 1;
}

static bool judge(const char *device, const struct row *old, const struct row *new, bool same_driver)
{
    const char *verdict = same_driver ? "FAIL" : "another driver:";
    bool good = limits_keep(device, new);
    if (!old)
        return good;
    if (growth(old, new) > MOST_GROWTH) {
        bool registers = new->registers > 0;
        printf("%s %s: %s %.0f -> %.0f (+%.0f %% registers)\n", verdict, new->name,
               registers ? "registers" : "subgroup size", registers ? old->registers : old->occupancy,
               registers ? new->registers : new->occupancy, 100 * (growth(old, new) - 1));
        good = good && !same_driver;
    }
    if (old->share > 0 && new->share < LEAST_SHARE * old->share) {
        printf("%s %s: share of peak by the model %.1f %% -> %.1f %%\n", verdict, new->name, old->share,
               BASE_MAX(new->share, 0));
        good = good && !same_driver;
    }
    if (old->alone >= 0 && new->alone > old->alone)
        printf("note %s: loads that wait alone %.0f -> %.0f\n", new->name, old->alone, new->alone);
    return good;
}

static bool compare(const struct result *old, const struct result *new)
{
    bool good = true, same_driver = strcmp(old->driver, new->driver) == 0;
    size_t added = 0, gone = 0, failed = 0;
    if (!same_driver)
        printf("note: the baseline is of %s, this is %s\n", old->driver, new->driver);
    for (size_t i = 0; i < new->count; i++) {
        const struct row *before = result_find(old, new->rows[i].key);
        added += !before;
        failed += !judge(new->device, before, &new->rows[i], same_driver);
    }
    for (size_t i = 0; i < old->count; i++)
        gone += !result_find(new, old->rows[i].key);
    good = failed == 0;
    printf("%s: %zu pipelines, %zu of them new, %zu gone, %zu failed\n", new->device, new->count, added, gone, failed);
    return good;
}

/* ---- what must be told ------------------------------------------------------------------------------------------- */

/* The row in the middle; of those with a share when there are any. */
static struct row *middle(struct result *r)
{
    size_t with_share = 0, at = 0;
    for (size_t i = 0; i < r->count; i++)
        with_share += r->rows[i].share > 0;
    for (size_t i = 0; i < r->count; i++)
        if (r->rows[i].share > 0 && at++ == with_share / 2)
            return &r->rows[i];
    return &r->rows[r->count / 2];
}

/* A fifth more registers than before (or half the subgroup size), then a spill, then a fifth less of the peak. */
static enum mien_status try_planted(struct result *r)
{
    static const char *const what[] = {"growth of registers", "spill", "fall of the share of peak"};
    enum mien_status status = MIEN_OK;
    const struct row *kept = middle(r);
    struct row changed[] = {*kept, *kept, *kept};
    changed[0].registers = kept->registers > 0 ? 1.2 * kept->registers : kept->registers;
    changed[0].occupancy = kept->registers > 0 ? kept->occupancy : kept->occupancy / 2;
    changed[1].spills = 4;
    changed[2].share = 0.8 * kept->share;
    for (size_t i = 0; i < BASE_COUNT(changed) - !(kept->share > 0); i++)
        FAIL_IF(judge(r->device, kept, &changed[i], true), MIEN_ERR_FAILED, "%s: a planted %s is not told", kept->name,
                what[i]);
    FAIL_IF(!judge(r->device, kept, kept, true), MIEN_ERR_FAILED, "%s: fails against itself", kept->name);
fail:
    return status;
}

static bool is(const char *argument, const char *name)
{
    return strcmp(argument, name) == 0;
}

static enum mien_status run(int argc, char **argv, bool *good)
{
    enum mien_status status = MIEN_OK;
    struct result old = {0}, new = {0};
    if (is(argv[1], "--limits"))
        return limits_check(argv[2], argv + 3, (size_t)argc - 3, good);
    if (is(argv[1], "--table"))
        return table_check(argv[argc - 2], argv[argc - 1], is(argv[2], "--write"), good);
    TRY(result_read(argv[2], &new));
    if (is(argv[1], "--planted")) {
        TRY(try_planted(&new));
    } else {
        TRY(result_read(argv[1], &old));
        *good = compare(&old, &new);
    }
fail:
    result_clear(&old);
    result_clear(&new);
    return status;
}

/* Whether the arguments are of one of the forms. */
static bool is_called_well(int argc, char **argv)
{
    if (argc < 3)
        return false;
    if (is(argv[1], "--limits"))
        return argc > 3;
    if (is(argv[1], "--table"))
        return argc == (is(argv[2], "--write") ? 5 : 4);
    return argc == 3;
}

int main(int argc, char **argv)
{
    bool good = true;
    if (!is_called_well(argc, argv)) {
        fprintf(stderr, "usage: vendor_compare BASELINE CURRENT | --limits LIST FILE... | --planted CURRENT |\n"
                        "                      --table [--write] TEXT.md FILE\n");
        return 2;
    }
    return run(argc, argv, &good) != MIEN_OK || !good;
}
