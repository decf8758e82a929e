/* Sets of synthetic faces keep their bytes from version to version: every file and the manifest, for each set of
 * options. What compounds, phases and sessions hold. */
#include "data/manifest.h"
#include "data/synth_set.h"
#include "io/support.h"

enum { FACES = 64, CLIPS = 16 };

static uint32_t crc_file(uint32_t crc, const char *path)
{
    char *bytes = NULL;
    size_t size = 0;
    CHECK_EQ(base_file_read(path, 0, &bytes, &size), MIEN_OK);
    crc = bytes ? base_crc32(crc, bytes, size) : 0;
    base_free(bytes);
    return crc;
}

static uint32_t crc_row(uint32_t crc, const struct data_row *row)
{
    char **names = NULL;
    size_t count = 0;
    if (row->image)
        return crc_file(crc, row->image);
    CHECK_EQ(base_dir_list(row->frames_dir, &names, &count), MIEN_OK);
    CHECK_EQ(count, 16);
    for (size_t i = 0; i < count; i++) {
        char *path = base_path_join(row->frames_dir, names[i]);
        crc = crc_file(crc, path);
        base_free(path);
    }
    base_dir_list_free(&names, &count);
    return crc;
}

/* The manifest, then the pictures in its order. */
static uint32_t crc_set(const char *name, const struct mien_synth_params *options)
{
    struct mien_synth_params p = *options;
    struct data_manifest *m = NULL;
    char manifest[64];
    p.size = sizeof(p);
    p.out = support_file(name);
    CHECK_EQ(mien_synth(&p, NULL), MIEN_OK);
    snprintf(manifest, sizeof(manifest), "%s/manifest.jsonl", name);
    uint32_t crc = crc_file(0, support_file(manifest));
    CHECK_EQ(data_manifest_read(support_file(manifest), &m), MIEN_OK);
    for (size_t i = 0; m && i < m->count; i++)
        crc = crc_row(crc, &m->rows[i]);
    CHECK(m && m->count == p.count);
    data_manifest_destroy(&m);
    return crc;
}

/* Numbers of the version that brought each option; none of them may change. New content comes with new options. */
static void test_bytes(void)
{
    static const struct {
        const char *name;
        struct mien_synth_params p;
        uint32_t crc;
    } sets[] = {
        {"faces-48", {.count = FACES, .side = 48, .seed = 7}, 2172840208},
        {"faces-64", {.count = FACES, .side = 64, .seed = 7}, 2793538780},
        {"single-48", {.count = FACES, .side = 48, .seed = 7, .single = true}, 3799430262},
        {"single-64", {.count = FACES, .side = 64, .seed = 7, .single = true}, 1293711616},
        {"contempt-48", {.count = FACES, .side = 48, .seed = 7, .contempt = true}, 1113181761},
        {"contempt-64", {.count = FACES, .side = 64, .seed = 7, .contempt = true}, 2057076957},
        {"clips-48", {.count = CLIPS, .side = 48, .seed = 7, .video = true}, 2358444017},
        {"clips-64", {.count = CLIPS, .side = 64, .seed = 7, .video = true}, 3500150125},
        {"clips-single-48", {.count = CLIPS, .side = 48, .seed = 7, .video = true, .single = true}, 974013854},
        {"clips-single-64", {.count = CLIPS, .side = 64, .seed = 7, .video = true, .single = true}, 2215355500},
        {"compound-48", {.count = FACES, .side = 48, .seed = 7, .compound = true}, 538165536},
        {"phases-48", {.count = CLIPS, .side = 48, .seed = 7, .video = true, .phases = true}, 1569202386},
        {"session-48", {.count = CLIPS, .side = 48, .seed = 7, .video = true, .session_clips = 3}, 1553482866},
    };
    for (size_t i = 0; i < BASE_COUNT(sets); i++) {
        uint32_t crc = crc_set(sets[i].name, &sets[i].p);
        if (crc != sets[i].crc)
            fprintf(stderr, "%s: %u\n", sets[i].name, crc);
        CHECK_EQ(crc, sets[i].crc);
    }
}

