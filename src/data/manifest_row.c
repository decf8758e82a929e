/* manifest_row.c: one sample from an object: of a line of JSON, or made of a table's cells. The one place that says
 * what counts as absent: null, texts of blanks, and lists and objects of nothing else. */
#include "data/manifest_internal.h"

#include "mien/data.h"

#include <float.h>
#include <math.h>
#include <string.h>

static bool is_absent(const cJSON *item)
{
    return !item || cJSON_IsNull(item) || (cJSON_IsString(item) && data_is_blank(item->valuestring));
}

static bool is_all_absent(const cJSON *list)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        if (!is_absent(item))
            return false;
    }
    return true;
}

/* A member, or NULL when it is absent. */
static const cJSON *member(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    bool absent = is_absent(item) || ((cJSON_IsArray(item) || cJSON_IsObject(item)) && is_all_absent(item));
    return absent ? NULL : item;
}

/* ---- keys that are none ---- */

/* What was found out about an unknown key, once; NULL when there is no room for more. */
static struct manifest_unknown *unknown_key(struct manifest_reader *r, const char *name)
{
    for (size_t i = 0; i < r->unknown_count; i++)
        if (strcmp(r->unknown[i].name, name) == 0)
            return &r->unknown[i];
    const char *kept = r->unknown_count < BASE_COUNT(r->unknown) ? base_arena_strdup(&r->m->arena, name) : NULL;
    if (!kept)
        return NULL;
    struct manifest_unknown *u = &r->unknown[r->unknown_count++];
    *u = (struct manifest_unknown){.name = kept};
    u->near = manifest_near(name, &u->slip);
    return u;
}

/* Names keys that are near a known one, each once. Another name of a key that the row has is what its owner means. */
static void name_unknown(struct manifest_reader *r, const cJSON *object)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, object)
    {
        struct manifest_unknown *u = manifest_is_key(item->string) ? NULL : unknown_key(r, item->string);
        if (!u || !u->near || u->named || (!u->slip && member(object, u->near)))
            continue;
        u->named = true;
        if (!r->quiet)
            LOG_WARN("%s: \"%s\" is not read; did you mean \"%s\"?", r->where, u->name, u->near);
    }
}

static void name_unknown_level(struct manifest_reader *r, const cJSON *caption)
{
    static const char *const levels[] = {"global", "local", "summary", NULL};
    const cJSON *item;
    cJSON_ArrayForEach(item, caption)
    {
        bool known = false;
        for (size_t i = 0; levels[i]; i++)
            known = known || strcmp(levels[i], item->string) == 0;
        const char *near = known ? NULL : base_nearest(item->string, levels);
        struct manifest_unknown *u = near ? unknown_key(r, item->string) : NULL;
        if (!u || u->named)
            continue;
        u->named = true;
        if (!r->quiet)
            LOG_WARN("%s: \"%s\" in \"caption\" is not read; did you mean \"%s\"?", r->where, item->string, near);
    }
}

/* ---- values ---- */

/* A member's string, copied; *out stays NULL when it is absent. */
static enum mien_status read_string(struct manifest_reader *r, const cJSON *object, const char *key, const char **out)
{
    enum mien_status status = MIEN_OK;
    const char *text = NULL;
    if (member(object, key))
        TRY(base_json_string(object, key, r->where, &text));
    if (text) {
        *out = base_arena_strdup(&r->m->arena, text);
        FAIL_IF_NULL(*out, r->where);
    }
fail:
    return status;
}

/* The strings of a list; as paths when `paths`. Absent ones are left out; *answer (may be NULL) is an index into the
 * list that follows its string, and becomes -1 when that is absent. */
static enum mien_status read_strings(struct manifest_reader *r, const cJSON *list, const char *key, bool paths,
                                     const char *const **out, uint32_t *count, int32_t *answer)
{
    enum mien_status status = MIEN_OK;
    uint32_t n = 0;
    int32_t at = 0, moved = -1;
    const cJSON *item;
    const char **strings = base_arena_array(&r->m->arena, (size_t)cJSON_GetArraySize(list) + 1, sizeof(*strings));
    FAIL_IF_NULL(strings, r->where);
    cJSON_ArrayForEach(item, list)
    {
        at++;
        if (is_absent(item))
            continue;
        FAIL_IF(!cJSON_IsString(item), MIEN_ERR_DATA, "%s: \"%s\" holds something that is not a string", r->where, key);
        strings[n] =
            paths ? manifest_path(r->m, r->dir, item->valuestring) : base_arena_strdup(&r->m->arena, item->valuestring);
        FAIL_IF_NULL(strings[n], r->where);
        if (answer && *answer == at - 1)
            moved = (int32_t)n;
        n++;
    }
    *out = strings;
    *count = n;
    if (answer)
        *answer = moved;
fail:
    return status;
}

