/* run.c: a plan on the device. All tensors lie in one allocation:
 *
 *   | guard | tensor | pad+guard | tensor | pad+guard | ...
 *
 * Binds that reach to a tensor's end are widened over the guard behind it, so that a write past the end lands there
 * instead of being dropped by the driver's bounds checks, and a read past the end reads NaN. */
#include "check/check.h"

#include <stdlib.h>
#include <string.h>

enum { GUARD = 1024, PLACES = OP_MAX_IN + OP_MAX_OUT + OP_MAX_SCRATCH };
static const uint32_t guard_word = 0x7fc0dead, output_word = 0x7fc0beef; /* both are NaN */

struct part {
    uint64_t offset, size; /* bytes; size 0 = absent */
};

struct check_run {
    struct check_context *context;
    struct part part[PLACES];
    uint32_t out_count;
    struct vk_range range;
    struct vk_recording *recording;
    uint32_t repeat, first_time, last_time;
    double seconds;                /* of the last run, on the device's clock where it has one */
    unsigned char *before, *after; /* images of the range */
    enum mien_status status;       /* of the last time it was executed */
};

static struct part *part_of(struct check_run *run, enum op_place place, uint32_t index)
{
    uint32_t first = place == OP_IN ? 0 : place == OP_OUT ? OP_MAX_IN : OP_MAX_IN + OP_MAX_OUT;
    return &run->part[first + index];
}

/* Ranges are bound in whole words. */
static void place(struct part *part, uint64_t bytes, uint64_t *end)
{
    *part = (struct part){.offset = *end, .size = base_round_up(bytes, 4)};
    if (bytes)
        *end += base_round_up(bytes, 256) + GUARD;
}

/* Offsets of all tensors; the size of the whole. */
static uint64_t layout(struct check_run *run, const struct op_call *call, const struct op_plan *plan)
{
    uint64_t end = GUARD;
    struct op_signature sig;
    op_signature(call->op, &sig);
    for (uint32_t i = 0; i < call->in_count; i++)
        place(part_of(run, OP_IN, i), tensor_shape_bytes(&call->in[i]), &end);
    for (uint32_t o = 0; o < call->out_count; o++) {
        if (sig.in_place >> o & 1)
            *part_of(run, OP_OUT, o) = *part_of(run, OP_IN, o);
        else
            place(part_of(run, OP_OUT, o), tensor_shape_bytes(&call->out[o]), &end);
    }
    for (uint32_t s = 0; s < OP_MAX_SCRATCH; s++)
        place(part_of(run, OP_SCRATCH, s), plan->scratch[s], &end);
    return end;
}

/* The range a bind names, and the wider one that is bound. */
static enum mien_status bind_ranges(struct check_run *run, const struct op_call *call, const struct op_bind *bind,
                                    struct vk_range *exact, struct vk_range *bound)
{
    enum mien_status status = MIEN_OK;
    const struct part *part = part_of(run, bind->place, bind->index);
    FAIL_IF(part->size == 0, MIEN_ERR_ARG, "%s binds an absent tensor: place %d, index %d", call->op->name, bind->place,
            bind->index);
    FAIL_IF(bind->offset >= part->size || bind->size > part->size - bind->offset, MIEN_ERR_ARG,
            "%s binds bytes %llu + %llu of a tensor of %llu (place %d, index %d)", call->op->name,
            (unsigned long long)bind->offset, (unsigned long long)bind->size, (unsigned long long)part->size,
            bind->place, bind->index);
    uint64_t size = bind->size ? bind->size : part->size - bind->offset;
    uint64_t wide = bind->offset + size == part->size ? base_round_up(part->size, 256) + GUARD - bind->offset : size;
    wide = BASE_MAX(BASE_MIN(wide, run->context->caps.max_range), size);
    *exact = vk_subrange(run->range, part->offset + bind->offset, size);
    *bound = vk_subrange(run->range, part->offset + bind->offset, wide);
    return MIEN_OK;
fail:
    return status;
}

