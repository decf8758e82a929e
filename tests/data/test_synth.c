/* The synthetic faces: the same bits everywhere, captions that say what is drawn, splits by subject, refusals. */
#include "data/image.h"
#include "data/synth_set.h"
#include "io/support.h"

#include <signal.h>
#include <sys/resource.h>

enum { SIZE = 48, PIXELS = SIZE * SIZE * 3 };

static uint32_t checksum(uint32_t size, uint64_t seed, uint32_t faces)
{
    static unsigned char rgb[96 * 96 * 3];
    uint32_t crc = 0;
    for (uint32_t i = 0; i < faces; i++) {
        struct mien_synth_face face = {.size = sizeof face, .seed = seed, .subject = i, .shot = i};
        CHECK_EQ(mien_synth_express((enum mien_emotion)(i % MIEN_EMOTION_COUNT), 0.8, seed, i, &face), MIEN_OK);
        CHECK_EQ(mien_synth_draw(&face, size, rgb), MIEN_OK);
        crc = base_crc32(crc, rgb, (size_t)size * size * 3);
    }
    return crc;
}

/* The numbers change whenever the drawing does, and for no other reason: not with the compiler or the processor. */
static void test_bits(void)
{
    CHECK_EQ(checksum(48, 7, 24), 1734903708);
    CHECK_EQ(checksum(96, 7, 16), 2936985653);
    CHECK(checksum(48, 8, 4) != checksum(48, 7, 4));
    double worst = 0;
    for (int i = -600; i <= 600; i++)
        worst = fmax(worst, fabs(synth_sin(i * 0.01) - sin(i * 0.01)));
    CHECK(worst < 1e-9); /* the first term left out: (pi/2)^17 / 17! = 6e-12 */
}

/* Mean distance of two faces' pixels, 0..255 */
static double distance(const unsigned char *a, const unsigned char *b)
{
    double sum = 0;
    for (int i = 0; i < PIXELS; i++)
        sum += abs(a[i] - b[i]);
    return sum / PIXELS;
}

/* Each action unit changes the picture, the stronger the more; people and shots differ. */
static void test_units_show(void)
{
    static unsigned char rest[PIXELS], half[PIXELS], full[PIXELS];
    struct mien_synth_face face = {.size = sizeof face, .seed = 3, .subject = 5, .studio = true};
    CHECK_EQ(mien_synth_draw(&face, SIZE, rest), MIEN_OK);
    for (int i = 0; i < MIEN_AU_COUNT; i++) {
        face.au[i] = 0.4;
        CHECK_EQ(mien_synth_draw(&face, SIZE, half), MIEN_OK);
        face.au[i] = 1;
        CHECK_EQ(mien_synth_draw(&face, SIZE, full), MIEN_OK);
        face.au[i] = 0;
        if (!(distance(rest, full) > 0.15 && distance(rest, half) > 0.05 &&
              distance(rest, half) < distance(rest, full)))
            printf("%s: %.3f %.3f\n", synth_au_key((enum mien_au)i), distance(rest, half), distance(rest, full));
        CHECK(distance(rest, full) > 0.15 && distance(rest, half) > 0.05);
        CHECK(distance(rest, half) < distance(rest, full));
    }
    face.subject = 6;
    CHECK_EQ(mien_synth_draw(&face, SIZE, full), MIEN_OK);
    CHECK(distance(rest, full) > 3);
}

/* Words that only sentences about a unit hold. */
static const struct {
    enum mien_au au;
    const char *words[3];
} marks[] = {
    {MIEN_AU9, {"wrinkle", "Wrinkle", NULL}},
    {MIEN_AU20, {"stretcher", "stretched to the sides", "drawn out sideways"}},
    {MIEN_AU27, {"gapes", "gaping", "stretched"}},
    {MIEN_AU43, {"droop", "lowered lids", "closer"}},
};

static bool well_formed(const char *text)
{
    static const char *const wrong[] = {"$", "  ", " ,", " .", "..", " a a", " a e", " a i", " a o", "NULL", ", ,"};
    size_t n = strlen(text);
    for (size_t i = 0; i < BASE_COUNT(wrong); i++)
        if (strstr(text, wrong[i]))
            return false;
    return n > 8 && n < 200 && text[0] >= 'A' && text[0] <= 'Z' && text[n - 1] == '.';
}

static bool is_silent(const struct data_row *row, enum mien_au au)
{
    for (uint32_t i = 0; i < row->au_count; i++)
        if (strcmp(row->aus[i].name, synth_au_key(au)) == 0)
            return row->aus[i].value < SYNTH_SAYS / 100.0 - 0.001;
    return true;
}