/* A list of `n` numbers. */
static enum mien_status read_numbers(struct manifest_reader *r, const cJSON *object, const char *key, int n,
                                     double *out, bool *found)
{
    enum mien_status status = MIEN_OK;
    const cJSON *list = member(object, key), *item;
    *found = list != NULL;
    if (!list)
        return MIEN_OK;
    TRY(base_json_array(object, key, r->where, &list));
    FAIL_IF(cJSON_GetArraySize(list) != n, MIEN_ERR_DATA, "%s: \"%s\" needs %d numbers", r->where, key, n);
    cJSON_ArrayForEach(item, list)
    {
        FAIL_IF(!cJSON_IsNumber(item), MIEN_ERR_DATA, "%s: \"%s\" needs %d numbers", r->where, key, n);
        *out++ = item->valuedouble;
    }
fail:
    return status;
}

/* What is computed in 32 bits would else be infinite there, and be taken for a value that is not given. */
static bool is_plain_number(double value)
{
    return fabs(value) <= (double)FLT_MAX;
}

/* {"name": number, ...} */
static enum mien_status read_values(struct manifest_reader *r, const cJSON *object, const char *key,
                                    const struct data_value **out, uint32_t *count)
{
    enum mien_status status = MIEN_OK;
    const cJSON *part = member(object, key), *item;
    if (!part)
        return MIEN_OK;
    TRY(base_json_object(object, key, r->where, &part));
    struct data_value *values = base_arena_array(&r->m->arena, (size_t)cJSON_GetArraySize(part), sizeof(*values));
    FAIL_IF_NULL(values, r->where);
    cJSON_ArrayForEach(item, part)
    {
        if (is_absent(item))
            continue;
        FAIL_IF(!cJSON_IsNumber(item), MIEN_ERR_DATA, "%s: \"%s\": \"%s\" is not a number", r->where, key,
                item->string);
        FAIL_IF(!is_plain_number(item->valuedouble), MIEN_ERR_DATA,
                "%s: \"%s\": \"%s\" is %g, beyond the range of 32-bit numbers", r->where, key, item->string,
                item->valuedouble);
        values[*count].name = base_arena_strdup(&r->m->arena, item->string);
        FAIL_IF_NULL(values[*count].name, r->where);
        values[(*count)++].value = item->valuedouble;
    }
    *out = values;
fail:
    return status;
}

/* ---- keys ---- */

/* No source, or several. */
static enum mien_status refuse_source(struct manifest_reader *r, const cJSON *object)
{
    const cJSON *item;
    const char *name = NULL, *near = NULL;
    cJSON_ArrayForEach(item, object)
    {
        struct manifest_unknown *u = manifest_is_key(item->string) || name ? NULL : unknown_key(r, item->string);
        if (!u || !u->near || is_absent(item))
            continue;
        if (strcmp(u->near, "image") == 0 || strcmp(u->near, "frames") == 0 || strcmp(u->near, "video") == 0) {
            name = u->name;
            near = u->near;
        }
    }
    return base_fail(MIEN_ERR_DATA, "%s: exactly one of \"image\", \"frames\" and \"video\" is needed%s%s%s%s%s",
                     r->where, name ? "; \"" : "", name ? name : "", name ? "\" is not read, did you mean \"" : "",
                     name ? near : "", name ? "\"?" : "");
}

/* "image": path | "frames": directory or list | "video": path; exactly one. */
static enum mien_status read_source(struct manifest_reader *r, const cJSON *object, struct data_row *row)
{
    enum mien_status status = MIEN_OK;
    const char *image = NULL, *video = NULL, *dir = NULL;
    const cJSON *frames = member(object, "frames");
    if (member(object, "image"))
        TRY(base_json_string(object, "image", r->where, &image));
    if (member(object, "video"))
        TRY(base_json_string(object, "video", r->where, &video));
    if (cJSON_IsArray(frames))
        TRY(read_strings(r, frames, "frames", true, &row->frames, &row->frame_count, NULL));
    else if (frames)
        TRY(base_json_string(object, "frames", r->where, &dir));
    if ((image != NULL) + (video != NULL) + (frames != NULL) != 1)
        return refuse_source(r, object);
    const char *path = image ? image : video ? video : dir;
    const char *joined = path ? manifest_path(r->m, r->dir, path) : NULL;
    FAIL_IF(path && !joined, MIEN_ERR_NOMEM, "%s: out of host memory", r->where);
    row->image = image ? joined : NULL;
    row->video = video ? joined : NULL;
    row->frames_dir = dir ? joined : NULL;
fail:
    return status;
}

static enum mien_status read_caption(struct manifest_reader *r, const cJSON *object, struct data_caption *out)
{
    enum mien_status status = MIEN_OK;
    const cJSON *caption = cJSON_GetObjectItemCaseSensitive(object, "caption"), *local;
    const char *text = NULL;
    if (!cJSON_IsObject(caption)) {
        TRY(read_string(r, object, "caption", &text));
        if (text)
            TRY(data_caption_split(&r->m->arena, text, out));
        return MIEN_OK;
    }
    name_unknown_level(r, caption);
    TRY(read_string(r, caption, "global", &out->global));
    TRY(read_string(r, caption, "summary", &out->summary));
    local = member(caption, "local");
    if (local)
        TRY(base_json_array(caption, "local", r->where, &local));
    if (local)
        TRY(read_strings(r, local, "local", false, &out->local, &out->local_count, NULL));
fail:
    return status;
}

