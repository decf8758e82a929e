/* import.c: the table of importers, and what they share. */
#include "data/import.h"

#include "data/frames.h"
#include "data/import_rule.h"
#include "data/pack.h"
#include "data/unicode.h"
#include "import_list.h"

#include <stdlib.h>
#include <string.h>

#define EXTERN_LAYOUT(name) extern const struct import_layout import_##name;
IMPORT_LIST(EXTERN_LAYOUT)
#undef EXTERN_LAYOUT

#define LAYOUT_ROW(name) &import_##name,
static const struct import_layout *const layouts[] = {IMPORT_LIST(LAYOUT_ROW)};
#undef LAYOUT_ROW

const struct mien_import_info *mien_import_describe(size_t index)
{
    return index < BASE_COUNT(layouts) ? &layouts[index]->info : NULL;
}

static const struct import_layout *find_layout(const char *name)
{
    const char *words[BASE_COUNT(layouts) + 1] = {NULL};
    for (size_t i = 0; i < BASE_COUNT(layouts); i++) {
        words[i] = layouts[i]->info.name;
        if (strcmp(words[i], name) == 0)
            return layouts[i];
    }
    const char *nearest = base_nearest(name, words);
    base_fail(MIEN_ERR_ARG, "no importer is named \"%s\"%s%s%s", name, nearest ? "; did you mean \"" : "",
              nearest ? nearest : "", nearest ? "\"?" : "; mien import --list names all");
    return NULL;
}

/* ---- the tree ---- */

/* Whether a name in a directory fits a pattern. */
static enum mien_status has_pattern(const char *dir, const char *pattern, bool *found)
{
    enum mien_status status = MIEN_OK;
    struct import_match match;
    char **names = NULL;
    size_t count = 0;
    if (!base_file_is_dir(dir))
        return MIEN_OK;
    TRY(base_dir_list(dir, &names, &count));
    for (size_t i = 0; i < count && !*found; i++)
        *found = import_name_fits(pattern, names[i], &match);
fail:
    base_dir_list_free(&names, &count);
    return status;
}

static enum mien_status has_mark(const struct import_layout *layout, const char *dir, bool *found)
{
    enum mien_status status = MIEN_OK;
    *found = false;
    for (size_t i = 0; i < BASE_COUNT(layout->marks) && layout->marks[i] && !*found; i++) {
        if (strpbrk(layout->marks[i], "*#"))
            TRY(has_pattern(dir, layout->marks[i], found));
        else
            *found = base_file_exists_in(dir, layout->marks[i]);
    }
fail:
    return status;
}

/* The one directory in `dir` that holds a mark, into in->top; else *only is the one directory in it, if there is one
 * alone. */
static enum mien_status look_below(struct import *in, const char *dir, const char **only)
{
    enum mien_status status = MIEN_OK;
    const char *found = NULL;
    char **names = NULL;
    size_t count = 0, like = 0, dirs = 0;
    TRY(base_dir_list(dir, &names, &count));
    for (size_t i = 0; i < count; i++) {
        bool is_like = false;
        if (!base_file_is_dir_in(dir, names[i]) || names[i][0] == '.')
            continue;
        const char *inner = base_arena_printf(&in->arena, "%s/%s", dir, names[i]);
        FAIL_IF_NULL(inner, "an import");
        TRY(has_mark(in->layout, inner, &is_like));
        like += is_like;
        found = is_like ? inner : found;
        *only = dirs++ ? NULL : inner;
    }
    in->marked = like == 1;
    in->top = in->marked ? found : in->params->root;
fail:
    base_dir_list_free(&names, &count);
    return status;
}

/* The root is the tree's top, or the folder that holds it and nothing else like it, or holds such a folder alone:
 * archives unpack doubled. */
