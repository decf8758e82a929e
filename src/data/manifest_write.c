/* manifest_write.c: a sample as one object of a manifest. */
#include "data/manifest.h"

/* An object under construction: a failure sticks. */
struct writer {
    cJSON *object;
    bool ok;
};

static void put(struct writer *w, const char *key, cJSON *item)
{
    w->ok = w->ok && item && cJSON_AddItemToObject(w->object, key, item);
    if (!w->ok)
        cJSON_Delete(item);
}

static void put_text(struct writer *w, const char *key, const char *text)
{
    if (text)
        put(w, key, cJSON_CreateString(text));
}

static void put_texts(struct writer *w, const char *key, const char *const *texts, uint32_t count)
{
    if (count)
        put(w, key, cJSON_CreateStringArray(texts, (int)count));
}

static void put_values(struct writer *w, const char *key, const struct data_value *values, uint32_t count)
{
    if (!values)
        return;
    struct writer inner = {cJSON_CreateObject(), true};
    for (uint32_t i = 0; i < count; i++)
        put(&inner, values[i].name, cJSON_CreateNumber(values[i].value));
    w->ok = w->ok && inner.ok;
    put(w, key, inner.object);
}

static void put_caption(struct writer *w, const struct data_caption *c)
{
    struct writer levels = {NULL, true};
    if (c->whole || !(c->global || c->local_count || c->summary)) {
        put_text(w, "caption", c->whole);
        return;
    }
    levels.object = cJSON_CreateObject();
    put_text(&levels, "global", c->global);
    put_texts(&levels, "local", c->local, c->local_count);
    put_text(&levels, "summary", c->summary);
    w->ok = w->ok && levels.ok;
    put(w, "caption", levels.object);
}

static void put_source(struct writer *w, const struct data_row *row)
{
    put_text(w, "image", row->image);
    put_text(w, "video", row->video);
    put_text(w, "frames", row->frames_dir);
    put_texts(w, "frames", row->frames, row->frame_count);
    if (row->has_box)
        put(w, "box", cJSON_CreateIntArray(row->box, 4));
}

static void put_question(struct writer *w, const struct data_row *row)
{
    put_text(w, "question", row->question);
    put_texts(w, "options", row->options, row->option_count);
    if (row->option_count && row->answer >= 0)
        put(w, "answer", cJSON_CreateNumber(row->answer));
}

cJSON *data_row_json(const struct data_row *row)
{
    static const char *const splits[] = {NULL, "train", "val", "test"};
    struct writer w = {cJSON_CreateObject(), true};
    put_source(&w, row);
    put_caption(&w, &row->caption);
    if (row->label_count == 1)
        put_text(&w, "label", row->labels[0]);
    else
        put_texts(&w, "label", row->labels, row->label_count);
    if (row->has_va)
        put(&w, "va", cJSON_CreateDoubleArray(row->va, 2));
    put_values(&w, "au", row->aus, row->au_count);
    put_values(&w, "targets", row->targets, row->target_count);
    put_question(&w, row);
    put_text(&w, "subject", row->subject);
    if (row->fold > 0)
        put(&w, "fold", cJSON_CreateNumber(row->fold));
    put_text(&w, "split", splits[row->split]);
    if (!w.ok) {
        cJSON_Delete(w.object);
        return NULL;
    }
    return w.object;
}
