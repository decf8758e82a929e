/* Shards: their names and samples; the loader's batches from them, which are the manifest's; bad samples; memory. */
#include "data/loader.h"
#include "data/stream.h"
#include "mien/data.h"

#include "data/batch_hash.h"
#include "data/shards_made.h"
#include "io/support.h"

enum { SAMPLES = 23, SIDE = 6, CLIP = 3 };

static struct data_manifest *manifest;
static struct data_tokenizer *tokenizer;

/* ---- data ---- */

/* SAMPLES rows with all that a row may have, among them clips: a list in an order of its own, and a directory. */
static void make_data(void)
{
    static char text[16384];
    unsigned char file[1024];
    char name[32];
    size_t n = 0;
    CHECK_EQ(base_dir_create(support_file("clip")), MIEN_OK);
    for (uint32_t i = 0; i < SAMPLES + 4; i++) {
        snprintf(name, sizeof(name), i < SAMPLES ? "%u.png" : "clip/%u.PNG", i);
        CHECK_EQ(base_file_write(support_file(name), file, picture(i, file)), MIEN_OK);
        if (i >= SAMPLES)
            continue;
        n += (size_t)sprintf(text + n,
                             i == 4   ? "{\"frames\":[\"7.png\",\"10.png\",\"2.png\"]"
                             : i == 9 ? "{\"frames\":\"clip\""
                                      : "{\"image\":\"%u.png\"",
                             i);
        n += (size_t)sprintf(
            text + n, ",\"caption\":{\"global\":\"face number %u is %s\",\"local\":[\"l%u\",\"its left eye\"]%s}", i,
            i % 2 ? "happy" : "very \\\"sad\\\"", i, i % 3 ? ",\"summary\":\"a sum\"" : "");
        n += (size_t)sprintf(text + n, ",\"label\":%s,\"va\":[0.1,-0.30000000000000004],\"au\":{\"AU1\":%u.5},",
                             i % 2 ? "\"joy\"" : "[\"fear\",\"awe\"]", i);
        n += (size_t)sprintf(text + n, "\"subject\":\"s%u\",\"fold\":%u%s%s,\"odd\":1}\n", i / 2, i % 3,
                             i % 5 ? "" : ",\"box\":[1.5,1,5,5.25]", i % 4 == 3 ? ",\"split\":\"train\"" : "");
    }
    CHECK_EQ(base_file_write(support_file("m.jsonl"), text, n), MIEN_OK);
    CHECK_EQ(data_manifest_read(support_file("m.jsonl"), &manifest), MIEN_OK);
    const char *texts[] = {"face number happy sad very sum left eye its", "face number happy sad very"};
    CHECK_EQ(data_bpe_train(texts, 2, 560, &tokenizer), MIEN_OK);
}

static enum mien_status pack(const char *from, const char *to, uint64_t size, struct mien_import_summary *summary)
{
    struct mien_import_params p = {.size = sizeof p, .name = "shards", .shard_size = size};
    p.root = support_file(from);
    p.manifest = support_file(to);
    return mien_import(&p, summary);
}

/* ---- names ---- */

static void check_names(const char *pattern, const char *const *names, uint32_t count)
{
    struct data_shards *shards = open_shards(pattern);
    CHECK_EQ(shards ? shards->count : 0, count);
    for (uint32_t i = 0; shards && i < BASE_MIN(count, shards->count); i++)
        CHECK_STR(shards->paths[i], support_file(names[i]));
    data_shards_close(&shards);
}

