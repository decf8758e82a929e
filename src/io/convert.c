/* convert.c: whose names a file has, where each tensor is, and whether all is there. */
#include "io/convert.h"

#include <stdlib.h>
#include <string.h>

/* A tensor that every model of that naming has. */
static const char openai_anchor[] = "visual.conv1.weight";
static const char hf_anchor[] = "vision_model.embeddings.patch_embedding.weight";

/* Length of what stands before `anchor` at the end of `name`, or SIZE_MAX. */
static size_t length_before(const char *name, const char *anchor)
{
    size_t a = strlen(name), b = strlen(anchor);
    if (a < b || strcmp(name + a - b, anchor) != 0)
        return SIZE_MAX;
    return a == b || name[a - b - 1] == '.' ? a - b : SIZE_MAX;
}

/* Whether a part of the name, up to `length`, says that it is an average over the steps: "state_dict_ema.",
 * "model_ema.", "ema.", "averaged_model.", "swa_model.". */
static bool is_average(const char *name, size_t length)
{
    static const char *const words[] = {"ema", "averaged", "average", "swa"};
    for (size_t at = 0; at < length;) {
        size_t word = strcspn(name + at, "._");
        for (size_t i = 0; i < BASE_COUNT(words); i++)
            if (strlen(words[i]) == word && at + word <= length && strncmp(name + at, words[i], word) == 0)
                return true;
        at += word + 1;
    }
    return false;
}

/* The lower the sooner is it what a checkpoint is about: the weights that were trained, before their average, and
 * "state_dict" before what else there is. */
static int rank_of(const char *name, size_t length)
{
    return 2 * is_average(name, length) + (length != 0 && strncmp(name, "state_dict.", 11) != 0);
}

/* Sets c->prefix; of several models in a checkpoint one is taken only where its name tells which, and that is said. */
static enum mien_status find_prefix(struct io_conversion *c, const char *anchor, bool *found)
{
    enum mien_status status = MIEN_OK;
    const char *best = NULL, *other = NULL, *path = io_weights_path(c->weights);
    int rank = 0;
    for (size_t i = 0; i < io_weights_count(c->weights); i++) {
        const char *name = io_weights_at(c->weights, i)->name;
        size_t length = length_before(name, anchor);
        if (length == SIZE_MAX)
            continue;
        FAIL_IF(length >= sizeof(c->prefix), MIEN_ERR_DATA, "%s: tensor %s: the name is too long", path, name);
        FAIL_IF(best && rank == rank_of(name, length), MIEN_ERR_DATA,
                "%s: two models: tensors %s and %s; save the one that is meant alone", path, best, name);
        other = best && rank < rank_of(name, length) ? name : best ? best : other;
        if (best && rank < rank_of(name, length))
            continue;
        best = name;
        rank = rank_of(name, length);
        memcpy(c->prefix, name, length);
        c->prefix[length] = '\0';
    }
    if (other) {
        snprintf(c->passed, sizeof(c->passed), "%.*s", (int)length_before(other, anchor), other);
        LOG_WARN(
            "%s: of two models the one with tensor %s is taken, not that with %s; to have the other, save it alone",
            path, best, other);
    }
    *found = best != NULL;
fail:
    return status;
}

static bool has(const struct io_conversion *c, const char *prefix, const char *name)
{
    char full[600];
    snprintf(full, sizeof(full), "%s%s", prefix, name);
    return io_weights_find(c->weights, full) != NULL;
}

/* OpenAI's names: who wrote them? */
static void tell_openai(struct io_conversion *c)
{
    size_t length = strlen(c->prefix), tail = strlen("backbone.");
    const char *file = strrchr(io_weights_path(c->weights), '/');
    file = file ? file + 1 : io_weights_path(c->weights);
    c->custom_text = has(c, c->prefix, "text.token_embedding.weight");
    c->naming = c->prefix[0] || c->custom_text || strstr(file, "open_clip") ? IO_NAMING_OPEN_CLIP : IO_NAMING_OPENAI;
    strcpy(c->outer, c->prefix);
    if (length >= tail && strcmp(c->prefix + length - tail, "backbone.") == 0) {
        c->outer[length - tail] = '\0';
        if (has(c, c->outer, "temporal.cls_token"))
            c->naming = IO_NAMING_EMOCLIP;
    }
    if (has(c, c->prefix, "input_resolution") && has(c, c->prefix, "context_length"))
        c->naming = c->naming == IO_NAMING_EMOCLIP ? IO_NAMING_EMOCLIP : IO_NAMING_OPENAI;
}

