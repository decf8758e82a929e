/* inspect.c: mien_model_inspect: the files of a model directory against each other. */
#include "data/tokenizer.h"
#include "io/clip_tensors.h"
#include "io/weights.h"
#include "mien/model.h"
#include "use/parts.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MAX_PROBLEMS = 100, PIECE = 1 << 14 };

/* The report that the caller sees stands first: they share an address. */
struct inspection {
    struct mien_model_report report;
    struct base_arena arena;
    struct io_clip_config config;
    struct io_clip_tensors list;
    struct io_weights *weights;
    const char *problems[MAX_PROBLEMS];
    char said[512]; /* what a reader says of its file */
    float piece[PIECE];
};

static void problem(struct inspection *in, const char *fmt, ...) MIEN_PRINTF(2, 3);

/* Notes a problem; beyond MAX_PROBLEMS they are counted in the last. */
static void problem(struct inspection *in, const char *fmt, ...)
{
    char text[600];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    size_t at = in->report.problem_count;
    const char *copy =
        base_arena_strdup(&in->arena, at + 1 < MAX_PROBLEMS ? text : "more problems, which are left out");
    if (at < MAX_PROBLEMS && copy) { /* the arena knows what was lost */
        in->problems[at] = copy;
        in->report.problem_count++;
    }
}

static struct mien_tower_info tower_info(const struct io_tower_config *t)
{
    return (struct mien_tower_info){t->width, t->layers, t->heads, t->mlp,
                                    t->act == IO_ACT_GELU ? "gelu" : "quick_gelu"};
}

static void report_head(struct inspection *in)
{
    static const char *const kinds[] = {NULL, "regression", "classes"};
    const struct io_head_config *head = &in->config.head;
    struct mien_model_report *r = &in->report;
    const char **names = base_arena_array(&in->arena, (size_t)head->targets + 1, sizeof(*names));
    for (uint32_t i = 0; names && i < head->targets; i++)
        names[i] = head->name[i];
    r->head = kinds[head->kind];
    r->head_hidden = head->hidden;
    r->target_count = names ? head->targets : 0;
    r->targets = names;
}

static void describe(struct inspection *in)
{
    const struct io_clip_config *c = &in->config;
    struct mien_model_report *r = &in->report;
    r->info = (struct mien_model_info){.size = sizeof(r->info),
                                       .embed = c->embed,
                                       .image = c->vision.image,
                                       .patch = c->vision.patch,
                                       .context = c->text.context,
                                       .vocab = c->text.vocab,
                                       .parameters = in->list.elements,
                                       .logit_scale = NAN};
    r->scale = NAN;
    r->image = tower_info(&c->vision.tower);
    r->text = tower_info(&c->text.tower);
    report_head(in);
    r->temporal_layers = c->temporal.layers;
    if (!c->temporal.layers)
        return;
    r->temporal_heads = c->temporal.heads;
    r->temporal_head_dim = c->temporal.head_dim;
    r->temporal_mlp = c->temporal.mlp;
    r->temporal_frames = c->temporal.max_frames - 1;
}