static void test_names(void)
{
    static const char *const files[] = {"n-09.tar", "n-10.tar", "n-8-a.tar", "n-8-b.tar", "n-9-a.tar", "n-9-b.tar"};
    static const struct {
        const char *pattern, *part;
    } bad[] = {{"n-{09..12}.tar", "n-11.tar: no such file; shard 3 of the 4"},
               {"n-{9..a}.tar", "{9..a} is neither a range"},
               {"n-{9}.tar", "{9} is neither"},
               {"n-{10..09}.tar", "runs backwards"},
               {"n-{09..10.tar", "braces are open"},
               {"n-{0..9999999}.tar", "more than 1000000 shards"}};
    struct data_shards *shards = NULL;
    for (size_t i = 0; i < BASE_COUNT(files); i++)
        CHECK_EQ(base_file_write(support_file(files[i]), "x", 1), MIEN_OK);
    CHECK_EQ(base_file_write(support_file("n-{1..2}.tar"), "x", 1), MIEN_OK);
    check_names("n-{09..10}.tar", files, 2);
    check_names("n-{8..9}-{a,b}.tar", files + 2, 4);
    check_names("n-09.tar", files, 1);
    check_names("n-{1..2}.tar", (const char *const[]){"n-{1..2}.tar"}, 1); /* a file of that very name */
    for (size_t i = 0; i < BASE_COUNT(bad); i++) {
        CHECK(data_shards_open(support_file(bad[i].pattern), NULL, &shards) != MIEN_OK && !shards);
        CHECK(strstr(support_last, bad[i].part) != NULL);
        if (!strstr(support_last, bad[i].part))
            fprintf(stderr, "it said: %s\n", support_last);
    }
    CHECK(data_is_shards("a/B.TAR") && data_is_shards("x.tar.gz") && !data_is_shards("x.jsonl"));
}

/* ---- rows ---- */

static cJSON *without_paths(const struct data_row *row)
{
    cJSON *json = data_row_json(row);
    cJSON_DeleteItemFromObject(json, row->image ? "image" : "frames");
    cJSON_AddNumberToObject(json, "fold", row->fold);
    return json;
}

static enum mien_status compare_row(void *user, const struct data_row *row)
{
    uint32_t *at = user;
    const struct data_row *want = &manifest->rows[*at % SAMPLES];
    cJSON *a = without_paths(row), *b = without_paths(want);
    CHECK(cJSON_Compare(a, b, true));
    CHECK_EQ(row->image != NULL, want->image != NULL);
    CHECK(row->has_box == want->has_box && memcmp(row->box, want->box, sizeof(row->box)) == 0);
    CHECK_EQ(row->frame_count, want->frames_dir ? 4 : want->frame_count);
    cJSON_Delete(a);
    cJSON_Delete(b);
    ++*at;
    return MIEN_OK;
}

/* All that a row has comes back; several shards are read one after the other. */
static void test_rows(void)
{
    struct mien_import_summary s = {sizeof s};
    CHECK_EQ(pack("m.jsonl", "s-%03d.tar", 7, &s), MIEN_OK);
    CHECK(s.samples == SAMPLES && s.shards == 4 && s.train == 5 && s.missing == 0);
    CHECK(!base_file_exists(support_file("s-004.tar")));
    struct data_shards *shards = open_shards("s-{000..003}.tar");
    uint32_t count = 0;
    CHECK_EQ(data_shards_each(shards, compare_row, &count), MIEN_OK);
    CHECK(count == SAMPLES && shards->samples == SAMPLES);
    data_shards_close(&shards);
}

