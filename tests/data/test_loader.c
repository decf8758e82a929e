/* The loader: same batches for any number of workers and after a seek; orders, balance, texts, bad samples. */
#include "data/loader.h"

#include "data/batch_hash.h"
#include "data/png.h"
#include "data/row_image.h"
#include "io/support.h"

enum { SAMPLES = 23, SIDE = 6 };

static struct data_manifest *manifest;
static struct data_tokenizer *tokenizer;
static uint32_t all_rows[SAMPLES];

/* SAMPLES pictures of 8x8 and a manifest: labels a (12), b (8), none (3); rows 5 to 7 have local sentences. */
static void make_data(void)
{
    static unsigned char pixels[8 * 8 * 3], file[1024];
    static char text[16384];
    char name[32];
    size_t n = 0;
    for (uint32_t i = 0; i < SAMPLES; i++) {
        struct base_rng rng = base_rng_make(9, "picture", i, 0);
        for (size_t k = 0; k < sizeof(pixels); k++)
            pixels[k] = (unsigned char)base_rng_below(&rng, 256);
        size_t size = png_make(8, 8, 3, pixels, 0, file);
        snprintf(name, sizeof(name), "%u.png", i);
        CHECK_EQ(base_file_write(support_file(name), file, size), MIEN_OK);
        n += (size_t)sprintf(text + n, "{\"image\":\"%u.png\",\"caption\":{\"global\":\"face number %u is %s\"", i, i,
                             i % 2 ? "happy" : "very very sad");
        if (i != 3)
            n += (size_t)sprintf(text + n, ",\"summary\":\"sum %u\"", i);
        if (i >= 5 && i <= 7)
            n += (size_t)sprintf(text + n, ",\"local\":[\"l0\",\"l1\",\"l2 turned left\"]");
        if (i < 20) /* they differ in the 200th letter */
            n += (size_t)sprintf(text + n, "},\"label\":[\"a %0197d%c\",\"z\"]", 0, i < 12 ? 'a' : 'b');
        n += (size_t)sprintf(text + n, i < 20 ? "}\n" : "}}\n");
        all_rows[i] = i;
    }
    CHECK_EQ(base_file_write(support_file("m.jsonl"), text, n), MIEN_OK);
    CHECK_EQ(data_manifest_read(support_file("m.jsonl"), &manifest), MIEN_OK);
    const char *texts[] = {"face number happy sad very sum turned left", "face number happy sad very"};
    CHECK_EQ(data_bpe_train(texts, 2, 560, &tokenizer), MIEN_OK);
}

static struct data_loader_params params_of(uint32_t workers)
{
    struct data_loader_params p = {.manifest = manifest,
                                   .rows = all_rows,
                                   .row_count = SAMPLES,
                                   .tokenizer = tokenizer,
                                   .context = 20,
                                   .batch = 5,
                                   .shuffle = true,
                                   .workers = workers,
                                   .seed = 42,
                                   .max_bad = 0.01};
    data_preprocess_default(SIDE, &p.preprocess);
    data_augment_default(&p.augment);
    p.augment.jitter = 0.2;
    return p;
}

static uint64_t hash_whole(uint64_t h, const struct data_batch *b)
{
    return hash(hash_batch(h, b, SIDE, 1), b->rows, b->count * sizeof(*b->rows));
}

/* Hash of batches [from, to). */
static uint64_t run(const struct data_loader_params *p, uint64_t from, uint64_t to)
{
    struct data_loader *l = NULL;
    uint64_t h = 0xCBF29CE484222325u;
    CHECK_EQ(data_loader_create(p, &l), MIEN_OK);
    if (l && from > 0)
        CHECK_EQ(data_loader_seek(l, from), MIEN_OK);
    for (uint64_t step = from; l && step < to; step++) {
        const struct data_batch *b;
        CHECK_EQ(data_loader_next(l, &b), MIEN_OK);
        if (!b)
            break;
        CHECK_EQ(b->step, step);
        CHECK_EQ(b->epoch, step / 4);
        h = hash_whole(h, b);
        data_batch_release(l, &b);
        CHECK(b == NULL);
    }
    data_loader_destroy(&l);
    CHECK(l == NULL);
    return h;
}

