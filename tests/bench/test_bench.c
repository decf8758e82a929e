/* What mien bench measures and says: rows are whole and bounded, results survive a file, a planted slowdown is found, a
 * wrong kernel is not timed. No time is judged: the machine may be busy. */
#include "bench/bench.h"
#include "device.h"

#include <stdlib.h>

static struct mien_bench_row row_named(const struct mien_bench *bench, const char *name)
{
    struct mien_bench_row row = {.size = sizeof(row)};
    for (uint32_t i = 0; i < mien_bench_count(bench); i++) {
        CHECK_EQ(mien_bench_row_at(bench, i, &row), MIEN_OK);
        if (strcmp(row.name, name) == 0)
            return row;
    }
    CHECK_STR("no row", name);
    return (struct mien_bench_row){.name = "", .kind = "", .variant = "", .reason = ""};
}

static struct mien_bench *measure(struct mien_gpu *gpu, const char *only)
{
    struct mien_bench *bench = NULL;
    struct mien_bench_params params = {.size = sizeof(params), .only = only, .quick = true};
    CHECK_EQ(mien_bench_run(gpu, &params, &bench), MIEN_OK);
    return bench;
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static void check_timed(const struct mien_bench_row *row)
{
    CHECK_STR(row->reason, "");
    CHECK_EQ(row->outcome, MIEN_BENCH_DONE);
    CHECK(row->ms > 0 && row->least_ms > 0 && row->least_ms <= row->ms && row->spread >= 0);
    CHECK(row->share > 0 && row->share <= 1.1);
    CHECK(row->bound != MIEN_BENCH_UNBOUND);
    CHECK_NEAR(row->gflops * row->ms * 1e6, row->flops, 1e-6 * row->flops);
    CHECK_NEAR(row->gbps * row->ms * 1e6, row->bytes, 1e-6 * row->bytes);
    CHECK(row->memory > 0 && row->dispatches > 0);
    CHECK(row->samples >= BENCH_QUICK_ROUNDS && row->samples <= BENCH_ROUNDS);
}

static void test_kernels(struct mien_gpu *gpu)
{
    struct mien_bench *bench = measure(gpu, "matmul/mlp_up");
    struct mien_bench_head head = {.size = sizeof(head)};
    CHECK_EQ(mien_bench_describe(bench, &head), MIEN_OK);
    CHECK(head.fma_gflops > 0 && head.copy_gbps > 0 && head.submit_us > 0 && head.quick);
    CHECK_STR(head.mien, mien_version());
    CHECK_STR(head.device, mien_gpu_name(gpu));
    CHECK_EQ(strlen(head.kernels), 16);
    CHECK(*head.matrix_unit);
    CHECK_EQ(mien_bench_count(bench), 1 + BENCH_SIZES + 1);
    struct mien_bench_row row = row_named(bench, "matmul/mlp_up");
    check_timed(&row);
    CHECK_STR(row.kind, "kernel");
    CHECK(*row.variant && row.error > 0 && row.error < 1);
    CHECK_EQ(row.flops, 2.0 * 16 * 37 * 128 * 512);
    row = row_named(bench, "peak/fma");
    check_timed(&row);
    CHECK_EQ(row.bound, MIEN_BENCH_FMA);
    CHECK(row.gflops <= head.fma_gflops * 1.0001 && row.error < 1);
    mien_bench_destroy(&bench);
}

static void test_programs(struct mien_gpu *gpu)
{
    struct mien_bench *bench = measure(gpu, "*/tiny-b8*");
    struct mien_bench_row image = row_named(bench, "tower/tiny-b8/image"),
                          text = row_named(bench, "tower/tiny-b8/text"),
                          both = row_named(bench, "tower/tiny-b8/clip_bwd"), step = row_named(bench, "step/tiny-b8");
    check_timed(&image);
    check_timed(&text);
    check_timed(&both);
    check_timed(&step);
    CHECK(both.barriers > 0 && both.barriers < both.dispatches);
    CHECK(both.flops > 2 * (image.flops + text.flops) && step.flops > both.flops);
    CHECK(step.memory > both.memory && both.memory > image.memory);
    CHECK_STR(step.kind, "step");
    mien_bench_destroy(&bench);
}

/* Every op with a case that is marked has a row; no two rows have one name. */
static void test_items(struct mien_gpu *gpu)
{
    struct mien_bench *bench = base_alloc(1, sizeof(*bench));
    struct bench_run run = {.out = bench};
    run.context.caps = *vk_device_caps(vk_gpu_device(gpu));
    CHECK_EQ(bench_items_make(&run), MIEN_OK);
    for (size_t i = 0; i < bench->count; i++)
        for (size_t j = 0; j < i; j++)
            CHECK(strcmp(bench->rows[i].name, bench->rows[j].name) != 0);
    for (const struct op_desc *const *op = op_list; *op; op++) {
        bool marked = false, there = false;
        for (struct check_case c = {.op = *op}; check_case_next(&c);)
            marked = marked || c.given->bench;
        for (size_t i = 0; i < run.count; i++)
            there = there || (run.items[i].kind == &bench_kernel && run.items[i].c.op == *op);
        CHECK_EQ(there || !marked, true);
    }
    base_free(run.items);
    mien_bench_destroy(&bench);
}

/* ---- what is wrong is not timed ---------------------------------------------------------------------------------- */

static void reference_of_another(const struct op_call *call)
{
    float *y = call->out_data[0];
    for (uint64_t i = 0; i < tensor_shape_count(&call->out[0]); i++)
        y[i] = 3;
}

static void prepare_planted(struct mien_gpu *gpu, const struct op_desc *op, const char *words)
{
    static const struct op_case given = {.name = "planted", .in = {{127}}};
    static const struct check_suite suite = {.ops = op_list};
    static const struct check_options options = {0};
    struct mien_bench *bench = base_alloc(1, sizeof(*bench));
    struct bench_run run = {.out = bench, .device = vk_gpu_device(gpu)};
    struct bench_item *item = NULL;
    run.context = (struct check_context){.options = &options,
                                         .suite = &suite,
                                         .device = run.device,
                                         .caps = *vk_device_caps(run.device),
                                         .flop_rate = 1e9,
                                         .byte_rate = 1e9};
    CHECK_EQ(bench_item_add(&run, &bench_kernel, "copy/planted", &item), MIEN_OK);
    item->c = (struct check_case){.op = op, .given = &given};
    base_log_divert(run.context.error, sizeof(run.context.error));
    CHECK_EQ(bench_kernel.prepare(item), op == &op_copy);
    base_log_divert(NULL, 0);
    CHECK_EQ(bench->rows[0].outcome, op == &op_copy ? MIEN_BENCH_DONE : MIEN_BENCH_FAILED);
    CHECK(strstr(bench->rows[0].reason, words));
    bench_kernel.release(item);
    base_free(run.items);
    mien_bench_destroy(&bench);
}

static void test_planted(struct mien_gpu *gpu)
{
    static const struct op_variant missing[] = {{.name = "no_such_kernel", .bind = "x y"}, {0}};
    struct op_desc wrong = op_copy, absent = op_copy;
    wrong.reference = reference_of_another;
    absent.variants = missing;
    prepare_planted(gpu, &op_copy, "");
    prepare_planted(gpu, &wrong, "127 of 127 wrong");
    prepare_planted(gpu, &absent, "no_such_kernel");
}

/* ---- results in files -------------------------------------------------------------------------------------------- */

static const char path[] = "test_bench.json";

/* The result with one row's number changed and all spreads small. */
static struct mien_bench *changed(struct mien_bench *bench, const char *name, double factor, const char *outcome)
{
    struct mien_bench *out = NULL;
    const char *text = mien_bench_json(bench);
    cJSON *tree = NULL, *row;
    CHECK_EQ(base_json_parse(text, strlen(text), "result", &tree), MIEN_OK);
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(tree, "rows"))
    {
        cJSON *ms = cJSON_GetObjectItem(row, "ms");
        cJSON_SetNumberHelper(cJSON_GetObjectItem(row, "spread"), 0.01);
        if (strcmp(cJSON_GetObjectItem(row, "name")->valuestring, name) != 0)
            continue;
        cJSON *least = cJSON_GetObjectItem(row, "least_ms");
        cJSON_SetNumberHelper(ms, ms->valuedouble * factor);
        cJSON_SetNumberHelper(least, least->valuedouble * (outcome ? 1 : factor));
        if (outcome)
            cJSON_SetValuestring(cJSON_GetObjectItem(row, "outcome"), outcome);
    }
    char *print = base_json_print(tree, true);
    CHECK_EQ(base_file_write(path, print, strlen(print)), MIEN_OK);
    base_free(print);
    cJSON_Delete(tree);
    CHECK_EQ(mien_bench_read(path, &out), MIEN_OK);
    return out;
}

