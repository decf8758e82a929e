/* JSON: values, typed members, messages and printing. The public suite is in test_json_suite.c. */
#include "capture.h"

#include "base/number.h"
#include "check.h"

#include <locale.h>
#include <stdlib.h>
#include <time.h>

static cJSON *parse(const char *text)
{
    cJSON *value = NULL;

    return base_json_parse(text, strlen(text), "test", &value) == MIEN_OK ? value : NULL;
}

static void check_refused(const char *text, size_t size, const char *message)
{
    cJSON *value = (cJSON *)1;

    capture_start();
    CHECK_EQ(base_json_parse(text, size, "file.json", &value), MIEN_ERR_DATA);
    CHECK(value == NULL);
    CHECK(captured_once(message));
    CHECK(strncmp(captured, "file.json: ", 11) == 0);
}

#define REFUSED(text, message) check_refused((text), sizeof(text) - 1, (message))

static void test_refused(void)
{
    REFUSED("", "line 1, column 1: the text ends where a value");
    REFUSED("{\"a\":1} x", "line 1, column 9: text after the end");
    REFUSED("[1,\n 2,\n  x]", "line 3, column 3: a value was expected");
    REFUSED("{\"a\":1,\"b\":2,\"a\":3}", "\"a\" twice");
    REFUSED("[{\"k\":{\"a\":1,\"\\u0061\":3}}]", "column 7: the object that starts here has the key \"a\" twice");
    REFUSED("[01]", "column 2: not a number");
    REFUSED("[-]", "not a number");
    REFUSED("[-01]", "not a number");
    REFUSED("[1.]", "not a number");
    REFUSED("[.5]", "a value was expected");
    REFUSED("[+1]", "a value was expected");
    REFUSED("[1e]", "not a number");
    REFUSED("[1e+]", "not a number");
    REFUSED("[0x10]", "',' or ']'");
    REFUSED("[NaN]", "a value was expected");
    REFUSED("[nan]", "a value was expected");
    REFUSED("[Infinity]", "a value was expected");
    REFUSED("[-Infinity]", "not a number");
    REFUSED("[1e400]", "too large");
    REFUSED("[1,]", "column 4: a value was expected");
    REFUSED("{\"a\":1,}", "a key in quotes");
    REFUSED("{a:1}", "a key in quotes");
    REFUSED("{\"a\" 1}", "':' was expected");
    REFUSED("{\"a\":1", "',' or '}'");
    REFUSED("[\"abc", "column 2: a string without closing quote");
    REFUSED("[\"a\tb\"]", "control character");
    REFUSED("[\"\\x\"]", "unknown escape");
    REFUSED("[\"\\", "unknown escape");
    REFUSED("[\"\\u12g4\"]", "four hexadecimal");
    REFUSED("[\"\\u0000\"]", "zero byte");
    REFUSED("[\"\\ud800\"]", "surrogate");
    REFUSED("[\"\\ud800\\u0041\"]", "surrogate");
    REFUSED("[\"\\udc00\\ud800\"]", "surrogate");
    REFUSED("[\"a\0b\"]", "control character");
    REFUSED("[1]\0", "text after the end");
    REFUSED("\xEF\xBB\xBF{}", "byte order mark");
    REFUSED("[\"\x80\"]", "column 3: a byte that is not UTF-8");
    REFUSED("[\"\xC0\xAF\"]", "not UTF-8");         /* overlong */
    REFUSED("[\"\xE0\x80\xAF\"]", "not UTF-8");     /* overlong */
    REFUSED("[\"\xED\xA0\x80\"]", "not UTF-8");     /* a surrogate */
    REFUSED("[\"\xF0\x8F\xBF\xBF\"]", "not UTF-8"); /* overlong */
    REFUSED("[\"\xF4\x90\x80\x80\"]", "not UTF-8"); /* above U+10FFFF */
    REFUSED("[\"\xF5\x80\x80\x80\"]", "not UTF-8");
    REFUSED("[\"\xE2\x82", "not UTF-8"); /* cut short by the end of the text */
    REFUSED("tru", "a value was expected");
    REFUSED("'a'", "a value was expected");
    REFUSED("[1] // x", "text after the end");
}

