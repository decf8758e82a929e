/* import_shards.c: a manifest's samples as tar files in WebDataset's layout, which training reads in their order. */
#include "data/frames.h"
#include "data/import.h"
#include "data/shards.h"

#include <string.h>

enum { SHARD_SIZE = 1000, MOST_WIDTH = 20 };

/* Where the shards' number stands in their name. */
struct pattern {
    const char *text;
    size_t before; /* bytes of text before it */
    const char *after;
    int width;
};

struct packing {
    struct import *in;
    struct pattern pattern;
    uint64_t size; /* samples of a shard */
    struct data_manifest *manifest;
    struct base_stage *stage; /* all shards are made there first */
    struct base_out *out;     /* the one under construction */
    uint64_t shards;          /* begun */
    uint64_t count;           /* samples written */
};

/* ---- names ---- */

/* "x-%06d.tar": one %d, with a width or without, in the last part of the path. */
static enum mien_status read_pattern(const char *text, struct pattern *p)
{
    enum mien_status status = MIEN_OK;
    const char *slash = strrchr(text, '/'), *percent = strchr(slash ? slash : text, '%'),
               *at = percent ? percent + 1 : NULL;
    *p = (struct pattern){.text = text, .before = percent ? (size_t)(percent - text) : 0};
    for (; at && *at >= '0' && *at <= '9' && p->width <= MOST_WIDTH; at++)
        p->width = p->width * 10 + (*at - '0');
    FAIL_IF(!at || *at != 'd' || strchr(at, '%') || p->width > MOST_WIDTH || !data_is_shards(at) ||
                !base_path_ends(at, (const char *const[]){".tar", NULL}),
            MIEN_ERR_ARG, "%s: shards are named by their number: -o 'x-%%06d.tar'", text);
    p->after = at + 1;
fail:
    return status;
}

/* The path of shard `index`, in the arena of the import. */
static const char *path_of(struct packing *p, uint64_t index)
{
    return base_arena_printf(&p->in->arena, "%.*s%0*llu%s", (int)p->pattern.before, p->pattern.text,
                             BASE_MAX(p->pattern.width, 1), (unsigned long long)index, p->pattern.after);
}

/* The same while it is made. */
static const char *staged(struct packing *p, uint64_t index)
{
    return base_arena_printf(&p->in->arena, "%s/%llu.tar", base_stage_dir(p->stage), (unsigned long long)index);
}

/* Nothing is replaced, and no shard of another set is to stand behind the last one. */
static enum mien_status check_free(struct packing *p, uint64_t shards)
{
    enum mien_status status = MIEN_OK;
    for (uint64_t i = 0; i <= shards; i++) {
        const char *path = path_of(p, i);
        FAIL_IF_NULL(path, "an import");
        FAIL_IF(base_file_exists(path), MIEN_ERR_ARG, "%s: is there already; remove the old shards or name others",
                path);
    }
fail:
    return status;
}

/* ---- members ---- */

/* What a picture is by its first bytes or, where these say nothing, by its name. */
static const char *kind_of(const char *path, const char *data, size_t size)
{
    static const char *const pngs[] = {".png", NULL}, *const webps[] = {".webp", NULL};
    if (size >= 8 && memcmp(data, "\x89PNG\r\n\x1a\n", 8) == 0)
        return "png";
    if (size >= 12 && memcmp(data, "RIFF", 4) == 0 && memcmp(data + 8, "WEBP", 4) == 0)
        return "webp";
    if (size >= 3 && memcmp(data, "\xff\xd8\xff", 3) == 0)
        return "jpg";
    return base_path_ends(path, pngs) ? "png" : base_path_ends(path, webps) ? "webp" : "jpg";
}

/* A file as it is; *name is the member's. frame -1: a picture alone. */
static enum mien_status put_picture(struct packing *p, const char *path, int64_t frame, const char **name)
{
    enum mien_status status = MIEN_OK;
    struct base_arena *arena = &p->in->row_arena;
    char *data = NULL;
    size_t size = 0;
    TRY(base_file_read(path, 0, &data, &size));
    const char *kind = kind_of(path, data, size);
    *name = frame < 0
                ? base_arena_printf(arena, "%09llu.%s", (unsigned long long)p->count, kind)
                : base_arena_printf(arena, "%09llu.%06lld.%s", (unsigned long long)p->count, (long long)frame, kind);
    FAIL_IF_NULL(*name, "a shard");
    TRY(tar_write(p->out, *name, data, size));
fail:
    base_free(data);
    return status;
}

