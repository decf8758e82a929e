/* What a loader of shards holds does not grow with the number of samples: 50 epochs of 1,000 samples against one
 * of 50,000, in one process, by the most that it ever had. The 50,000 are one shard under 50 names. */
#include "data/loader.h"

#include "data/png.h"
#include "io/support.h"

#include <sys/resource.h>

enum { SIDE = 6, SAMPLES = 1000, SHARDS = 50, BATCH = 50 };

/* 1,000 pictures, each with a text of its own. */
static void make_shard(void)
{
    unsigned char pixels[8 * 8 * 3], file[1024];
    char name[32], text[128];
    struct base_out *out = NULL;
    CHECK_EQ(base_out_open(support_file("s-00.tar"), &out), MIEN_OK);
    for (uint32_t i = 0; i < SAMPLES; i++) {
        memset(pixels, (int)(i % 256), sizeof(pixels));
        size_t size = png_make(8, 8, 3, pixels, 0, file);
        snprintf(name, sizeof(name), "%06u.png", i);
        CHECK_EQ(tar_write(out, name, file, size), MIEN_OK);
        snprintf(name, sizeof(name), "%06u.json", i);
        snprintf(text, sizeof(text), "{\"caption\":\"Face number %u. It is calm.\",\"split\":\"train\"}", i);
        CHECK_EQ(tar_write(out, name, text, strlen(text)), MIEN_OK);
    }
    CHECK_EQ(tar_write_end(out), MIEN_OK);
    CHECK_EQ(base_out_commit(&out), MIEN_OK);
    for (uint32_t i = 1; i < SHARDS; i++) {
        snprintf(name, sizeof(name), "s-%02u.tar", i);
        CHECK_EQ(link(support_file("s-00.tar"), support_file(name)), 0);
    }
}

static enum mien_status count_row(void *user, const struct data_row *row)
{
    (void)row;
    ++*(uint64_t *)user;
    return MIEN_OK;
}

/* As many steps as an epoch of all shards has; returns the most memory of the process so far, in KiB. */
static long run(const char *pattern, uint64_t samples, struct data_tokenizer *tokenizer)
{
    struct data_shards *shards = NULL;
    struct data_loader *l = NULL;
    const struct data_batch *b = NULL;
    struct rusage usage;
    uint64_t count = 0;
    CHECK_EQ(data_shards_open(support_file(pattern), NULL, &shards), MIEN_OK);
    CHECK_EQ(data_shards_each(shards, count_row, &count), MIEN_OK);
    CHECK_EQ(count, samples);
    struct data_loader_params p = {.manifest = &shards->manifest,
                                   .row_count = shards->samples,
                                   .shards = shards,
                                   .shuffle = true,
                                   .shuffle_buffer = 500,
                                   .tokenizer = tokenizer,
                                   .context = 16,
                                   .batch = BATCH,
                                   .workers = 0,
                                   .seed = 1,
                                   .max_bad = 0};
    data_preprocess_default(SIDE, &p.preprocess);
    data_augment_default(&p.augment);
    CHECK_EQ(data_loader_create(&p, &l), MIEN_OK);
    for (uint64_t step = 0; l && step < (uint64_t)SAMPLES * SHARDS / BATCH; step++) {
        CHECK_EQ(data_loader_next(l, &b), MIEN_OK);
        data_batch_release(l, &b);
    }
    data_loader_destroy(&l);
    data_shards_close(&shards);
    CHECK_EQ(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

int main(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    CHECK_SKIP("sanitizers keep what is freed");
#endif
    struct data_tokenizer *tokenizer = NULL;
    const char *texts[] = {"face number it is calm", "face number it is calm"};
    support_capture();
    make_shard();
    CHECK_EQ(data_bpe_train(texts, 2, 560, &tokenizer), MIEN_OK);
    if (tokenizer) {
        long few = run("s-00.tar", SAMPLES, tokenizer), many = run("s-{00..49}.tar", SAMPLES * SHARDS, tokenizer);
        printf("%d samples: %ld KiB at most, %d: %ld\n", SAMPLES, few, SAMPLES * SHARDS, many);
        /* 16 bytes for each sample would be 784 KiB; threads and the allocator's pools differ by some 100 from run to
         * run */
        CHECK(many - few < 512);
    }
    data_tokenizer_destroy(&tokenizer);
    support_clean();
    return check_result();
}