static void test_deterministic(void)
{
    struct data_loader_params p = params_of(0);
    p.pick = DATA_PICK_RANDOM;
    p.sentences = 2;
    uint64_t whole = run(&p, 0, 13), tail = run(&p, 6, 13);
    for (uint32_t workers = 1; workers <= 5; workers += 2) {
        p.workers = workers;
        p.depth = workers == 5 ? 2 : 4;
        CHECK(run(&p, 0, 13) == whole);
        CHECK(run(&p, 6, 13) == tail);
    }
    p.cache_bytes = 500; /* two pictures fit, the others are read each time */
    CHECK(run(&p, 0, 13) == whole);
    p.seed = 43;
    CHECK(run(&p, 0, 13) != whole);
}

/* A seek forth and back, with batches prepared meanwhile. */
static void test_seek(void)
{
    struct data_loader_params p = params_of(2);
    struct data_loader *l = NULL;
    const struct data_batch *b, *c;
    CHECK_EQ(data_loader_create(&p, &l), MIEN_OK);
    if (!l)
        return;
    CHECK_EQ(data_loader_batches_per_epoch(l), 4);
    CHECK_EQ(data_loader_next(l, &b), MIEN_OK);
    uint64_t first = hash_whole(1, b);
    CHECK_EQ(data_loader_seek(l, 0), MIEN_ERR_ARG); /* borrowed */
    data_batch_release(l, &b);
    CHECK_EQ(data_loader_seek(l, 1000001), MIEN_OK);
    CHECK_EQ(data_loader_next(l, &b), MIEN_OK);
    CHECK_EQ(b->step, 1000001);
    CHECK_EQ(b->epoch, 250000);
    data_batch_release(l, &b);
    CHECK_EQ(data_loader_seek(l, 0), MIEN_OK);
    CHECK_EQ(data_loader_next(l, &b), MIEN_OK);
    CHECK(hash_whole(1, b) == first);
    CHECK_EQ(data_loader_next(l, &c), MIEN_OK);
    CHECK(hash_whole(1, b) == first); /* a borrowed batch is left alone */
    data_batch_release(l, &b);
    data_batch_release(l, &c);
    data_batch_release(l, &c);
    data_loader_destroy(&l);
}

static void test_orders(void)
{
    struct data_loader_params p = params_of(2);
    struct data_loader *l = NULL;
    const struct data_batch *b;
    int seen[SAMPLES] = {0};
    p.shuffle = false;
    CHECK_EQ(data_loader_create(&p, &l), MIEN_OK);
    for (uint32_t step = 0; step < 8; step++) { /* in order, the incomplete batch dropped, twice the same */
        CHECK_EQ(data_loader_next(l, &b), MIEN_OK);
        for (uint32_t i = 0; i < 5; i++)
            CHECK_EQ(b->rows[i], step % 4 * 5 + i);
        data_batch_release(l, &b);
    }
    data_loader_destroy(&l);
    p.shuffle = true;
    p.batch = SAMPLES;
    uint32_t first[SAMPLES];
    CHECK_EQ(data_loader_create(&p, &l), MIEN_OK);
    CHECK_EQ(data_loader_next(l, &b), MIEN_OK);
    memcpy(first, b->rows, sizeof(first));
    for (uint32_t i = 0; i < SAMPLES; i++)
        seen[b->rows[i]]++;
    for (uint32_t i = 0; i < SAMPLES; i++)
        CHECK_EQ(seen[i], 1);
    data_batch_release(l, &b);
    CHECK_EQ(data_loader_next(l, &b), MIEN_OK);
    CHECK(memcmp(first, b->rows, sizeof(first)) != 0);
    data_batch_release(l, &b);
    data_loader_destroy(&l);
}

/* Labels a (12), b (8), none (3): each drawn 7 or 8 times in an epoch of 23; a's samples at most once. */
static void test_balance(void)
{
    struct data_loader_params p = params_of(2);
    struct data_loader *l = NULL;
    const struct data_batch *b;
    int seen[SAMPLES] = {0}, classes[3] = {0};
    p.balance = true;
    p.batch = SAMPLES;
    CHECK_EQ(data_loader_create(&p, &l), MIEN_OK);
    CHECK_EQ(data_loader_next(l, &b), MIEN_OK);
    for (uint32_t i = 0; i < SAMPLES; i++) {
        seen[b->rows[i]]++;
        classes[b->rows[i] < 12 ? 0 : b->rows[i] < 20 ? 1 : 2]++;
    }
    for (int c = 0; c < 3; c++)
        CHECK(classes[c] == 7 || classes[c] == 8);
    for (uint32_t i = 0; i < SAMPLES; i++)
        CHECK(i < 20 ? seen[i] <= 1 : seen[i] == 2 || seen[i] == 3);
    data_batch_release(l, &b);
    data_loader_destroy(&l);
}

