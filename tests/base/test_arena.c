/* Arena, growing arrays, counted allocations. */
#include "capture.h"
#include "check.h"

#include <errno.h>
#include <stdlib.h>

static void test_alignment_and_zero(void)
{
    struct base_arena arena = {0};
    unsigned char *before = NULL;

    for (size_t size = 0; size < 3000; size += 37) {
        unsigned char *data = base_arena_alloc(&arena, size);
        bool zero = true;

        CHECK(data != NULL && (uintptr_t)data % 16 == 0 && data != before);
        for (size_t i = 0; i < size; i++)
            zero = zero && data[i] == 0;
        CHECK(zero);
        memset(data, 0xA5, size ? size : 1); /* the next one must still come zeroed, and must not overlap */
        before = data;
    }
    base_arena_clear(&arena);
    CHECK(arena.blocks == NULL && arena.bytes == 0);
}

static void test_no_overlap(void)
{
    struct base_arena arena = {0};
    unsigned char *data[200];
    bool intact = true;

    for (size_t i = 0; i < 200; i++) {
        data[i] = base_arena_alloc(&arena, i * 13 + 1);
        memset(data[i], (int)(i & 0xFF), i * 13 + 1);
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t j = 0; j < i * 13 + 1; j++)
            intact = intact && data[i][j] == (i & 0xFF);
    CHECK(intact);
    base_arena_clear(&arena);
}

static void test_large_and_reuse(void)
{
    struct base_arena arena = {0};
    unsigned char *large = base_arena_alloc(&arena, (size_t)5 << 20);

    CHECK(large != NULL);
    large[0] = large[((size_t)5 << 20) - 1] = 1;
    CHECK(arena.bytes >= (size_t)5 << 20);
    base_arena_clear(&arena);
    CHECK(base_arena_alloc(&arena, 8) != NULL); /* usable again */
    base_arena_clear(&arena);
    base_arena_clear(&arena); /* of an empty arena: nothing */
}

static void test_overflow(void)
{
    struct base_arena arena = {0};

    CHECK(base_arena_alloc(&arena, SIZE_MAX) == NULL);
    CHECK(base_arena_alloc(&arena, SIZE_MAX - 40) == NULL);
    CHECK(base_arena_array(&arena, SIZE_MAX / 2, 3) == NULL);
    CHECK(base_arena_array(&arena, 3, SIZE_MAX / 2) == NULL);
    CHECK(base_arena_array(&arena, 0, 8) != NULL);
    CHECK(base_arena_array(&arena, 8, 0) != NULL);
    CHECK(base_arena_strndup(&arena, "x", SIZE_MAX) == NULL);
    base_arena_clear(&arena);
}

static void test_strings(void)
{
    struct base_arena arena = {0};
    char *cut = base_arena_strndup(&arena, "surprise", 3);
    char *whole = base_arena_strdup(&arena, "joy");
    char *made = base_arena_printf(&arena, "%s-%03d", "step", 7);
    char *wide = base_arena_printf(&arena, "%9000d", 1);

    CHECK_STR(cut, "sur");
    CHECK_STR(whole, "joy");
    CHECK_STR(made, "step-007");
    CHECK_EQ(strlen(wide), 9000);
    CHECK_STR(base_arena_strndup(&arena, "", 0), "");
    base_arena_clear(&arena);
}

static void test_grow(void)
{
    uint32_t *items = NULL;
    size_t capacity = 0, grown = 0;
    bool intact = true;

    for (uint32_t i = 0; i < 10000; i++) {
        size_t before = capacity;

        CHECK_EQ(base_grow(&items, &capacity, i + 1, sizeof(*items)), MIEN_OK);
        grown += capacity != before;
        items[i] = i;
    }
    for (uint32_t i = 0; i < 10000; i++)
        intact = intact && items[i] == i;
    CHECK(intact);
    CHECK(grown < 15); /* doubling, not step by step */
    capture_start();
    CHECK_EQ(base_grow(&items, &capacity, SIZE_MAX / 2, sizeof(*items)), MIEN_ERR_NOMEM);
    CHECK(captured_once("out of host memory"));
    CHECK(items[9999] == 9999 && capacity >= 10000); /* both unchanged */
    free(items);
}