static void test_import(void)
{
    struct mien_import_summary s = {sizeof s};
    char *a = NULL, *b = NULL;
    size_t size_a = 0, size_b = 0;
    CHECK_EQ(pack("m.jsonl", "s-%03d.tar", 7, &s), MIEN_ERR_ARG);
    CHECK(strstr(support_last, "s-000.tar: is there already") != NULL);
    CHECK_EQ(pack("m.jsonl", "t-%d.tar", 7, &s), MIEN_OK);
    CHECK_EQ(base_file_read(support_file("s-001.tar"), 0, &a, &size_a), MIEN_OK);
    CHECK_EQ(base_file_read(support_file("t-1.tar"), 0, &b, &size_b), MIEN_OK);
    CHECK(size_a == size_b && memcmp(a, b, size_a) == 0);
    base_free(a);
    base_free(b);
    for (int i = 0; i < 5; i++) {
        static const char *const names[] = {"u.tar", "u-%s.tar", "u-%d-%d.tar", "u-%d.zip", "%d/u.tar"};
        CHECK_EQ(pack("m.jsonl", names[i], 7, &s), MIEN_ERR_ARG);
        CHECK(strstr(support_last, "-o 'x-%06d.tar'") != NULL);
    }
    static const char gone[] = "{\"image\":\"0.png\"}\n{\"image\":\"none.png\"}\n{\"image\":\"1.png\"}\n";
    CHECK_EQ(base_file_write(support_file("g.jsonl"), gone, sizeof(gone) - 1), MIEN_OK);
    CHECK_EQ(pack("g.jsonl", "g-%d.tar", 1, &s), MIEN_OK);
    CHECK(s.samples == 2 && s.missing == 1 && s.shards == 2);
    static const char film[] = "{\"image\":\"0.png\"}\n{\"video\":\"v.mp4\"}\n";
    CHECK_EQ(base_file_write(support_file("v.jsonl"), film, sizeof(film) - 1), MIEN_OK);
    CHECK_EQ(pack("v.jsonl", "v-%d.tar", 1, &s), MIEN_ERR_DATA);
    CHECK(strstr(support_last, "v.jsonl:2: a video cannot be read within a shard") != NULL);
    CHECK(!base_file_exists(support_file("v-0.tar"))); /* whole or not at all */
}

static bool come_meanwhile(void *user, uint64_t done, uint64_t total)
{
    (void)user;
    CHECK(done > 1 || base_file_write(support_file("r-1.tar"), "mine", 4) == MIEN_OK);
    return done <= total;
}

/* A file that has come since the import began stays, and no shard stands beside it. */
static void test_kept(void)
{
    struct mien_import_params p = {.size = sizeof p, .name = "shards", .shard_size = 7};
    char *text = NULL;
    size_t size = 0;
    p.root = support_file("m.jsonl");
    p.manifest = support_file("r-%d.tar");
    p.progress = come_meanwhile;
    CHECK_EQ(mien_import(&p, NULL), MIEN_ERR_ARG);
    CHECK(strstr(support_last, "r-1.tar: has come meanwhile") != NULL);
    CHECK_EQ(base_file_read(support_file("r-1.tar"), 0, &text, &size), MIEN_OK);
    CHECK(size == 4 && memcmp(text, "mine", 4) == 0);
    CHECK(!base_file_exists(support_file("r-0.tar")));
    base_free(text);
}

/* Keys that Mien does not know are handed on. */
static void test_more(void)
{
    char *data = NULL;
    size_t size = 0;
    CHECK_EQ(base_file_read(support_file("s-000.tar"), 0, &data, &size), MIEN_OK);
    uint32_t found = 0;
    for (size_t i = 0; i + 8 < size; i++)
        found += memcmp(data + i, "\"odd\":1}", 8) == 0;
    CHECK_EQ(found, 7);
    base_free(data);
}

/* ---- batches ---- */

static struct data_loader_params params_of(struct data_shards *shards, uint32_t workers)
{
    static uint32_t rows[SAMPLES];
    struct data_loader_params p = {.manifest = shards ? &shards->manifest : manifest,
                                   .rows = shards ? NULL : rows,
                                   .row_count = shards ? shards->samples : SAMPLES,
                                   .shards = shards,
                                   .shuffle_buffer = 6,
                                   .tokenizer = tokenizer,
                                   .context = 20,
                                   .batch = 5,
                                   .workers = workers,
                                   .clips = {.count = CLIP, .stride = 1, .sampling = DATA_SAMPLING_RANDOM},
                                   .pick = DATA_PICK_RANDOM,
                                   .sentences = 2,
                                   .seed = 42,
                                   .max_bad = 0.1};
    for (uint32_t i = 0; i < SAMPLES; i++)
        rows[i] = i;
    data_preprocess_default(SIDE, &p.preprocess);
    data_augment_default(&p.augment);
    p.augment.jitter = 0.2;
    return p;
}

