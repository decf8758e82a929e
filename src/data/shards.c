/* shards.c: which shards there are, and a walk over their samples. */
#include "data/manifest_internal.h"
#include "data/shards.h"

#include <ctype.h>
#include <string.h>

enum { MOST_SHARDS = 1000000, MOST_END = 64 * TAR_BLOCK }; /* MOST_END: of zeros at an end, 20 blocks are usual */

/* ---- names ---- */

bool data_is_shards(const char *path)
{
    static const char *const endings[] = {".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst", NULL};
    return base_path_ends(path, endings);
}

struct names {
    struct base_arena *arena;
    const char **paths;
    size_t count, capacity;
    const char *pattern; /* for messages */
};

static enum mien_status expand(struct names *n, const char *done, const char *rest);

/* {000..012}: as wide as the longer of its ends where one begins with 0. */
static enum mien_status expand_range(struct names *n, const char *done, const char *body, const char *rest)
{
    enum mien_status status = MIEN_OK;
    unsigned long long from = 0, to = 0;
    int first = 0, dots = 0, last = 0;
    (void)sscanf(body, "%*[0-9]%n..%n", &first, &dots);
    if (dots)
        (void)sscanf(body + dots, "%*[0-9]%n", &last);
    FAIL_IF(!dots || !last || body[dots + last] != '}' || first > 18 || last > 18, MIEN_ERR_ARG,
            "%s: {%.*s} is neither a range such as {000000..000012} nor a list such as {a,b}", n->pattern,
            (int)strcspn(body, "}"), body);
    (void)sscanf(body, "%llu..%llu", &from, &to);
    FAIL_IF(to < from, MIEN_ERR_ARG, "%s: the range {%.*s} runs backwards", n->pattern, (int)strcspn(body, "}"), body);
    bool wide = (first > 1 && body[0] == '0') || (last > 1 && body[dots] == '0');
    for (unsigned long long i = from; i <= to; i++) {
        const char *next = base_arena_printf(n->arena, "%s%0*llu", done, wide ? BASE_MAX(first, last) : 1, i);
        FAIL_IF_NULL(next, "the names of shards");
        TRY(expand(n, next, rest));
    }
fail:
    return status;
}

static enum mien_status expand_list(struct names *n, const char *done, const char *body, const char *rest)
{
    enum mien_status status = MIEN_OK;
    for (const char *word = body;; word++) {
        size_t size = strcspn(word, ",}");
        const char *next = base_arena_printf(n->arena, "%s%.*s", done, (int)size, word);
        FAIL_IF_NULL(next, "the names of shards");
        TRY(expand(n, next, rest));
        word += size;
        if (*word == '}')
            break;
    }
fail:
    return status;
}

/* All names that begin with `done` and go on as `rest` says. */
static enum mien_status expand(struct names *n, const char *done, const char *rest)
{
    enum mien_status status = MIEN_OK;
    const char *open = strchr(rest, '{'), *close = open ? strchr(open, '}') : NULL;
    const char *upto = base_arena_printf(n->arena, "%s%.*s", done, open ? (int)(open - rest) : (int)strlen(rest), rest);
    FAIL_IF_NULL(upto, "the names of shards");
    FAIL_IF(open && (!close || memchr(open + 1, '{', (size_t)(close - open - 1))), MIEN_ERR_ARG,
            "%s: braces are open; shards are named as x-{000000..000012}.tar", n->pattern);
    if (open) {
        bool is_list = memchr(open, ',', (size_t)(close - open)) != NULL;
        return (is_list ? expand_list : expand_range)(n, upto, open + 1, close + 1);
    }
    FAIL_IF(n->count == MOST_SHARDS, MIEN_ERR_ARG, "%s: names more than %d shards", n->pattern, MOST_SHARDS);
    TRY(base_grow(&n->paths, &n->capacity, n->count + 1, sizeof(*n->paths)));
    n->paths[n->count++] = upto;
fail:
    return status;
}

static enum mien_status read_columns(struct data_shards *s, const char *columns)
{
    enum mien_status status = MIEN_OK;
    s->columns = base_arena_array(&s->manifest.arena, MANIFEST_COLUMNS, sizeof(*s->columns));
    FAIL_IF_NULL(s->columns, "shards");
    if (!columns)
        return MIEN_OK;
    TRY(manifest_columns_parse(columns, &s->manifest.arena, s->columns));
    for (int i = 0; i < MANIFEST_COLUMNS; i++)
        FAIL_IF(s->columns[i] &&
                    (strcmp(manifest_columns[i], "image") == 0 || strcmp(manifest_columns[i], "video") == 0 ||
                     strcmp(manifest_columns[i], "frames") == 0),
                MIEN_ERR_ARG, "%s: columns \"%s\": pictures of shards are members, told by their endings",
                s->manifest.path, columns);
fail:
    return status;
}