static void test_count(void)
{
    struct base_arena arena = {0};
    uint64_t start = base_alloc_count();
    uint32_t *items = NULL;
    size_t capacity = 0;
    void *zeroed;

    base_arena_alloc(&arena, 8);
    CHECK_EQ(base_alloc_count() - start, 1);
    base_arena_alloc(&arena, 8); /* from the same block */
    CHECK_EQ(base_alloc_count() - start, 1);
    CHECK_EQ(base_grow(&items, &capacity, 4, sizeof(*items)), MIEN_OK);
    CHECK_EQ(base_grow(&items, &capacity, 4, sizeof(*items)), MIEN_OK);
    CHECK_EQ(base_alloc_count() - start, 2);
    zeroed = base_alloc(0, 0);
    CHECK(zeroed != NULL);
    CHECK_EQ(base_alloc_count() - start, 3);
    CHECK(base_alloc(SIZE_MAX, 2) == NULL);
    base_free(zeroed);
    base_free(NULL);
    free(items);
    base_arena_clear(&arena);
}

static void test_helpers(void)
{
    static const int three[3] = {0};

    CHECK_EQ(BASE_COUNT(three), 3);
    CHECK_EQ(BASE_MIN(2, 3), 2);
    CHECK_EQ(BASE_MAX(2, 3), 3);
    CHECK_EQ(base_round_up(0, 8), 0);
    CHECK_EQ(base_round_up(1, 8), 8);
    CHECK_EQ(base_round_up(16, 8), 16);
    CHECK_EQ(base_div_up(17, 8), 3);
    CHECK_EQ(base_div_up(16, 8), 2);
}

/* What makes texts, where NULL also means that there is none, asks the arena; what passes over failures, the count. */
static void test_exhausted(void)
{
    struct base_arena arena = {0};
    uint64_t before = base_exhausted_count();
    CHECK(base_arena_strdup(&arena, "text") != NULL);
    CHECK_EQ(base_arena_status(&arena), MIEN_OK);
    CHECK_EQ(base_exhausted_count(), before);
    CHECK(base_arena_alloc(&arena, SIZE_MAX - 64) == NULL);
    CHECK(base_arena_strdup(&arena, "more") != NULL); /* it stays known */
    CHECK_EQ(base_arena_status(&arena), MIEN_ERR_NOMEM);
    CHECK(base_exhausted_count() > before);
    base_arena_clear(&arena);
    CHECK_EQ(base_arena_status(&arena), MIEN_OK);
    CHECK(base_arena_array(&arena, SIZE_MAX, 2) == NULL);
    CHECK_EQ(base_arena_status(&arena), MIEN_ERR_NOMEM);
    base_arena_clear(&arena);
    before = base_exhausted_count();
    CHECK(base_alloc(SIZE_MAX, 2) == NULL);
    CHECK_EQ(base_exhausted_count(), before + 1);
    base_fail(MIEN_ERR_DATA, "not of memory");
    CHECK_EQ(base_exhausted_count(), before + 1);
    base_fail(MIEN_ERR_NOMEM, "of memory");
    CHECK_EQ(base_exhausted_count(), before + 2);
    errno = ENOMEM;
    CHECK_EQ(base_errno_status(MIEN_ERR_DATA), MIEN_ERR_NOMEM);
    errno = ENOENT;
    CHECK_EQ(base_errno_status(MIEN_ERR_DATA), MIEN_ERR_DATA);
}

int main(void)
{
    test_alignment_and_zero();
    test_no_overlap();
    test_large_and_reuse();
    test_overflow();
    test_strings();
    test_grow();
    test_count();
    test_exhausted();
    test_helpers();
    return check_result();
}
