/* Cleaning of texts against Python's html, unicodedata and str (tests/golden/texts): all characters by checksums, some
 * hundred texts one by one; and that no run of combining marks takes long. */
#include "data/bpe.h"

#include "io/support.h"

#include <math.h>
#include <time.h>

static cJSON *golden;
static struct unicode_text made;

static uint32_t checksum;

static void add_line(void)
{
    CHECK_EQ(unicode_append(&made, "\n", 1), MIEN_OK);
    checksum = base_crc32(checksum, made.data, made.size);
    made.size = 0;
}

static void check_sum(const char *name)
{
    const cJSON *want = cJSON_GetObjectItemCaseSensitive(golden, name);
    CHECK(cJSON_IsNumber(want) && want->valuedouble == (double)checksum);
    if (!cJSON_IsNumber(want) || want->valuedouble != (double)checksum)
        fprintf(stderr, "%s: checksum %u\n", name, checksum);
    checksum = 0;
}

/* NFC of before + each character + after. */
static void sum_nfc(const char *before, const char *after, const char *name)
{
    for (uint32_t code = 1; code < 0x110000; code++) {
        char text[64], one[5] = "";
        if (code == 0xD800)
            code = 0xE000;
        unicode_encode(code, one);
        int size = snprintf(text, sizeof(text), "%s%s%s", before, one, after);
        if (unicode_nfc(text, (size_t)size, &made) != MIEN_OK)
            CHECK(false);
        add_line();
    }
    check_sum(name);
}

static void unescape(const char *text)
{
    CHECK_EQ(unicode_html_unescape(text, strlen(text), &made), MIEN_OK);
}

static void test_numbers(void)
{
    for (uint32_t code = 1; code < 0x30000; code++) {
        char text[64];
        if (code == 10 || code == 13)
            continue;
        snprintf(text, sizeof(text), "&#%u;&#x%x;", code, code);
        unescape(text);
        add_line();
    }
    check_sum("numbers");
}

static void test_names(void)
{
    char text[64];
    for (size_t i = 0; i < unicode_entities_count; i++) {
        const char *name = unicode_entities[i].name;
        CHECK_EQ(unicode_append(&made, name, strlen(name)), MIEN_OK);
        CHECK_EQ(unicode_append(&made, ";", 1), MIEN_OK);
        snprintf(text, sizeof(text), "&%s;", name);
        unescape(text);
        add_line();
    }
    check_sum("names");
    for (size_t i = 0; i < unicode_bare_entities_count; i++) {
        const char *name = unicode_bare_entities[i];
        CHECK_EQ(unicode_append(&made, name, strlen(name)), MIEN_OK);
        snprintf(text, sizeof(text), "&%s", name);
        unescape(text);
        add_line();
    }
    check_sum("bare");
}

static void test_cases(void)
{
    const cJSON *item, *list = cJSON_GetObjectItemCaseSensitive(golden, "cases");
    CHECK(cJSON_GetArraySize(list) >= 400);
    cJSON_ArrayForEach(item, list)
    {
        const char *text = cJSON_GetStringValue(cJSON_GetArrayItem(item, 0));
        const char *want = cJSON_GetStringValue(cJSON_GetArrayItem(item, 1));
        made.size = 0;
        CHECK(text && want);
        CHECK_EQ(bpe_clean(text, strlen(text), &made), MIEN_OK);
        CHECK_EQ(unicode_append(&made, "", 1), MIEN_OK);
        CHECK_STR(made.data, want);
    }
    made.size = 0;
}

/* Marks of falling class, as many as asked for: the worst that can be put in order. */
static double seconds_of(size_t marks)
{
    static const char *const kinds[] = {"\xCD\x85", "\xCC\x80", "\xCC\xA3"}; /* classes 240, 230, 220 */
    char *text = base_alloc(marks * 2 + 1, 1);
    CHECK(text != NULL);
    for (size_t i = 0; text && i < marks; i++)
        memcpy(text + 1 + 2 * i, kinds[i * 3 / marks], 2);
    if (text)
        text[0] = 'q';
    made.size = 0;
    clock_t start = clock(); /* of the processor: the machine may have other work */
    CHECK_EQ(unicode_nfc(text, marks * 2 + 1, &made), MIEN_OK);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    CHECK_EQ(made.size, marks * 2 + 1);
    CHECK(memcmp(made.data, "q\xCC\xA3", 3) == 0 && memcmp(made.data + made.size - 2, "\xCD\x85", 2) == 0);
    base_free(text);
    return seconds;
}

static void test_long_runs(void)
{
    double some = seconds_of(50000), more = seconds_of(1000000); /* 20 times as many: 400 times the time if squared */
    printf("50,000 marks %.4f s, 1,000,000 %.4f s\n", some, more);
    CHECK(more < 100 * fmax(some, 1e-3));
}

static void test_plain(void)
{
    CHECK_EQ(unicode_nfc("", 0, &made), MIEN_OK);
    CHECK_EQ(made.size, 0);
    CHECK_EQ(unicode_nfc("caf\xC3\xA9 \xC2\xB5", 8, &made), MIEN_OK);
    CHECK(made.size == 8 && memcmp(made.data, "caf\xC3\xA9 \xC2\xB5", 8) == 0);
    made.size = 0;
}

int main(void)
{
    support_capture();
    CHECK_EQ(base_json_read(MIEN_SOURCE_DIR "/tests/golden/texts/cleaning.json", &golden), MIEN_OK);
    test_plain();
    sum_nfc("", "", "nfc_each");
    sum_nfc("", "\xCC\x81\xCC\xA3\xCD\x85\xD6\xB0", "nfc_marks");
    sum_nfc("a\xCC\x88\xE1\x84\x80", "", "nfc_behind");
    test_numbers();
    test_names();
    test_cases();
    test_long_runs();
    cJSON_Delete(golden);
    base_free(made.data);
    support_clean();
    return check_result();
}