/* No sentence tells of a unit that is not there, and brows that move are told of. */
static void check_caption(const struct data_row *row)
{
    struct base_arena arena = {0};
    const char *text = data_caption_text(&arena, &row->caption);
    bool good = text && well_formed(row->caption.global) && well_formed(row->caption.summary);
    for (uint32_t i = 0; i < row->caption.local_count; i++)
        good = good && well_formed(row->caption.local[i]);
    for (size_t i = 0; i < BASE_COUNT(marks); i++)
        for (int w = 0; w < 3 && marks[i].words[w]; w++)
            if (is_silent(row, marks[i].au) && strstr(text, marks[i].words[w]) &&
                !(marks[i].au == MIEN_AU27 && !is_silent(row, MIEN_AU20)))
                good = false;
    bool still = is_silent(row, MIEN_AU1) && is_silent(row, MIEN_AU2) && is_silent(row, MIEN_AU4);
    good = good && (still ? !strstr(text, "frown") && !strstr(text, "slant") : strstr(text, "brow") != NULL);
    good = good && row->caption.local_count >= 1 && !data_caption_has_side(&row->caption);
    if (!good)
        fprintf(stderr, "line %u: %s\n", row->line, text);
    CHECK(good);
    base_arena_clear(&arena);
}

static enum mien_status make(const char *name, uint64_t count, uint32_t threads, bool video)
{
    struct mien_synth_params p = {.size = sizeof p,
                                  .out = support_file(name),
                                  .count = count,
                                  .side = 24,
                                  .seed = 4,
                                  .threads = threads,
                                  .video = video,
                                  .frames = 6};
    support_last[0] = '\0';
    return mien_synth(&p, NULL);
}

static void test_set(void)
{
    struct data_manifest *m = NULL;
    struct data_image image;
    uint32_t splits[4] = {0}, blends = 0, subjects[32] = {0};
    char label[64];
    CHECK_EQ(make("set", 210, 0, false), MIEN_OK);
    CHECK_EQ(data_manifest_read(support_file("set/manifest.jsonl"), &m), MIEN_OK);
    if (!m)
        return;
    CHECK_EQ(m->count, 210);
    for (size_t i = 0; i < m->count; i++) {
        const struct data_row *row = &m->rows[i];
        uint32_t subject = (uint32_t)atoi(row->subject + 1) % 32;
        splits[row->split]++;
        blends += row->label_count == 2;
        CHECK(subjects[subject] == 0 || subjects[subject] == (uint32_t)row->split);
        subjects[subject] = (uint32_t)row->split;
        CHECK(row->has_va && row->va[0] >= -1 && row->va[0] <= 1 && row->target_count == 1);
        CHECK(strlen(data_row_label(row, label, sizeof(label))) > 3);
        check_caption(row);
    }
    CHECK(splits[DATA_SPLIT_TRAIN] == 168 && splits[DATA_SPLIT_VAL] == 21 && splits[DATA_SPLIT_TEST] == 21);
    CHECK(blends > 10 && blends < 45); /* 210 * 6/7 / 8 = 22 */
    CHECK_EQ(data_image_read(m->rows[209].image, NULL, &image), MIEN_OK);
    CHECK(image.width == 24 && image.height == 24);
    data_image_free(&image);
    data_manifest_destroy(&m);
}

static bool same_file(const char *a, const char *b, bool prefix)
{
    char *x, *y;
    size_t n, k;
    bool same = base_file_read(support_file(a), 0, &x, &n) == MIEN_OK;
    same = base_file_read(support_file(b), 0, &y, &k) == MIEN_OK && same;
    same = same && (n == k || (prefix && n < k)) && memcmp(x, y, n) == 0;
    base_free(x);
    base_free(y);
    return same;
}

/* Threads and the size of the set change nothing. */
static void test_independent(void)
{
    CHECK_EQ(make("few", 20, 1, false), MIEN_OK);
    CHECK_EQ(make("more", 300, 3, false), MIEN_OK);
    CHECK(same_file("few/manifest.jsonl", "more/manifest.jsonl", true));
    CHECK(same_file("few/images/000019.png", "more/images/000019.png", false));
}

