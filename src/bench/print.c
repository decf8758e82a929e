/* print.c: a result as JSON, as a table for programs, and as lines for people. */
#include "bench/bench.h"

#include "base/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

/* Numbers in six digits: no clock gives more. */
static void put_short(struct base_json *object, const char *key, double value)
{
    char text[BASE_NUMBER_SIZE];
    base_put(object, key, cJSON_CreateRaw(base_number_text(value, 6, text)));
}

static void put_head(struct base_json *object, const struct mien_bench *bench)
{
    const struct bench_head *h = &bench->head;
    struct base_json head = base_json_object_begin();
    base_put_text(&head, "result", "mien bench");
#define PUT(name) base_put_text(&head, #name, h->name);
    BENCH_HEAD_TEXTS(PUT)
#undef PUT
    base_put_number(&head, "driver_version", h->driver_version);
    base_put_number(&head, "subgroup_size", h->subgroup_size);
    base_put(&head, "quick", cJSON_CreateBool(h->quick));
#define PUT(name) put_short(&head, #name, h->name);
    BENCH_HEAD_NUMBERS(PUT)
#undef PUT
    if (*bench->against)
        base_put_text(&head, "against", bench->against);
    if (bench->gone.size)
        base_put_text(&head, "gone", bench->gone.data);
    base_put_tree(object, "head", &head);
}

static void put_row(struct base_json *list, const struct bench_row *r, bool compared)
{
    struct base_json row = base_json_object_begin();
    base_put_text(&row, "name", r->name);
    base_put_text(&row, "kind", r->kind);
    base_put_text(&row, "outcome", bench_outcome_words[r->outcome]);
    if (*r->reason)
        base_put_text(&row, "reason", r->reason);
    base_put_text(&row, "variant", r->variant);
    base_put_text(&row, "bound", bench_bound_words[r->bound]);
    bool timed = r->outcome == MIEN_BENCH_DONE;
#define PUT(name) put_short(&row, #name, timed ? r->name : NAN);
    BENCH_NUMBERS(PUT)
#undef PUT
#define PUT(name) base_put_number(&row, #name, timed ? (double)r->name : NAN);
    BENCH_COUNTS(PUT)
#undef PUT
    if (compared) {
        base_put_text(&row, "change", bench_change_words[r->change]);
        put_short(&row, "before_ms", r->before_ms);
        put_short(&row, "ratio", r->ratio);
        put_short(&row, "noise", r->noise);
    }
    base_add_tree(list, &row);
}

const char *mien_bench_json(struct mien_bench *bench)
{
    if (!bench)
        return "";
    if (!bench->json.data) {
        struct base_json object = base_json_object_begin(), rows = base_json_list_begin();
        put_head(&object, bench);
        for (size_t i = 0; i < bench->count; i++)
            put_row(&rows, &bench->rows[i], *bench->against);
        base_put_tree(&object, "rows", &rows);
        cJSON *tree = base_json_end(&object);
        char *text = tree ? base_json_print(tree, false) : NULL;
        if (text)
            base_text_add(&bench->json, text, strlen(text));
        base_free(text);
        cJSON_Delete(tree);
    }
    return bench->json.data ? bench->json.data : "";
}

/* ---- CSV --------------------------------------------------------------------------------------------------------- */

/* A field with its quotes doubled (RFC 4180). */
static void print_quoted(struct base_text *out, const char *text)
{
    base_text_add(out, "\"", 1);
    for (const char *c = text; *c; c++)
        base_text_add(out, *c == '"' ? "\"\"" : c, *c == '"' ? 2 : 1);
    base_text_add(out, "\"", 1);
}

static void print_csv_row(struct base_text *out, const struct bench_row *r)
{
    base_text_print(out, "%s,%s,%s,", r->name, r->kind, bench_outcome_words[r->outcome]);
    print_quoted(out, r->reason);
    base_text_print(out, ",%s,%s", r->variant, bench_bound_words[r->bound]);
#define PRINT(name) base_text_print(out, ",%.6g", r->name);
    BENCH_NUMBERS(PRINT)
#undef PRINT
#define PRINT(name) base_text_print(out, ",%llu", (unsigned long long)r->name);
    BENCH_COUNTS(PRINT)
#undef PRINT
    base_text_print(out, ",%s,%.6g,%.6g,%.6g\n", bench_change_words[r->change], r->before_ms, r->ratio, r->noise);
}

const char *mien_bench_csv(struct mien_bench *bench)
{
    if (!bench)
        return "";
    if (!bench->csv.data) {
        base_text_print(&bench->csv, "name,kind,outcome,reason,variant,bound");
#define PRINT(name) base_text_print(&bench->csv, "," #name);
        BENCH_NUMBERS(PRINT)
        BENCH_COUNTS(PRINT)
#undef PRINT
        base_text_print(&bench->csv, ",change,before_ms,ratio,noise\n");
        for (size_t i = 0; i < bench->count; i++)
            print_csv_row(&bench->csv, &bench->rows[i]);
    }
    return bench->csv.data && bench->csv.status == MIEN_OK ? bench->csv.data : "";
}

