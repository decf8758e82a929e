/* scorer.c: nearest class, confusion. */
#include "use/scorer.h"

#include "use/rows.h"

enum mien_status use_scorer_create(struct mien_model *model, const struct use_classes *classes,
                                   const struct mien_labels_params *params, struct use_scorer *out)
{
    enum mien_status status = MIEN_OK;
    *out = (struct use_scorer){.classes = classes, .width = model->nn->config.embed};
    out->embeds = base_alloc((size_t)classes->count * out->width + 1, sizeof(*out->embeds));
    FAIL_IF_NULL(out->embeds, "the classes' embeddings");
    TRY(use_classes_embed(classes, model, params, out->embeds));
    return MIEN_OK;
fail:
    use_scorer_clear(out);
    return status;
}

void use_scorer_clear(struct use_scorer *scorer)
{
    base_free(scorer->embeds);
    *scorer = (struct use_scorer){0};
}

static uint32_t nearest(const struct use_scorer *s, const float *embed)
{
    uint32_t best = 0;
    double most = 0;
    for (uint32_t c = 0; c < s->classes->count; c++) {
        double cosine = use_dot(embed, s->embeds + (size_t)c * s->width, s->width);
        if (c == 0 || cosine > most) {
            most = cosine;
            best = c;
        }
    }
    return best;
}

enum mien_status use_scorer_run(const struct use_scorer *scorer, const struct use_scored *rows, uint32_t *prediction,
                                struct use_confusion *out)
{
    enum mien_status status = use_confusion_create(scorer->classes->count, out);
    if (status != MIEN_OK)
        return status;
    for (size_t i = 0; i < rows->count; i++) {
        uint32_t answer = nearest(scorer, rows->embeds + i * scorer->width);
        if (prediction)
            prediction[i] = answer;
        if (rows->ok[i] && rows->truth[i] != USE_NO_CLASS)
            use_confusion_add(out, (uint32_t)rows->truth[i], answer);
    }
    return MIEN_OK;
}