static enum mien_status read_labels(struct manifest_reader *r, const cJSON *object, struct data_row *row)
{
    enum mien_status status = MIEN_OK;
    const cJSON *label = member(object, "label");
    const char *word = NULL;
    if (cJSON_IsArray(label))
        return read_strings(r, label, "label", false, &row->labels, &row->label_count, NULL);
    TRY(read_string(r, object, "label", &word));
    if (word) {
        const char **list = base_arena_array(&r->m->arena, 1, sizeof(*list));
        FAIL_IF_NULL(list, r->where);
        list[0] = word;
        row->labels = list;
        row->label_count = 1;
    }
fail:
    return status;
}

static enum mien_status read_choice(struct manifest_reader *r, const cJSON *object, struct data_row *row)
{
    enum mien_status status = MIEN_OK;
    const cJSON *options = member(object, "options");
    uint32_t answer = UINT32_MAX, given = 0;
    TRY(read_string(r, object, "question", &row->question));
    if (options) {
        TRY(base_json_array(object, "options", r->where, &options));
        given = (uint32_t)cJSON_GetArraySize(options);
    }
    if (member(object, "answer"))
        TRY(base_json_u32(object, "answer", r->where, &answer));
    FAIL_IF(answer != UINT32_MAX && answer >= given, MIEN_ERR_DATA,
            "%s: \"answer\" is %u, the index of one of the %u options was expected", r->where, answer, given);
    row->answer = answer == UINT32_MAX ? -1 : (int32_t)answer;
    if (options)
        TRY(read_strings(r, options, "options", false, &row->options, &row->option_count, &row->answer));
fail:
    return status;
}

static enum mien_status read_groups(struct manifest_reader *r, const cJSON *object, struct data_row *row)
{
    enum mien_status status = MIEN_OK;
    const char *split = "";
    uint32_t fold = UINT32_MAX;
    const cJSON *subject = member(object, "subject");
    if (member(object, "split"))
        TRY(base_json_string(object, "split", r->where, &split));
    TRY(manifest_split(r->where, split, &row->split));
    if (member(object, "fold"))
        TRY(base_json_u32(object, "fold", r->where, &fold));
    row->fold = fold > INT32_MAX ? -1 : (int32_t)fold;
    if (cJSON_IsNumber(subject)) { /* an id that was written as a number */
        row->subject = base_arena_printf(&r->m->arena, "%.17g", subject->valuedouble);
        FAIL_IF_NULL(row->subject, r->where);
    } else {
        TRY(read_string(r, object, "subject", &row->subject));
    }
fail:
    return status;
}

/* The keys that are none, for those who hand them on. */
static enum mien_status read_more(struct manifest_reader *r, const cJSON *object, struct data_row *row)
{
    enum mien_status status = MIEN_OK;
    struct base_json more = base_json_object_begin();
    const cJSON *item;
    char *text = NULL;
    cJSON_ArrayForEach(item, object)
    {
        if (!manifest_is_key(item->string))
            base_put(&more, item->string, cJSON_Duplicate(item, true));
    }
    cJSON *tree = base_json_end(&more);
    text = tree ? base_json_print(tree, false) : NULL;
    row->more = text ? base_arena_strdup(&r->m->arena, text) : NULL;
    FAIL_IF_NULL(row->more, r->where);
fail:
    cJSON_Delete(tree);
    base_free(text);
    return status;
}

static bool is_empty_object(const cJSON *item)
{
    return cJSON_IsObject(item) && !item->child;
}

enum mien_status manifest_read_row(struct manifest_reader *r, const cJSON *object, struct data_row *row)
{
    static const struct data_value none[1] = {{0}};
    enum mien_status status = MIEN_OK;
    double box[4];
    TRY(read_source(r, object, row));
    name_unknown(r, object);
    TRY(read_caption(r, object, &row->caption));
    TRY(read_labels(r, object, row));
    TRY(read_numbers(r, object, "va", 2, row->va, &row->has_va));
    FAIL_IF(row->has_va && !(is_plain_number(row->va[0]) && is_plain_number(row->va[1])), MIEN_ERR_DATA,
            "%s: \"va\" is beyond the range of 32-bit numbers", r->where);
    TRY(read_numbers(r, object, "box", 4, box, &row->has_box));
    if (row->has_box)
        TRY(mien_box_round(box, row->box));
    TRY(read_values(r, object, "au", &row->aus, &row->au_count));
    if (is_empty_object(cJSON_GetObjectItemCaseSensitive(object, "au")))
        row->aus = none;
    TRY(read_values(r, object, "targets", &row->targets, &row->target_count));
    TRY(read_choice(r, object, row));
    TRY(read_groups(r, object, row));
    if (r->more)
        TRY(read_more(r, object, row));
fail:
    return status;
}
