/* Training from shards: the bytes of a run from the manifest, where the order is the same; a shuffled run that is
 * stopped goes on to the bytes of an unbroken one; what needs a manifest is refused. */
#include "check.h"
#include "device.h"

#include "mien/data.h"
#include "train/tiny_run.h"

/* Shards s-0.tar to s-4.tar of t.jsonl, some rows of which are not to train on. */
static void make_shards(void)
{
    struct mien_import_params p = {.size = sizeof p, .name = "shards", .shard_size = 5};
    char *text = NULL, manifest[8192];
    size_t size = 0, at = 0;
    p.root = "t.jsonl";
    p.manifest = "s-%d.tar";
    CHECK_EQ(base_file_read(tiny_path("t.jsonl"), 0, &text, &size), MIEN_OK);
    uint32_t row = 0;
    for (char *line = text ? strtok(text, "\n") : NULL; line; line = strtok(NULL, "\n"), row++)
        at += (size_t)snprintf(manifest + at, sizeof(manifest) - at, "%.*s%s\n", (int)strlen(line) - 1, line,
                               row % 8 == 3   ? ",\"split\":\"val\"}"
                               : row % 3 == 1 ? ",\"box\":[1,2,9,8],\"split\":\"train\"}"
                                              : "}");
    base_free(text);
    CHECK(tiny_write("t.jsonl", manifest, at));
    CHECK_EQ(mien_import(&p, NULL), MIEN_OK);
}

static bool equal_models(const char *a, const char *b)
{
    char name_a[128], name_b[128];
    snprintf(name_a, sizeof(name_a), "%s/model/model.safetensors", a);
    snprintf(name_b, sizeof(name_b), "%s/model/model.safetensors", b);
    return equal_files(name_a, name_b) && equal_logs(a, b);
}

static enum mien_status from_shards(const char *run, bool shuffle, const char *more, bool resumes)
{
    char dir[128];
    const char *sets[5] = {dir, "data.train=s-{0..4}.tar", shuffle ? "data.shuffle=true" : "data.shuffle=false",
                           "data.shuffle_buffer=4", more};
    struct mien_train_params params = {.size = sizeof params,
                                       .config = tiny_path("c.json"),
                                       .sets = sets,
                                       .set_count = more ? 5 : 4,
                                       .resume = resumes};
    snprintf(dir, sizeof(dir), "run.dir=%s", run);
    capture_start();
    return mien_train(gpu, &params, NULL);
}

/* Boxes, splits, the vocabulary learnt, augmentation, texts: all are those of the manifest. */
static void test_equal(void)
{
    CHECK_EQ(train("manifest", "data.shuffle=false", NULL, NULL), MIEN_OK);
    CHECK_EQ(from_shards("shards", false, NULL, false), MIEN_OK);
    CHECK(equal_models("manifest", "shards"));
    CHECK(equal_files("manifest/model/merges.txt", "shards/model/merges.txt"));
}

static const char *const drawn[] = {"data.train=s-{0..4}.tar", "data.shuffle=true", "data.shuffle_buffer=4"};

/* 21 samples and batches of 6: step 1 stops in the first epoch, step 3 in the second. */
static void test_resumed(void)
{
    CHECK_EQ(from_shards("whole", true, NULL, false), MIEN_OK);
    CHECK(!equal_models("shards", "whole"));
    for (uint64_t step = 1; step <= 3; step += 2) {
        char run[32];
        snprintf(run, sizeof(run), "stop%d", (int)step);
        stopped_run(run, step, drawn, BASE_COUNT(drawn));
        CHECK_EQ(from_shards(run, true, NULL, true), MIEN_OK);
        CHECK(equal_models("whole", run));
    }
}

/* Clips of two frames, some as a list that is out of order, on a directory's frozen towers. */
static void make_clips(void)
{
    char text[4096];
    size_t at = 0;
    struct mien_import_params p = {.size = sizeof p, .name = "shards", .root = "clips.jsonl", .manifest = "c-%d.tar"};
    p.shard_size = 7;
    for (uint32_t i = 0; i < 18; i++)
        at += (size_t)snprintf(
            text + at, sizeof(text) - at,
            "{\"frames\":[\"%u.png\",\"%u.png\",\"%u.png\"],\"caption\":\"a face of joy, number %u\"}\n", i + 3, i + 1,
            i, i % 7);
    CHECK(tiny_write("clips.jsonl", text, at));
    CHECK_EQ(mien_import(&p, NULL), MIEN_OK);
}