static void test_clips(void)
{
    struct data_manifest *m = NULL;
    CHECK_EQ(make("video", 14, 2, true), MIEN_OK);
    CHECK_EQ(data_manifest_read(support_file("video/manifest.jsonl"), &m), MIEN_OK);
    if (!m)
        return;
    for (size_t i = 0; i < m->count; i++) {
        char **names;
        size_t count;
        CHECK_EQ(base_dir_list(m->rows[i].frames_dir, &names, &count), MIEN_OK);
        CHECK_EQ(count, 6);
        base_dir_list_free(&names, &count);
        CHECK(m->rows[i].target_count == 2 && m->rows[i].targets[1].value >= 0 && m->rows[i].targets[1].value <= 6);
    }
    /* a trait: the same for all clips of a subject */
    CHECK(m->rows[0].targets[1].value == m->rows[6].targets[1].value);
    CHECK(m->rows[0].targets[1].value != m->rows[7].targets[1].value);
    CHECK(!same_file("video/clips/000000/000.png", "video/clips/000000/003.png", false));
    data_manifest_destroy(&m);
}

static bool stop_at_once(void *user, uint64_t done, uint64_t total)
{
    (void)user;
    (void)done;
    (void)total;
    return false;
}

static void test_refusals(void)
{
    struct mien_synth_face face = {.size = sizeof face, .studio = true};
    unsigned char rgb[16 * 16 * 3];
    CHECK_EQ(mien_synth_draw(&face, 15, rgb), MIEN_ERR_ARG);
    CHECK_SAYS("16 to 1024");
    face.au[MIEN_AU12] = 1.5;
    CHECK_EQ(mien_synth_draw(&face, 16, rgb), MIEN_ERR_ARG);
    CHECK_SAYS("AU12");
    face.au[MIEN_AU12] = NAN;
    CHECK_EQ(mien_synth_draw(&face, 16, rgb), MIEN_ERR_ARG);
    CHECK_EQ(mien_synth_express(MIEN_EMOTION_COUNT, 0.5, 0, 0, &face), MIEN_ERR_ARG);
    CHECK_EQ(mien_synth_express(MIEN_FEAR, 1.5, 0, 0, &face), MIEN_ERR_ARG);
    CHECK(mien_emotion_name(MIEN_EMOTION_COUNT) == NULL);
    CHECK_EQ(make("none", 0, 1, false), MIEN_ERR_ARG);
    CHECK(!base_file_exists(support_file("none")));
    /* one that is there */
    CHECK_EQ(make("few", 5, 1, false), MIEN_ERR_ARG);
    CHECK_SAYS("holds manifest.jsonl already");
    CHECK_EQ(base_dir_create(support_file("mine")), MIEN_OK);
    CHECK_EQ(base_file_write(support_file("mine/notes.txt"), "x", 1), MIEN_OK);
    CHECK_EQ(make("mine", 3, 1, false), MIEN_OK);
    CHECK(base_file_exists(support_file("mine/notes.txt")) && base_file_exists(support_file("mine/images/000002.png")));
    CHECK(!base_file_exists(support_file("mine/.mien-new-faces")));
    CHECK_EQ(make("mine/notes.txt", 3, 1, false), MIEN_ERR_ARG);
    CHECK_EQ(make("mine/notes.txt/below", 3, 1, false), MIEN_ERR_IO);
    struct mien_synth_params p = {
        .size = sizeof p, .out = support_file("stopped"), .count = 5, .side = 16, .progress = stop_at_once};
    CHECK_EQ(mien_synth(&p, NULL), MIEN_ERR_CANCELLED);
    CHECK(!base_file_exists(support_file("stopped")) && !base_file_exists(support_file(".mien-new-stopped")));
}

/* A disk that takes no more, by a limit on the size of files: nothing is left behind. */
static void test_full_disk(void)
{
    struct rlimit old, tight;
    CHECK_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
    tight = (struct rlimit){700, old.rlim_max}; /* a face of 24 pixels takes more */
    signal(SIGXFSZ, SIG_IGN);
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
    enum mien_status full = make("full", 30, 2, false), inside = make("mine", 30, 2, true);
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
    CHECK_EQ(full, MIEN_ERR_IO);
    CHECK_EQ(inside, MIEN_ERR_ARG); /* holds a manifest from before */
    CHECK(!base_file_exists(support_file("full")) && !base_file_exists(support_file(".mien-new-full")));
    CHECK_EQ(make("full", 3, 1, false), MIEN_OK);
    struct mien_synth_params p = {.size = sizeof p, .out = "/proc/mien/faces", .count = 5};
    CHECK_EQ(mien_synth(&p, NULL), MIEN_ERR_IO);
    CHECK_SAYS("/proc/mien");
}

int main(void)
{
    support_capture();
    test_bits();
    test_units_show();
    test_set();
    test_independent();
    test_clips();
    test_refusals();
    test_full_disk();
    support_clean();
    return check_result();
}
