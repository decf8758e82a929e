/* bench_matmul: speed of matmul's kernels against a plain threaded C loop (loop.c) in the same run. The machine's speed
 * drifts, so kernel and loop take turns, and the best of each counts. One row per shape, form and variant. On a
 * software driver the ratio of processor time stands beside that of wall time: other programs disturb it less. */
#include "loop.h"

#include "check/check.h"
#include "mien/gpu.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum form { NN, NT, TN, FORMS };
static const char *const form_names[FORMS] = {"nn", "nt", "tn"}; /* A B, A B^T, A^T B */

struct shape {
    uint32_t m, n, k;
};

/* Squares; 64 images of 37 tokens through towers of width 96 to 192 with their MLPs; gradients of weights (long k). */
static const struct shape shapes[] = {
    {768, 768, 768},  {256, 256, 256},  {2368, 128, 128}, {2368, 384, 128}, {2368, 512, 128}, {2368, 128, 512},
    {2368, 96, 96},   {2368, 384, 96},  {2368, 96, 384},  {2368, 192, 192}, {2368, 768, 192}, {2368, 192, 768},
    {128, 128, 2368}, {512, 128, 2368}, {96, 384, 2368},  {64, 64, 10000},  {50, 768, 768},   {127, 129, 513},
};

struct options {
    struct shape shape; /* m 0 = all */
    const char *form;   /* NULL = all */
    const char *device, *mask;
    uint32_t rounds;
    double least; /* the ratio that each row must reach; 0 = none */
    bool all;     /* every variant that can run, not the best alone */
};

struct bench {
    const struct options *options;
    struct check_context context;
    uint32_t rows, below;
};

/* Seconds: wall, and of all this process's threads together. */
struct cost {
    double wall, cpu;
};
static const struct cost worst = {INFINITY, INFINITY};

/* One kernel on one problem. */
struct entry {
    struct op_plan plan;
    struct check_run *run;
    struct cost best;
    double first; /* seconds of the first run, with the driver's compiler */
};
enum { MAX_ENTRIES = 8 };

static struct cost cost_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (struct cost){base_clock_seconds(), (double)t.tv_sec + 1e-9 * (double)t.tv_nsec};
}

/* best = the smaller of it and what has passed since `start`, each for itself. */
static void cost_since(struct cost start, struct cost *best)
{
    struct cost end = cost_now();
    best->wall = fmin(best->wall, end.wall - start.wall);
    best->cpu = fmin(best->cpu, end.cpu - start.cpu);
}

static void time_loop(const struct shape *s, const struct op_call *nn, float *c, struct cost *best)
{
    struct cost start = cost_now();
    loop_matmul(s->m, s->n, s->k, nn->in_data[0], nn->in_data[1], c);
    cost_since(start, best);
}

static void transpose(const float *from, uint32_t rows, uint32_t width, float *to)
{
    for (uint32_t i = 0; i < rows; i++)
        for (uint32_t j = 0; j < width; j++)
            to[(uint64_t)j * rows + i] = from[(uint64_t)i * width + j];
}

/* A call of the form with the inputs of `nn`, transposed where the form stores them so. */
static enum mien_status make_call(const struct shape *s, enum form form, const struct op_call *nn, struct op_call *call)
{
    enum mien_status status = MIEN_OK;
    struct op_case c = {.name = form_names[form], .attr = {.trans_a = form == TN, .trans_b = form == NT}};
    uint32_t a[2] = {s->m, s->k}, b[2] = {s->k, s->n};
    for (uint32_t i = 0; i < 2; i++) {
        c.in[0][i] = a[form == TN ? 1 - i : i];
        c.in[1][i] = b[form == NT ? 1 - i : i];
    }
    const struct check_case given = {.op = &op_matmul, .given = &c};
    TRY(check_call_make(&given, call));
    if (!nn)
        return check_call_fill(call, &given, CHECK_NORMAL, 1);
    memcpy(call->in_data[0], nn->in_data[0], tensor_shape_bytes(&call->in[0]));
    memcpy(call->in_data[1], nn->in_data[1], tensor_shape_bytes(&call->in[1]));
    if (form == TN)
        transpose(nn->in_data[0], s->m, s->k, call->in_data[0]);
    if (form == NT)
        transpose(nn->in_data[1], s->k, s->n, call->in_data[1]);
    return MIEN_OK;
fail:
    return status;
}

