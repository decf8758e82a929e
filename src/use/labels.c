/* labels.c: labels in an open vocabulary: their embeddings by templates, and probabilities. */
#include "use/use.h"

#include "data/manifest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sentences that say what a face shows, in different words; {} is the label. */
static const char *const default_templates[] = {
    "{}.",
    "a face showing {}.",
    "a person who looks full of {}.",
    "the expression on this face is {}.",
    "a close view of somebody expressing {}.",
};

const char *const *mien_default_templates(size_t *count)
{
    if (count)
        *count = BASE_COUNT(default_templates);
    return default_templates;
}

/* The template with every {} replaced; NULL when out of memory. */
static const char *apply(struct base_arena *arena, const char *template, const char *label)
{
    size_t size = strlen(template) + 1, at = 0;
    for (const char *hole = template; (hole = strstr(hole, "{}")); hole += 2)
        size += strlen(label);
    char *text = base_arena_alloc(arena, size);
    if (!text)
        return NULL;
    for (const char *c = template; *c;) {
        if (c[0] == '{' && c[1] == '}') {
            memcpy(text + at, label, strlen(label));
            at += strlen(label);
            c += 2;
        } else {
            text[at++] = *c++;
        }
    }
    text[at] = 0;
    return text;
}

/* All labels' sentences in one row of texts. */
struct sentences {
    struct base_arena arena;
    const char **texts;
    size_t *first; /* [labels + 1] where a label's sentences begin */
    size_t count, capacity;
};

static enum mien_status add_sentence(struct sentences *s, const char *text)
{
    enum mien_status status = MIEN_OK;
    FAIL_IF_NULL(text, "label texts");
    TRY(base_grow(&s->texts, &s->capacity, s->count + 1, sizeof(*s->texts)));
    s->texts[s->count++] = text;
fail:
    return status;
}

static enum mien_status add_templates(struct sentences *s, const char *name, const struct mien_labels_params *p)
{
    enum mien_status status = MIEN_OK;
    for (size_t j = 0; j < p->template_count; j++)
        TRY(add_sentence(s, apply(&s->arena, p->templates[j], name)));
fail:
    return status;
}

/* null, "", blanks, and lists of nothing else, as in a manifest. */
static bool is_absent(const cJSON *item)
{
    const cJSON *one;
    if (!item || cJSON_IsNull(item) || (cJSON_IsString(item) && data_is_blank(item->valuestring)))
        return true;
    if (!cJSON_IsArray(item) || cJSON_GetArraySize(item) == 0)
        return false;
    cJSON_ArrayForEach(one, item)
    {
        if (!is_absent(one))
            return false;
    }
    return true;
}

/* The sentences of a label in a file of descriptions: "text" or ["text", ...]. */
static enum mien_status add_description(struct sentences *s, const char *path, const char *name, const cJSON *item)
{
    enum mien_status status = MIEN_OK;
    const cJSON *one = NULL;
    if (cJSON_IsString(item)) {
        TRY(add_sentence(s, base_arena_strdup(&s->arena, item->valuestring)));
        return MIEN_OK;
    }
    FAIL_IF(!cJSON_IsArray(item) || cJSON_GetArraySize(item) == 0, MIEN_ERR_DATA,
            "%s: \"%s\" must be a text or a list of texts", path, name);
    cJSON_ArrayForEach(one, item)
    {
        if (is_absent(one))
            continue;
        FAIL_IF(!cJSON_IsString(one), MIEN_ERR_DATA, "%s: \"%s\" must be a text or a list of texts", path, name);
        TRY(add_sentence(s, base_arena_strdup(&s->arena, one->valuestring)));
    }
fail:
    return status;
}

static enum mien_status add_label(struct sentences *s, const struct mien_label *label, const cJSON *described,
                                  const struct mien_labels_params *p)
{
    enum mien_status status = MIEN_OK;
    const cJSON *item = NULL;
    FAIL_IF(!label->name || !*label->name, MIEN_ERR_ARG, "a label has no name");
    for (size_t i = 0; i < BASE_COUNT(label->reserved); i++)
        FAIL_IF(label->reserved[i], MIEN_ERR_ARG, "label \"%s\": reserved members must be 0", label->name);
    FAIL_IF(label->texts && label->text_count == 0, MIEN_ERR_ARG, "label \"%s\" has an empty list of texts",
            label->name);
    FAIL_IF(!label->texts && label->text_count, MIEN_ERR_ARG, "label \"%s\" has %zu texts that are not there (NULL)",
            label->name, label->text_count);
    if (label->texts) {
        for (size_t j = 0; j < label->text_count; j++) {
            FAIL_IF(!label->texts[j], MIEN_ERR_ARG, "text %zu of label \"%s\" is NULL", j, label->name);
            TRY(add_sentence(s, label->texts[j]));
        }
        return MIEN_OK;
    }
    item = described ? cJSON_GetObjectItemCaseSensitive(described, label->name) : NULL;
    if (!is_absent(item))
        return add_description(s, p->descriptions, label->name, item);
    if (described)
        LOG_WARN("%s: no description of \"%s\"; the templates are used for it", p->descriptions, label->name);
    return add_templates(s, label->name, p);
fail:
    return status;
}