static void compare(struct mien_bench *now, const struct mien_bench *before, uint32_t want,
                    enum mien_bench_change change)
{
    uint32_t regressions = 99;
    CHECK_EQ(mien_bench_compare(now, before, &regressions), MIEN_OK);
    CHECK_EQ(regressions, want);
    CHECK_EQ(row_named(now, "peak/fma").change, change);
    CHECK_EQ(row_named(now, "copy/large").change, MIEN_BENCH_SAME);
}

static void test_compare(struct mien_gpu *gpu)
{
    struct mien_bench *first = measure(gpu, "copy/large"), *before, *now;
    const char fma[] = "peak/fma";
    before = changed(first, "", 1, NULL);
    now = changed(first, fma, 3, NULL);
    compare(now, before, 1, MIEN_BENCH_SLOWER);
    CHECK_NEAR(row_named(now, fma).ratio, 3, 1e-3);
    CHECK_NEAR(row_named(now, fma).noise, 0.07, 1e-6);
    CHECK(strstr(mien_bench_text(now), "SLOWER") && strstr(mien_bench_json(now), "\"change\":\"slower\""));
    CHECK(strstr(mien_bench_csv(now), ",slower,"));
    compare(before, now, 0, MIEN_BENCH_FASTER);
    mien_bench_destroy(&now);
    now = changed(first, fma, 1.06, NULL);
    compare(now, before, 0, MIEN_BENCH_SAME);
    mien_bench_destroy(&now);
    now = changed(first, fma, 1, "fail");
    compare(now, before, 1, MIEN_BENCH_BROKEN);
    compare(before, now, 0, MIEN_BENCH_NOT_COMPARED);
    mien_bench_destroy(&now);
    snprintf(before->rows[0].name, sizeof(before->rows[0].name), "peak/other");
    CHECK_EQ(mien_bench_compare(first, before, NULL), MIEN_OK);
    CHECK(strstr(mien_bench_text(first), "only there: peak/other"));
    mien_bench_destroy(&before);
    mien_bench_destroy(&first);
}