/* Hashes of the batches [from, to) into out, where it is given; of all of them. */
static uint64_t run(const struct data_loader_params *p, uint64_t from, uint64_t to, uint64_t *out)
{
    struct data_loader *l = NULL;
    uint64_t all = 1;
    CHECK_EQ(data_loader_create(p, &l), MIEN_OK);
    if (l && from > 0)
        CHECK_EQ(data_loader_seek(l, from), MIEN_OK);
    for (uint64_t step = from; l && step < to; step++) {
        const struct data_batch *b;
        CHECK_EQ(data_loader_next(l, &b), MIEN_OK);
        if (!b)
            break;
        uint64_t h = hash_batch(0xCBF29CE484222325u, b, SIDE, BASE_MAX(p->clips.count, 1u));
        CHECK(b->step == step && b->epoch == step / data_loader_batches_per_epoch(l));
        CHECK((b->rows == NULL) == (p->shards != NULL));
        data_batch_release(l, &b);
        all = hash(all, &h, sizeof(h));
        if (out)
            out[step] = h;
    }
    data_loader_destroy(&l);
    return all;
}

static struct data_shards *counted(const char *pattern)
{
    struct data_shards *shards = open_shards(pattern);
    uint64_t count = 0;
    if (shards)
        CHECK_EQ(data_shards_each(shards, count_row, &count), MIEN_OK);
    return shards;
}

/* Pictures, boxes, EXIF, clips, texts, draws: all are those of the manifest in its order. */
static void test_equal(void)
{
    struct data_shards *shards = counted("s-{000..003}.tar");
    struct data_loader_params m = params_of(NULL, 2), s = params_of(shards, 2);
    uint64_t want = run(&m, 0, 9, NULL);
    CHECK(run(&s, 0, 9, NULL) == want);
    s.workers = 0;
    CHECK(run(&s, 0, 9, NULL) == want);
    CHECK(run(&s, 6, 9, NULL) == run(&m, 6, 9, NULL));
    data_shards_close(&shards);
}

/* Places of an epoch's samples, as shard * 2^32 + byte, into out [SAMPLES]. */
static void epoch_of(const struct data_shards *shards, uint32_t buffer, uint32_t epoch, uint64_t *out)
{
    struct stream stream;
    struct stream_sample sample;
    CHECK_EQ(stream_create(shards, buffer, 3, &stream), MIEN_OK);
    CHECK_EQ(stream_seek(&stream, epoch, 0), MIEN_OK);
    for (uint32_t i = 0; i < SAMPLES; i++) {
        CHECK_EQ(stream_next(&stream, &sample), MIEN_OK);
        out[i] = (uint64_t)sample.place.shard << 32 | sample.place.offset;
        base_free(sample.bytes);
    }
    CHECK_EQ(stream_next(&stream, &sample), MIEN_ERR_DATA); /* there are no more */
    stream_clear(&stream);
}