enum mien_status data_shards_open(const char *pattern, const char *columns, struct data_shards **out)
{
    enum mien_status status = MIEN_OK;
    struct data_shards *s = base_alloc(1, sizeof(*s));
    struct names names = {.pattern = pattern};
    *out = NULL;
    FAIL_IF_NULL(s, "shards");
    names.arena = &s->manifest.arena;
    s->manifest.path = base_arena_strdup(names.arena, pattern);
    FAIL_IF_NULL(s->manifest.path, "shards");
    TRY(read_columns(s, columns));
    TRY(base_file_exists(pattern) ? base_grow(&names.paths, &names.capacity, 1, sizeof(*names.paths))
                                  : expand(&names, "", pattern));
    if (names.count == 0) /* a file of that very name, braces or not */
        names.paths[names.count++] = s->manifest.path;
    s->paths = names.paths;
    s->count = (uint32_t)names.count;
    for (uint32_t i = 0; i < s->count; i++)
        FAIL_IF(!base_file_exists(s->paths[i]), MIEN_ERR_DATA,
                "%s: no such file; shard %u of the %u that data.train names is not there", s->paths[i], i + 1,
                s->count);
    *out = s;
    return MIEN_OK;
fail:
    if (s)
        s->paths = names.paths;
    data_shards_close(&s);
    return status;
}

void data_shards_close(struct data_shards **shards)
{
    if (!shards || !*shards)
        return;
    base_free((void *)(*shards)->paths);
    base_arena_clear(&(*shards)->manifest.arena);
    base_free(*shards);
    *shards = NULL;
}

/* ---- members ---- */

size_t shard_key(const char *name)
{
    const char *slash = strrchr(name, '/'), *last = slash ? slash + 1 : name, *dot = strchr(last, '.');
    return dot && dot > last && dot[1] ? (size_t)(dot - name) : 0;
}

