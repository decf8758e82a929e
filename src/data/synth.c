/* synth.c: a whole data set of synthetic faces, on all processors. */
#include "data/png_write.h"
#include "data/synth_set.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { CHUNK = 256, FRAMES = 16, SIDE = 64, SAID = 1024 };

struct job {
    struct mien_synth_params params; /* defaults filled in */
    struct base_stage *stage;        /* of `params.out`; where that is there, of the parts that it takes */
    const char *root;                /* the directory under construction */
    bool there;
    uint64_t first;     /* sample of the chunk's beginning */
    char *lines[CHUNK]; /* manifest rows */
    struct synth_sample samples[CHUNK];
    atomic_bool stopped; /* by a failure, which is: */
    enum mien_status failure;
    char said[SAID];
};

static const char *parts_of(const struct job *job)
{
    return job->params.video ? "clips" : "images";
}

/* Numbers with few digits: what the faces show is no more exact. */
static double rounded(double x)
{
    double k = x * 1000 + (x < 0 ? -0.5 : 0.5);
    return (double)(int64_t)k / 1000;
}

/* What a sample's faces show, into `row`; units and targets have room for all. */
static void fill_numbers(const struct synth_sample *s, const struct mien_synth_params *params, struct data_row *row,
                         struct data_value *units, struct data_value *targets)
{
    row->has_va = true;
    row->va[0] = rounded(s->va[0]);
    row->va[1] = rounded(s->va[1]);
    for (int i = 0; i < MIEN_AU_COUNT; i++)
        if (s->face.au[i] > 0)
            units[row->au_count++] = (struct data_value){synth_au_key((enum mien_au)i), rounded(s->face.au[i])};
    targets[row->target_count++] = (struct data_value){"intensity", rounded(s->intensity)};
    if (params->video)
        targets[row->target_count++] =
            (struct data_value){"flat_affect", params->session_clips ? s->rated[0] : rounded(s->flat)};
    if (params->session_clips)
        targets[row->target_count++] = (struct data_value){"slowing", s->rated[1]};
    row->aus = units;
    row->targets = targets;
}

/* Where the expression of a clip begins, is strongest and ends, by frame; a clip without one has none. */
static void put_phases(const struct job *job, const struct synth_sample *s, cJSON *json)
{
    struct synth_phases phases = {0};
    if (!job->params.phases || !synth_sample_phases(s, job->params.frames, &phases))
        return;
    cJSON_AddNumberToObject(json, "onset", phases.onset);
    cJSON_AddNumberToObject(json, "apex", phases.apex);
    cJSON_AddNumberToObject(json, "offset", phases.offset);
}

static enum mien_status make_line(const struct job *job, const struct synth_sample *s, const char *place, char **out)
{
    enum mien_status status = MIEN_OK;
    struct base_arena arena = {0};
    char subject[32];
    bool video = job->params.video;
    const char *const labels[2] = {mien_emotion_name(s->emotions[0]), mien_emotion_name(s->emotions[1])};
    struct data_value units[MIEN_AU_COUNT], targets[3];
    struct data_row row = {.image = video ? NULL : place,
                           .frames_dir = video ? place : NULL,
                           .labels = labels,
                           .label_count = s->emotion_count,
                           .subject = subject,
                           .split = s->split};
    cJSON *json = NULL;
    TRY(synth_caption(s, video, job->params.seed, &arena, &row.caption));
    snprintf(subject, sizeof(subject), "s%05llu", (unsigned long long)s->subject);
    fill_numbers(s, &job->params, &row, units, targets);
    json = data_row_json(&row);
    if (json)
        put_phases(job, s, json);
    *out = json ? base_json_print(json, false) : NULL;
    FAIL_IF_NULL(*out, "a manifest");
fail:
    cJSON_Delete(json);
    base_arena_clear(&arena);
    return status;
}

static enum mien_status write_picture(const char *root, const char *name, const unsigned char *rgb, uint32_t size)
{
    enum mien_status status = MIEN_OK;
    unsigned char *png = NULL;
    size_t bytes;
    char *path = base_path_join(root, name);
    FAIL_IF_NULL(path, "a path");
    TRY(data_png_encode(rgb, size, size, &png, &bytes));
    TRY(base_file_write_part(path, png, bytes));
fail:
    data_png_free(png);
    base_free(path);
    return status;
}