static int by_value(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Each epoch has each sample once, in an order of its own: of the shards, and within the buffer. */
static void test_order(void)
{
    struct data_shards *shards = counted("s-{000..003}.tar");
    uint64_t disk[SAMPLES], got[SAMPLES], last[SAMPLES] = {0};
    uint32_t first[4] = {0}, most = 0, turns = 0;
    epoch_of(shards, 0, 5, disk);
    for (uint32_t i = 1; i < SAMPLES; i++)
        CHECK(disk[i] > disk[i - 1]);
    for (uint32_t epoch = 0; epoch < 40; epoch++) {
        epoch_of(shards, 1, epoch, got); /* whole shards, each in order */
        first[got[0] >> 32]++;
        for (uint32_t i = 1; i < SAMPLES; i++)
            turns += got[i] >> 32 != got[i - 1] >> 32 || got[i] < got[i - 1];
        epoch_of(shards, 6, epoch, got);
        CHECK(memcmp(got, last, sizeof(got)) != 0);
        memcpy(last, got, sizeof(got));
        qsort(got, SAMPLES, sizeof(*got), by_value);
        CHECK(memcmp(got, disk, sizeof(got)) == 0);
    }
    CHECK_EQ(turns, 40 * 3);
    for (uint32_t i = 0; i < 4; i++)
        CHECK(first[i] > 2 && first[i] < 20); /* 10 of 40 each */
    epoch_of(shards, 1000, 0, got);           /* all are in the buffer: far from where they lay */
    for (uint32_t i = 0; i < SAMPLES; i++)
        for (uint32_t k = 0; k < SAMPLES; k++)
            most = got[i] == disk[k] ? BASE_MAX(most, k > i ? k - i : i - k) : most;
    CHECK(most > 7);
    data_shards_close(&shards);
}

/* The same for any number of workers and after a seek to any place, within the buffer's first fill and without. */
static void test_shuffled(void)
{
    struct data_shards *shards = counted("s-{000..003}.tar");
    struct data_loader_params s = params_of(shards, 0);
    uint64_t want[12], got[12] = {0}, in_order = run(&s, 0, 12, NULL);
    s.shuffle = true;
    uint64_t whole = run(&s, 0, 12, want);
    CHECK(whole != in_order);
    CHECK(memcmp(want, want + 4, 4 * sizeof(*want)) != 0);
    for (uint64_t from = 0; from < 12; from += 1 + from % 3) {
        s.workers = (uint32_t)from % 4;
        (void)run(&s, from, 12, got);
        CHECK(memcmp(got + from, want + from, (size_t)(12 - from) * sizeof(*got)) == 0);
    }
    s.shuffle_buffer = 7;
    CHECK(run(&s, 0, 12, NULL) != whole);
    s.shuffle_buffer = 6;
    s.seed++;
    CHECK(run(&s, 0, 12, NULL) != whole);
    data_shards_close(&shards);
}

/* Seeks forth and back while batches are prepared. */
static void test_seek(void)
{
    struct data_shards *shards = counted("s-{000..003}.tar");
    struct data_loader_params s = params_of(shards, 3);
    struct data_loader *l = NULL;
    const struct data_batch *b;
    uint64_t want[12];
    s.shuffle = true;
    (void)run(&s, 0, 12, want);
    CHECK_EQ(data_loader_create(&s, &l), MIEN_OK);
    for (uint64_t i = 0, step = 0; l && i < 40; i++, step = (step * 7 + 5) % 12) {
        CHECK_EQ(data_loader_seek(l, step), MIEN_OK);
        CHECK_EQ(data_loader_next(l, &b), MIEN_OK);
        CHECK(b && b->step == step && hash_batch(0xCBF29CE484222325u, b, SIDE, CLIP) == want[step]);
        data_batch_release(l, &b);
    }
    data_loader_destroy(&l);
    data_shards_close(&shards);
}

/* ---- bad samples ---- */

/* Damaged and missing pictures are counted once and replaced by others of the batch, the same for any workers. */
static void test_bad(void)
{
    static const struct member members[] = {{"0.png", NULL},   {"0.txt", "sad"},    {"1.png", "no PNG"},
                                            {"1.txt", "face"}, {"2.txt", "number"}, {"3.png", NULL},
                                            {"3.txt", "sum"},  {"4.png", NULL},     {"4.txt", "happy"},
                                            {"5.png", NULL},   {"5.txt", "its eye"}};
    const struct data_batch *b = NULL;
    struct data_loader *l = NULL;
    png_size = picture(1, png);
    write_tar("bad.tar", members, BASE_COUNT(members));
    struct data_shards *shards = counted("bad.tar");
    struct data_loader_params p = params_of(shards, 0);
    p.batch = 3;
    p.text = DATA_TEXT_CAPTION;
    p.sentences = 0;
    p.clips.count = 0;
    p.max_bad = 0.4;
    uint64_t want = run(&p, 0, 8, NULL);
    p.workers = 3;
    CHECK(run(&p, 0, 8, NULL) == want);
    CHECK(run(&p, 5, 8, NULL) == run(&p, 5, 8, NULL));
    CHECK_EQ(data_loader_create(&p, &l), MIEN_OK);
    for (int i = 0; l && i < 6; i++) {
        CHECK_EQ(data_loader_next(l, &b), MIEN_OK);
        for (uint32_t k = 1; b && i % 2 == 0 && k < 3; k++) /* whole: with the text of what replaces them */
            CHECK(memcmp(b->tokens, b->tokens + k * b->length, b->length * sizeof(*b->tokens)) == 0);
        data_batch_release(l, &b);
    }
    CHECK_EQ(data_loader_bad(l), 2);
    data_loader_destroy(&l);
    p.max_bad = 0.2;
    CHECK_EQ(data_loader_create(&p, &l), MIEN_OK);
    CHECK_EQ(data_loader_next(l, &b), MIEN_ERR_DATA);
    CHECK(strstr(support_last, "more than data.max_bad") != NULL);
    data_loader_destroy(&l);
    data_shards_close(&shards);
}

/* Where pictures are asked for, the two clips are bad samples and not their first frames. */
static void test_no_clips(void)
{
    struct data_shards *shards = counted("s-{000..003}.tar");
    struct data_loader_params p = params_of(shards, 0);
    struct data_loader *l = NULL;
    const struct data_batch *b = NULL;
    p.clips.count = 0;
    CHECK_EQ(data_loader_create(&p, &l), MIEN_OK);
    for (int i = 0; l && i < 4; i++) {
        CHECK_EQ(data_loader_next(l, &b), MIEN_OK);
        data_batch_release(l, &b);
    }
    CHECK_EQ(data_loader_bad(l), 2);
    data_loader_destroy(&l);
    data_shards_close(&shards);
}

/* A shard that becomes another one after it was counted: an end that comes too early, a place without a sample. */
static void test_changed(uint32_t workers)
{
    static const struct member members[] = {{"0.png", NULL}, {"0.txt", "sad"}, {"1.png", NULL}, {"1.txt", "face"}};
    const struct data_batch *b = NULL;
    struct data_loader *l = NULL;
    write_tar("changed.tar", members, 4);
    struct data_shards *shards = counted("changed.tar");
    struct data_loader_params p = params_of(shards, workers);
    p.batch = 2;
    p.text = DATA_TEXT_CAPTION;
    p.sentences = 0;
    CHECK_EQ(data_loader_create(&p, &l), MIEN_OK);
    CHECK_EQ(data_loader_next(l, &b), MIEN_OK);
    data_batch_release(l, &b);
    write_tar("changed.tar", members, 2);
    enum mien_status status = MIEN_OK;
    for (int i = 0; i < 8 && status == MIEN_OK; i++) { /* some were prepared before */
        status = data_loader_next(l, &b);
        data_batch_release(l, &b);
    }
    CHECK_EQ(status, MIEN_ERR_DATA);
    CHECK(strstr(support_last, "the shards have changed since they were counted") != NULL);
    data_loader_destroy(&l);
    data_shards_close(&shards);
}

int main(void)
{
    support_capture();
    make_data();
    if (manifest && tokenizer) {
        test_names();
        test_rows();
        test_import();
        test_kept();
        test_more();
        test_equal();
        test_order();
        test_shuffled();
        test_seek();
        test_bad();
        test_no_clips();
        for (uint32_t i = 0; i < 40; i++) /* where threads met, some of these once waited for each other */
            test_changed(i % 4);
    }
    data_manifest_destroy(&manifest);
    data_tokenizer_destroy(&tokenizer);
    support_clean();
    return check_result();
}
