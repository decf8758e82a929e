/* plan.c: plans: building dispatches and checking them against a device's limits. */
#include "args/formats.h"
#include "op/choice.h"
#include "op/part.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void op_plan_clear(struct op_plan *plan)
{
    base_free(plan->dispatch);
    memset(plan, 0, sizeof(*plan));
}

static void fail_va(struct op_plan *plan, enum mien_status code, const char *fmt, va_list args)
{
    char text[512];
    if (plan->status != MIEN_OK)
        return;
    vsnprintf(text, sizeof(text), fmt, args);
    plan->status = base_fail(code, "%s: %s", plan->call->op->name, text);
}

void op_plan_fail(struct op_plan *plan, enum mien_status code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fail_va(plan, code, fmt, args);
    va_end(args);
}

bool op_plan_refuse(struct op_plan *plan, bool cond, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (cond)
        fail_va(plan, MIEN_ERR_UNSUPPORTED, fmt, args);
    va_end(args);
    return cond;
}

struct op_dispatch *op_plan_kernel(struct op_plan *plan, const char *shader)
{
    if (plan->status == MIEN_OK)
        plan->status = base_grow(&plan->dispatch, &plan->capacity, plan->count + 1, sizeof(*plan->dispatch));
    struct op_dispatch *d = plan->status == MIEN_OK ? &plan->dispatch[plan->count++] : &plan->discarded;
    *d = (struct op_dispatch){.shader = shader};
    return d;
}

uint32_t op_group_lanes(const struct vk_caps *caps)
{
    return caps->least_barrier > 64 ? 128 : 64;
}

bool op_fits_texels(const struct vk_caps *caps, const struct tensor_shape *shape)
{
    return shape->dtype == MIEN_F32 && tensor_shape_width(shape) % 4 == 0 &&
           tensor_shape_count(shape) / 4 <= caps->max_texels;
}

uint32_t op_vector_lanes(const struct vk_caps *caps)
{
    return caps->subgroup_size == 16 ? 16 : 8;
}

uint32_t op_matrix_lanes(const struct vk_caps *caps)
{
    return caps->subgroup_min <= 32 && caps->subgroup_max >= 32 && caps->subgroup_size > 32 ? 32 : caps->subgroup_size;
}

uint32_t op_busy_groups(const struct vk_caps *caps)
{
    uint32_t cores = BASE_MIN(caps->cores, 4096);
    if (caps->class_ == VK_CLASS_SOFTWARE)
        return 6;
    if (caps->class_ == VK_CLASS_MOBILE)
        return cores ? 4 * cores : 32;
    return cores ? cores : caps->type == VK_TYPE_INTEGRATED ? 32 : 128;
}

struct op_dispatch *op_plan_items(struct op_plan *plan, const char *shader, uint32_t local, uint64_t count)
{
    struct op_dispatch *d = op_plan_kernel(plan, shader);
    if (!local)
        local = plan->caps->class_ == VK_CLASS_SOFTWARE ? op_vector_lanes(plan->caps) : 64;
    op_dispatch_spec(d, 0, local);
    op_dispatch_groups_1d(d, plan->caps, base_div_up(count, local));
    return d;
}

void op_dispatch_bind_range(struct op_dispatch *d, enum op_place place, uint32_t index, uint32_t access,
                            uint64_t offset, uint64_t size)
{
    assert(d->bind_count < VK_MAX_BUFFERS);
    assert(offset % 256 == 0);
    d->bind[d->bind_count++] = (struct op_bind){
        .place = place, .index = (uint8_t)index, .access = (uint8_t)access, .offset = offset, .size = size};
}

void op_dispatch_bind(struct op_dispatch *d, enum op_place place, uint32_t index, uint32_t access)
{
    op_dispatch_bind_range(d, place, index, access, 0, 0);
}

struct vk_kernel op_dispatch_kernel(const struct op_dispatch *d, const struct op_shader *shader)
{
    struct vk_kernel kernel = {.name = shader->name,
                               .spirv = shader->words,
                               .spirv_size = shader->size,
                               .buffers = d->bind_count,
                               .push_size = d->push_size,
                               .spec_count = d->spec_count,
                               .subgroup_size = d->subgroup_size};
    memcpy(kernel.spec, d->spec, sizeof(kernel.spec));
    return kernel;
}