static enum mien_status make_image(const struct job *job, const struct synth_sample *s, const char *place)
{
    enum mien_status status = MIEN_OK;
    uint32_t size = job->params.side;
    unsigned char *rgb = base_alloc((size_t)size * size, 3);
    FAIL_IF_NULL(rgb, "a face");
    TRY(mien_synth_draw(&s->face, size, rgb));
    TRY(write_picture(job->root, place, rgb, size));
fail:
    base_free(rgb);
    return status;
}

static enum mien_status make_clip(const struct job *job, const struct synth_sample *s, const char *place)
{
    enum mien_status status = MIEN_OK;
    uint32_t size = job->params.side, frames = job->params.frames;
    unsigned char *rgb = base_alloc((size_t)size * size, 3);
    char *dir = base_path_join(job->root, place), name[96];
    FAIL_IF(!rgb || !dir, MIEN_ERR_NOMEM, "out of host memory for a clip");
    TRY(base_dir_create(dir));
    for (uint32_t i = 0; i < frames; i++) {
        struct mien_synth_face face;
        struct synth_scene scene;
        synth_sample_frame(s, i, frames, &face, &scene);
        TRY(synth_draw(&face, &scene, s->index * SYNTH_FRAMES_MAX + i, size, rgb));
        snprintf(name, sizeof(name), "%s/%03u.png", place, i);
        TRY(write_picture(job->root, name, rgb, size));
    }
fail:
    base_free(rgb);
    base_free(dir);
    return status;
}

/* The first failure of all threads is told, by whoever waits for them; nobody begins another sample after it. */
static void note_failure(struct job *job, enum mien_status status, const char *said)
{
    if (!atomic_exchange(&job->stopped, true)) {
        job->failure = status;
        snprintf(job->said, sizeof(job->said), "%s", said);
    }
}

static void make_sample(void *user, uint32_t i)
{
    enum mien_status status = MIEN_OK;
    struct job *job = user;
    struct synth_sample *s = &job->samples[i];
    char place[64], said[SAID];
    if (atomic_load(&job->stopped))
        return;
    base_log_divert(said, sizeof(said));
    TRY(synth_sample_draw(&job->params, job->first + i, s));
    snprintf(place, sizeof(place), "%s/%06llu%s", parts_of(job), (unsigned long long)s->index,
             job->params.video ? "" : ".png");
    if (job->params.video)
        TRY(make_clip(job, s, place));
    else
        TRY(make_image(job, s, place));
    TRY(make_line(job, s, place, &job->lines[i]));
fail:
    base_log_divert(NULL, 0);
    if (status != MIEN_OK)
        note_failure(job, status, said);
}

static void count_sample(const struct synth_sample *s, struct mien_synth_summary *summary)
{
    summary->samples++;
    summary->subjects = s->subject + 1;
    summary->train += s->split == DATA_SPLIT_TRAIN;
    summary->val += s->split == DATA_SPLIT_VAL;
    summary->test += s->split == DATA_SPLIT_TEST;
}

static enum mien_status make_chunk(struct job *job, uint32_t count, struct base_out *manifest,
                                   struct mien_synth_summary *summary)
{
    enum mien_status status = MIEN_OK;
    base_parallel_for(job->params.threads, count, make_sample, job);
    FAIL_IF(atomic_load(&job->stopped), job->failure, "%s", job->said);
    for (uint32_t i = 0; i < count; i++) {
        TRY(base_out_printf(manifest, "%s\n", job->lines[i]));
        count_sample(&job->samples[i], summary);
    }
fail:
    for (uint32_t i = 0; i < count; i++) {
        base_free(job->lines[i]);
        job->lines[i] = NULL;
    }
    return status;
}

static enum mien_status make_all(struct job *job, struct mien_synth_summary *summary)
{
    enum mien_status status = MIEN_OK;
    const struct mien_synth_params *p = &job->params;
    struct base_out *manifest = NULL;
    char *parts = base_path_join(job->root, parts_of(job)), *path = base_path_join(job->root, "manifest.jsonl");
    FAIL_IF(!parts || !path, MIEN_ERR_NOMEM, "out of host memory for paths");
    TRY(base_dir_create(parts));
    TRY(base_out_open_own(path, &manifest));
    for (job->first = 0; job->first < p->count; job->first += CHUNK) {
        TRY(make_chunk(job, (uint32_t)BASE_MIN(p->count - job->first, (uint64_t)CHUNK), manifest, summary));
        TRY(base_progress(p->progress, p->user, summary->samples, p->count));
    }
    TRY(base_out_commit(&manifest));
fail:
    base_out_abandon(&manifest);
    base_free(parts);
    base_free(path);
    return status;
}