static const char *symbol(const struct data_batch *b, size_t row, uint32_t i)
{
    return data_tokenizer_symbol(tokenizer, (uint32_t)b->tokens[row * b->length + i]);
}

static void test_texts(void)
{
    struct data_loader_params p = params_of(0);
    struct data_loader *l = NULL;
    const struct data_batch *b;
    p.shuffle = false;
    p.batch = 10;
    p.pick = DATA_PICK_FIRST;
    p.sentences = 1;
    CHECK_EQ(data_loader_create(&p, &l), MIEN_OK);
    CHECK_EQ(data_loader_levels(l), 3);
    CHECK_EQ(data_loader_global_levels(l), 2);
    CHECK_EQ(data_loader_next(l, &b), MIEN_OK);
    CHECK_EQ(b->levels, 3);
    CHECK(b->length == 16 && data_loader_longest(l) <= 16); /* bos, 7 or 8 symbols or so, eos: rounded up to 8 */
    for (uint32_t i = 0; i < 10; i++) {
        CHECK_STR(symbol(b, i, 0), "<|startoftext|>");
        CHECK_STR(symbol(b, i, 1), "face</w>");
        CHECK_STR(symbol(b, i, (uint32_t)b->eot[i]), "<|endoftext|>");
        CHECK_STR(symbol(b, i, b->length - 1), "<|endoftext|>"); /* pad */
        CHECK(b->weights[i] == 1);
        CHECK(b->weights[10 + i] == (i == 3 ? 0 : 1));
        CHECK(b->weights[20 + i] == (i >= 5 && i <= 7 ? 1 : 0));
    }
    CHECK_EQ(b->eot[13], 1); /* row 3 has no summary: an empty text */
    CHECK_STR(symbol(b, 10, 1), "s");
    CHECK_STR(symbol(b, 25, 1), "l</w>");
    CHECK_STR(symbol(b, 25, 2), "0</w>");
    data_batch_release(l, &b);
    data_loader_destroy(&l);
    p.pick = DATA_PICK_ROTATE;
    CHECK_EQ(data_loader_create(&p, &l), MIEN_OK);
    CHECK_EQ(data_loader_seek(l, 2), MIEN_OK); /* epoch 1: the second sentence */
    CHECK_EQ(data_loader_next(l, &b), MIEN_OK);
    CHECK_STR(symbol(b, 25, 2), "1</w>");
    data_batch_release(l, &b);
    data_loader_destroy(&l);
    p.pick = DATA_PICK_NONE;
    p.text = DATA_TEXT_LABEL;
    p.context = 5; /* shorter than 8 */
    CHECK_EQ(data_loader_create(&p, &l), MIEN_OK);
    CHECK_EQ(data_loader_levels(l), 1);
    CHECK_EQ(data_loader_next(l, &b), MIEN_OK);
    CHECK_EQ(b->length, 5);
    CHECK_STR(symbol(b, 0, 1), "a</w>");
    data_batch_release(l, &b);
    data_loader_destroy(&l);
    int warnings = support_warnings;
    p.text = DATA_TEXT_CAPTION;
    CHECK_EQ(data_loader_create(&p, &l), MIEN_OK);
    CHECK_EQ(support_warnings, warnings + 1); /* 23 texts cut, one warning */
    data_loader_destroy(&l);
}

/* Row i as it is prepared for evaluation, out [3,SIDE,SIDE]. */
static void prepare(uint32_t i, const struct data_preprocess *form, float *out)
{
    struct data_image image = {0};
    CHECK_EQ(data_row_image(&manifest->rows[i], &(struct data_image_params){.keep_alpha = !form->rgb_first}, &image),
             MIEN_OK);
    CHECK_EQ(data_preprocess_image(&image, form, out), MIEN_OK);
    data_image_free(&image);
}