const char *shard_member_name(struct base_arena *arena, const char *name)
{
    char *own = base_arena_strdup(arena, name + shard_key(name) + 1);
    for (char *c = own; c && *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return own;
}

void shard_where(char *text, size_t size, const char *shard, const char *key, uint64_t byte)
{
    snprintf(text, size, "%s: %s, byte %llu", shard, key, (unsigned long long)byte);
}

void shard_sample_clear(struct shard_sample *sample)
{
    base_free(sample->members);
    base_arena_clear(&sample->arena);
    *sample = (struct shard_sample){0};
}

static enum mien_status add_member(const struct shard_walk *w, const struct tar_member *m, struct shard_sample *s)
{
    enum mien_status status = MIEN_OK;
    const char *name = shard_member_name(&s->arena, m->name);
    FAIL_IF_NULL(name, "a sample");
    for (size_t i = 0; i < s->count; i++)
        FAIL_IF(strcmp(s->members[i].name, name) == 0, MIEN_ERR_DATA,
                "%s: byte %llu: the sample %s has two members .%s; keys of neighbours must differ", w->tar.path,
                (unsigned long long)m->header, s->key, name);
    TRY(base_grow(&s->members, &s->capacity, s->count + 1, sizeof(*s->members)));
    s->members[s->count++] = (struct shard_member){.name = name, .data = m->data, .size = m->size};
fail:
    return status;
}

/* ---- the walk ---- */

void shard_walk_clear(struct shard_walk *w)
{
    tar_clear(&w->tar);
    base_in_close(&w->in);
    w->pending = false;
}

/* Of archives that were put together by cat the first alone is read, as by tar. */
static enum mien_status tell_rest(const struct shard_walk *w)
{
    enum mien_status status = MIEN_OK;
    char block[TAR_BLOCK];
    uint64_t end = BASE_MIN(base_in_size(w->in), w->tar.at + MOST_END);
    bool more = false;
    for (uint64_t at = w->tar.at; at + TAR_BLOCK <= end && !more; at += TAR_BLOCK) {
        TRY(base_in_read(w->in, at, block, TAR_BLOCK));
        for (int i = 0; i < TAR_BLOCK && !more; i++)
            more = block[i] != 0;
        if (more)
            LOG_WARN("%s: byte %llu: more stands behind the archive's end and is not read; of archives that were put "
                     "together only the first is: keep each as a shard of its own",
                     w->tar.path, (unsigned long long)at);
    }
fail:
    return status;
}

/* The next member that belongs to a sample into w->next; not pending: the shard has ended. */
static enum mien_status next_member(struct shard_walk *w)
{
    enum mien_status status = MIEN_OK;
    do
        TRY(tar_next(&w->tar, &w->next));
    while (w->next.name && !shard_key(w->next.name));
    w->pending = w->next.name != NULL;
    if (!w->pending && w->tar.cut && w->tells)
        LOG_WARN(
            "%s: ends without the blocks of zeros that end a tar archive; where it was cut off, samples are missing",
            w->tar.path);
    if (!w->pending && w->tells)
        TRY(tell_rest(w));
fail:
    return status;
}

/* The next shard, at its first sample. *ended: there is none. */
static enum mien_status next_shard(struct shard_walk *w, bool *ended)
{
    enum mien_status status = MIEN_OK;
    *ended = w->at == w->shards->count;
    if (*ended)
        return MIEN_OK;
    const char *path = w->shards->paths[w->order ? w->order[w->at] : w->at];
    shard_walk_clear(w);
    w->at++;
    TRY(base_in_open(path, &w->in));
    TRY(tar_begin(w->in, path, 0, 0, &w->tar));
    TRY(next_member(w));
fail:
    return status;
}

/* All members of the sample that w->next begins. */
static enum mien_status gather(struct shard_walk *w, struct shard_sample *s)
{
    enum mien_status status = MIEN_OK;
    size_t key = shard_key(w->next.name);
    s->count = 0;
    base_arena_clear(&s->arena);
    s->key = base_arena_strndup(&s->arena, w->next.name, key);
    FAIL_IF_NULL(s->key, "a sample");
    s->place = (struct shard_place){.shard = w->order ? w->order[w->at - 1] : w->at - 1, .offset = w->next.header};
    do {
        TRY(add_member(w, &w->next, s));
        s->place.size = w->next.end - s->place.offset;
        TRY(next_member(w));
    } while (w->pending && shard_key(w->next.name) == key && memcmp(w->next.name, s->key, key) == 0);
fail:
    return status;
}

/* What the objects call the key split. */
static const char *split_key(const struct data_shards *shards)
{
    for (int i = 0; i < MANIFEST_COLUMNS; i++)
        if (strcmp(manifest_columns[i], "split") == 0 && shards->columns[i])
            return shards->columns[i];
    return "split";
}

/* Whether the sample's object says that its split is another one; a wrong split is told where the row is read. */
static enum mien_status is_left_out(const struct shard_walk *w, const struct shard_sample *s, bool *out)
{
    enum mien_status status = MIEN_OK;
    const char *split = "", *key = split_key(w->shards);
    char *text = NULL, where[1200];
    cJSON *json = NULL;
    *out = false;
    shard_where(where, sizeof(where), w->tar.path, s->key, s->place.offset);
    for (size_t i = 0; i < s->count && !text; i++) {
        const struct shard_member *m = &s->members[i];
        if (strcmp(m->name, "json") != 0)
            continue;
        FAIL_IF(m->size > DATA_SHARD_JSON, MIEN_ERR_DATA, "%s: byte %llu: an object of %llu bytes is beyond reason",
                w->tar.path, (unsigned long long)m->data, (unsigned long long)m->size);
        text = base_alloc(m->size + 1, 1);
        FAIL_IF_NULL(text, "a sample");
        TRY(base_in_read(w->in, m->data, text, m->size));
        if (!strstr(text, key)) /* most have none; what stands behind a zero byte is refused with the row */
            continue;
        TRY(base_json_parse(text, m->size, where, &json));
        const cJSON *item = base_json_member(json, key);
        split = cJSON_IsString(item) ? item->valuestring : "";
        *out = strcmp(split, "val") == 0 || strcmp(split, "test") == 0;
    }
fail:
    cJSON_Delete(json);
    base_free(text);
    return status;
}

enum mien_status shard_walk_next(struct shard_walk *w, struct shard_sample *out)
{
    enum mien_status status = MIEN_OK;
    bool ended = false, left_out = true;
    while (left_out) {
        while (!w->pending && !ended)
            TRY(next_shard(w, &ended));
        out->count = 0;
        if (ended)
            break;
        TRY(gather(w, out));
        /* gather has read one member ahead, which may have been the shard's last: `in` is still this one's */
        TRY(is_left_out(w, out, &left_out));
    }
fail:
    return status;
}
