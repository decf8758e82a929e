/* manifest_write.c: a sample as one object of a manifest. */
#include "data/manifest.h"

static void put_texts(struct base_json *o, const char *key, const char *const *texts, uint32_t count)
{
    if (count)
        base_put_texts(o, key, texts, count);
}

static void put_values(struct base_json *o, const char *key, const struct data_value *values, uint32_t count)
{
    if (!values)
        return;
    struct base_json inner = base_json_object_begin();
    for (uint32_t i = 0; i < count; i++)
        base_put_number(&inner, values[i].name, values[i].value);
    base_put_tree(o, key, &inner);
}

static void put_caption(struct base_json *o, const struct data_caption *c)
{
    if (c->whole || !(c->global || c->local_count || c->summary)) {
        base_put_text(o, "caption", c->whole);
        return;
    }
    struct base_json levels = base_json_object_begin();
    base_put_text(&levels, "global", c->global);
    put_texts(&levels, "local", c->local, c->local_count);
    base_put_text(&levels, "summary", c->summary);
    base_put_tree(o, "caption", &levels);
}

static void put_source(struct base_json *o, const struct data_row *row)
{
    base_put_text(o, "image", row->image);
    base_put_text(o, "video", row->video);
    base_put_text(o, "frames", row->frames_dir);
    put_texts(o, "frames", row->frames, row->frame_count);
    if (row->has_box)
        base_put(o, "box", cJSON_CreateIntArray(row->box, 4));
}

static void put_question(struct base_json *o, const struct data_row *row)
{
    base_put_text(o, "question", row->question);
    put_texts(o, "options", row->options, row->option_count);
    if (row->option_count && row->answer >= 0)
        base_put_number(o, "answer", row->answer);
}

cJSON *data_row_json(const struct data_row *row)
{
    static const char *const splits[] = {NULL, "train", "val", "test"};
    struct base_json o = base_json_object_begin();
    put_source(&o, row);
    put_caption(&o, &row->caption);
    if (row->label_count == 1)
        base_put_text(&o, "label", row->labels[0]);
    else
        put_texts(&o, "label", row->labels, row->label_count);
    if (row->has_va)
        base_put_numbers(&o, "va", row->va, 2);
    put_values(&o, "au", row->aus, row->au_count);
    put_values(&o, "targets", row->targets, row->target_count);
    put_question(&o, row);
    base_put_text(&o, "subject", row->subject);
    if (row->fold > 0)
        base_put_number(&o, "fold", row->fold);
    base_put_text(&o, "split", splits[row->split]);
    return base_json_end(&o);
}