static enum mien_status find_top(struct import *in)
{
    enum mien_status status = MIEN_OK;
    const char *root = in->params->root;
    in->top = root;
    FAIL_IF(!base_file_is_dir(root), MIEN_ERR_DATA, "%s: no such directory; \"%s\" is imported from one", root,
            in->layout->info.name);
    TRY(has_mark(in->layout, root, &in->marked));
    for (int depth = 0; root && depth < 3 && !in->marked; depth++) {
        const char *only = NULL;
        TRY(look_below(in, root, &only));
        root = only;
    }
fail:
    return status;
}

/* Whether a path goes up or begins at the top of the file system. */
static bool leads_out(const char *path)
{
    if (path[0] == '/')
        return true;
    for (const char *part = path; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || !part[2]))
            return true;
    }
    return false;
}

/* Whether an absolute path is the root's or lies in it. */
static bool is_inside(const struct import *in, const char *real)
{
    size_t size = strlen(in->real_root);
    return strncmp(real, in->real_root, size) == 0 &&
           (!real[size] || real[size] == '/' || in->real_root[size - 1] == '/');
}

enum mien_status import_path(const struct import *in, const char *path, char **out)
{
    enum mien_status status = MIEN_OK;
    const char *where = in->where ? in->where : "", *colon = in->where ? ": " : "";
    char *real = NULL;
    *out = NULL;
    FAIL_IF(leads_out(path), MIEN_ERR_DATA, "%s%s%s: leads out of %s; an importer stays below its root", where, colon,
            path, in->params->root);
    *out = base_path_join(in->top, path);
    FAIL_IF_NULL(*out, path);
    if (!base_file_exists(*out)) /* then no link leads anywhere */
        return MIEN_OK;
    TRY(base_path_absolute(*out, &real));
    FAIL_IF(!is_inside(in, real), MIEN_ERR_DATA,
            "%s%s%s: a link leads out of %s, to %s; an importer stays below its root: put the files there, or name the "
            "folder that holds them",
            where, colon, *out, in->params->root, real);
fail:
    base_free(real);
    if (status != MIEN_OK) {
        base_free(*out);
        *out = NULL;
    }
    return status;
}

enum mien_status import_look(const struct import *in, const char *path, enum import_kind *out)
{
    enum mien_status status = MIEN_OK;
    char head[64] = {0}, *full = NULL;
    size_t size = 0;
    *out = IMPORT_MISSING;
    TRY(import_path(in, path, &full));
    if (base_file_exists(full)) {
        *out = IMPORT_OTHER;
        if (!base_file_is_dir(full))
            TRY(base_file_head(full, head, sizeof(head) - 1, &size));
        TRY(base_refuse_pointer(full, head, size));
        if (memcmp(head, "\x89PNG\r\n\x1a\n", 8) == 0 || memcmp(head, "\xff\xd8\xff", 3) == 0)
            *out = IMPORT_PICTURE;
        else if (memcmp(head, "II*", 4) == 0 || memcmp(head, "MM\0*", 4) == 0 || memcmp(head, "BM", 2) == 0 ||
                 memcmp(head, "GIF8", 4) == 0 || memcmp(head + 8, "WEBP", 4) == 0)
            *out = IMPORT_FOREIGN;
    }
fail:
    base_free(full);
    return status;
}

enum mien_status import_is_dir(const struct import *in, const char *path, bool *out)
{
    char *full = NULL;
    enum mien_status status = import_path(in, path, &full);
    *out = status == MIEN_OK && base_file_is_dir(full);
    base_free(full);
    return status;
}

static int by_nature(const void *a, const void *b)
{
    return data_natural_order(*(char *const *)a, *(char *const *)b);
}

enum mien_status import_names(const struct import *in, const char *path, char ***names, size_t *count)
{
    char *full = NULL;
    *names = NULL;
    *count = 0;
    enum mien_status status = import_path(in, path, &full);
    if (status == MIEN_OK)
        status = base_dir_list(full, names, count);
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        if ((*names)[i][0] == '.')
            base_free((*names)[i]);
        else
            (*names)[kept++] = (*names)[i];
    }
    *count = kept;
    if (kept)
        qsort(*names, kept, sizeof(**names), by_nature);
    base_free(full);
    return status;
}