void op_dispatch_push(struct op_dispatch *d, const void *push, uint32_t size)
{
    assert(size <= OP_MAX_PUSH && size % 4 == 0);
    memcpy(d->push, push, size);
    d->push_size = size;
}

void op_dispatch_spec(struct op_dispatch *d, uint32_t id, uint32_t value)
{
    assert(id < VK_MAX_SPEC);
    while (d->spec_count <= id)
        d->spec[d->spec_count++] = 1;
    d->spec[id] = value;
}

void op_dispatch_round(struct op_dispatch *d, const struct vk_caps *caps, uint32_t round)
{
    if (caps->class_ != VK_CLASS_SOFTWARE)
        op_dispatch_spec(d, 6, round);
}

void op_dispatch_formats(struct op_dispatch *d, const struct op_call *call, uint32_t id)
{
    static const uint32_t of[MIEN_DTYPE_COUNT] = {[MIEN_F16] = FORMAT_F16, [MIEN_BF16] = FORMAT_BF16};
    uint32_t formats = 0;
    for (uint32_t b = 0; b < d->bind_count; b++) {
        const struct op_bind *bind = &d->bind[b];
        if (bind->place != OP_SCRATCH)
            formats |= of[(bind->place == OP_IN ? call->in : call->out)[bind->index].dtype] << FORMAT_BITS * b;
    }
    if (formats)
        op_dispatch_spec(d, id, formats);
}

void op_dispatch_groups_1d(struct op_dispatch *d, const struct vk_caps *caps, uint64_t groups)
{
    uint64_t x = BASE_MAX(BASE_MIN(groups, caps->max_groups[0]), 1);
    uint64_t y = base_div_up(BASE_MAX(groups, 1), x);
    assert(y <= caps->max_groups[1]);
    d->groups[0] = (uint32_t)x;
    d->groups[1] = (uint32_t)y;
    d->groups[2] = 1;
}

void op_plan_cut(struct op_plan *plan, double flops)
{
    if (plan->status != MIEN_OK)
        return;
    const struct op_dispatch whole = plan->dispatch[--plan->count];
    uint64_t groups = (uint64_t)whole.groups[0] * whole.groups[1];
    double fit = op_most_flops(plan->caps) / flops * (double)groups;
    bool cut = fit > 0 && fit < (double)groups;
    uint32_t most = cut ? (uint32_t)BASE_MIN(BASE_MAX(fit, 1), plan->caps->max_groups[0]) : 0;
    for (uint64_t begin = 0; begin < groups;) {
        uint64_t count = cut ? BASE_MIN(most, groups - begin) : groups;
        struct op_dispatch *d = op_plan_kernel(plan, whole.shader);
        const uint32_t before = (uint32_t)begin;
        *d = whole;
        d->flops = flops * (double)count / (double)groups;
        memcpy(d->push + d->push_size - sizeof(before), &before, sizeof(before));
        if (cut) /* else folded as it was */
            op_dispatch_groups_1d(d, plan->caps, count);
        begin += count;
    }
}

/* Bytes from the bind's offset to its end. */
static uint64_t bind_size(const struct op_call *call, const struct op_plan *plan, const struct op_bind *bind)
{
    uint64_t whole = bind->place == OP_IN    ? tensor_shape_bytes(&call->in[bind->index])
                     : bind->place == OP_OUT ? tensor_shape_bytes(&call->out[bind->index])
                                             : plan->scratch[bind->index];
    return bind->size ? bind->size : whole - bind->offset;
}

static enum mien_status check_binds(const struct vk_caps *caps, const struct op_call *call, const struct op_plan *plan,
                                    const struct op_dispatch *d)
{
    enum mien_status status = MIEN_OK;
    for (uint32_t b = 0; b < d->bind_count; b++) {
        uint64_t size = bind_size(call, plan, &d->bind[b]);
        FAIL_IF(size > caps->max_range, MIEN_ERR_UNSUPPORTED,
                "%s: %s binds %llu bytes at once; the device allows %llu: make the tensor smaller", call->op->name,
                d->shader, (unsigned long long)size, (unsigned long long)caps->max_range);
    }
    return MIEN_OK;
fail:
    return status;
}