static enum mien_status record_dispatch(struct check_run *run, const struct op_call *call, const struct op_dispatch *d,
                                        struct op_hazards *hazards)
{
    enum mien_status status = MIEN_OK;
    const struct op_shader *shader = check_shader(run->context, d->shader);
    FAIL_IF(!shader, MIEN_ERR_ARG, "%s plans shader %s, which is not embedded", call->op->name, d->shader);
    struct vk_kernel kernel = op_dispatch_kernel(d, shader);
    struct vk_pipeline *pipeline;
    TRY(vk_pipeline_get(run->context->device, &kernel, &pipeline));
    struct vk_range exact[VK_MAX_BUFFERS], bound[VK_MAX_BUFFERS];
    uint8_t access[VK_MAX_BUFFERS];
    for (uint32_t b = 0; b < d->bind_count; b++) {
        TRY(bind_ranges(run, call, &d->bind[b], &exact[b], &bound[b]));
        access[b] = d->bind[b].access;
        uint32_t texel = vk_texel_size(pipeline, b); /* what is bound here is wider: it would do */
        FAIL_IF(texel && exact[b].size % texel, MIEN_ERR_ARG, "%s binds %llu bytes as texels of %u: buffer %u of %s",
                call->op->name, (unsigned long long)exact[b].size, texel, b, d->shader);
    }
    bool barrier;
    TRY(op_hazards_step(hazards, exact, access, d->bind_count, &barrier));
    if (barrier)
        TRY(vk_record_barrier(run->recording));
    TRY(vk_record_dispatch(run->recording, pipeline, bound, d->bind_count, d->push, d->push_size, d->groups));
    return MIEN_OK;
fail:
    return status;
}

static enum mien_status record(struct check_run *run, const struct op_call *call, const struct op_plan *plan)
{
    enum mien_status status = MIEN_OK;
    struct op_hazards hazards = {0};
    bool timed = run->context->caps.timestamp_ns > 0;
    TRY(vk_record_begin(run->context->device, call->op->name, &run->recording));
    if (timed)
        TRY(vk_record_timestamp(run->recording, &run->first_time));
    for (uint32_t r = 0; r < run->repeat; r++) {
        for (size_t i = 0; i < plan->count; i++)
            TRY(record_dispatch(run, call, &plan->dispatch[i], &hazards));
    }
    if (timed) {
        TRY(vk_record_barrier(run->recording));
        TRY(vk_record_timestamp(run->recording, &run->last_time));
    }
    TRY(vk_record_end(run->recording));
fail:
    op_hazards_clear(&hazards);
    return status;
}

enum mien_status check_run_create(struct check_context *context, const struct op_call *call, const struct op_plan *plan,
                                  uint32_t repeat, struct check_run **out)
{
    enum mien_status status = MIEN_OK;
    *out = NULL;
    struct check_run *run = base_alloc(1, sizeof(*run));
    FAIL_IF_NULL(run, "a run");
    run->context = context;
    run->repeat = repeat;
    run->out_count = call->out_count;
    uint64_t size = layout(run, call, plan);
    run->before = base_alloc(1, size);
    run->after = base_alloc(1, size);
    FAIL_IF_NULL(run->before, "a memory image");
    FAIL_IF_NULL(run->after, "a memory image");
    TRY(vk_alloc(context->device, VK_MEMORY_DEVICE, size, call->op->name, &run->range));
    TRY(record(run, call, plan));
    *out = run;
    return MIEN_OK;
fail:
    check_run_destroy(&run);
    return status;
}

void check_run_destroy(struct check_run **run)
{
    struct check_run *r = *run;
    if (!r)
        return;
    vk_recording_destroy(&r->recording);
    if (r->range.block)
        vk_free(r->context->device, &r->range);
    base_free(r->before);
    base_free(r->after);
    base_free(r);
    *run = NULL;
}

static void fill_words(unsigned char *bytes, uint64_t size, uint32_t word)
{
    for (uint64_t i = 0; i + 4 <= size; i += 4)
        memcpy(bytes + i, &word, 4);
}