static enum mien_status make(const char *name, struct mien_synth_params p)
{
    p.size = sizeof(p);
    p.out = support_file(name);
    p.side = 16;
    p.frames = 16;
    p.seed = 3;
    return mien_synth(&p, NULL);
}

static void test_compound(void)
{
    struct data_manifest *m = NULL;
    CHECK_EQ(make("compound", (struct mien_synth_params){.count = 48, .compound = true, .contempt = true}), MIEN_OK);
    CHECK_EQ(data_manifest_read(support_file("compound/manifest.jsonl"), &m), MIEN_OK);
    for (size_t i = 0; m && i < m->count; i++) {
        const char *first = m->rows[i].labels[0];
        bool alone = strcmp(first, "neutral") == 0 || strcmp(first, "contempt") == 0;
        CHECK_EQ(m->rows[i].label_count, alone ? 1 : 2);
    }
    data_manifest_destroy(&m);
    CHECK_EQ(make("no", (struct mien_synth_params){.count = 4, .compound = true, .single = true}), MIEN_ERR_ARG);
    CHECK_SAYS("choose one");
}

/* All that moves in a frame and is strong enough to be told of; blinks do not count. */
static double movement(const struct synth_sample *s, uint32_t frame, uint32_t count)
{
    struct mien_synth_face face;
    struct synth_scene scene;
    double sum = 0;
    synth_sample_frame(s, frame, count, &face, &scene);
    for (int i = 0; i < MIEN_AU_COUNT; i++)
        sum += s->face.au[i] * 100 >= SYNTH_SAYS && i != MIEN_AU43 ? face.au[i] : 0;
    return sum;
}

/* What the rows of phases say against the frames themselves. */
static void test_phases(void)
{
    const struct mien_synth_params p = {.size = sizeof p, .seed = 3, .video = true, .phases = true};
    enum { FRAMES = 24 };
    uint32_t told = 0, early = FRAMES, late = 0;
    for (uint64_t i = 0; i < 140; i++) {
        struct synth_sample s;
        struct synth_phases at = {0};
        CHECK_EQ(synth_sample_draw(&p, i, &s), MIEN_OK);
        bool visible = synth_sample_phases(&s, FRAMES, &at);
        CHECK(visible || s.emotions[0] == MIEN_NEUTRAL || s.intensity < 0.3);
        if (!visible || s.face.au[MIEN_AU43] > 0)
            continue;
        double most = movement(&s, at.apex, FRAMES);
        told++;
        CHECK(at.onset <= at.apex && at.apex <= at.offset && at.offset < FRAMES && most > 0);
        CHECK(at.onset == 0 || movement(&s, at.onset - 1, FRAMES) < most / 10);
        CHECK(at.offset == FRAMES - 1 || movement(&s, at.offset + 1, FRAMES) < most / 10);
        for (uint32_t f = 0; f < FRAMES; f++)
            CHECK(f < at.apex ? movement(&s, f, FRAMES) < most : movement(&s, f, FRAMES) <= most);
        CHECK(movement(&s, at.onset, FRAMES) >= most / 10 && movement(&s, at.offset, FRAMES) >= most / 10);
        early = BASE_MIN(early, at.onset);
        late = BASE_MAX(late, at.onset);
    }
    CHECK(told > 80);
    CHECK(late > early + 6); /* of 24 frames: a clip's own time */
    CHECK_EQ(make("no", (struct mien_synth_params){.count = 4, .phases = true}), MIEN_ERR_ARG);
    CHECK_SAYS("--video");
}

static void test_phase_rows(void)
{
    char *text = NULL;
    size_t size;
    struct data_manifest *m = NULL;
    const char *path = support_file("phases/manifest.jsonl");
    CHECK_EQ(make("phases", (struct mien_synth_params){.count = 7, .video = true, .phases = true}), MIEN_OK);
    CHECK_EQ(base_file_read(path, 0, &text, &size), MIEN_OK);
    int rows = 0;
    for (const char *at = text; at && (at = strstr(at, "\"onset\":")) != NULL; at++) {
        unsigned onset, apex, offset;
        CHECK_EQ(sscanf(at, "\"onset\":%u,\"apex\":%u,\"offset\":%u", &onset, &apex, &offset), 3);
        CHECK(onset < apex && apex < offset && offset < 16);
        rows++;
    }
    CHECK(rows == 6 || rows == 5); /* one of seven is neutral */
    support_warnings = 0;          /* no key of it is taken for a slip */
    CHECK_EQ(data_manifest_read(path, &m), MIEN_OK);
    CHECK_EQ(support_warnings, 0);
    data_manifest_destroy(&m);
    base_free(text);
}

