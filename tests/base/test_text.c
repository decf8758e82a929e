/* Growing text and JSON objects under construction. */
#include "check.h"

#include "base/base.h"

#include <locale.h>
#include <math.h>
#include <string.h>

static void test_text(void)
{
    struct base_text text = {0};
    char long_word[700];
    memset(long_word, 'x', sizeof(long_word) - 1);
    long_word[sizeof(long_word) - 1] = 0;
    base_text_add(&text, "ab\0c", 4);
    CHECK(text.size == 4 && memcmp(text.data, "ab\0c", 5) == 0);
    for (int i = 0; i < 1000; i++)
        base_text_print(&text, "%s", "0123456789");
    base_text_print(&text, "<%s>", long_word); /* longer than the piece on the stack */
    CHECK(text.status == MIEN_OK && text.size == 4 + 10000 + 701 && strlen(text.data + 4) == 10701);
    CHECK(text.data[10004] == '<' && text.data[10704] == '>');
    base_text_clear(&text);
    CHECK(text.data == NULL && text.size == 0);
    text.status = MIEN_ERR_IO; /* what has failed stays so */
    base_text_add(&text, "a", 1);
    CHECK(text.data == NULL && text.status == MIEN_ERR_IO);
}

static void test_locale(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "pl_PL.UTF-8"};
    struct base_text text = {0};
    bool set = false;
    for (size_t i = 0; i < BASE_COUNT(names) && !set; i++)
        set = setlocale(LC_ALL, names[i]) != NULL;
    if (!set)
        printf("skipped: a locale with a decimal comma is not installed\n");
    base_text_print(&text, "%.2f", 1.5);
    CHECK_STR(text.data, "1.50");
    setlocale(LC_ALL, "C");
    base_text_clear(&text);
}

static void test_object(void)
{
    static const char *const words[] = {"a", "b"};
    const double values[] = {1, (double)NAN, (double)INFINITY, 0.25};
    struct base_json o = base_json_object_begin(), inner = base_json_object_begin();
    base_put_number(&o, "n", 3);
    base_put_number(&o, "nan", (double)NAN);
    base_put_text(&o, "absent", NULL);
    base_put_text(&o, "text", "\"");
    base_put_texts(&o, "words", words, 2);
    base_put_numbers(&o, "values", values, 4);
    base_put_number(&inner, "x", -1);
    base_put_tree(&o, "inner", &inner);
    cJSON *json = base_json_end(&o);
    char *text = json ? base_json_print(json, false) : NULL;
    CHECK_STR(text ? text : "", "{\"n\":3,\"nan\":null,\"text\":\"\\\"\",\"words\":[\"a\",\"b\"],"
                                "\"values\":[1,null,null,0.25],\"inner\":{\"x\":-1}}");
    base_free(text);
    cJSON_Delete(json);
    o = base_json_object_begin();
    base_put(&o, "item", NULL); /* as when memory has run out */
    base_put_number(&o, "n", 3);
    CHECK(base_json_end(&o) == NULL && o.tree == NULL);
}

int main(void)
{
    test_text();
    test_locale();
    test_object();
    return check_result();
}