/* Every member of the rows is in the JSON, and comes back. */
static void test_round_trip(struct mien_gpu *gpu)
{
    struct mien_bench *bench = measure(gpu, "softmax/*"), *again = NULL;
    snprintf(bench->rows[0].reason, sizeof(bench->rows[0].reason), "\"a\", b");
    bench->rows[0].outcome = MIEN_BENCH_SKIPPED;
    bench->rows[0].ms = 0;
    const char *text = mien_bench_json(bench);
    CHECK_EQ(base_file_write(path, text, strlen(text)), MIEN_OK);
    CHECK_EQ(mien_bench_read(path, &again), MIEN_OK);
    CHECK_STR(mien_bench_json(again), text);
    CHECK(strstr(text, "\"outcome\":\"skip\"") && strstr(text, "\"ms\":null"));
    CHECK(strstr(mien_bench_csv(bench), ",\"\"\"a\"\", b\",") && strstr(mien_bench_text(bench), "skipped: \"a\", b"));
    mien_bench_destroy(&again);
    mien_bench_destroy(&bench);
}

static void refused(const char *text)
{
    struct mien_bench *bench = NULL;
    CHECK_EQ(base_file_write(path, text, strlen(text)), MIEN_OK);
    CHECK_EQ(mien_bench_read(path, &bench), MIEN_ERR_DATA);
    CHECK(bench == NULL);
}

static bool stop(void *user, uint64_t done, uint64_t total)
{
    (void)user, (void)total;
    return done < 6;
}

static void test_refused(struct mien_gpu *gpu)
{
    struct mien_bench *bench = NULL;
    struct mien_bench_params params = {.size = sizeof(params), .only = "no/such*"};
    mien_log_set(NULL, NULL, MIEN_LOG_SILENT);
    refused("");
    refused("[]");
    refused("{\"head\":{},\"rows\":[]}");
    refused("{\"head\":{\"result\":\"mien check\"},\"rows\":[]}");
    remove(path);
    CHECK_EQ(mien_bench_read(path, &bench), MIEN_ERR_DATA);
    CHECK_EQ(mien_bench_run(gpu, &params, &bench), MIEN_ERR_ARG);
    params = (struct mien_bench_params){.size = sizeof(params), .only = "copy/large", .progress = stop};
    CHECK_EQ(mien_bench_run(gpu, &params, &bench), MIEN_ERR_CANCELLED);
    CHECK(bench == NULL);
    mien_log_set(NULL, NULL, MIEN_LOG_WARN);
}

/* A device that is lost ends it: no row is called wrong for that. */
static void test_lost(void)
{
    struct mien_gpu *gpu = NULL;
    struct mien_bench *bench = NULL;
    struct mien_bench_params params = {.size = sizeof(params), .only = "copy/large", .quick = true};
    CHECK_EQ(mien_gpu_create(NULL, &gpu), MIEN_OK);
    vk_device_inject_loss(vk_gpu_device(gpu));
    mien_log_set(NULL, NULL, MIEN_LOG_SILENT);
    CHECK_EQ(mien_bench_run(gpu, &params, &bench), MIEN_ERR_DEVICE_LOST);
    mien_log_set(NULL, NULL, MIEN_LOG_WARN);
    CHECK(bench == NULL);
    mien_gpu_destroy(&gpu);
}

int main(void)
{
    struct mien_gpu *gpu = NULL;
    if (!gpu_open_public(&gpu))
        GPU_SKIP();
    test_items(gpu);
    test_kernels(gpu);
    test_programs(gpu);
    test_planted(gpu);
    test_compare(gpu);
    test_round_trip(gpu);
    test_refused(gpu);
    test_lost();
    remove(path);
    gpu_close_public(&gpu);
    return check_result();
}
