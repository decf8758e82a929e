/* Texts without an end: what cleaning, splitting, merging and learning take grows with their length, not with its
 * square; and merges by the heap are those of the plain definition. */
#include "data/bpe.h"
#include "data/manifest.h"

#include "io/support.h"

#include <time.h>

/* ---- merges, by definition ---- */

static size_t merge_plainly(const struct data_tokenizer *t, uint32_t *word, size_t n)
{
    while (n > 1) {
        uint32_t best = UINT32_MAX;
        for (size_t i = 0; i + 1 < n; i++)
            best = BASE_MIN(best, bpe_rank(t, word[i], word[i + 1]));
        if (best == UINT32_MAX)
            break;
        const struct bpe_merge *m = &t->merges[best];
        size_t kept = 0;
        for (size_t i = 0; i < n; i++) {
            bool hit = i + 1 < n && word[i] == m->a && word[i + 1] == m->b;
            word[kept++] = hit ? m->result : word[i];
            i += hit;
        }
        n = kept;
    }
    return n;
}

static void check_words(const struct data_tokenizer *t, uint32_t words, uint32_t letters, uint32_t longest)
{
    struct base_rng rng = base_rng_make(5, "words", letters, longest);
    struct bpe_word w = {0};
    uint32_t plain[512], wrong = 0;
    char text[512];
    for (uint32_t k = 0; k < words; k++) {
        uint32_t n = 1 + base_rng_below(&rng, longest);
        for (uint32_t i = 0; i < n; i++) {
            text[i] = (char)('a' + base_rng_below(&rng, letters));
            plain[i] = i + 1 < n ? t->plain[(unsigned char)text[i]] : t->final[(unsigned char)text[i]];
        }
        size_t count = merge_plainly(t, plain, n);
        CHECK_EQ(bpe_merge_word(t, &w, text, n), MIEN_OK);
        wrong += w.count != count || memcmp(w.symbols, plain, count * sizeof(*plain)) != 0;
    }
    CHECK_EQ(wrong, 0);
    bpe_word_clear(&w);
}

/* Merges in an order that no training gives: one may come before those that make its parts, and so be enabled by a
 * later one. */
static struct data_tokenizer *any_merges(uint32_t seed, uint32_t letters)
{
    struct base_rng rng = base_rng_make(seed, "merges", 0, 0);
    struct data_tokenizer *t = NULL;
    static uint32_t known[400];
    uint32_t count = 0;
    CHECK_EQ(bpe_create(&t), MIEN_OK);
    for (uint32_t i = 0; i < letters; i++) {
        known[count++] = t->plain['a' + i];
        known[count++] = t->final['a' + i];
    }
    while (count < 200) { /* all strings of some letters, made before the merges that lead to them */
        char text[8];
        uint32_t n = 2 + base_rng_below(&rng, 4);
        for (uint32_t i = 0; i < n; i++)
            text[i] = (char)('a' + base_rng_below(&rng, letters));
        CHECK_EQ(bpe_intern(t, text, n, &known[count++]), MIEN_OK);
    }
    for (uint32_t i = 0; i < 300; i++)
        CHECK_EQ(bpe_add_merge(t, known[base_rng_below(&rng, count)], known[base_rng_below(&rng, count)]), MIEN_OK);
    return t;
}

static void test_merges(void)
{
    struct base_rng rng = base_rng_make(6, "text", 0, 0);
    static char text[20000];
    const char *texts[] = {text};
    struct data_tokenizer *t = NULL;
    for (size_t i = 0; i + 1 < sizeof(text); i++)
        text[i] = base_rng_below(&rng, 9) == 0 ? ' ' : (char)('a' + base_rng_below(&rng, 4));
    CHECK_EQ(data_bpe_train(texts, 1, 900, &t), MIEN_OK);
    for (uint32_t letters = 1; letters <= 5; letters++)
        check_words(t, 400, letters, 300);
    data_tokenizer_destroy(&t);
    for (uint32_t seed = 0; seed < 40; seed++) {
        t = any_merges(seed, 1 + seed % 3);
        check_words(t, 200, 1 + seed % 3, 40);
        data_tokenizer_destroy(&t);
    }
}

/* ---- length ---- */

enum { SHORT = 20000, LONG = 320000 };

typedef void (*test_fn)(const char *text);

static double seconds_of(test_fn fn, const char *pattern, size_t size)
{
    char *text = base_alloc(size + 1, 1);
    size_t period = strlen(pattern);
    for (size_t i = 0; text && i < size; i++)
        text[i] = pattern[i % period];
    clock_t began = clock();
    fn(text);
    double seconds = (double)(clock() - began) / CLOCKS_PER_SEC;
    base_free(text);
    return seconds;
}

/* Sixteen times the length may take at most 64 times as long, where the square takes 256 times. */
static void check_growth(const char *what, test_fn fn, const char *pattern)
{
    double few = seconds_of(fn, pattern, SHORT), many = seconds_of(fn, pattern, LONG);
    bool good = many < 64 * few || many < 0.5;
    if (!good)
        fprintf(stderr, "%s of \"%.20s...\": %.3f s for %d bytes, %.3f s for %d\n", what, pattern, few, SHORT, many,
                LONG);
    CHECK(good);
}