/* ---- rows ---- */

static bool is_utf8(const char *text)
{
    return !text || base_utf8_prefix(text, strlen(text)) == strlen(text);
}

/* Before it is printed: what is not UTF-8 becomes U+FFFD there. The first text that is not, or NULL. */
static const char *find_broken(const cJSON *item)
{
    const char *broken = NULL;
    for (; item && !broken; item = item->next)
        broken = !is_utf8(item->string)        ? item->string
                 : !is_utf8(item->valuestring) ? item->valuestring
                                               : find_broken(item->child);
    return broken;
}

static enum mien_status write_row(struct import *in, const cJSON *row)
{
    enum mien_status status = MIEN_OK;
    char *text = NULL;
    const char *broken = find_broken(row->child);
    FAIL_IF(broken, MIEN_ERR_DATA, "%s: a name or text is not UTF-8: %s", in->top, broken);
    text = base_json_print(row, false);
    FAIL_IF_NULL(text, "a manifest");
    TRY(base_out_printf(in->out, "%s\n", text));
fail:
    base_free(text);
    return status;
}

/* Where a file below the top is, seen from the manifest. */
static enum mien_status move_path(struct import *in, const char **path)
{
    if (!*path || strcmp(in->from_manifest, ".") == 0)
        return MIEN_OK;
    *path = base_arena_printf(&in->row_arena, "%s/%s", in->from_manifest, *path);
    return *path ? MIEN_OK : base_fail(MIEN_ERR_NOMEM, "out of host memory for a manifest");
}

static enum mien_status move_paths(struct import *in, struct data_row *row)
{
    enum mien_status status = MIEN_OK;
    const char **frames = base_arena_array(&in->row_arena, row->frame_count, sizeof(*frames));
    FAIL_IF_NULL(frames, "a manifest");
    for (uint32_t i = 0; i < row->frame_count; i++) {
        frames[i] = row->frames[i];
        TRY(move_path(in, &frames[i]));
    }
    row->frames = frames;
    TRY(move_path(in, &row->image));
    TRY(move_path(in, &row->video));
    TRY(move_path(in, &row->frames_dir));
fail:
    return status;
}

static void count_row(struct mien_import_summary *s, enum data_split split)
{
    s->samples++;
    s->train += split == DATA_SPLIT_TRAIN;
    s->val += split == DATA_SPLIT_VAL;
    s->test += split == DATA_SPLIT_TEST;
}

static enum mien_status add_keys(cJSON *to, cJSON *more)
{
    while (more && more->child) {
        cJSON *item = cJSON_DetachItemViaPointer(more, more->child);
        if (!cJSON_AddItemToObject(to, item->string, item)) {
            cJSON_Delete(item);
            return base_fail(MIEN_ERR_NOMEM, "out of host memory for a manifest");
        }
    }
    return MIEN_OK;
}

enum mien_status import_row(struct import *in, const struct data_row *given, cJSON *more)
{
    enum mien_status status = MIEN_OK;
    struct data_row row = *given;
    cJSON *json = NULL;
    TRY(import_caption(in, &row));
    TRY(move_paths(in, &row));
    json = data_row_json(&row);
    FAIL_IF_NULL(json, "a manifest");
    TRY(add_keys(json, more));
    if (in->params->shuffle_captions) {
        TRY(base_grow(&in->held, &in->held_capacity, in->held_count + 1, sizeof(*in->held)));
        in->held[in->held_count++] = json;
        json = NULL;
    } else {
        TRY(write_row(in, json));
    }
    count_row(in->summary, row.split);
    TRY(base_progress(in->params->progress, in->params->user, in->summary->samples, 0));
fail:
    cJSON_Delete(json);
    cJSON_Delete(more);
    base_arena_clear(&in->row_arena);
    return status;
}

/* ---- the control: captions handed round among the samples of a split ---- */