/* ---- for people -------------------------------------------------------------------------------------------------- */

static void print_head(struct base_text *out, const struct bench_head *h)
{
    base_text_print(out, "%s (%s), %s, Vulkan %s; Mien %s, kernels %s%s\n", h->device, h->type, h->driver, h->api,
                    h->mien, h->kernels, h->quick ? "; a quick run" : "");
    base_text_print(out, "peaks: multiply-adds %.4g GFLOP/s, copies %.4g GB/s; matrix unit: %s\n", h->fma_gflops,
                    h->copy_gbps, h->matrix_unit);
    base_text_print(out, "overhead: a dispatch %.3g us, a barrier %.3g us, a submission %.3g us\n\n", h->dispatch_us,
                    h->barrier_us, h->submit_us);
}

static void print_change(struct base_text *out, const struct bench_row *r)
{
    if (r->change == MIEN_BENCH_NOT_COMPARED)
        base_text_print(out, "      -          ");
    else if (r->change == MIEN_BENCH_BROKEN)
        base_text_print(out, "      -  %-8s", "BROKEN");
    else
        base_text_print(out, " %6.2f  %-8s", r->ratio,
                        r->change == MIEN_BENCH_SLOWER   ? "SLOWER"
                        : r->change == MIEN_BENCH_FASTER ? "faster"
                                                         : "");
}

static void print_row(struct base_text *out, const struct bench_row *r, bool compared)
{
    base_text_print(out, "%-36s", r->name);
    if (r->outcome == MIEN_BENCH_DONE)
        base_text_print(out, " %10.4g %5.0f%% %9.4g %8.4g %6.1f%% %-5s %9.3g", r->ms, 100 * r->spread, r->gflops,
                        r->gbps, 100 * r->share, bench_bound_words[r->bound], r->compile_ms);
    if (compared)
        print_change(out, r);
    if (r->outcome != MIEN_BENCH_DONE)
        base_text_print(out, " %s: %s\n", r->outcome == MIEN_BENCH_FAILED ? "FAILED" : "skipped", r->reason);
    else if (r->barriers)
        base_text_print(out, "  %u dispatches, %u barriers, %.4g MiB\n", r->dispatches, r->barriers,
                        (double)r->memory / (1 << 20));
    else
        base_text_print(out, "  %s\n", r->variant);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of all rows: where it is far from 1 the machine has changed, or another was measured. */
static double median_ratio(const struct mien_bench *bench)
{
    double *ratios = base_alloc(bench->count + 1, sizeof(*ratios)), median = 0;
    size_t count = 0;
    for (size_t i = 0; ratios && i < bench->count; i++) {
        if (bench->rows[i].ratio > 0)
            ratios[count++] = bench->rows[i].ratio;
    }
    if (count) {
        qsort(ratios, count, sizeof(*ratios), by_value);
        median = ratios[count / 2];
    }
    base_free(ratios);
    return median;
}

static void print_end(struct base_text *out, const struct mien_bench *bench)
{
    uint32_t outcomes[3] = {0}, changes[MIEN_BENCH_BROKEN + 1] = {0};
    for (size_t i = 0; i < bench->count; i++) {
        outcomes[bench->rows[i].outcome]++;
        changes[bench->rows[i].change]++;
    }
    base_text_print(out, "\n%u timed, %u failed, %u skipped\n", outcomes[0], outcomes[1], outcomes[2]);
    if (*bench->against)
        base_text_print(
            out, "against %s: median ratio %.2f; %u the same within the noise, %u faster, %u slower, %u broken\n",
            bench->against, median_ratio(bench), changes[MIEN_BENCH_SAME], changes[MIEN_BENCH_FASTER],
            changes[MIEN_BENCH_SLOWER], changes[MIEN_BENCH_BROKEN]);
    if (bench->gone.size)
        base_text_print(out, "only there: %s\n", bench->gone.data);
}

const char *mien_bench_text(struct mien_bench *bench)
{
    if (!bench)
        return "";
    struct base_text *out = &bench->text;
    if (!out->data) {
        bool compared = *bench->against;
        print_head(out, &bench->head);
        base_text_print(out, "%-36s %10s %6s %9s %8s %7s %-5s %9s%s\n", "row", "ms", "spread", "GFLOP/s", "GB/s",
                        "share", "of", "compile", compared ? "  ratio          " : "");
        for (size_t i = 0; i < bench->count; i++)
            print_row(out, &bench->rows[i], compared);
        print_end(out, bench);
    }
    return out->data && out->status == MIEN_OK ? out->data : "";
}
