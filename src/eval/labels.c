/* labels.c: labels in an open vocabulary: their embeddings by templates, and probabilities. */
#include "eval/model_use.h"

#include <math.h>
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

/* texts[label * templates + template] */
static enum mien_status fill_templates(struct base_arena *arena, const char *const *labels, size_t label_count,
                                       const char *const *templates, size_t template_count, const char **texts)
{
    enum mien_status status = MIEN_OK;
    for (size_t j = 0; j < template_count; j++)
        FAIL_IF(!strstr(templates[j], "{}"), MIEN_ERR_ARG, "template \"%s\" has no {} for the label", templates[j]);
    for (size_t i = 0; i < label_count; i++) {
        for (size_t j = 0; j < template_count; j++) {
            texts[i * template_count + j] = apply(arena, templates[j], labels[i]);
            FAIL_IF_NULL(texts[i * template_count + j], "label texts");
        }
    }
fail:
    return status;
}

/* rows [label_count * template_count, width], of unit length -> out [label_count, width], of unit length */
static void average(const float *rows, size_t label_count, size_t template_count, uint32_t width, float *out)
{
    for (size_t i = 0; i < label_count; i++) {
        for (uint32_t k = 0; k < width; k++) {
            double sum = 0;
            for (size_t j = 0; j < template_count; j++)
                sum += (double)rows[(i * template_count + j) * width + k];
            out[i * width + k] = (float)(sum / (double)template_count);
        }
    }
    nn_normalise_rows(out, (uint32_t)label_count, width);
}

enum mien_status mien_model_embed_labels(struct mien_model *model, const char *const *labels, size_t label_count,
                                         const char *const *templates, size_t template_count, float *out)
{
    enum mien_status status = MIEN_OK;
    struct base_arena arena = {0};
    uint32_t width = model->nn->config.embed;
    float *rows = NULL;
    const char **texts = NULL;
    if (!templates)
        templates = mien_default_templates(&template_count);
    FAIL_IF(!labels || !out || label_count == 0 || template_count == 0, MIEN_ERR_ARG,
            "no labels or no templates to embed, or no place for the result");
    texts = base_arena_array(&arena, label_count * template_count, sizeof(*texts));
    rows = base_alloc(label_count * template_count * width, sizeof(*rows));
    FAIL_IF(!texts || !rows, MIEN_ERR_NOMEM, "out of host memory for the labels' texts");
    TRY(fill_templates(&arena, labels, label_count, templates, template_count, texts));
    TRY(mien_model_embed_texts(model, texts, label_count * template_count, 0, rows));
    average(rows, label_count, template_count, width, out);
fail:
    base_free(rows);
    base_arena_clear(&arena);
    return status;
}

void mien_model_scores(const struct mien_model *model, const float *image_embed, const float *label_embeds,
                       size_t label_count, float *out)
{
    uint32_t width = model->nn->config.embed;
    double scale = exp((double)model->logit_scale), total = 0, top = -INFINITY;
    for (size_t i = 0; i < label_count; i++) {
        double dot = 0;
        for (uint32_t k = 0; k < width; k++)
            dot += (double)image_embed[k] * (double)label_embeds[i * width + k];
        out[i] = (float)(scale * dot);
        top = fmax(top, (double)out[i]);
    }
    for (size_t i = 0; i < label_count; i++)
        total += exp((double)out[i] - top);
    for (size_t i = 0; i < label_count; i++)
        out[i] = (float)(exp((double)out[i] - top) / total);
}
