/* selftest.c: see selftest.h. What is proven is a pipeline as a part of an op's variant: the same kernel may serve one
 * variant well and another badly. */
#include "check/selftest.h"

#include "check/check.h"

#include <string.h>

/* ---- what is proven ---------------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

static uint64_t mix_bytes(uint64_t hash, const void *data, size_t size)
{
    const unsigned char *at = data;
    uint64_t word = 0;
    for (; size >= sizeof(word); size -= sizeof(word), at += sizeof(word)) {
        memcpy(&word, at, sizeof(word));
        hash = mix(hash, word);
    }
    word = size;
    memcpy((unsigned char *)&word + 1, at, size);
    return mix(hash, word);
}

/* The kernel's of this build; 0 = it has none of that name. */
static uint64_t shader_code(const char *name)
{
    const struct op_shader *shader = op_shader_find(name);
    return shader ? mix_bytes(1, shader->words, shader->size) | 1 : 0;
}

static uint64_t key_of(const struct op_dispatch *d, uint64_t code)
{
    const uint32_t numbers[] = {d->bind_count, d->push_size, d->subgroup_size, d->spec_count};
    uint64_t hash = mix_bytes(code, d->op->name, strlen(d->op->name));
    hash = mix_bytes(hash, d->variant->name, strlen(d->variant->name));
    hash = mix_bytes(hash, d->shader, strlen(d->shader));
    hash = mix_bytes(hash, numbers, sizeof(numbers));
    return mix_bytes(hash, d->spec, d->spec_count * sizeof(*d->spec));
}

static struct vk_trial trial_of(const struct op_dispatch *d)
{
    uint64_t code = shader_code(d->shader);
    return (struct vk_trial){.op = d->op->name,
                             .variant = d->variant->name,
                             .kernel = d->shader,
                             .code = code,
                             .key = key_of(d, code),
                             .last = !d->variant[1].name};
}

/* ---- one trial --------------------------------------------------------------------------------------------------- */

enum verdict { PASSED, WRONG, NO_ANSWER };

/* The driver's compiler over each of the plan's kernels. WRONG: it fails at one. */
static enum mien_status compile(struct vk_device *device, const struct op_plan *plan, enum verdict *verdict)
{
    enum mien_status status = MIEN_OK;
    for (size_t i = 0; i < plan->count; i++) {
        const struct op_shader *shader = op_shader_find(plan->dispatch[i].shader);
        struct vk_pipeline *pipeline;
        FAIL_IF(!shader, MIEN_ERR_FAILED, "shader %s is not in this build", plan->dispatch[i].shader);
        struct vk_kernel kernel = op_dispatch_kernel(&plan->dispatch[i], shader);
        status = vk_pipeline_get(device, &kernel, &pipeline);
        /* some drivers call it memory when they cannot compile something */
        if (status == MIEN_ERR_DRIVER || status == MIEN_ERR_DEVICE_MEMORY) {
            *verdict = WRONG;
            return MIEN_OK;
        }
        TRY(status);
    }
fail:
    return status;
}

static enum mien_status run(struct vk_device *device, const struct check_problem *problem, struct check_row *row,
                            enum verdict *verdict)
{
    enum mien_status status = MIEN_OK;
    static const struct check_suite suite = {.ops = op_list};
    struct check_context context = {.suite = &suite, .device = device, .caps = *vk_device_caps(device)};
    const struct op_call *call = &problem->call;
    const void *outputs[OP_MAX_OUT];
    struct check_run *made = NULL;
    TRY(check_run_create(&context, call, &problem->plan, 1, &made));
    bool right = check_run_once(made, call, outputs, row);
    TRY(check_run_status(made));
    for (uint32_t o = 0; o < call->out_count && right; o++)
        right = check_compare(call, problem->plan.variant, o, outputs[o], row);
    *verdict = right ? PASSED : WRONG;
fail:
    check_run_destroy(&made);
    return status;
}

