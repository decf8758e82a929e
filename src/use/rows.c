/* rows.c: the rows of a split, and what they are as inputs. */
#include "use/rows.h"

#include <string.h>

/* A row without a split is one of train and of val, as data.train and data.val of a training have it: so numbers of the
 * one and of the other are about the same rows. */
static const struct {
    const char *name;
    enum data_split split;
    bool absent_too;
} splits[] = {{"test", DATA_SPLIT_TEST, false},
              {"val", DATA_SPLIT_VAL, true},
              {"all", DATA_SPLIT_NONE, true},
              {"train", DATA_SPLIT_TRAIN, true}};

static enum mien_status select_split(struct use_rows *r, size_t which, bool (*usable)(const struct data_row *row))
{
    size_t kept = 0;
    base_free(r->rows);
    r->rows = NULL;
    enum mien_status status =
        data_manifest_select(r->manifest, splits[which].split, splits[which].absent_too, &r->rows, &r->count);
    if (status != MIEN_OK)
        return status;
    for (size_t i = 0; i < r->count; i++) {
        if (!usable || usable(&r->manifest->rows[r->rows[i]]))
            r->rows[kept++] = r->rows[i];
    }
    r->count = kept;
    r->split = splits[which].name;
    return MIEN_OK;
}

/* Whether some row names the split: rows without one do not make a manifest one of the val split. */
static bool is_named(const struct use_rows *r, size_t which)
{
    bool named = splits[which].split == DATA_SPLIT_NONE;
    for (size_t i = 0; i < r->count && !named; i++)
        named = r->manifest->rows[r->rows[i]].split == splits[which].split;
    return named;
}

enum mien_status use_rows_read(const char *manifest, const char *split, bool (*usable)(const struct data_row *row),
                               const char *what, struct use_rows *out)
{
    enum mien_status status = MIEN_OK;
    bool known = !split;
    *out = (struct use_rows){.columns = out->columns, .quiet = out->quiet};
    TRY(data_manifest_read_as(manifest, out->columns, out->quiet, &out->manifest));
    /* Nobody means the train split who names none. */
    for (size_t i = 0; i < BASE_COUNT(splits) - (split ? 0 : 1) && out->count == 0; i++) {
        if (split && strcmp(split, splits[i].name) != 0)
            continue;
        known = true;
        TRY(select_split(out, i, usable));
        if (!split && !is_named(out, i))
            out->count = 0;
    }
    FAIL_IF(!known, MIEN_ERR_ARG, "unknown split \"%s\"; it is one of: train, val, test, all", split);
    FAIL_IF(out->count == 0, MIEN_ERR_DATA, "%s: no %s in split %s", out->manifest->path, what,
            split ? split : "test, val or all");
    TRY(data_pack_open(out->manifest, &out->pack));
    return MIEN_OK;
fail:
    use_rows_clear(out);
    return status;
}

void use_rows_clear(struct use_rows *rows)
{
    data_pack_close(&rows->pack);
    base_free(rows->rows);
    data_manifest_destroy(&rows->manifest);
    *rows = (struct use_rows){0};
}

const char *use_row_path(const struct data_row *row)
{
    return row->image ? row->image : row->video ? row->video : row->frames_dir ? row->frames_dir : row->frames[0];
}

/* ---- rows as inputs ---- */

static enum mien_status make_input(const struct data_row *row, struct base_arena *arena, struct mien_input *out)
{
    enum mien_status status = MIEN_OK;
    struct mien_input *frames = NULL;
    *out = (struct mien_input){
        .path = row->image, .video = row->video, .directory = row->frames_dir, .has_box = row->has_box};
    memcpy(out->box, row->box, sizeof(out->box));
    if (row->image || row->video || row->frames_dir)
        return MIEN_OK;
    frames = base_arena_array(arena, row->frame_count, sizeof(*frames));
    FAIL_IF_NULL(frames, "a clip's frames");
    for (uint32_t i = 0; i < row->frame_count; i++)
        frames[i].path = row->frames[i];
    out->frames = frames;
    out->frame_count = row->frame_count;
fail:
    return status;
}

enum mien_status use_rows_feed(const struct use_rows *rows, uint32_t flags, struct base_arena *arena,
                               struct use_feed *out)
{
    enum mien_status status = MIEN_OK;
    struct mien_input *inputs = base_arena_array(arena, rows->count, sizeof(*inputs));
    FAIL_IF_NULL(inputs, "a list of pictures");
    for (size_t i = 0; i < rows->count; i++)
        TRY(make_input(&rows->manifest->rows[rows->rows[i]], arena, &inputs[i]));
    *out = (struct use_feed){.inputs = inputs, .count = rows->count, .rows = rows->rows};
    bool packed = !(flags & (MIEN_NO_EXIF | MIEN_JPEG_DRAFT)); /* packed pictures are turned, and whole */
    out->pack = packed ? rows->pack : NULL;
fail:
    return status;
}

static enum mien_status embed_rows(struct mien_model *model, const struct use_rows *rows,
                                   const struct mien_embed_params *params, uint32_t raw, float *out, bool *ok)
{
    enum mien_status status = MIEN_OK;
    struct base_arena arena = {0};
    struct use_feed feed;
    struct mien_embed_params p = *params;
    p.flags = (p.flags & ~(uint32_t)MIEN_RAW) | raw;
    p.ok = ok;
    TRY(use_rows_feed(rows, p.flags, &arena, &feed));
    TRY(use_embed_into(model, &feed, &p, out));
fail:
    base_arena_clear(&arena);
    return status;
}

enum mien_status use_embed_rows(struct mien_model *model, const struct use_rows *rows,
                                const struct mien_embed_params *params, float *out, bool *ok)
{
    return embed_rows(model, rows, params, 0, out, ok);
}

enum mien_status use_embed_rows_raw(struct mien_model *model, const struct use_rows *rows,
                                    const struct mien_embed_params *params, float *out, bool *ok)
{
    return embed_rows(model, rows, params, MIEN_RAW, out, ok);
}

/* ---- arithmetic ---- */

double use_dot(const float *a, const float *b, uint32_t width)
{
    double sum = 0;
    for (uint32_t k = 0; k < width; k++)
        sum += (double)a[k] * (double)b[k];
    return sum;
}

void use_mean(const float *rows, size_t count, uint32_t width, float *out)
{
    for (uint32_t k = 0; k < width; k++) {
        double sum = 0;
        for (size_t i = 0; i < count; i++)
            sum += (double)rows[i * width + k];
        out[k] = (float)(sum / (double)count);
    }
}

char *use_copy_text(const char *text)
{
    char *copy = base_alloc(strlen(text) + 1, 1);
    return copy ? strcpy(copy, text) : NULL;
}