static void test_depth(void)
{
    char text[520];
    cJSON *value;

    memset(text, '[', 256);
    memset(text + 256, ']', 256);
    text[512] = '\0';
    value = parse(text);
    CHECK(value != NULL);
    cJSON_Delete(value);
    memset(text, '[', 257);
    memset(text + 257, ']', 257);
    check_refused(text, 514, "nested too deeply");
    value = parse("[[[],[]],[[],[]]]"); /* width is not depth */
    CHECK(value != NULL);
    cJSON_Delete(value);
}

static void test_strings(void)
{
    static const char text[] =
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC\\ud83d\\ude00 \xC3\xA9\xF4\x8F\xBF\xBF\x7F\"";
    cJSON *value = parse(text);

    CHECK(value != NULL);
    CHECK_STR(cJSON_GetStringValue(value),
              "\"\\/\b\f\n\r\tA\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80 \xC3\xA9\xF4\x8F\xBF\xBF\x7F");
    cJSON_Delete(value);
    value = parse("\"\"");
    CHECK_STR(cJSON_GetStringValue(value), "");
    cJSON_Delete(value);
}

static double number(const char *text)
{
    cJSON *value = parse(text);
    double result = cJSON_GetNumberValue(value);

    cJSON_Delete(value);
    return result;
}

static void test_numbers(void)
{
    CHECK(number("0") == 0);
    CHECK(number("-0") == 0 && signbit(number("-0")));
    CHECK(number(" \t\r\n-12.5e-1 ") == -1.25);
    CHECK(number("1E+2") == 100);
    CHECK(number("0.1") == 0.1);
    CHECK(number("9007199254740993") == 9007199254740992.0);
    CHECK(number("2.2250738585072014e-308") == 2.2250738585072014e-308);
    CHECK(number("1e-400") == 0);
    /* longer than the 63 characters that cJSON itself can take */
    CHECK(number("0.00000000000000000000000000000000000000000000000000000000000000000000000000000012") == 1.2e-79);
}

static void test_members(void)
{
    cJSON *o =
        parse("{\"s\":\"x\",\"n\":1.5,\"u\":7,\"big\":4294967296,\"neg\":-1,\"b\":true,\"o\":{},\"a\":[],\"z\":null}");
    const char *s = "default";
    const cJSON *c = NULL;
    double n = 3;
    uint32_t u = 9;
    bool b = false;

    CHECK(o != NULL);
    capture_start();
    CHECK(base_json_string(o, "missing", "w", &s) == MIEN_OK && strcmp(s, "default") == 0);
    CHECK(base_json_number(o, "missing", "w", &n) == MIEN_OK && n == 3);
    CHECK(base_json_u32(o, "missing", "w", &u) == MIEN_OK && u == 9);
    CHECK(base_json_bool(o, "missing", "w", &b) == MIEN_OK && !b);
    CHECK(base_json_object(o, "missing", "w", &c) == MIEN_OK && c == NULL);
    CHECK(base_json_array(o, "missing", "w", &c) == MIEN_OK && c == NULL);
    CHECK(base_json_string(o, "S", "w", &s) == MIEN_OK && strcmp(s, "default") == 0); /* case counts */
    CHECK(base_json_string(o, "s", "w", &s) == MIEN_OK && strcmp(s, "x") == 0);
    CHECK(base_json_number(o, "n", "w", &n) == MIEN_OK && n == 1.5);
    CHECK(base_json_u32(o, "u", "w", &u) == MIEN_OK && u == 7);
    CHECK(base_json_bool(o, "b", "w", &b) == MIEN_OK && b);
    CHECK(base_json_object(o, "o", "w", &c) == MIEN_OK && cJSON_IsObject(c));
    CHECK(base_json_array(o, "a", "w", &c) == MIEN_OK && cJSON_IsArray(c));
    CHECK_EQ(captured_count, 0);
    cJSON_Delete(o);
}