static enum mien_status put_text(struct packing *p, const char *kind, const char *text)
{
    const char *name = base_arena_printf(&p->in->row_arena, "%09llu.%s", (unsigned long long)p->count, kind);
    return name ? tar_write(p->out, name, text, strlen(text)) : base_fail(MIEN_ERR_NOMEM, "out of host memory");
}

/* The keys that Mien does not know, as the row has them. */
static enum mien_status add_more(const struct data_row *row, cJSON *json)
{
    enum mien_status status = MIEN_OK;
    cJSON *more = NULL;
    if (!row->more)
        return MIEN_OK;
    TRY(base_json_parse(row->more, strlen(row->more), "a row", &more));
    while (more->child) {
        cJSON *item = cJSON_DetachItemViaPointer(more, more->child);
        bool added = cJSON_AddItemToObject(json, item->string, item);
        if (!added)
            cJSON_Delete(item);
        FAIL_IF(!added, MIEN_ERR_NOMEM, "out of host memory for a shard");
    }
fail:
    cJSON_Delete(more);
    return status;
}

/* The row as an object, with the members in place of the paths; and its caption for readers that know no other. */
static enum mien_status put_row(struct packing *p, const struct data_row *row)
{
    enum mien_status status = MIEN_OK;
    cJSON *json = data_row_json(row);
    char *text = NULL;
    const char *caption = data_caption_text(&p->in->row_arena, &row->caption);
    TRY(base_arena_status(&p->in->row_arena));
    FAIL_IF(!json || (row->fold == 0 && !cJSON_AddNumberToObject(json, "fold", 0)), MIEN_ERR_NOMEM,
            "out of host memory for a shard");
    TRY(add_more(row, json));
    text = base_json_print(json, false);
    FAIL_IF_NULL(text, "a shard");
    TRY(put_text(p, "json", text));
    if (caption)
        TRY(put_text(p, "txt", caption));
fail:
    cJSON_Delete(json);
    base_free(text);
    return status;
}

/* ---- samples ---- */

static enum mien_status end_shard(struct packing *p)
{
    enum mien_status status = MIEN_OK;
    if (!p->out)
        return MIEN_OK;
    TRY(tar_write_end(p->out));
    TRY(base_out_commit(&p->out));
fail:
    return status;
}

static enum mien_status begin_shard(struct packing *p)
{
    enum mien_status status = MIEN_OK;
    TRY(end_shard(p));
    const char *path = staged(p, p->shards);
    FAIL_IF_NULL(path, "an import");
    TRY(base_out_open(path, &p->out));
    p->shards++;
fail:
    return status;
}

/* The frames of a row, or its picture: paths [count]. Of those that are not there the first is *gone. */
static enum mien_status list_files(struct packing *p, const struct data_row *row, const char *const **paths,
                                   size_t *count, const char **gone)
{
    enum mien_status status = MIEN_OK;
    const char **found = NULL;
    *paths = row->image ? &row->image : row->frames;
    *count = row->image ? 1 : row->frame_count;
    *gone = NULL;
    FAIL_IF(
        row->video, MIEN_ERR_DATA,
        "%s:%u: a video cannot be read within a shard; extract its frames (ffmpeg -i %s DIR/%%06d.png) and name them",
        p->manifest->path, row->line, row->video);
    if (row->frames_dir && !base_file_is_dir(row->frames_dir)) {
        *gone = row->frames_dir;
        return MIEN_OK;
    }
    if (row->frames_dir) {
        TRY(data_frames_list(&p->in->row_arena, row->frames_dir, &found, count));
        *paths = found;
    }
    for (size_t i = 0; i < *count && !*gone; i++)
        *gone = base_file_exists((*paths)[i]) ? NULL : (*paths)[i];
fail:
    return status;
}