static enum mien_status tell_naming(struct io_conversion *c)
{
    enum mien_status status = MIEN_OK;
    bool found;
    TRY(find_prefix(c, hf_anchor, &found));
    if (found) {
        c->naming = IO_NAMING_HF;
        strcpy(c->outer, c->prefix);
        return MIEN_OK;
    }
    TRY(find_prefix(c, openai_anchor, &found));
    FAIL_IF(!found, MIEN_ERR_DATA,
            "%s: neither %s (OpenAI's, open_clip's and EmoCLIP's name) nor %s (Hugging Face's) is among its %zu "
            "tensors; Mien converts CLIP models with a ViT",
            io_weights_path(c->weights), openai_anchor, hf_anchor, io_weights_count(c->weights));
    tell_openai(c);
fail:
    return status;
}

static const struct io_tensor *find(const struct io_conversion *c, const char *a, const char *b, const char *name)
{
    char full[600];
    int length = snprintf(full, sizeof(full), "%s%s%s", a, b, name);
    return length < (int)sizeof(full) ? io_weights_find(c->weights, full) : NULL;
}

const struct io_tensor *io_conversion_openai(const struct io_conversion *c, const char *name)
{
    if (strcmp(name, "logit_scale") == 0) { /* EmoCLIP has one of its own beside its backbone's */
        const struct io_tensor *own = find(c, c->outer, "", name);
        return own ? own : find(c, c->prefix, "", name);
    }
    bool text = strncmp(name, "visual.", 7) != 0;
    return find(c, c->prefix, text && c->custom_text ? "text." : "", name);
}

const struct io_tensor *io_conversion_source(const struct io_conversion *c, const struct io_clip_tensor *want)
{
    if (c->naming == IO_NAMING_HF || !want->openai[0])
        return find(c, c->outer, "", want->name);
    return io_conversion_openai(c, want->openai);
}

/* Shape that the source's tensor must have: that of the source's own sizes, in the source's form. */
static void source_shape(const struct io_conversion *c, const struct io_clip_tensor *want, uint64_t dims[4])
{
    memcpy(dims, want->dims, 4 * sizeof(*dims));
    uint64_t grid = c->from.vision.image / c->from.vision.patch;
    if (strcmp(want->name, IO_CLIP_VISION_POSITIONS) == 0)
        dims[0] = grid * grid + 1;
    if (strcmp(want->name, IO_CLIP_TEXT_POSITIONS) == 0)
        dims[0] = c->from.text.context;
    if (c->naming == IO_NAMING_HF || want->form == IO_CLIP_SAME)
        return;
    if (want->form == IO_CLIP_TRANSPOSED) {
        dims[0] = want->dims[1];
        dims[1] = want->dims[0];
    } else {
        dims[0] *= 3;
    }
}

static void write_shape(char *text, size_t size, uint32_t rank, const uint64_t *dims)
{
    size_t at = (size_t)snprintf(text, size, "[");
    for (uint32_t i = 0; i < rank && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%s%llu", i ? "," : "", (unsigned long long)dims[i]);
    if (at < size)
        snprintf(text + at, size - at, "]");
}

/* Under the name that the checkpoint would give it. */
static enum mien_status check_there(const struct io_conversion *c, const struct io_tensor *t, const char *name)
{
    char full[600];
    const char *prefixes[] = {c->prefix, c->outer}, *other = NULL;
    for (size_t i = 0; i < BASE_COUNT(prefixes) && !t && !other; i++) {
        snprintf(full, sizeof(full), "%s%s", prefixes[i], name);
        other = io_weights_opaque(c->weights, full);
    }
    if (other)
        return base_fail(MIEN_ERR_DATA, "%s: %s is a %s, not a tensor; save the weights as tensors",
                         io_weights_path(c->weights), full, other);
    return t ? MIEN_OK : base_fail(MIEN_ERR_DATA, "%s: tensor %s is missing", io_weights_path(c->weights), name);
}

static enum mien_status check_tensor(const struct io_conversion *c, const struct io_clip_tensor *want,
                                     const struct io_tensor *t)
{
    enum mien_status status = MIEN_OK;
    const char *path = io_weights_path(c->weights);
    uint64_t dims[4];
    char need[96], have[200];
    float scale = 0;
    const char *name = c->naming == IO_NAMING_HF || !want->openai[0] ? want->name : want->openai;
    TRY(check_there(c, t, name));
    FAIL_IF(t->dtype != IO_F32 && t->dtype != IO_F16 && t->dtype != IO_BF16, MIEN_ERR_DATA,
            "%s: tensor %s is %s; F32, F16 or BF16 can be read as weights", path, t->name, io_dtype_name(t->dtype));
    source_shape(c, want, dims);
    bool fits = want->rank == 0 ? t->count == 1 : t->rank == want->rank;
    for (uint32_t i = 0; fits && i < want->rank; i++)
        fits = t->dims[i] == dims[i];
    write_shape(need, sizeof(need), want->rank, dims);
    write_shape(have, sizeof(have), t->rank, t->dims);
    FAIL_IF(!fits, MIEN_ERR_DATA, "%s: tensor %s has shape %s, but the model's sizes ask for %s", path, t->name, have,
            need);
    if (strcmp(want->name, "logit_scale") == 0) {
        TRY(io_tensor_read_f32(t, 0, 1, &scale));
        TRY(io_check_logit_scale(path, (double)scale));
    }
fail:
    return status;
}

static int by_address(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t) * (const void *const *)a, y = (uintptr_t) * (const void *const *)b;
    return x < y ? -1 : x > y;
}