static void test_member_types(void)
{
    cJSON *o = parse("{\"s\":\"x\",\"n\":1.5,\"big\":4294967296,\"neg\":-1,\"z\":null}"), *array = parse("[1]");
    const char *s = "default";
    const cJSON *c = NULL;
    double n = 3;
    uint32_t u = 9;
    bool b = false;

    capture_start();
    CHECK_EQ(base_json_string(o, "n", "m.jsonl:3", &s), MIEN_ERR_DATA);
    CHECK(captured_once("m.jsonl:3: \"n\" must be a string, not a number"));
    capture_start();
    CHECK_EQ(base_json_number(o, "s", "w", &n), MIEN_ERR_DATA);
    CHECK(captured_once("must be a number, not a string"));
    CHECK_EQ(base_json_u32(o, "s", "w", &u), MIEN_ERR_DATA);
    CHECK_EQ(base_json_bool(o, "n", "w", &b), MIEN_ERR_DATA);
    CHECK_EQ(base_json_object(o, "n", "w", &c), MIEN_ERR_DATA);
    CHECK_EQ(base_json_array(o, "n", "w", &c), MIEN_ERR_DATA);
    /* null is as missing: the default stays */
    n = 3;
    CHECK_EQ(base_json_string(o, "z", "w", &s), MIEN_OK);
    CHECK_EQ(base_json_number(o, "z", "w", &n), MIEN_OK);
    CHECK_EQ(base_json_u32(o, "z", "w", &u), MIEN_OK);
    CHECK_EQ(base_json_bool(o, "z", "w", &b), MIEN_OK);
    CHECK_EQ(base_json_object(o, "z", "w", &c), MIEN_OK);
    CHECK_EQ(base_json_array(o, "z", "w", &c), MIEN_OK);
    CHECK(strcmp(s, "default") == 0 && n == 3 && u == 9 && !b && c == NULL && !base_json_member(o, "z"));
    capture_start();
    CHECK_EQ(base_json_u32(o, "n", "w", &u), MIEN_ERR_DATA);
    CHECK(captured_once("whole number from 0 to 4294967295, not 1.5"));
    CHECK_EQ(base_json_u32(o, "big", "w", &u), MIEN_ERR_DATA);
    CHECK_EQ(base_json_u32(o, "neg", "w", &u), MIEN_ERR_DATA);
    capture_start();
    CHECK_EQ(base_json_number(array, "k", "w", &n), MIEN_ERR_DATA);
    CHECK(captured_once("an object with the key \"k\" was expected, not an array"));
    CHECK_EQ(base_json_number(NULL, "k", "w", &n), MIEN_ERR_DATA);
    CHECK(strcmp(s, "default") == 0 && n == 3 && u == 9 && !b && c == NULL); /* defaults stay */
    cJSON_Delete(o);
    cJSON_Delete(array);
}

static void test_choice_and_only(void)
{
    static const char *const words[] = {"none", "label", "inverse", NULL};
    static const char *const keys[] = {"balance", "workers", "max_bad", NULL};
    cJSON *o = parse("{\"balance\":\"label\",\"workers\":\"lable\",\"max_bad\":3}"), *empty = parse("{}");
    cJSON *slip = parse("{\"balanse\":1}"), *far = parse("{\"colour\":1}"), *array = parse("[1]");
    uint32_t choice = 77;

    capture_start();
    CHECK(base_json_choice(o, "none", "w", words, &choice) == MIEN_OK && choice == 77);
    CHECK(base_json_choice(o, "balance", "w", words, &choice) == MIEN_OK && choice == 1);
    CHECK_EQ(base_json_only(o, "w", keys), MIEN_OK);
    CHECK_EQ(base_json_only(empty, "w", keys), MIEN_OK);
    CHECK_EQ(captured_count, 0);
    CHECK_EQ(base_json_choice(o, "workers", "c.json", words, &choice), MIEN_ERR_ARG);
    CHECK(captured_once("c.json: \"workers\" cannot be \"lable\"; it is one of: none, label, inverse"));
    CHECK_EQ(base_json_choice(o, "max_bad", "w", words, &choice), MIEN_ERR_DATA);
    CHECK_EQ(choice, 1);
    capture_start();
    CHECK_EQ(base_json_only(slip, "c.json", keys), MIEN_ERR_ARG);
    CHECK(captured_once("c.json: unknown key \"balanse\"; did you mean \"balance\"?"));
    capture_start();
    CHECK_EQ(base_json_only(far, "c.json", keys), MIEN_ERR_ARG);
    CHECK(captured_once("unknown key \"colour\"; remove it"));
    CHECK_EQ(base_json_only(array, "w", keys), MIEN_ERR_DATA);
    cJSON_Delete(o);
    cJSON_Delete(empty);
    cJSON_Delete(slip);
    cJSON_Delete(far);
    cJSON_Delete(array);
}