static enum mien_status put_sample(struct packing *p, const struct data_row *given)
{
    enum mien_status status = MIEN_OK;
    struct mien_import_summary *s = p->in->summary;
    struct data_row row = *given;
    const char *const *paths = NULL, *gone = NULL;
    size_t count = 0;
    TRY(list_files(p, given, &paths, &count, &gone));
    s->missing += gone != NULL;
    if (gone)
        LOG_WARN("%s:%u: %s: no such file; sample left out", p->manifest->path, row.line, gone);
    if (gone)
        goto fail; /* status is MIEN_OK */
    if (p->count % p->size == 0)
        TRY(begin_shard(p));
    const char **names = base_arena_array(&p->in->row_arena, count + 1, sizeof(*names));
    FAIL_IF_NULL(names, "a shard");
    for (size_t i = 0; i < count; i++)
        TRY(put_picture(p, paths[i], given->image ? -1 : (int64_t)i, &names[i]));
    row.image = given->image ? names[0] : NULL;
    row.frames_dir = NULL;
    row.frames = given->image ? NULL : names;
    row.frame_count = given->image ? 0 : (uint32_t)count;
    TRY(import_caption(p->in, &row));
    TRY(put_row(p, &row));
    p->count++;
    s->samples++;
    s->train += row.split == DATA_SPLIT_TRAIN;
    s->val += row.split == DATA_SPLIT_VAL;
    s->test += row.split == DATA_SPLIT_TEST;
    TRY(base_progress(p->in->params->progress, p->in->params->user, p->count, p->manifest->count));
fail:
    base_arena_clear(&p->in->row_arena);
    return status;
}

/* All shards get their names; what has one already when another fails loses it again. */
static enum mien_status publish(struct packing *p)
{
    enum mien_status status = MIEN_OK;
    uint64_t done = 0;
    for (; done < p->shards; done++) {
        const char *from = staged(p, done), *to = path_of(p, done);
        FAIL_IF(!from || !to, MIEN_ERR_NOMEM, "out of host memory for an import");
        FAIL_IF(base_file_exists(to), MIEN_ERR_ARG, "%s: has come meanwhile; remove it or name other shards", to);
        TRY(base_rename(from, to));
    }
fail:
    while (status != MIEN_OK && done-- > 0)
        (void)base_rename(path_of(p, done), staged(p, done));
    return status;
}

static enum mien_status run(struct import *in)
{
    enum mien_status status = MIEN_OK;
    const struct mien_import_params *params = in->params;
    struct packing p = {.in = in, .size = params->shard_size ? params->shard_size : SHARD_SIZE};
    FAIL_IF(params->pack || params->shuffle_captions, MIEN_ERR_ARG,
            "shards have neither a pack nor shuffled captions; give these options where the manifest is made");
    TRY(read_pattern(params->manifest, &p.pattern));
    TRY(data_manifest_read_more(params->root, &p.manifest));
    TRY(check_free(&p, base_div_up(p.manifest->count, p.size)));
    TRY(base_stage_open(params->manifest, &p.stage));
    for (size_t i = 0; i < p.manifest->count; i++)
        TRY(put_sample(&p, &p.manifest->rows[i]));
    TRY(end_shard(&p));
    FAIL_IF(p.count == 0, MIEN_ERR_DATA, "%s: none of its samples' files is there; paths are relative to the manifest",
            params->root);
    TRY(publish(&p));
    in->summary->shards = p.shards;
fail:
    base_out_abandon(&p.out);
    base_stage_abandon(&p.stage);
    data_manifest_destroy(&p.manifest);
    base_arena_clear(&in->arena);
    return status;
}

const struct import_layout import_shards = {
    .info = {.name = "shards",
             .summary =
                 "the samples of a manifest as tar files in WebDataset's layout, which data.train reads in order",
             .layout = "ROOT is a manifest; -o 'x-%06d.tar' names the shards, of --shard-size samples each (1000): "
                       "pictures as they are, KEY.json with all keys of the row, KEY.txt with its caption",
             .source = "a manifest that mien import, mien synth or you made"},
    .whole = run,
};