static struct data_tokenizer *tokenizer;

static void encode(const char *text)
{
    struct data_ids ids = {0};
    CHECK_EQ(data_tokenizer_encode(tokenizer, text, strlen(text), &ids), MIEN_OK);
    base_free(ids.ids);
}

static void learn(const char *text)
{
    struct data_tokenizer *t = NULL;
    CHECK_EQ(data_bpe_train(&text, 1, 1000, &t), MIEN_OK);
    data_tokenizer_destroy(&t);
}

static void split(const char *text)
{
    struct base_arena arena = {0};
    struct data_caption caption;
    CHECK_EQ(data_caption_split(&arena, text, &caption), MIEN_OK);
    (void)data_caption_has_side(&caption);
    caption.whole = NULL;
    CHECK(data_caption_text(&arena, &caption) != NULL || !caption.global);
    CHECK(arena.bytes < 64 * (strlen(text) + 4096));
    base_arena_clear(&arena);
}

static void read_manifest(const char *name, const char *before, const char *text, const char *after)
{
    struct data_manifest *m = NULL;
    struct base_out *out = NULL;
    CHECK_EQ(base_out_open(support_file(name), &out), MIEN_OK);
    CHECK_EQ(base_out_write(out, before, strlen(before)), MIEN_OK);
    CHECK_EQ(base_out_write(out, text, strlen(text)), MIEN_OK);
    CHECK_EQ(base_out_write(out, after, strlen(after)), MIEN_OK);
    CHECK_EQ(base_out_commit(&out), MIEN_OK);
    CHECK_EQ(data_manifest_read(support_file(name), &m), MIEN_OK);
    data_manifest_destroy(&m);
}

static void json_caption(const char *text)
{
    read_manifest("c.jsonl", "{\"image\":\"a.png\",\"caption\":\"", text, "\"}\n");
}

static void json_list(const char *text)
{
    read_manifest("l.jsonl", "{\"image\":\"a.png\",\"caption\":{\"local\":[", text, "\"\"]}}\n");
}

static void csv_cell(const char *text)
{
    read_manifest("c.csv", "filepath,title\na.png,\"", text, "\"\n");
}

static void test_growth(void)
{
    static const char *const patterns[] = {"a",
                                           "ab",
                                           "abcdefghijklmnopqrstuvwxyz",
                                           "7",
                                           ".",
                                           "a. ",
                                           "! ?",
                                           "&",
                                           "&#1",
                                           "&amp",
                                           "<|end",
                                           "\"(",
                                           "left",
                                           "\xCE\xA3",
                                           "\xCE\xA3'",
                                           "'",
                                           "' s'",
                                           "\xCC\x81",
                                           " ",
                                           "eyes are wide. "};
    for (size_t i = 0; i < BASE_COUNT(patterns); i++) {
        check_growth("encoding", encode, patterns[i]);
        check_growth("learning", learn, patterns[i]);
        check_growth("splitting", split, patterns[i]);
        if (!strchr(patterns[i], '"')) {
            check_growth("a caption", json_caption, patterns[i]);
            check_growth("a cell", csv_cell, patterns[i]);
        }
    }
    check_growth("a list", json_list, "\"a\",");
    check_growth("a cell of quotes", csv_cell, "\"\"");
}

/* A word of random letters goes through thousands of merges. */
static void test_long_word(void)
{
    struct base_rng rng = base_rng_make(7, "long", 0, 0);
    size_t size = 1 << 20;
    char *text = base_alloc(size + 1, 1);
    for (size_t i = 0; i < size; i++)
        text[i] = (char)('a' + base_rng_below(&rng, 26));
    const char *texts[] = {text};
    struct data_tokenizer *t = NULL, *before = tokenizer;
    for (size_t i = 0; i < size; i += 9)
        text[i] = ' ';
    CHECK_EQ(data_bpe_train(texts, 1, 8000, &t), MIEN_OK);
    for (size_t i = 0; i < size; i += 9)
        text[i] = 'e';
    tokenizer = t;
    clock_t began = clock();
    encode(text);
    double seconds = (double)(clock() - began) / CLOCKS_PER_SEC;
    printf("a word of %zu bytes: %.2f s\n", size, seconds);
    CHECK(seconds < 30); /* 1 s where nothing else runs; thousands of passes over it took minutes */
    tokenizer = before;
    data_tokenizer_destroy(&t);
    base_free(text);
}

int main(void)
{
    static const char *const corpus[] = {"a face with wide eyes, a face without; left and right eyes are wide",
                                         "abab abcabc aaaa aaaaaaaa eyes eyes wide wide left"};
    support_capture();
    CHECK_EQ(data_bpe_train(corpus, 2, 560, &tokenizer), MIEN_OK);
    if (tokenizer) {
        test_merges();
        test_growth();
        test_long_word();
    }
    data_tokenizer_destroy(&tokenizer);
    support_clean();
    return check_result();
}