/* Plans of the variants to time: the best, or all that the device can run. */
static enum mien_status make_entries(struct bench *bench, const struct op_call *call, struct entry *entries,
                                     uint32_t *count)
{
    enum mien_status status = MIEN_OK;
    const struct vk_caps *caps = &bench->context.caps;
    const struct op_variant *best = op_choose(caps, call);
    for (const struct op_variant *v = op_matmul.variants; v->name && *count < MAX_ENTRIES; v++) {
        bool can = (v->needs & caps->features) == v->needs && (!v->fits || v->fits(caps, call));
        if (v != best && !(bench->options->all && can))
            continue;
        struct entry *e = &entries[*count];
        *e = (struct entry){.best = worst};
        ++*count;
        TRY(op_make_plan(caps, call, v, &e->plan));
        TRY(check_run_create(&bench->context, call, &e->plan, 1, &e->run));
    }
    return MIEN_OK;
fail:
    return status;
}

/* First run: includes the driver's compiler, and shows whether the result is right. */
static enum mien_status first_run(struct entry *e, const struct op_call *call, const float *expected)
{
    enum mien_status status = MIEN_OK;
    struct check_row row = {0};
    const void *outputs[OP_MAX_OUT];
    double start = base_clock_seconds(), error = 0, square = 0;
    FAIL_IF(!check_run_once(e->run, call, outputs, &row), MIEN_ERR_FAILED, "%s: %s", e->plan.variant->name, row.note);
    e->first = base_clock_seconds() - start;
    const float *y = outputs[0];
    for (uint64_t i = 0; i < tensor_shape_count(&call->out[0]); i++) {
        error += ((double)y[i] - expected[i]) * ((double)y[i] - expected[i]);
        square += (double)expected[i] * expected[i];
    }
    FAIL_IF(!(error <= 1e-9 * square), MIEN_ERR_FAILED, "%s differs from the C loop: NMSE %.3g", e->plan.variant->name,
            error / square);
    return MIEN_OK;
fail:
    return status;
}

/* Turns of all entries and the loop, until the rounds are over, or all have reached what they must. */
static enum mien_status race(struct bench *bench, const struct shape *s, const struct op_call *nn, float *c,
                             struct entry *entries, uint32_t count, struct cost *loop)
{
    enum mien_status status = MIEN_OK;
    double least = bench->options->least;
    for (uint32_t round = 0; round < bench->options->rounds; round++) {
        bool reached = least > 0 && round >= 3;
        time_loop(s, nn, c, loop);
        for (uint32_t i = 0; i < count; i++) {
            double seconds;
            struct cost start = cost_now();
            TRY(check_run_time(entries[i].run, &seconds));
            cost_since(start, &entries[i].best);
            reached &= loop->wall / entries[i].best.wall >= least;
        }
        if (reached)
            break;
    }
    return MIEN_OK;
fail:
    return status;
}

static void print_entry(struct bench *bench, const struct shape *s, enum form form, const struct entry *e,
                        struct cost loop)
{
    double gflop = 2e-9 * s->m * s->n * s->k, ratio = loop.wall / e->best.wall;
    bool below = ratio < bench->options->least, software = bench->context.caps.class_ == VK_CLASS_SOFTWARE;
    printf("%5u %5u %5u  %s  %-16s %7.1f %7.1f %6.2f ", s->m, s->n, s->k, form_names[form], e->plan.variant->name,
           gflop / e->best.wall, gflop / loop.wall, ratio);
    if (software)
        printf("%6.2f ", loop.cpu / e->best.cpu);
    printf("%8.0f%s\n", e->first * 1e3, below ? "  below" : "");
    fflush(stdout);
    bench->rows++;
    bench->below += below;
}

static enum mien_status bench_form(struct bench *bench, const struct shape *s, enum form form, const struct op_call *nn)
{
    enum mien_status status = MIEN_OK;
    struct op_call call = {0};
    struct entry entries[MAX_ENTRIES];
    uint32_t count = 0;
    struct cost loop = worst;
    float *c = base_alloc((uint64_t)s->m * s->n, sizeof(*c));
    FAIL_IF_NULL(c, "the C loop's result");
    TRY(make_call(s, form, nn, &call));
    TRY(make_entries(bench, &call, entries, &count));
    time_loop(s, nn, c, &loop);
    for (uint32_t i = 0; i < count; i++)
        TRY(first_run(&entries[i], &call, c));
    TRY(race(bench, s, nn, c, entries, count, &loop));
    for (uint32_t i = 0; i < count; i++)
        print_entry(bench, s, form, &entries[i], loop);
fail:
    for (uint32_t i = 0; i < count; i++) {
        check_run_destroy(&entries[i].run);
        op_plan_clear(&entries[i].plan);
    }
    check_call_clear(&call);
    base_free(c);
    return status;
}