static bool is_captioned(const cJSON *row, const char *split)
{
    const cJSON *own = cJSON_GetObjectItemCaseSensitive(row, "split");
    return cJSON_HasObjectItem(row, "caption") && strcmp(cJSON_IsString(own) ? own->valuestring : "", split) == 0;
}

static enum mien_status shuffle_split(struct import *in, const char *split)
{
    enum mien_status status = MIEN_OK;
    struct base_rng rng = base_rng_make(in->params->seed, split, 0, 0);
    uint32_t count = 0, *at = base_alloc(in->held_count + 1, sizeof(*at)), *order = NULL;
    cJSON **captions = base_alloc(in->held_count + 1, sizeof(*captions));
    FAIL_IF(!at || !captions, MIEN_ERR_NOMEM, "out of host memory for an import");
    for (size_t i = 0; i < in->held_count; i++)
        if (is_captioned(in->held[i], split))
            at[count++] = (uint32_t)i;
    order = base_alloc(count + 1, sizeof(*order));
    FAIL_IF_NULL(order, "an import");
    for (uint32_t k = 0; k < count; k++) {
        order[k] = k;
        captions[k] = cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(in->held[at[k]], "caption"), true);
        FAIL_IF_NULL(captions[k], "an import");
    }
    base_rng_shuffle(&rng, order, count);
    for (uint32_t k = 0; k < count; k++) {
        cJSON *caption = captions[order[k]];
        captions[order[k]] = NULL;
        FAIL_IF(!base_json_replace(in->held[at[k]], "caption", caption), MIEN_ERR_NOMEM,
                "out of host memory for an import");
    }
fail:
    for (uint32_t k = 0; captions && k < count; k++)
        cJSON_Delete(captions[k]);
    base_free(captions);
    base_free(order);
    base_free(at);
    return status;
}

static enum mien_status write_held(struct import *in)
{
    enum mien_status status = MIEN_OK;
    static const char *const splits[] = {"", "train", "val", "test"};
    for (size_t s = 0; in->held_count && s < BASE_COUNT(splits); s++)
        TRY(shuffle_split(in, splits[s]));
    for (size_t i = 0; i < in->held_count; i++)
        TRY(write_row(in, in->held[i]));
fail:
    return status;
}

/* ---- the whole ---- */

static enum mien_status check_sequence(const struct import_layout *layout, const struct mien_import_params *p)
{
    enum mien_status status = MIEN_OK;
    FAIL_IF((p->frames || p->neutral) && !(layout->options & IMPORT_SEQUENCE), MIEN_ERR_ARG,
            "\"%s\" has no sequences: it does not take the option %s", layout->info.name,
            p->frames ? "frames" : "neutral");
    FAIL_IF(p->frames && strcmp(p->frames, "last") != 0 && strcmp(p->frames, "last3") != 0 &&
                strcmp(p->frames, "clip") != 0,
            MIEN_ERR_ARG, "frames \"%s\": it is one of: last, last3, clip", p->frames);
    FAIL_IF(p->neutral && strcmp(p->neutral, "first") != 0 && strcmp(p->neutral, "none") != 0, MIEN_ERR_ARG,
            "neutral \"%s\": it is one of: none, first", p->neutral);
fail:
    return status;
}