/* Every wanted tensor is there, and nothing of the model is left over. */
static enum mien_status check_all(const struct io_conversion *c)
{
    enum mien_status status = MIEN_OK;
    const struct io_tensor **used = base_alloc(c->list.count, sizeof(*used));
    FAIL_IF_NULL(used, "a conversion");
    for (size_t i = 0; i < c->list.count; i++) {
        used[i] = io_conversion_source(c, &c->list.items[i]);
        TRY(check_tensor(c, &c->list.items[i], used[i]));
    }
    qsort(used, c->list.count, sizeof(*used), by_address);
    for (size_t i = 0; i < io_weights_count(c->weights); i++) {
        const struct io_tensor *t = io_weights_at(c->weights, i);
        bool known = bsearch(&t, used, c->list.count, sizeof(*used), by_address) || io_clip_is_buffer(t->name);
        bool inside = strncmp(t->name, c->outer, strlen(c->outer)) == 0;
        if (c->passed[0] && strncmp(t->name, c->passed, strlen(c->passed)) == 0)
            continue;
        if (known || !inside || (c->naming == IO_NAMING_EMOCLIP && t == find(c, c->prefix, "", "logit_scale")))
            continue;
        FAIL_IF(true, MIEN_ERR_DATA,
                "%s: tensor %s is not part of a CLIP model as Mien knows it; a model with other parts cannot be "
                "converted",
                io_weights_path(c->weights), t->name);
    }
fail:
    base_free(used);
    return status;
}

/* The wish for other sizes, and what follows from it for the preprocessing. */
static enum mien_status apply_wish(struct io_conversion *c, const struct io_convert_wish *wish)
{
    enum mien_status status = MIEN_OK;
    uint32_t patch = c->from.vision.patch, image = wish->image ? wish->image : c->from.vision.image;
    FAIL_IF(wish->dtype != IO_F32 && wish->dtype != IO_F16 && wish->dtype != IO_BF16, MIEN_ERR_ARG,
            "weights are written as F32, F16 or BF16, not %s", io_dtype_name(wish->dtype));
    FAIL_IF(wish->image && (image < patch || image % patch || image > 1 << 14), MIEN_ERR_ARG,
            "an image of %u pixels is not a whole number of patches of %u; take %u", image, patch,
            BASE_MAX(image / patch * patch, patch));
    FAIL_IF(wish->context && (wish->context < 3 || wish->context > 1 << 16), MIEN_ERR_ARG,
            "a context of %u tokens is impossible; CLIP has 77, Long-CLIP 248", wish->context);
    c->config = c->from;
    c->config.vision.image = image;
    if (wish->context)
        c->config.text.context = wish->context;
    if (image != c->from.vision.image) {
        c->preprocess.size = (uint32_t)((uint64_t)c->preprocess.size * image / c->from.vision.image);
        c->preprocess.crop = image;
        c->preprocess.size = BASE_MAX(c->preprocess.size, image);
    }
    c->dtype = wish->dtype;
fail:
    return status;
}

enum mien_status io_conversion_open(const char *source, const struct io_convert_wish *wish, struct io_conversion **out)
{
    enum mien_status status = MIEN_OK;
    *out = NULL;
    struct io_conversion *c = base_alloc(1, sizeof(*c));
    FAIL_IF_NULL(c, "a conversion");
    TRY(io_weights_open(source, &c->weights));
    c->dir = base_path_dir(io_weights_path(c->weights));
    FAIL_IF_NULL(c->dir, "a conversion");
    TRY(tell_naming(c));
    TRY(io_conversion_sizes(c, wish));
    TRY(apply_wish(c, wish));
    TRY(io_clip_config_check(&c->config, io_weights_path(c->weights)));
    TRY(io_clip_tensors_list(&c->config, &c->list));
    TRY(check_all(c));
    *out = c;
    return MIEN_OK;
fail:
    io_conversion_close(&c);
    return status;
}

void io_conversion_close(struct io_conversion **conversion)
{
    if (!conversion || !*conversion)
        return;
    struct io_conversion *c = *conversion;
    io_weights_close(&c->weights);
    io_clip_tensors_clear(&c->list);
    cJSON_Delete(c->extra);
    base_free(c->dir);
    base_free(c);
    *conversion = NULL;
}