static enum mien_status bench_shape(struct bench *bench, const struct shape *s)
{
    enum mien_status status = MIEN_OK;
    struct op_call nn = {0};
    TRY(make_call(s, NN, NULL, &nn));
    for (uint32_t form = 0; form < FORMS; form++) {
        if (!bench->options->form || strcmp(bench->options->form, form_names[form]) == 0)
            TRY(bench_form(bench, s, (enum form)form, &nn));
    }
fail:
    check_call_clear(&nn);
    return status;
}

static int usage(const char *program)
{
    printf(
        "usage: %s [--shape MxNxK] [--form nn|nt|tn] [--all] [--rounds N] [--least RATIO] [--device NAME]"
        " [--mask LIST]\n"
        "Times matmul against a plain threaded C loop. --all: every variant that the device can run; --least: exit"
        " status 1\nwhen a row stays below. MESA_SHADER_CACHE_DISABLE=1 makes the first run's time honest on Mesa.\n",
        program);
    return 2;
}

static bool parse(int argc, char **argv, struct options *o)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        bool takes = true;
        if (strcmp(argv[i], "--all") == 0)
            o->all = true, takes = false;
        else if (!value)
            return false;
        else if (strcmp(argv[i], "--shape") == 0 &&
                 sscanf(value, "%ux%ux%u", &o->shape.m, &o->shape.n, &o->shape.k) == 3 && o->shape.m && o->shape.n &&
                 o->shape.k)
            ;
        else if (strcmp(argv[i], "--form") == 0)
            o->form = value;
        else if (strcmp(argv[i], "--rounds") == 0 && atoi(value) > 0)
            o->rounds = (uint32_t)atoi(value);
        else if (strcmp(argv[i], "--least") == 0)
            o->least = atof(value);
        else if (strcmp(argv[i], "--device") == 0)
            o->device = value;
        else if (strcmp(argv[i], "--mask") == 0)
            o->mask = value;
        else
            return false;
        i += takes;
    }
    return true;
}

static enum mien_status open_device(struct bench *bench)
{
    enum mien_status status = MIEN_OK;
    uint32_t index;
    struct check_context *c = &bench->context;
    TRY(vk_instance_create(NULL, &c->instance));
    TRY(vk_instance_choose(c->instance, bench->options->device, &index));
    TRY(vk_device_create(c->instance, index, &(struct mien_gpu_params){.caps = bench->options->mask}, &c->device));
    c->caps = *vk_device_caps(c->device);
fail:
    return status;
}

static enum mien_status run_all(struct bench *bench)
{
    enum mien_status status = MIEN_OK;
    const struct options *o = bench->options;
    printf("%s, class %s, subgroups of %u; %u processors\n", bench->context.caps.name,
           vk_class_name(bench->context.caps.class_), bench->context.caps.subgroup_size, base_cpu_count());
    bool software = bench->context.caps.class_ == VK_CLASS_SOFTWARE;
    printf("    m     n     k form variant          GFLOP/s  C loop  ratio %s first ms\n", software ? "of cpu" : "");
    if (o->shape.m)
        return bench_shape(bench, &o->shape);
    for (uint32_t i = 0; i < BASE_COUNT(shapes); i++)
        TRY(bench_shape(bench, &shapes[i]));
fail:
    return status;
}

int main(int argc, char **argv)
{
    struct options options = {.rounds = 12};
    struct check_suite suite = {.ops = op_list};
    struct check_options none = {0};
    struct bench bench = {.options = &options, .context = {.options = &none, .suite = &suite}};
    mien_gpu_prepare();
    if (!parse(argc, argv, &options))
        return usage(argv[0]);
    enum mien_status status = open_device(&bench);
    bool no_device = status == MIEN_ERR_NO_DEVICE;
    bool narrow =
        options.least > 0 && bench.context.caps.class_ == VK_CLASS_SOFTWARE && bench.context.caps.subgroup_size < 8;
    if (status == MIEN_OK && narrow)
        printf(
            "skipped: %s works on less than 8 numbers at a time; --least is meant for drivers that use the processor's"
            " vectors\n",
            bench.context.caps.name);
    else if (status == MIEN_OK)
        status = run_all(&bench);
    vk_device_destroy(&bench.context.device);
    vk_instance_destroy(&bench.context.instance);
    if (no_device || (status == MIEN_OK && narrow))
        return 77;
    if (status != MIEN_OK)
        return mien_status_exit_code(status);
    if (options.least > 0)
        printf("%u rows, %u below %.3g of the C loop\n", bench.rows, bench.below, options.least);
    return bench.below ? 1 : 0;
}