static enum mien_status clips_from(const char *run, const char *data, const char *augment)
{
    char dir[64];
    const char *sets[] = {
        dir,
        data,
        "data.shuffle=false",
        "data.frames={\"count\":2,\"sampling\":\"random\"}",
        "model={\"init\":\"manifest/model\",\"temporal\":{\"layers\":1,\"heads\":2,\"head_dim\":8,\"mlp\":8,"
        "\"max_frames\":8}}",
        augment};
    snprintf(dir, sizeof(dir), "run.dir=%s", run);
    return train_sets(sets, augment ? 6 : 5, NULL);
}

static void test_clips(void)
{
    make_clips();
    CHECK_EQ(clips_from("clips", "data.train=clips.jsonl", "data.augment={\"flip\":0.5}"), MIEN_OK);
    CHECK_EQ(clips_from("packed", "data.train=c-{0..2}.tar", "data.augment={\"flip\":0.5}"), MIEN_OK);
    CHECK(equal_models("clips", "packed"));
    CHECK_EQ(clips_from("frozen", "data.train=c-{0..2}.tar", NULL), MIEN_ERR_ARG);
    CHECK(strstr(captured, "its features are made once of the rows of a manifest, not of shards") != NULL);
}

/* Another buffer is another order; other texts are another run. */
static void test_other(void)
{
    stopped_run("other", 1, drawn, BASE_COUNT(drawn));
    CHECK_EQ(from_shards("other", true, "data.shuffle_buffer=5", true), MIEN_ERR_ARG);
    CHECK(strstr(captured, "begun with data.shuffle_buffer = 4, not 5") != NULL);
    CHECK_EQ(base_rename(tiny_path("s-4.tar"), tiny_path("s-5.tar")), MIEN_OK);
    CHECK_EQ(base_rename(tiny_path("s-3.tar"), tiny_path("s-4.tar")), MIEN_OK);
    CHECK_EQ(base_rename(tiny_path("s-5.tar"), tiny_path("s-3.tar")), MIEN_OK);
    CHECK_EQ(from_shards("other", true, NULL, true), MIEN_ERR_ARG);
    CHECK(captured_once("begun with other texts, labels"));
}

/* t.jsonl in the place of s-0.tar and those after it. */
static void pack_anew(uint32_t shard_size)
{
    struct mien_import_params p = {.size = sizeof p, .name = "shards", .root = "t.jsonl", .manifest = "p-%d.tar"};
    p.shard_size = shard_size;
    CHECK_EQ(mien_import(&p, NULL), MIEN_OK);
    for (uint32_t i = 0; i * shard_size < TINY_IMAGES; i++) {
        char from[16], to[16];
        snprintf(from, sizeof(from), "p-%u.tar", i);
        snprintf(to, sizeof(to), "s-%u.tar", i);
        CHECK_EQ(base_rename(from, to), MIEN_OK);
    }
}

/* The same samples in the same order, but in other shards: their draws would be others. */
static void test_packed_anew(void)
{
    static const char empty[1024];
    stopped_run("anew", 1, drawn, BASE_COUNT(drawn));
    pack_anew(6);
    CHECK(tiny_write("s-4.tar", empty, sizeof(empty)));
    CHECK_EQ(from_shards("anew", true, NULL, true), MIEN_ERR_ARG);
    CHECK(captured_once("with samples in other shards"));
    pack_anew(5);
    CHECK_EQ(from_shards("anew", true, NULL, true), MIEN_OK);
}

static void test_refused(void)
{
    static const struct {
        const char *set, *part;
    } bad[] = {{"data.balance=label", "data.balance label needs all rows"},
               {"data.leave_out=joy", "data.leave_out needs all rows"},
               {"model.head.kind=classes", "model.head needs all rows"},
               {"data.val=s-0.tar", "shards serve data.train alone"},
               {"data.train=s-{0..9}.tar", "s-5.tar: no such file; shard 6 of the 10"},
               {"data.train=s-0.tar.gz", "s-0.tar.gz: no such file"}};
    for (size_t i = 0; i < BASE_COUNT(bad); i++) {
        enum mien_status status = from_shards("refused", false, bad[i].set, false);
        CHECK(status == MIEN_ERR_ARG || status == MIEN_ERR_DATA);
        CHECK(strstr(captured, bad[i].part) != NULL);
        CHECK(!base_file_exists(tiny_path("refused")));
    }
}

int main(void)
{
    capture_start();
    if (!gpu_open_public(&gpu))
        CHECK_SKIP("no Vulkan device: %s", captured);
    if (!tiny_make())
        CHECK_SKIP("no temporary directory");
    make_shards();
    test_equal();
    test_resumed();
    test_refused();
    test_clips();
    test_packed_anew();
    test_other();
    gpu_close_public(&gpu);
    tiny_remove();
    return check_result();
}