/* Without augmentation a batch holds what evaluation is given; a mirror only where no side is named. */
static void test_pictures(void)
{
    struct data_loader_params p = params_of(1);
    struct data_loader *l = NULL;
    const struct data_batch *b;
    enum { COUNT = 8 * 3 * SIDE * SIDE };
    static float plain[COUNT];
    p.shuffle = false;
    p.batch = 8;
    p.augment = (struct data_augment){0};
    for (uint32_t i = 0; i < 8; i++)
        prepare(i, &p.preprocess, plain + (size_t)i * 3 * SIDE * SIDE);
    CHECK_EQ(data_loader_create(&p, &l), MIEN_OK);
    CHECK_EQ(data_loader_next(l, &b), MIEN_OK);
    CHECK(memcmp(b->images, plain, sizeof(plain)) == 0);
    data_batch_release(l, &b);
    data_loader_destroy(&l);
    p.augment.flip = 1;
    CHECK_EQ(data_loader_create(&p, &l), MIEN_OK);
    CHECK_EQ(data_loader_next(l, &b), MIEN_OK);
    int wrong = 0;
    for (size_t i = 0; i < COUNT; i++) {
        size_t x = i % SIDE, from = i / (3 * SIDE * SIDE) < 5 ? i - x + SIDE - 1 - x : i;
        wrong += b->images[i] != plain[from];
    }
    CHECK_EQ(wrong, 0);
    data_batch_release(l, &b);
    data_loader_destroy(&l);
}

/* After the first epoch a batch takes no memory. */
static void test_allocations(void)
{
    struct data_loader_params p = params_of(0);
    struct data_loader *l = NULL;
    const struct data_batch *b;
    uint64_t before = 0;
    p.batch = SAMPLES;
    CHECK_EQ(data_loader_create(&p, &l), MIEN_OK);
    for (int step = 0; step < 12; step++) {
        before = step == 6 ? base_alloc_count() : before;
        CHECK_EQ(data_loader_next(l, &b), MIEN_OK);
        data_batch_release(l, &b);
    }
    CHECK_EQ(base_alloc_count() - before, 0);
    data_loader_destroy(&l);
}

static void test_bad(void)
{
    struct data_loader_params p = params_of(2);
    struct data_loader *l = NULL;
    const struct data_batch *b;
    CHECK_EQ(base_file_write(support_file("2.png"), "broken", 6), MIEN_OK);
    unlink(support_file("11.png"));
    p.shuffle = false;
    p.max_bad = 2.5 / SAMPLES;
    uint64_t h[2] = {0, 0};
    for (uint32_t workers = 0; workers < 4; workers += 3) { /* the same replacements for any number of workers */
        p.workers = workers;
        int warnings = support_warnings;
        CHECK_EQ(data_loader_create(&p, &l), MIEN_OK);
        for (int step = 0; step < 9; step++) {
            CHECK_EQ(data_loader_next(l, &b), MIEN_OK);
            if (!b)
                break;
            h[workers > 0] = hash_whole(h[workers > 0], b);
            for (uint32_t i = 0; i < 5; i++)
                CHECK(b->rows[i] != 2 && b->rows[i] != 11);
            data_batch_release(l, &b);
        }
        CHECK_EQ(data_loader_bad(l), 2);
        CHECK_EQ(support_warnings, warnings + 2);
        data_loader_destroy(&l);
    }
    CHECK(h[0] == h[1]);
    p.max_bad = 1.5 / SAMPLES;
    CHECK_EQ(data_loader_create(&p, &l), MIEN_OK);
    enum mien_status status = MIEN_OK;
    for (int step = 0; step < 5 && status == MIEN_OK; step++) {
        status = data_loader_next(l, &b);
        data_batch_release(l, &b);
    }
    CHECK_EQ(status, MIEN_ERR_DATA);
    CHECK_SAYS("max_bad");
    CHECK_EQ(data_loader_next(l, &b), MIEN_ERR_DATA); /* stays so */
    CHECK(b == NULL);
    data_loader_destroy(&l);
}

static void create_refused(const struct data_loader_params *p, enum mien_status code, const char *says)
{
    struct data_loader *l;
    support_last[0] = '\0';
    CHECK_EQ(data_loader_create(p, &l), code);
    CHECK(l == NULL);
    CHECK_SAYS(says);
}

