/* run.c: the measurement: rows are made ready until their memory is used up, then take turns. */
#include "bench/bench.h"

#include "base/sha256.h"

#include <math.h>
#include <string.h>

static const struct check_suite suite = {.ops = op_list};
static const struct check_options options = {0};
static const double peak_seconds = 0.04; /* of a round, for each peak */

static void digest_kernels(char out[20])
{
    struct base_sha256 hash = base_sha256_begin();
    unsigned char bytes[BASE_SHA256_SIZE];
    for (const struct op_shader *s = op_shaders; s->name; s++) {
        base_sha256_add(&hash, s->name, strlen(s->name) + 1);
        base_sha256_add(&hash, s->words, s->size);
    }
    base_sha256_end(&hash, bytes);
    for (int i = 0; i < 8; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static enum mien_status fill_head(struct bench_run *run, struct mien_gpu *gpu)
{
    enum mien_status status = MIEN_OK;
    struct bench_head *h = &run->out->head;
    struct mien_gpu_info info = {.size = sizeof(info)};
    TRY(mien_gpu_describe(gpu, &info));
    snprintf(h->mien, sizeof(h->mien), "%s", mien_version());
    snprintf(h->device, sizeof(h->device), "%s", info.name);
    snprintf(h->driver, sizeof(h->driver), "%s", info.driver);
    snprintf(h->api, sizeof(h->api), "%s", info.api);
    snprintf(h->type, sizeof(h->type), "%s", info.type);
    snprintf(h->tiles, sizeof(h->tiles), "%s", info.tiles);
    snprintf(h->features, sizeof(h->features), "%s", info.features);
    snprintf(h->masked, sizeof(h->masked), "%s", info.masked);
    snprintf(h->matrix_unit, sizeof(h->matrix_unit), "%s%s",
             *info.matrices ? "peak not measured; multiplies " : "not in use on this device", info.matrices);
    h->driver_version = info.driver_version;
    h->subgroup_size = info.subgroup_size;
    h->quick = run->params.quick;
    digest_kernels(h->kernels);
fail:
    return status;
}

/* ---- turns ------------------------------------------------------------------------------------------------------- */

static enum mien_status progress(struct bench_run *run, uint64_t steps)
{
    run->done += steps;
    return base_progress(run->params.progress, run->params.user, run->done, run->total);
}

/* A message that belongs to a row goes there. */
static void divert(struct bench_run *run, bool on)
{
    if (on)
        run->context.error[0] = '\0';
    base_log_divert(on ? run->context.error : NULL, on ? sizeof(run->context.error) : 0);
}

/* Ends all when the device is lost: no row can be timed any more. */
static enum mien_status still_there(struct bench_run *run, const struct bench_item *item)
{
    if (!vk_device_lost(run->device))
        return MIEN_OK;
    return base_fail(MIEN_ERR_DEVICE_LOST, "%s: the device was lost: %s", bench_row_of(item)->name,
                     bench_row_of(item)->reason);
}

static void put_away(struct bench_item *item)
{
    item->kind->release(item);
    item->ready = false;
}

static enum mien_status prepare(struct bench_run *run, struct bench_item *item)
{
    divert(run, true);
    item->ready = item->kind->prepare(item);
    if (!item->ready)
        put_away(item);
    divert(run, false);
    return still_there(run, item);
}

static enum mien_status sample(struct bench_run *run, struct bench_item *item)
{
    double seconds = 0;
    divert(run, true);
    if (item->kind->sample(item, &seconds) != MIEN_OK) {
        bench_failed(item);
        put_away(item);
        item->samples = 0;
    } else {
        size_t place = (size_t)(item - run->items);
        item->sample[item->samples % BENCH_ROUNDS] =
            seconds; /* of peaks, which take part in all turns, the last ones */
        item->samples = BASE_MIN(item->samples + 1, BENCH_ROUNDS);
        if (item->peak && (run->best[place] <= 0 || seconds < run->best[place]))
            run->best[place] = seconds;
    }
    divert(run, false);
    return still_there(run, item);
}

/* A peak is the best that was seen, and on a busy machine that wants many looks: two threads of a software driver
 * seldom have two processors to themselves. */
static enum mien_status look_again(struct bench_run *run, struct bench_item *item)
{
    enum mien_status status = MIEN_OK;
    double until = base_clock_seconds() + peak_seconds;
    do
        TRY(sample(run, item));
    while (item->ready && base_clock_seconds() < until);
fail:
    return status;
}

/* All that are ready, by turns; all but the peaks are then released. `count` items from the first. */
static enum mien_status take_turns(struct bench_run *run, size_t count)
{
    enum mien_status status = MIEN_OK;
    for (uint32_t round = 0; round < run->rounds; round++) {
        for (size_t i = 0; i < count; i++) {
            struct bench_item *item = &run->items[i];
            if (!item->ready)
                continue;
            TRY(item->peak ? look_again(run, item) : sample(run, item));
            if (!item->peak)
                TRY(progress(run, 1));
        }
    }
fail:
    for (size_t i = run->peaks; i < count; i++)
        if (run->items[i].ready)
            put_away(&run->items[i]);
    return status;
}

static uint64_t memory_budget(const struct bench_run *run)
{
    return BASE_MIN(run->context.caps.device_memory / 16, (uint64_t)512 << 20);
}

static enum mien_status measure(struct bench_run *run)
{
    enum mien_status status = MIEN_OK;
    uint64_t used = 0;
    for (size_t i = 0; i < run->count; i++) {
        struct bench_item *item = &run->items[i];
        bool other_model = item->model && run->fixture.of && item->model != run->fixture.of;
        if (used > 0 && (used > memory_budget(run) || other_model)) {
            TRY(take_turns(run, i));
            used = 0;
        }
        TRY(prepare(run, item));
        if (item->ready && !item->peak)
            used += bench_row_of(item)->memory;
        TRY(progress(run, item->ready || item->peak ? 1 : 1 + run->rounds));
    }
    TRY(take_turns(run, run->count));
fail:
    return status;
}

static enum mien_status open_run(struct bench_run *run, struct mien_gpu *gpu)
{
    enum mien_status status = MIEN_OK;
    run->device = vk_gpu_device(gpu);
    run->context = (struct check_context){.options = &options, .suite = &suite, .device = run->device};
    run->context.caps = *vk_device_caps(run->device);
    run->rounds = run->params.quick ? BENCH_QUICK_ROUNDS : BENCH_ROUNDS;
    TRY(fill_head(run, gpu));
    TRY(bench_items_make(run));
    run->total = run->count + (run->count - run->peaks) * run->rounds;
    check_calibrate(&run->context);
    TRY(bench_measure_overhead(run));
fail:
    return status;
}

enum mien_status mien_bench_run(struct mien_gpu *gpu, const struct mien_bench_params *params, struct mien_bench **out)
{
    enum mien_status status = MIEN_OK;
    struct bench_run run = {0};
    NEED(out);
    *out = NULL;
    NEED(gpu);
    TRY(SIZED_READ(&run.params, params));
    run.out = base_alloc(1, sizeof(*run.out));
    FAIL_IF_NULL(run.out, "a result");
    TRY(open_run(&run, gpu));
    TRY(measure(&run));
    bench_finish(&run);
    *out = run.out;
    run.out = NULL;
fail:
    divert(&run, false);
    for (size_t i = 0; i < run.count; i++)
        run.items[i].kind->release(&run.items[i]);
    base_free(run.items);
    bench_fixture_clear(&run.fixture);
    mien_bench_destroy(&run.out);
    return vk_gpu_ended(gpu, status);
}