static void test_nearest(void)
{
    static const char *const words[] = {"train", "eval", "classify", "embed", NULL}, *const none[] = {NULL};
    char longest[100];

    CHECK_STR(base_nearest("trian", words), "train");
    CHECK_STR(base_nearest("clasify", words), "classify");
    CHECK_STR(base_nearest("eval", words), "eval");
    CHECK_STR(base_nearest("embedd", words), "embed");
    CHECK(base_nearest("xyzzy", words) == NULL);
    CHECK(base_nearest("", words) == NULL);
    CHECK(base_nearest("train", none) == NULL);
    memset(longest, 't', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    CHECK(base_nearest(longest, words) == NULL);
}

static void check_printed(const char *text, bool pretty, const char *expected)
{
    cJSON *value = parse(text);
    char *printed = base_json_print(value, pretty);

    CHECK_STR(printed, expected);
    base_free(printed);
    cJSON_Delete(value);
}

static void test_print(void)
{
    check_printed(" [ 1 , -2.50 , true , false , null , \"x\" ] ", false, "[1,-2.5,true,false,null,\"x\"]");
    check_printed("{\"a\":{\"b\":[]},\"c\":{}}", false, "{\"a\":{\"b\":[]},\"c\":{}}");
    check_printed("\"\\u0001\\n\\\"\\\\\\/\xC3\xA9\"", false, "\"\\u0001\\n\\\"\\\\/\xC3\xA9\"");
    check_printed("[0.1,1e300,-0,3e-7,100,9007199254740993,0.30000000000000004]", false,
                  "[0.1,1e+300,-0,3e-07,100,9007199254740992,0.30000000000000004]");
    check_printed("{\"a\":[1,2],\"b\":{\"c\":[[1],[2]]},\"d\":[],\"e\":{}}", true,
                  "{\n  \"a\": [1, 2],\n  \"b\": {\n    \"c\": [\n      [1],\n      [2]\n    ]\n  },\n"
                  "  \"d\": [],\n  \"e\": {}\n}");
}

/* Random bit patterns of doubles and of floats, printed and read back: bit for bit. */
static void test_numbers_survive(void)
{
    struct base_rng rng = base_rng_make(1, "json", 0, 0);
    int wrong = 0;

    for (int i = 0; i < 20000; i++) {
        uint64_t bits = (uint64_t)base_rng_u32(&rng) << 32 | base_rng_u32(&rng);
        uint32_t half = (uint32_t)bits;
        double value, back;
        float single;
        cJSON *node;
        char *text;

        memcpy(&value, &bits, sizeof(value));
        memcpy(&single, &half, sizeof(single));
        if (i % 2)
            value = (double)single;
        if (!isfinite(value))
            continue;
        node = cJSON_CreateNumber(value);
        text = base_json_print(node, false);
        back = number(text);
        wrong += memcmp(&back, &value, sizeof(back)) != 0;
        base_free(text);
        cJSON_Delete(node);
    }
    CHECK_EQ(wrong, 0);
}

static void test_not_finite(void)
{
    cJSON *node = cJSON_CreateNumber(INFINITY);
    char *text = base_json_print(node, false), digits[BASE_NUMBER_SIZE];

    CHECK_STR(text, "null");
    base_free(text);
    cJSON_Delete(node);
    CHECK_STR(base_number_text((double)NAN, 9, digits), "null");
    CHECK_STR(base_number_text(-(double)INFINITY, 0, digits), "null");
    CHECK_STR(base_number_text((double)0.1f, 9, digits), "0.100000001");
    CHECK_STR(base_number_text(-1e300, 4, digits), "-1e+300");
}

/* Names of files are any bytes; what is printed is JSON all the same. */
static void test_any_bytes(void)
{
    char bytes[256] = "";
    for (int i = 1; i < 256; i++)
        bytes[i - 1] = (char)i;
    cJSON *node = cJSON_CreateString(bytes), *odd = cJSON_CreateString("a\xff\xc3\xa9\xe2\x82"), *back;
    char *text = base_json_print(node, false), *shown = base_json_print(odd, false);
    CHECK_STR(shown, "\"a\xEF\xBF\xBD\xc3\xa9\xEF\xBF\xBD\xEF\xBF\xBD\"");
    back = parse(text);
    CHECK(back && strncmp(back->valuestring, bytes, 127) == 0 && strlen(back->valuestring) == 127 + 3 * 128);
    cJSON_Delete(back);
    base_free(shown);
    base_free(text);
    cJSON_Delete(odd);
    cJSON_Delete(node);
}

/* Where the application's language writes a decimal comma. */
static void test_locale(void)
{
    char digits[BASE_NUMBER_SIZE];

    if (!setlocale(LC_ALL, "de_DE.UTF-8") && !setlocale(LC_ALL, "fr_FR.UTF-8")) {
        printf("not tried: a locale with a decimal comma (none is installed)\n");
        return;
    }
    CHECK(number("1.5") == 1.5);
    check_printed("[0.25]", false, "[0.25]");
    CHECK_STR(base_number_text(-2.5e-10, 9, digits), "-2.5e-10");
    CHECK_STR(base_number_text(0.1, 0, digits), "0.1");
    setlocale(LC_ALL, "C");
}

/* As many keys as CLIP's vocabulary: the search for duplicates must not be quadratic (it would take minutes). */
static void test_many_keys(void)
{
    size_t count = 50000, used = 0;
    char *text = malloc(count * 24 + 64);
    clock_t start = clock(); /* of the processor: the machine may have other work */
    cJSON *value;

    used += (size_t)sprintf(text, "{");
    for (size_t i = 0; i < count; i++)
        used += (size_t)sprintf(text + used, "\"key%zu\":%zu,", i * 7919 % count, i);
    sprintf(text + used, "\"last\":1}");
    value = parse(text);
    CHECK(value != NULL);
    CHECK_EQ(cJSON_GetArraySize(value), 50001);
    cJSON_Delete(value);
    sprintf(text + used, "\"key77\":1}");
    check_refused(text, strlen(text), "\"key77\" twice");
    CHECK((double)(clock() - start) / CLOCKS_PER_SEC < 20);
    free(text);
}

static void test_read(void)
{
    char path[] = "/tmp/mien-test-json-XXXXXX";
    int fd = mkstemp(path);
    cJSON *value = (cJSON *)1;

    CHECK(fd >= 0);
    CHECK_EQ(base_file_write(path, "{\"a\":\n}", 7), MIEN_OK);
    capture_start();
    CHECK_EQ(base_json_read(path, &value), MIEN_ERR_DATA);
    CHECK(value == NULL);
    CHECK(captured_once(": not valid JSON at line 2, column 1"));
    CHECK(strncmp(captured, path, strlen(path)) == 0);
    CHECK_EQ(base_file_write(path, "{\"a\":1}\n", 8), MIEN_OK);
    CHECK_EQ(base_json_read(path, &value), MIEN_OK);
    cJSON_Delete(value);
    remove(path);
    CHECK_EQ(base_json_read(path, &value), MIEN_ERR_DATA);
    CHECK(value == NULL);
}

static void test_lines(void)
{
    static const char text[] =
        "\xef\xbb\xbf{\"a\": [1, {\"c\": \"}\\\"{\"}],\n \"b\" :\n{ \"a\": -1e5, \"c\":\n\ttrue},\n\n\"c\":{}}";
    cJSON *value = NULL;
    CHECK_EQ(base_json_parse(text + 3, sizeof(text) - 4, "text", &value), MIEN_OK);
    cJSON_Delete(value);
    CHECK_EQ(base_json_line(text, "a"), 1);
    CHECK_EQ(base_json_line(text, "b"), 2);
    CHECK_EQ(base_json_line(text, "b.a"), 3);
    CHECK_EQ(base_json_line(text, "b.c"), 3);
    CHECK_EQ(base_json_line(text, "c"), 6);
    CHECK_EQ(base_json_line(text, "d"), 0);
    CHECK_EQ(base_json_line(text, "a.c"), 0); /* in a list */
    CHECK_EQ(base_json_line(text, "c.c"), 0);
    CHECK_EQ(base_json_line("[]", "a"), 0);
}

int main(void)
{
    test_refused();
    test_depth();
    test_strings();
    test_numbers();
    test_members();
    test_member_types();
    test_choice_and_only();
    test_nearest();
    test_print();
    test_numbers_survive();
    test_not_finite();
    test_any_bytes();
    test_locale();
    test_many_keys();
    test_read();
    test_lines();
    return check_result();
}
