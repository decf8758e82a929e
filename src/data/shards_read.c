/* shards_read.c: samples of shards, from the disk to rows. */
#include "data/shards.h"

#include <string.h>

enum { MOST_SAMPLE = 1 << 30 }; /* bytes of a sample */

enum mien_status shard_read(const struct data_shards *s, const struct shard_place *place, char **bytes)
{
    enum mien_status status = MIEN_OK;
    struct base_in *in = NULL;
    const char *path = s->paths[place->shard];
    *bytes = NULL;
    FAIL_IF(place->size > MOST_SAMPLE, MIEN_ERR_DATA, "%s: byte %llu: a sample of %llu bytes is beyond reason", path,
            (unsigned long long)place->offset, (unsigned long long)place->size);
    *bytes = base_alloc(place->size + 1, 1);
    FAIL_IF_NULL(*bytes, "a sample");
    TRY(base_in_open(path, &in));
    TRY(base_in_read(in, place->offset, *bytes, place->size));
fail:
    base_in_close(&in);
    if (status != MIEN_OK) {
        base_free(*bytes);
        *bytes = NULL;
    }
    return status;
}

enum mien_status shard_row(const struct data_shards *s, const struct shard_place *place, const char *bytes,
                           struct data_manifest *m, struct data_row *row)
{
    enum mien_status status = MIEN_OK;
    const char *path = s->paths[place->shard], *key = NULL;
    struct shard_content *content = NULL;
    struct base_in *in = NULL;
    struct tar_reader tar = {0};
    struct tar_member member = {0};
    size_t count = 0, capacity = 0;
    TRY(base_in_memory(path, bytes, place->size, &in));
    TRY(tar_begin(in, path, place->offset, 0, &tar));
    for (;;) {
        TRY(tar_next(&tar, &member));
        if (!member.name)
            break;
        if (!shard_key(member.name))
            continue;
        TRY(base_grow(&content, &capacity, count + 1, sizeof(*content)));
        content[count] =
            (struct shard_content){shard_member_name(&m->arena, member.name), {bytes + member.data, member.size}};
        FAIL_IF_NULL(content[count].name, "a sample");
        count++;
        if (!key)
            key = base_arena_strndup(&m->arena, member.name, shard_key(member.name));
        FAIL_IF_NULL(key, "a sample");
    }
    FAIL_IF(!key, MIEN_ERR_DATA, "%s: byte %llu: no sample is there any more; it has changed since it was read first",
            path, (unsigned long long)place->offset);
    TRY(shard_make_row(s, path, key, place->offset, content, count, true, m, row));
fail:
    base_free(content);
    tar_clear(&tar);
    base_in_close(&in);
    return status;
}

/* ---- texts alone ---- */

/* Where the walk stands: the row of its sample, without pictures. */
static enum mien_status read_texts(struct shard_walk *w, const struct shard_sample *s, bool quiet,
                                   struct data_manifest *m, struct data_row *row)
{
    enum mien_status status = MIEN_OK;
    struct shard_content *content = base_arena_array(&m->arena, s->count + 1, sizeof(*content));
    FAIL_IF_NULL(content, "a sample");
    for (size_t i = 0; i < s->count; i++) {
        const struct shard_member *member = &s->members[i];
        content[i].name = member->name;
        if (!shard_is_meta(member->name))
            continue;
        FAIL_IF(member->size > DATA_SHARD_JSON, MIEN_ERR_DATA, "%s: byte %llu: a text of %llu bytes is beyond reason",
                w->tar.path, (unsigned long long)member->data, (unsigned long long)member->size);
        char *text = base_arena_alloc(&m->arena, member->size + 1);
        FAIL_IF_NULL(text, "a sample");
        TRY(base_in_read(w->in, member->data, text, member->size));
        content[i].bytes = (struct data_bytes){text, member->size};
    }
    TRY(shard_make_row(w->shards, w->tar.path, s->key, s->place.offset, content, s->count, quiet, m, row));
fail:
    return status;
}

/* Where a sample lies decides when it is drawn; the sizes tell most other pictures without reading these. */
static void note_place(struct base_sha256 *places, const struct shard_sample *s)
{
    base_sha256_add(places, &s->place.shard, sizeof(s->place.shard));
    for (size_t i = 0; i < s->count; i++)
        if (!shard_is_meta(s->members[i].name))
            base_sha256_add(places, &s->members[i].size, sizeof(s->members[i].size));
}

enum mien_status data_shards_each(struct data_shards *shards, data_row_fn fn, void *user)
{
    enum mien_status status = MIEN_OK;
    struct shard_walk walk = {.shards = shards, .tells = shards->samples == 0};
    struct shard_sample sample = {0};
    struct data_manifest m = {.path = shards->manifest.path};
    struct base_sha256 places = base_sha256_begin();
    struct data_row row;
    uint64_t count = 0;
    for (;; count++) {
        TRY(shard_walk_next(&walk, &sample));
        if (sample.count == 0)
            break;
        TRY(read_texts(&walk, &sample, count > 0 || shards->samples > 0, &m, &row));
        FAIL_IF(row.split == DATA_SPLIT_VAL || row.split == DATA_SPLIT_TEST, MIEN_ERR_DATA,
                "%s: \"split\" is written with escapes; write the key in plain letters", row.where);
        TRY(fn(user, &row));
        note_place(&places, &sample);
        base_arena_clear(&m.arena);
    }
    FAIL_IF(count == 0, MIEN_ERR_DATA, "%s: no sample of the train split is in it", shards->manifest.path);
    FAIL_IF(count > UINT32_MAX, MIEN_ERR_DATA, "%s: more than 2^32 samples", shards->manifest.path);
    shards->samples = count;
    base_sha256_end(&places, shards->places);
fail:
    shard_walk_clear(&walk);
    shard_sample_clear(&sample);
    base_arena_clear(&m.arena);
    return status;
}