static enum mien_status collect(struct sentences *s, const struct mien_label *labels, size_t count,
                                const struct mien_labels_params *p)
{
    enum mien_status status = MIEN_OK;
    cJSON *described = NULL;
    for (size_t j = 0; j < p->template_count; j++)
        FAIL_IF(!p->templates[j] || !strstr(p->templates[j], "{}"), MIEN_ERR_ARG,
                "template \"%s\" has no {} for the label", p->templates[j] ? p->templates[j] : "");
    if (p->descriptions) {
        TRY(base_json_read(p->descriptions, &described));
        FAIL_IF(!cJSON_IsObject(described), MIEN_ERR_DATA,
                "%s: descriptions are an object: {\"label\": \"text\" or [\"text\", ...]}", p->descriptions);
    }
    s->first = base_arena_array(&s->arena, count + 1, sizeof(*s->first));
    FAIL_IF_NULL(s->first, "labels");
    for (size_t i = 0; i < count; i++) {
        TRY(add_label(s, &labels[i], described, p));
        s->first[i + 1] = s->count;
    }
fail:
    cJSON_Delete(described);
    return status;
}

static void forget(struct sentences *s)
{
    base_free(s->texts);
    base_arena_clear(&s->arena);
}

/* rows [sentences,E], of unit length -> out [count,E], their mean by label. The mean of scores is the score of the
 * mean, so that averaging scores needs no more than leaving its length alone. */
static void average(const struct sentences *s, const float *rows, size_t count, uint32_t embed, bool unit, float *out)
{
    for (size_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < embed; k++) {
            double sum = 0;
            for (size_t j = s->first[i]; j < s->first[i + 1]; j++)
                sum += (double)rows[j * embed + k];
            out[i * embed + k] = (float)(sum / (double)(s->first[i + 1] - s->first[i]));
        }
    }
    if (unit)
        nn_normalise_rows(out, (uint32_t)count, embed);
}

/* ---- labels that are one ---- */

/* `texts` of all labels, those of label i from first[i] on (NULL: one each). */
static enum mien_status check_same(const struct data_tokenizer *tokenizer, uint32_t context,
                                   const struct mien_label *labels, size_t count, const char *const *texts,
                                   const size_t *first)
{
    enum mien_status status = MIEN_OK;
    uint32_t *same = base_alloc(count + 1, sizeof(*same));
    FAIL_IF_NULL(same, "labels");
    TRY(use_same_texts(tokenizer, context, texts, first, count, same));
    for (size_t i = 0; i < count; i++)
        FAIL_IF(same[i] != i, MIEN_ERR_ARG, "labels \"%s\" and \"%s\" are the same to the model (the same tokens%s)%s",
                labels[same[i]].name, labels[i].name, first ? " in all their sentences, which end at the context" : "",
                first ? "; give them other names or sentences" : "; give both one name");
fail:
    base_free(same);
    return status;
}

/* By their names, and by what is embedded for them. */
static enum mien_status check_sentences(const struct data_tokenizer *tokenizer, uint32_t context,
                                        const struct mien_label *labels, size_t count, const struct sentences *s)
{
    enum mien_status status = MIEN_OK;
    const char **names = base_alloc(count + 1, sizeof(*names));
    FAIL_IF_NULL(names, "labels");
    for (size_t i = 0; i < count; i++)
        names[i] = labels[i].name;
    TRY(check_same(tokenizer, context, labels, count, names, NULL));
    TRY(check_same(tokenizer, context, labels, count, s->texts, s->first));
fail:
    base_free(names);
    return status;
}

enum mien_status use_check_labels(const struct data_tokenizer *tokenizer, uint32_t context,
                                  const struct mien_label *labels, size_t count,
                                  const struct mien_labels_params *params)
{
    enum mien_status status = MIEN_OK;
    struct mien_labels_params p = params ? *params : (struct mien_labels_params){0};
    struct sentences s = {0};
    if (!p.templates)
        p.templates = mien_default_templates(&p.template_count);
    TRY(collect(&s, labels, count, &p));
    TRY(check_sentences(tokenizer, context, labels, count, &s));
fail:
    forget(&s);
    return status;
}

