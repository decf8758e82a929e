/* JSONTestSuite: files named y_ must parse, n_ must not, i_ are free but must not crash. */
#include "capture.h"
#include "check.h"

#include <stdlib.h>

#define SUITE MIEN_SHARED_DIR "/data/fixtures/json/test_parsing"

/* RFC 8259 lets a reader refuse these; Mien does, because each would lose something silently: the second of two equal
 * keys, and what follows a zero byte in a string. */
static const char *const stricter[] = {
    "y_object_duplicated_key.json",
    "y_object_duplicated_key_and_value.json",
    "y_string_null_escape.json",
    "y_object_escaped_null_in_key.json",
};

static bool is_stricter(const char *name)
{
    for (size_t i = 0; i < BASE_COUNT(stricter); i++)
        if (strcmp(name, stricter[i]) == 0)
            return true;
    return false;
}

/* Parses the file; what parsed must also print and parse again to the same text. */
static bool parses(const char *name)
{
    char *path = base_path_join(SUITE, name), *first, *second;
    cJSON *value = NULL, *again = NULL;
    bool good = base_json_read(path, &value) == MIEN_OK;

    if (good) {
        first = base_json_print(value, false);
        CHECK_EQ(base_json_parse(first, strlen(first), name, &again), MIEN_OK);
        second = base_json_print(again, false);
        CHECK_STR(first, second);
        base_free(first);
        base_free(second);
    }
    CHECK(good == (value != NULL));
    cJSON_Delete(value);
    cJSON_Delete(again);
    base_free(path);
    return good;
}

int main(void)
{
    char **names = NULL;
    size_t count = 0, must = 0, must_not = 0;

    if (!base_file_is_dir(SUITE))
        CHECK_SKIP("no " SUITE);
    mien_log_set(NULL, NULL, MIEN_LOG_SILENT);
    CHECK_EQ(base_dir_list(SUITE, &names, &count), MIEN_OK);
    for (size_t i = 0; i < count; i++) {
        bool good = parses(names[i]), expected = names[i][0] == 'y' && !is_stricter(names[i]);

        must += names[i][0] == 'y';
        must_not += names[i][0] == 'n';
        if (names[i][0] != 'i' && good != expected) {
            fprintf(stderr, "%s: %s\n", names[i], good ? "parses, but must not" : "does not parse, but must");
            CHECK(good == expected);
        }
    }
    CHECK(must >= 50 && must_not >= 80); /* the whole suite is there */
    printf("%zu files that must parse, %zu that must not\n", must, must_not);
    base_dir_list_free(&names, &count);
    return check_result();
}