static double correlation(const double *x, const double *y, int n)
{
    double mx = 0, my = 0, xy = 0, xx = 0, yy = 0;
    for (int i = 0; i < n; i++) {
        mx += x[i] / n;
        my += y[i] / n;
    }
    for (int i = 0; i < n; i++) {
        xy += (x[i] - mx) * (y[i] - my);
        xx += (x[i] - mx) * (x[i] - mx);
        yy += (y[i] - my) * (y[i] - my);
    }
    return xy / sqrt(xx * yy);
}

/* Ratings follow what drives the faces, and no further than two raters can. */
static void test_ratings(void)
{
    enum { SUBJECTS = 1000, N = 8 };
    static double flat[SUBJECTS], slow[SUBJECTS], shown[SUBJECTS], rated[2][SUBJECTS];
    const struct mien_synth_params p = {.size = sizeof p, .seed = 5, .video = true, .session_clips = N};
    for (uint64_t i = 0; i < (uint64_t)SUBJECTS * N; i++) {
        struct synth_sample s;
        CHECK_EQ(synth_sample_draw(&p, i, &s), MIEN_OK);
        CHECK_EQ(s.subject, i / N);
        flat[s.subject] = s.flat;
        slow[s.subject] = s.course.rise;
        shown[s.subject] += s.intensity;
        for (int k = 0; k < 2; k++) {
            rated[k][s.subject] = s.rated[k];
            CHECK(s.rated[k] >= 0 && s.rated[k] <= 6 && s.rated[k] * 2 == (int)(s.rated[k] * 2));
        }
    }
    double a = correlation(rated[0], flat, SUBJECTS), b = correlation(rated[1], slow, SUBJECTS);
    CHECK(a > 0.93 && a < 0.975 && b > 0.93 && b < 0.975);
    double both = correlation(rated[0], rated[1], SUBJECTS), seen = correlation(rated[0], shown, SUBJECTS);
    CHECK(both > -0.1 && both < 0.1);
    CHECK(seen < -0.85 && seen > -0.95);
}

static void test_sessions(void)
{
    struct data_manifest *m = NULL;
    uint32_t splits[4] = {0};
    struct mien_synth_params p = {.count = 60, .video = true, .session_clips = 3};
    CHECK_EQ(make("session", p), MIEN_OK);
    CHECK_EQ(data_manifest_read(support_file("session/manifest.jsonl"), &m), MIEN_OK);
    for (size_t i = 0; m && i < m->count; i++) {
        const struct data_row *row = &m->rows[i], *first = &m->rows[i - i % 3];
        CHECK_EQ(atoi(row->subject + 1), (int)i / 3);
        CHECK_EQ(row->target_count, 3);
        CHECK(strcmp(row->targets[1].name, "flat_affect") == 0 && strcmp(row->targets[2].name, "slowing") == 0);
        for (int k = 1; k < 3; k++)
            CHECK(row->targets[k].value == first->targets[k].value);
        splits[row->split]++;
    }
    CHECK(splits[DATA_SPLIT_TRAIN] == 36 && splits[DATA_SPLIT_VAL] == 6 && splits[DATA_SPLIT_TEST] == 18);
    data_manifest_destroy(&m);
    p.video = false;
    CHECK_EQ(make("no", p), MIEN_ERR_ARG);
    CHECK_SAYS("--video");
    CHECK_EQ(make("no", (struct mien_synth_params){.count = 4, .video = true, .session_clips = 10001}), MIEN_ERR_ARG);
    CHECK(!base_file_exists(support_file("no")));
}

int main(void)
{
    support_capture();
    test_bytes();
    test_compound();
    test_phases();
    test_phase_rows();
    test_ratings();
    test_sessions();
    support_clean();
    return check_result();
}