static void write_dims(char *text, size_t size, uint32_t rank, const uint64_t *dims)
{
    size_t at = (size_t)snprintf(text, size, "[");
    for (uint32_t i = 0; i < rank && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%s%llu", i ? "," : "", (unsigned long long)dims[i]);
    if (at < size)
        snprintf(text + at, size - at, "]");
}

/* Positions of another image size: loading resizes them. */
static bool is_grid(const struct io_clip_tensor *want, const struct io_tensor *t)
{
    if (t->rank != 2 || t->dims[1] != want->dims[1] || t->dims[0] < 2 || t->dims[0] > 1 << 20)
        return false;
    uint64_t side = (uint64_t)lround(sqrt((double)t->dims[0] - 1));
    return side * side + 1 == t->dims[0];
}

static void check_shape(struct inspection *in, const struct io_clip_tensor *want, const struct io_tensor *t)
{
    char need[96], have[200];
    bool fits = want->rank == 0 ? t->count == 1 : t->rank == want->rank;
    for (uint32_t i = 0; fits && i < want->rank; i++)
        fits = t->dims[i] == want->dims[i];
    if (fits || (strcmp(want->name, IO_CLIP_VISION_POSITIONS) == 0 && is_grid(want, t)))
        return;
    write_dims(need, sizeof(need), want->rank, want->dims);
    write_dims(have, sizeof(have), t->rank, t->dims);
    problem(in, "tensor %s has shape %s; config.json asks for %s", t->name, have, need);
}

/* Values that are no numbers end every use of the model in nonsense. */
static void check_values(struct inspection *in, const struct io_tensor *t)
{
    uint64_t bad = 0;
    if (t->dtype != IO_F32 && t->dtype != IO_F16 && t->dtype != IO_BF16) {
        problem(in, "tensor %s is %s; F32, F16 or BF16 can be read", t->name, io_dtype_name(t->dtype));
        return;
    }
    for (uint64_t at = 0; at < t->count; at += PIECE) {
        uint64_t n = BASE_MIN((uint64_t)PIECE, t->count - at);
        if (io_tensor_read_raw(t, at, n, in->piece) != MIEN_OK)
            return;
        for (uint64_t i = 0; i < n; i++)
            bad += !isfinite(in->piece[i]);
    }
    if (bad)
        problem(in, "tensor %s has %llu values that are not finite numbers", t->name, (unsigned long long)bad);
    if (strcmp(t->name, "logit_scale") == 0 && t->count == 1) {
        in->report.info.logit_scale = in->piece[0];
        in->report.scale = expf(in->piece[0]);
        if (fabsf(in->piece[0]) > IO_LOGIT_SCALE_MOST)
            problem(in, "logit_scale is %g, whose exponential says nothing; CLIP's is 2.66 to 4.61",
                    (double)in->piece[0]);
    }
}

static void check_tensors(struct inspection *in)
{
    for (size_t i = 0; i < in->list.count; i++) {
        const struct io_tensor *t = io_weights_find(in->weights, in->list.items[i].name);
        if (!t) {
            problem(in, "tensor %s is missing", in->list.items[i].name);
            continue;
        }
        check_shape(in, &in->list.items[i], t);
        check_values(in, t);
    }
    for (size_t i = 0; i < io_weights_count(in->weights); i++) {
        const char *name = io_weights_at(in->weights, i)->name;
        if (!io_clip_tensors_find(&in->list, name) && !io_clip_is_buffer(name))
            problem(in, "tensor %s is not part of a CLIP model with this config.json", name);
    }
}

/* How many tensors of each type, and bytes of all. */
static void count_types(struct inspection *in)
{
    size_t counts[IO_DTYPE_COUNT] = {0}, kinds = 0;
    char text[256] = "";
    for (size_t i = 0; i < io_weights_count(in->weights); i++) {
        const struct io_tensor *t = io_weights_at(in->weights, i);
        counts[t->dtype]++;
        in->report.bytes += t->bytes;
    }
    for (int d = 0; d < IO_DTYPE_COUNT; d++)
        kinds += counts[d] > 0;
    for (int d = 0; d < IO_DTYPE_COUNT; d++) {
        size_t at = strlen(text);
        if (counts[d] && kinds == 1)
            snprintf(text, sizeof(text), "%s", io_dtype_name((enum io_dtype)d));
        else if (counts[d])
            snprintf(text + at, sizeof(text) - at, "%s%s x %zu", at ? ", " : "", io_dtype_name((enum io_dtype)d),
                     counts[d]);
    }
    in->report.tensors = (uint32_t)io_weights_count(in->weights);
    in->report.weights = base_arena_strdup(&in->arena, io_weights_path(in->weights));
    in->report.dtypes = base_arena_strdup(&in->arena, text);
}

/* After a reader whose messages were diverted: its failure is a problem of `what`, else a warning stays one. Memory
 * that ran out is no problem of the file, and comes back. */
static enum mien_status judge(struct inspection *in, enum mien_status status, const char *what)
{
    base_log_divert(NULL, 0);
    if (status == MIEN_ERR_NOMEM)
        return base_fail(status, "%s", in->said);
    if (status != MIEN_OK)
        problem(in, "%s: %s", what, in->said);
    else if (in->said[0])
        LOG_WARN("%s", in->said);
    return MIEN_OK;
}

static enum mien_status check_preprocessor(struct inspection *in, const char *dir)
{
    struct io_preprocess ignored;
    in->report.preprocessor =
        base_file_exists_in(dir, "preprocessor_config.json") || base_file_exists_in(dir, "processor_config.json");
    if (!in->report.preprocessor)
        return MIEN_OK;
    base_log_divert(in->said, sizeof(in->said));
    enum mien_status status = io_preprocess_read(dir, in->config.vision.image, &ignored);
    return judge(in, status,
                 base_file_exists_in(dir, "preprocessor_config.json") ? "preprocessor_config.json cannot be used"
                                                                      : "processor_config.json cannot be used");
}

static enum mien_status check_tokenizer(struct inspection *in, const char *dir)
{
    struct data_tokenizer *t = NULL;
    const struct io_clip_config *c = &in->config;
    char text[USE_FIT_MOST][USE_FIT_TEXT];
    if (!data_tokenizer_there(&(struct base_source){.dir = dir}))
        return MIEN_OK;
    base_log_divert(in->said, sizeof(in->said));
    enum mien_status status = data_tokenizer_load(dir, &t);
    enum mien_status result = judge(in, status, "the tokenizer cannot be read");
    if (status != MIEN_OK)
        return result;
    struct mien_model_report *r = &in->report;
    r->tokenizer = true;
    r->tokens = data_tokenizer_count(t);
    r->start = data_tokenizer_bos(t);
    r->end = data_tokenizer_eos(t);
    r->padding = data_tokenizer_pad(t);
    for (size_t i = use_tokenizer_problems(t, c, text); i > 0; i--)
        problem(in, "%s", text[i - 1]);
    data_tokenizer_destroy(&t);
    return MIEN_OK;
}

static enum mien_status inspect(struct inspection *in, const char *dir)
{
    enum mien_status status = MIEN_OK;
    TRY(base_source_check_dir(dir, "a model is a directory with config.json"));
    TRY(io_clip_config_read(dir, &in->config, NULL));
    TRY(io_weights_open(dir, &in->weights));
    TRY(io_clip_tensors_list(&in->config, &in->list));
    describe(in);
    count_types(in);
    check_tensors(in);
    TRY(check_preprocessor(in, dir));
    TRY(check_tokenizer(in, dir));
fail:
    io_weights_close(&in->weights);
    io_clip_tensors_clear(&in->list);
    return status;
}

enum mien_status mien_model_inspect(const char *dir, struct mien_model_report **out)
{
    enum mien_status status = MIEN_OK;
    struct inspection *in = NULL;
    NEED(out);
    *out = NULL;
    NEED(dir);
    in = base_alloc(1, sizeof(*in));
    FAIL_IF_NULL(in, "a report");
    in->report.problems = in->problems;
    *out = &in->report;
    TRY(inspect(in, dir));
    TRY(base_arena_status(&in->arena));
    return MIEN_OK;
fail:
    if (out)
        mien_model_report_destroy(out);
    return status;
}

void mien_model_report_destroy(struct mien_model_report **report)
{
    if (!report || !*report)
        return;
    struct inspection *in = (struct inspection *)*report;
    base_arena_clear(&in->arena);
    base_free(in);
    *report = NULL;
}