static void test_refusals(void)
{
    struct data_loader_params p = params_of(1);
    p.batch = SAMPLES + 1;
    create_refused(&p, MIEN_ERR_ARG, "fewer than one batch");
    p = params_of(1);
    p.batch = 0;
    create_refused(&p, MIEN_ERR_ARG, "batch");
    p = params_of(1);
    p.depth = 1;
    create_refused(&p, MIEN_ERR_ARG, "ahead");
    p = params_of(1);
    p.sentences = 17;
    create_refused(&p, MIEN_ERR_ARG, "sentences");
    p = params_of(1);
    p.rows = all_rows + 8; /* without local sentences */
    p.row_count = 10;
    p.pick = DATA_PICK_FIRST;
    p.sentences = 1;
    create_refused(&p, MIEN_ERR_DATA, "local sentences");
    p = params_of(1);
    p.rows = all_rows + 20;
    p.row_count = 3;
    p.batch = 2;
    p.text = DATA_TEXT_LABEL;
    create_refused(&p, MIEN_ERR_DATA, "\"label\"");
    struct data_row *row = &manifest->rows[1];
    const char *image = row->image;
    row->image = NULL;
    p = params_of(1);
    create_refused(&p, MIEN_ERR_DATA, "m.jsonl:2");
    row->image = image;
    p = params_of(2);
    struct data_loader *l = NULL; /* started, never asked */
    const struct data_batch *a, *b, *c;
    p.depth = 2;
    CHECK_EQ(data_loader_create(&p, &l), MIEN_OK);
    CHECK_EQ(data_loader_next(l, &a), MIEN_OK);
    CHECK_EQ(data_loader_next(l, &b), MIEN_OK);
    CHECK_EQ(data_loader_next(l, &c), MIEN_ERR_ARG);
    CHECK_SAYS("borrowed");
    data_loader_destroy(&l);
    data_loader_destroy(&l);
}

/* What the ranks that have the other shares would say: the samples of the whole batch. */
static enum mien_status agree(void *user, uint32_t *samples)
{
    const struct data_batch *whole = *(const struct data_batch **)user;
    memcpy(samples, whole->rows, whole->count * sizeof(*samples));
    return MIEN_OK;
}

static void same_share(const struct data_batch *whole, const struct data_batch *part, uint32_t first, uint32_t count)
{
    const size_t size = 3 * SIDE * SIDE;
    CHECK_EQ(part->first, first);
    CHECK(memcmp(part->images, whole->images + first * size, count * size * sizeof(float)) == 0);
    CHECK(memcmp(part->rows, whole->rows, whole->count * sizeof(*part->rows)) == 0);
    CHECK_EQ(part->length, whole->length);
    CHECK(memcmp(part->tokens, whole->tokens, whole->levels * whole->count * whole->length * sizeof(int32_t)) == 0);
}

/* Shares of batches of 5, 2 and 3 pictures: one picture is damaged, so that the share without it has to be told. */
static void test_shares(void)
{
    const uint32_t first[] = {0, 2}, count[] = {2, 3};
    const struct data_batch *whole = NULL, *part = NULL;
    struct data_loader_params p = params_of(2);
    struct data_loader *l = NULL, *share[2] = {NULL, NULL};
    char *file = NULL;
    size_t size = 0;
    p.max_bad = 0.1;
    CHECK_EQ(base_file_read(support_file("11.png"), 0, &file, &size), MIEN_OK);
    CHECK_EQ(base_file_write(support_file("11.png"), file, size / 2), MIEN_OK);
    CHECK_EQ(data_loader_create(&p, &l), MIEN_OK);
    p.agree = agree;
    p.user = &whole;
    for (uint32_t k = 0; k < 2; k++) {
        p.share_first = first[k];
        p.share_count = count[k];
        CHECK_EQ(data_loader_create(&p, &share[k]), MIEN_OK);
    }
    for (uint32_t step = 0; l && share[0] && share[1] && step < 40; step++) {
        CHECK_EQ(data_loader_next(l, &whole), MIEN_OK);
        for (uint32_t k = 0; k < 2; k++) {
            CHECK_EQ(data_loader_next(share[k], &part), MIEN_OK);
            same_share(whole, part, first[k], count[k]);
            data_batch_release(share[k], &part);
        }
        data_batch_release(l, &whole);
    }
    CHECK(l && share[0] && share[1] && data_loader_bad(l) == 1);
    CHECK(share[0] && share[1] && data_loader_bad(share[0]) + data_loader_bad(share[1]) >= 1);
    data_loader_destroy(&l);
    data_loader_destroy(&share[0]);
    data_loader_destroy(&share[1]);
    p.share_first = 3;
    CHECK_EQ(data_loader_create(&p, &l), MIEN_ERR_ARG);
    CHECK_EQ(base_file_write(support_file("11.png"), file, size), MIEN_OK);
    base_free(file);
}

int main(void)
{
    support_capture();
    make_data();
    if (manifest && tokenizer) {
        test_deterministic();
        test_seek();
        test_orders();
        test_balance();
        test_texts();
        test_pictures();
        test_allocations();
        test_refusals();
        test_shares();
        test_bad();
    }
    data_manifest_destroy(&manifest);
    data_tokenizer_destroy(&tokenizer);
    support_clean();
    return check_result();
}