/* root/name becomes out/name */
static enum mien_status move_into(const struct job *job, const char *name)
{
    enum mien_status status = MIEN_OK;
    char *from = base_path_join(job->root, name), *to = base_path_join(job->params.out, name);
    FAIL_IF(!from || !to, MIEN_ERR_NOMEM, "out of host memory for paths");
    TRY(base_rename(from, to));
fail:
    base_free(from);
    base_free(to);
    return status;
}

static enum mien_status publish(struct job *job)
{
    enum mien_status status = MIEN_OK;
    if (!job->there)
        return base_stage_commit(&job->stage);
    TRY(move_into(job, parts_of(job)));
    TRY(move_into(job, "manifest.jsonl")); /* last: only then it is a data set */
fail:
    return status;
}

static enum mien_status refuse_existing(const struct job *job)
{
    enum mien_status status = MIEN_OK;
    const char *const names[] = {"manifest.jsonl", "images", "clips"};
    FAIL_IF(!base_file_is_dir(job->params.out), MIEN_ERR_ARG, "%s: is there and no directory; name a directory to make",
            job->params.out);
    for (size_t i = 0; i < BASE_COUNT(names); i++)
        FAIL_IF(base_file_exists_in(job->params.out, names[i]), MIEN_ERR_ARG,
                "%s: holds %s already; name another directory, or remove it", job->params.out, names[i]);
fail:
    return status;
}

/* A directory beside the one to come, or inside the one that is there. */
static enum mien_status open_stage(struct job *job)
{
    enum mien_status status = MIEN_OK;
    const char *out = job->params.out;
    char *inside = base_path_join(out, "faces");
    FAIL_IF_NULL(inside, "paths");
    job->there = base_file_exists(out);
    if (job->there)
        TRY(refuse_existing(job));
    TRY(base_stage_open(job->there ? inside : out, &job->stage));
    job->root = base_stage_dir(job->stage);
fail:
    base_free(inside);
    return status;
}

static enum mien_status check_params(const struct mien_synth_params *p)
{
    enum mien_status status = MIEN_OK;
    FAIL_IF(!p->out || !*p->out, MIEN_ERR_ARG, "synthetic faces need a directory to make");
    FAIL_IF(p->count < 1 || p->count > 10000000, MIEN_ERR_ARG, "%llu samples; 1 to 10000000 can be made",
            (unsigned long long)p->count);
    FAIL_IF(p->side != 0 && (p->side < 16 || p->side > 1024), MIEN_ERR_ARG, "%u pixels a side; 16 to 1024 can be drawn",
            p->side);
    FAIL_IF(p->frames != 0 && (p->frames < 4 || p->frames > SYNTH_FRAMES_MAX), MIEN_ERR_ARG,
            "%u frames a clip; 4 to %d can be made", p->frames, SYNTH_FRAMES_MAX);
    FAIL_IF(p->single && p->compound, MIEN_ERR_ARG,
            "single emotions and compound ones cannot be asked for at once; choose one");
    FAIL_IF((p->phases || p->session_clips) && !p->video, MIEN_ERR_ARG,
            "phases and sessions are of clips; ask for clips too (--video)");
    FAIL_IF(p->session_clips > 10000, MIEN_ERR_ARG, "%u clips a session; 1 to 10000 can be made", p->session_clips);
fail:
    return status;
}

enum mien_status mien_synth(const struct mien_synth_params *params, struct mien_synth_summary *summary)
{
    enum mien_status status = MIEN_OK;
    struct mien_synth_summary own = {.size = sizeof(own)};
    struct job *job = NULL;
    TRY(SIZED_CLEAR(summary));
    NEED(params);
    job = base_alloc(1, sizeof(*job));
    FAIL_IF_NULL(job, "synthetic faces");
    TRY(SIZED_READ(&job->params, params));
    TRY(check_params(&job->params));
    job->params.side = job->params.side ? job->params.side : SIDE;
    job->params.frames = job->params.frames ? job->params.frames : FRAMES;
    TRY(open_stage(job));
    TRY(make_all(job, &own));
    TRY(publish(job));
    TRY(SIZED_WRITE(summary, &own));
fail:
    if (job)
        base_stage_abandon(&job->stage);
    base_free(job);
    return status;
}