/* The image before the run: guards everywhere, then outputs and scratch as NaN, then the inputs. */
static void compose(struct check_run *run, const struct op_call *call)
{
    fill_words(run->before, run->range.size, guard_word);
    for (uint32_t p = OP_MAX_IN; p < PLACES; p++)
        fill_words(run->before + run->part[p].offset, run->part[p].size, output_word);
    for (uint32_t i = 0; i < call->in_count; i++) {
        if (run->part[i].size)
            memcpy(run->before + run->part[i].offset, call->in_data[i], tensor_shape_bytes(&call->in[i]));
    }
}

/* Every byte outside outputs and scratch must be as it was. */
static bool check_untouched(struct check_run *run, const struct op_call *call, struct check_row *row)
{
    for (uint32_t p = OP_MAX_IN; p < PLACES; p++)
        memcpy(run->before + run->part[p].offset, run->after + run->part[p].offset, run->part[p].size);
    if (memcmp(run->before, run->after, run->range.size) == 0)
        return true;
    uint64_t at = 0;
    while (run->before[at] == run->after[at])
        at++;
    static const char *const places[] = {"input", "output", "scratch"};
    uint32_t nearest = 0;
    for (uint32_t p = 0; p < PLACES; p++) {
        if (run->part[p].size && run->part[p].offset <= at && run->part[p].offset >= run->part[nearest].offset)
            nearest = p;
    }
    const struct part *part = &run->part[nearest];
    uint32_t kind = nearest < OP_MAX_IN ? 0 : nearest < OP_MAX_IN + OP_MAX_OUT ? 1 : 2;
    uint32_t index = nearest - (kind == 0 ? 0 : kind == 1 ? OP_MAX_IN : OP_MAX_IN + OP_MAX_OUT);
    if (at < part->offset + part->size)
        return check_fail(row, "%s %u was changed, first at byte %llu", places[kind], index,
                          (unsigned long long)(at - part->offset));
    (void)call;
    return check_fail(row, "wrote %llu bytes past the end of %s %u",
                      (unsigned long long)(at - part->offset - part->size), places[kind], index);
}

/* Submits and waits; run->seconds for all repetitions. */
static enum mien_status submit(struct check_run *run)
{
    enum mien_status status = MIEN_OK;
    uint64_t ticket;
    double ns[2] = {0};
    uint64_t start = base_clock_ns();
    TRY(vk_submit(run->context->device, run->recording, &ticket));
    TRY(vk_wait(run->context->device, ticket));
    run->seconds = (double)(base_clock_ns() - start) * 1e-9;
    if (run->last_time > run->first_time) {
        TRY(vk_recording_times(run->recording, ns, 2));
        run->seconds = (ns[1] - ns[0]) * 1e-9;
    }
fail:
    return status;
}

static enum mien_status execute(struct check_run *run)
{
    enum mien_status status = MIEN_OK;
    struct vk_device *device = run->context->device;
    TRY(vk_upload(device, run->range, 0, run->before, run->range.size));
    TRY(submit(run));
    TRY(vk_download(device, run->range, 0, run->after, run->range.size));
fail:
    return status;
}

enum mien_status check_run_status(const struct check_run *run)
{
    return run->status;
}

bool check_run_once(struct check_run *run, const struct op_call *call, const void **outputs, struct check_row *row)
{
    compose(run, call);
    run->status = execute(run);
    if (run->status != MIEN_OK)
        return check_fail(row, "%s: %s", mien_status_text(run->status), run->context->error);
    for (uint32_t o = 0; o < call->out_count; o++)
        outputs[o] = run->after + part_of(run, OP_OUT, o)->offset;
    return check_untouched(run, call, row);
}

enum mien_status check_run_time(struct check_run *run, double *seconds)
{
    enum mien_status status = submit(run);
    *seconds = run->seconds / run->repeat;
    return status;
}

double check_run_seconds(const struct check_run *run)
{
    return run->seconds / run->repeat;
}