enum mien_status use_embed_labels(struct mien_model *model, const struct mien_label *labels, size_t count,
                                  const struct mien_labels_params *params, float *out)
{
    enum mien_status status = MIEN_OK;
    struct mien_labels_params p = params ? *params : (struct mien_labels_params){0};
    uint32_t embed = model->nn->config.embed;
    struct sentences s = {0};
    float *rows = NULL;
    FAIL_IF(!p.templates && p.template_count, MIEN_ERR_ARG, "%zu templates that are not there (NULL)",
            p.template_count);
    if (!p.templates)
        p.templates = mien_default_templates(&p.template_count);
    FAIL_IF(count == 0 || count > UINT32_MAX || p.template_count == 0, MIEN_ERR_ARG,
            "no labels or no templates to embed");
    FAIL_IF(p.average != MIEN_AVERAGE_EMBEDS && p.average != MIEN_AVERAGE_LOGITS, MIEN_ERR_ARG,
            "labels are averaged by embeddings or by logits, not by %d", (int)p.average);
    TRY(collect(&s, labels, count, &p));
    TRY(use_tokenizer_needed(model->tokenizer, model->name));
    TRY(check_sentences(model->tokenizer, model->nn->config.text.context, labels, count, &s));
    rows = base_alloc(s.count * embed, sizeof(*rows));
    FAIL_IF_NULL(rows, "the labels' embeddings");
    TRY(mien_model_embed_texts(model, s.texts, s.count, 0, rows));
    average(&s, rows, count, embed, p.average == MIEN_AVERAGE_EMBEDS, out);
fail:
    base_free(rows);
    forget(&s);
    return status;
}

enum mien_status mien_model_embed_labels(struct mien_model *model, const char *const *labels, size_t label_count,
                                         const char *const *templates, size_t template_count, float *out)
{
    enum mien_status status = MIEN_OK;
    struct mien_labels_params params = {
        .size = sizeof(params), .templates = templates, .template_count = template_count};
    struct mien_label *named = NULL;
    NEED(model && labels && out && label_count <= UINT32_MAX);
    named = base_alloc(label_count + 1, sizeof(*named));
    FAIL_IF_NULL(named, "labels");
    for (size_t i = 0; i < label_count; i++)
        named[i].name = labels[i];
    TRY(use_embed_labels(model, named, label_count, &params, out));
fail:
    base_free(named);
    return use_ended(model, status);
}

/* ---- labels that are kept ---- */

struct mien_labels {
    const struct mien_model *model;
    size_t count;
    float *embeds; /* [count,E] */
};

enum mien_status mien_labels_create(struct mien_model *model, const struct mien_label *labels, size_t count,
                                    const struct mien_labels_params *given, struct mien_labels **out)
{
    enum mien_status status = MIEN_OK;
    struct mien_labels *made = NULL;
    struct mien_labels_params params;
    NEED(out);
    *out = NULL;
    NEED(model && labels && count);
    TRY(SIZED_READ(&params, given));
    made = base_alloc(1, sizeof(*made));
    FAIL_IF_NULL(made, "labels");
    *made = (struct mien_labels){.model = model, .count = count};
    made->embeds = base_alloc(count * model->nn->config.embed, sizeof(float));
    FAIL_IF_NULL(made->embeds, "labels");
    TRY(use_embed_labels(model, labels, count, &params, made->embeds));
    *out = made;
    return MIEN_OK;
fail:
    mien_labels_destroy(&made);
    return use_ended(model, status);
}

void mien_labels_destroy(struct mien_labels **labels)
{
    if (!labels || !*labels)
        return;
    base_free((*labels)->embeds);
    base_free(*labels);
    *labels = NULL;
}

enum mien_status mien_labels_scores(const struct mien_labels *labels, const float *embed, float *out)
{
    enum mien_status status = MIEN_OK;
    NEED(labels && embed && out);
    return mien_model_scores(labels->model, embed, labels->embeds, labels->count, out);
fail:
    return status;
}

enum mien_status mien_model_scores(const struct mien_model *model, const float *image_embed, const float *label_embeds,
                                   size_t label_count, float *out)
{
    enum mien_status status = MIEN_OK;
    NEED(model && image_embed && (!label_count || (label_embeds && out)));
    uint32_t width = model->nn->config.embed;
    double scale = exp((double)model->logit_scale), total = 0, top = -INFINITY;
    for (size_t i = 0; i < label_count; i++) {
        double dot = 0;
        for (uint32_t k = 0; k < width; k++)
            dot += (double)image_embed[k] * (double)label_embeds[i * width + k];
        out[i] = (float)(scale * dot);
        FAIL_IF(!isfinite(out[i]), MIEN_ERR_FAILED,
                "the score of label %zu is not finite; nor are the embeddings given", i);
        top = fmax(top, (double)out[i]);
    }
    for (size_t i = 0; i < label_count; i++)
        total += exp((double)out[i] - top);
    for (size_t i = 0; i < label_count; i++)
        out[i] = (float)(exp((double)out[i] - top) / total);
fail:
    return status;
}