static enum mien_status check_params(const struct import_layout *layout, const struct mien_import_params *p)
{
    enum mien_status status = MIEN_OK;
    FAIL_IF(p->shard_size && !layout->whole, MIEN_ERR_ARG, "\"%s\" does not take the option shard_size",
            layout->info.name);
    FAIL_IF(p->fold && !layout->folds, MIEN_ERR_ARG, "\"%s\" has no folds: it does not take the option fold",
            layout->info.name);
    FAIL_IF(p->fold > layout->folds, MIEN_ERR_ARG, "fold %u; \"%s\" has folds 1 to %u", p->fold, layout->info.name,
            layout->folds);
    FAIL_IF(p->classes && !layout->classes, MIEN_ERR_ARG,
            "\"%s\" has its classes alone: it does not take the option classes", layout->info.name);
    FAIL_IF(p->classes && p->classes != layout->classes && p->classes + 1 != layout->classes, MIEN_ERR_ARG,
            "classes %u; \"%s\" has %u, or %u without %s", p->classes, layout->info.name, layout->classes,
            layout->classes - 1, layout->dropped);
    TRY(check_sequence(layout, p));
    FAIL_IF(p->local && !(layout->options & IMPORT_LOCAL), MIEN_ERR_ARG,
            "\"%s\" writes no local sentences: it does not take the option local", layout->info.name);
    FAIL_IF(p->shuffle_captions && !p->captions && !(layout->options & IMPORT_CAPTIONS), MIEN_ERR_ARG,
            "\"%s\" writes no captions that could be shuffled", layout->info.name);
fail:
    return status;
}

static enum mien_status check_summary(const struct import *in)
{
    enum mien_status status = MIEN_OK;
    const struct mien_import_summary *s = in->summary;
    unsigned long long listed = s->samples + s->missing + s->unrated + s->left_out;
    FAIL_IF(s->samples == 0, MIEN_ERR_DATA, "%s: none of the %llu samples that it lists is there", in->top, listed);
    if (s->missing)
        LOG_WARN("%s: %llu of %llu samples are not there and were left out", in->top, (unsigned long long)s->missing,
                 listed);
fail:
    return status;
}

static enum mien_status import_all(struct import *in)
{
    enum mien_status status = MIEN_OK;
    char *dir = base_path_dir(in->params->manifest);
    FAIL_IF_NULL(dir, "an import");
    TRY(find_top(in));
    TRY(base_path_absolute(in->params->root, &in->real_root));
    TRY(base_path_relative(dir, in->top, &in->from_manifest));
    TRY(base_out_open(in->params->manifest, &in->out));
    TRY(in->layout->run(in));
    TRY(check_summary(in));
    TRY(write_held(in));
    TRY(base_out_commit(&in->out));
fail:
    base_out_abandon(&in->out);
    for (size_t i = 0; i < in->held_count; i++)
        cJSON_Delete(in->held[i]);
    base_free(in->held);
    import_forget(in);
    base_free(in->from_manifest);
    base_free(in->real_root);
    base_free(dir);
    base_arena_clear(&in->row_arena);
    base_arena_clear(&in->arena);
    return status;
}

static enum mien_status pack(const struct mien_import_params *p, struct mien_import_summary *summary)
{
    enum mien_status status = MIEN_OK;
    struct data_manifest *manifest = NULL;
    struct data_pack_summary s;
    TRY(data_manifest_read(p->manifest, &manifest));
    TRY(data_pack_write(manifest, p->progress, p->user, &s));
    summary->packed = s.pictures;
    summary->pack_bytes = s.bytes;
fail:
    data_manifest_destroy(&manifest);
    return status;
}

enum mien_status mien_import(const struct mien_import_params *given, struct mien_import_summary *summary)
{
    enum mien_status status = MIEN_OK;
    struct mien_import_params params;
    struct mien_import_summary own = {.size = sizeof(own)};
    struct import in = {.params = &params, .summary = &own};
    TRY(SIZED_CLEAR(summary));
    NEED(given);
    TRY(SIZED_READ(&params, given));
    FAIL_IF(!params.name || !params.root || !params.manifest, MIEN_ERR_ARG,
            "import needs a name, a root directory and a manifest to write");
    in.layout = find_layout(params.name);
    if (!in.layout) {
        status = MIEN_ERR_ARG;
        goto fail;
    }
    TRY(check_params(in.layout, &params));
    TRY(in.layout->whole ? in.layout->whole(&in) : import_all(&in));
    if (params.pack && !in.layout->whole)
        TRY(pack(&params, &own));
    TRY(SIZED_WRITE(summary, &own));
fail:
    return status;
}