/* MIEN_ERR_UNSUPPORTED naming op, shader and limit. */
static enum mien_status check_limits(const struct vk_caps *caps, const struct op_call *call,
                                     const struct op_dispatch *d)
{
    enum mien_status status = MIEN_OK;
    const char *op = call->op->name;
    uint64_t invocations = 1;
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t local = i < d->spec_count ? d->spec[i] : 1;
        invocations *= local;
        FAIL_IF(local == 0 || local > caps->max_local[i], MIEN_ERR_UNSUPPORTED,
                "%s: %s wants local size %u in dimension %u; the device allows %u", op, d->shader, local, i,
                caps->max_local[i]);
        FAIL_IF(d->groups[i] == 0 || d->groups[i] > caps->max_groups[i], MIEN_ERR_UNSUPPORTED,
                "%s: %s wants %u workgroups in dimension %u; the device allows %u", op, d->shader, d->groups[i], i,
                caps->max_groups[i]);
    }
    FAIL_IF(invocations > caps->max_invocations, MIEN_ERR_UNSUPPORTED,
            "%s: %s wants %llu invocations per workgroup; the device allows %u", op, d->shader,
            (unsigned long long)invocations, caps->max_invocations);
    FAIL_IF(d->push_size > caps->max_push, MIEN_ERR_UNSUPPORTED,
            "%s: %s wants %u bytes of push constants; the device allows %u", op, d->shader, d->push_size,
            caps->max_push);
    FAIL_IF(d->bind_count > caps->max_buffers, MIEN_ERR_UNSUPPORTED, "%s: %s binds %u buffers; the device allows %u",
            op, d->shader, d->bind_count, caps->max_buffers);
    return MIEN_OK;
fail:
    return status;
}

/* What it appends is its own, but for what another op within it has planned. */
static void plan_choice(struct op_plan *plan, struct op_choice choice)
{
    size_t first = plan->count;
    const struct op_variant *variant = choice.variant;
    struct op_tile outer = plan->tile;
    plan->tile = choice.tile;
    if (variant->bind)
        op_plan_row_kernel(plan, variant);
    if (variant->steps)
        variant->steps(plan);
    plan->tile = outer;
    for (size_t i = first; i < plan->count; i++) {
        struct op_dispatch *d = &plan->dispatch[i];
        d->variant = d->op ? d->variant : variant;
        d->tile = d->op ? d->tile : choice.tile;
        d->op = d->op ? d->op : plan->call->op;
    }
}

void op_plan_call(struct op_plan *plan, const struct op_call *call)
{
    const struct op_call *outer = plan->call;
    plan->call = call;
    plan_choice(plan, op_choice_of(plan->caps, call));
    plan->call = outer;
}

enum mien_status op_make_plan(const struct vk_caps *caps, const struct op_call *call, const struct op_variant *variant,
                              struct op_plan *plan)
{
    return op_make_plan_by(caps, call, variant ? (struct op_choice){.variant = variant} : op_choice_of(caps, call),
                           plan);
}

enum mien_status op_make_plan_by(const struct vk_caps *caps, const struct op_call *call, struct op_choice choice,
                                 struct op_plan *plan)
{
    enum mien_status status = MIEN_OK;
    op_plan_clear(plan);
    plan->caps = caps;
    plan->call = call;
    plan->variant = choice.variant;
    plan->tile = choice.tile;
    FAIL_IF(!plan->variant, MIEN_ERR_UNSUPPORTED, "%s: no kernel variant fits this call on %s", call->op->name,
            caps->name);
    plan_choice(plan, choice);
    TRY(plan->status);
    FAIL_IF(plan->count == 0, MIEN_ERR_FAILED, "%s: variant %s planned no dispatch", call->op->name,
            plan->variant->name);
    for (size_t i = 0; i < plan->count; i++) {
        TRY(check_limits(caps, call, &plan->dispatch[i]));
        TRY(check_binds(caps, call, plan, &plan->dispatch[i]));
    }
    plan->caps = NULL;
    plan->call = NULL;
    return MIEN_OK;
fail:
    op_plan_clear(plan);
    return status;
}