/* What is wrong with the kernel, in a few words. */
static void explain(const struct vk_device *device, enum mien_status status, const struct check_row *row,
                    const char *said, char *why, size_t size)
{
    const char *code = strstr(said, "VK_ERROR_");
    if (status == MIEN_ERR_TIMEOUT)
        snprintf(why, size, "its self-test did not end within %g s", vk_device_wait_seconds(device));
    else if (vk_device_lost(device))
        snprintf(why, size, "its self-test lost the device");
    else if (row->note[0])
        snprintf(why, size, "%s", row->note);
    else
        snprintf(why, size, "the driver cannot compile it (%.*s)",
                 code ? (int)strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") : 0, code ? code : "");
}

/* Compiles and runs the problem. `why` tells what is wrong with the kernel; *status is for what is no fault of its. */
static enum verdict judge(struct vk_device *device, const struct check_problem *problem, char *why, size_t size,
                          enum mien_status *status)
{
    struct check_row row = {.note = ""};
    enum verdict verdict = PASSED;
    char said[MIEN_ERROR_SIZE] = "";
    base_log_divert(said, sizeof(said)); /* the verdict is told once, by whoever knows what follows */
    *status = compile(device, &problem->plan, &verdict);
    if (*status == MIEN_OK && verdict == PASSED)
        *status = run(device, problem, &row, &verdict);
    base_log_divert(NULL, 0);
    if (*status == MIEN_ERR_TIMEOUT || vk_device_lost(device))
        verdict = NO_ANSWER;
    else if (*status != MIEN_OK)
        *status = base_fail(*status, "%s", said);
    explain(device, *status, &row, said, why, size);
    return verdict;
}

/* ---- what follows ------------------------------------------------------------------------------------------------ */

static enum mien_status fail_last(const struct vk_caps *caps, const struct vk_trial *trial, const char *why)
{
    return base_fail(MIEN_ERR_DRIVER,
                     "kernel %s of %s fails its self-test on %s (%s): %s. It is the last there is: update the driver, "
                     "or choose another device with MIEN_DEVICE",
                     trial->variant, trial->op, caps->name, caps->driver, why);
}

static enum mien_status fail_hung(struct vk_device *device, const struct vk_trial *trial, const char *why)
{
    const struct vk_caps *caps = vk_device_caps(device);
    (void)vk_trials_failed(device, trial, why);
    return base_fail(MIEN_ERR_DEVICE_LOST, "kernel %s of %s on %s (%s): %s. %s", trial->variant, trial->op, caps->name,
                     caps->driver, why,
                     trial->last ? "It is the last there is: update the driver, or choose another device with "
                                   "MIEN_DEVICE"
                                 : "Start again: the next best one will serve");
}

static enum mien_status settle(struct vk_device *device, const struct vk_trial *trial, enum verdict verdict,
                               const char *why, bool *again)
{
    enum mien_status status = MIEN_OK;
    const struct vk_caps *caps = vk_device_caps(device);
    if (verdict == PASSED)
        return vk_trials_passed(device, trial);
    TRY(vk_trials_failed(device, trial, why));
    if (trial->last)
        return fail_last(caps, trial, why);
    *again = true;
    LOG_WARN("kernel %s of %s fails its self-test on %s (%s): %s. It is not used with this driver; the next best one "
             "serves",
             trial->variant, trial->op, caps->name, caps->driver, why);
fail:
    return status;
}

/* All that a problem's plan holds has run with it. */
static enum mien_status prove_all(struct vk_device *device, const struct op_plan *plan)
{
    enum mien_status status = MIEN_OK;
    for (size_t i = 0; i < plan->count; i++)
        TRY(vk_trials_prove(device, trial_of(&plan->dispatch[i]).key));
fail:
    return status;
}

static enum mien_status try_kernel(struct vk_device *device, const struct op_call *call, const struct op_plan *plan,
                                   const struct op_dispatch *d, const struct vk_trial *trial, bool *again)
{
    enum mien_status status = MIEN_OK;
    struct check_problem problem = {.variant = NULL};
    char why[400];
    bool go = false;
    TRY(vk_trials_begin(device, trial, &go));
    if (!go) { /* another process has tried it */
        *again = !vk_trials_proven(device, trial->key);
        return MIEN_OK;
    }
    status = check_problem_make(vk_device_caps(device), call, plan, d, &problem);
    enum verdict verdict = status == MIEN_OK ? judge(device, &problem, why, sizeof(why), &status) : PASSED;
    if (verdict == NO_ANSWER)
        status = fail_hung(device, trial, why);
    else if (status == MIEN_OK)
        status = settle(device, trial, verdict, why, again);
    else
        vk_trials_dropped(device);
    if (status == MIEN_OK && verdict == PASSED)
        status = prove_all(device, &problem.plan);
    check_problem_clear(&problem);
fail:
    return status;
}

/* ---- for whoever plans ------------------------------------------------------------------------------------------- */

enum mien_status check_selftest_begin(struct vk_device *device)
{
    return vk_trials_open(device, shader_code);
}

enum mien_status check_selftest(struct vk_device *device, const struct op_call *call, const struct op_plan *plan,
                                bool *again)
{
    enum mien_status status = MIEN_OK;
    *again = false;
    for (size_t i = 0; i < plan->count && !*again && vk_device_trials(device) == VK_TRIALS_ON; i++) {
        uint64_t use = key_of(&plan->dispatch[i], 0); /* a model has thousands of dispatches, and tens of these */
        if (vk_trials_settled(device, use))
            continue;
        const struct vk_trial trial = trial_of(&plan->dispatch[i]);
        if (!vk_trials_proven(device, trial.key))
            TRY(try_kernel(device, call, plan, &plan->dispatch[i], &trial, again));
        if (!*again)
            TRY(vk_trials_settle(device, use));
    }
fail:
    return status;
}

void check_selftest_end(struct vk_device *device)
{
    vk_trials_close(device);
}
