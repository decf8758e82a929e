/* The trace file: valid JSON whatever the names, whole or not at all, a limit that is told. */
#include "check.h"

#include "base/capture.h"

#define FILE_NAME "test_base_trace.json"

static const cJSON *find(const cJSON *events, const char *name)
{
    const cJSON *event;
    cJSON_ArrayForEach(event, events)
    {
        const char *have = NULL;
        if (base_json_string(event, "name", FILE_NAME, &have) == MIEN_OK && have && strcmp(have, name) == 0)
            return event;
    }
    return NULL;
}

static double number(const cJSON *event, const char *key)
{
    double value = -1;
    CHECK_EQ(base_json_number(event, key, FILE_NAME, &value), MIEN_OK);
    return value;
}

static void test_spans(void)
{
    struct base_trace *trace = NULL;
    cJSON *events = NULL;
    CHECK_EQ(base_trace_open(FILE_NAME, 3, &trace), MIEN_OK);
    CHECK(!base_file_exists(FILE_NAME));
    uint64_t began = base_trace_now(trace);
    base_sleep_ms(5);
    base_trace_span(trace, BASE_TRACK_HOST, "slept", "a \"quoted\\ word\"\n\xc3\xa9", began);
    base_trace_span_at(trace, BASE_TRACK_GPU, "gpu", NULL, (double)began + 1e6, (double)began + 3e6);
    for (int i = 0; i < 5; i++)
        base_trace_span(trace, BASE_TRACK_IMAGES, "more", NULL, base_trace_now(trace));
    CHECK_EQ(base_trace_close(&trace), MIEN_OK);
    CHECK(trace == NULL);
    CHECK_EQ(base_json_read(FILE_NAME, &events), MIEN_OK);
    const cJSON *slept = find(events, "slept"), *gpu = find(events, "gpu");
    CHECK(slept && gpu && find(events, "more") && find(events, "4 spans left out: a trace holds 3"));
    if (slept && gpu) {
        CHECK(number(slept, "dur") >= 5000 && number(slept, "dur") < 5e6);
        CHECK(number(gpu, "ts") - number(slept, "ts") > 999 && number(gpu, "ts") - number(slept, "ts") < 1001);
        CHECK(number(gpu, "dur") > 1999 && number(gpu, "dur") < 2001);
        CHECK(number(gpu, "pid") != number(slept, "pid"));
        CHECK_STR(cJSON_GetStringValue(cJSON_GetObjectItem(cJSON_GetObjectItem(slept, "args"), "detail")),
                  "a \"quoted\\ word\"???");
    }
    cJSON_Delete(events);
    remove(FILE_NAME);
}

/* Half of an escape at the end of what fits would spoil the file. */
static void test_long_name(void)
{
    struct base_trace *trace = NULL;
    cJSON *events = NULL;
    char name[2000];
    memset(name, '"', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    CHECK_EQ(base_trace_open(FILE_NAME, 9, &trace), MIEN_OK);
    for (int i = 0; i < 2; i++)
        base_trace_span(trace, BASE_TRACK_HOST, name + i, name + i, base_trace_now(trace));
    name[0] = 'x';
    base_trace_span(trace, BASE_TRACK_HOST, name, name, base_trace_now(trace));
    CHECK_EQ(base_trace_close(&trace), MIEN_OK);
    CHECK_EQ(base_json_read(FILE_NAME, &events), MIEN_OK);
    cJSON_Delete(events);
    remove(FILE_NAME);
}

static void span_from_thread(void *user, uint32_t i)
{
    (void)i;
    base_trace_span(user, BASE_TRACK_IMAGES, "thread", NULL, base_trace_now(user));
}

static void test_threads(void)
{
    struct base_trace *trace = NULL;
    cJSON *events = NULL;
    CHECK_EQ(base_trace_open(FILE_NAME, 5000, &trace), MIEN_OK);
    base_parallel_for(4, 2000, span_from_thread, trace);
    CHECK_EQ(base_trace_close(&trace), MIEN_OK);
    CHECK_EQ(base_json_read(FILE_NAME, &events), MIEN_OK);
    CHECK_EQ(cJSON_GetArraySize(events), 2 * BASE_TRACKS + 2000 + 1);
    cJSON_Delete(events);
    remove(FILE_NAME);
}

static void test_nothing(void)
{
    struct base_trace *trace = NULL;
    uint64_t taken = base_alloc_count();
    CHECK_EQ(base_trace_now(NULL), 0);
    base_trace_span(NULL, BASE_TRACK_HOST, "a", "b", 1);
    CHECK_EQ(base_alloc_count(), taken);
    CHECK_EQ(base_trace_close(&trace), MIEN_OK);
    CHECK_EQ(base_trace_close(NULL), MIEN_OK);
    capture_start();
    CHECK_EQ(base_trace_open("no/such/folder/trace.json", 1, &trace), MIEN_ERR_IO);
    CHECK(captured_once("no/such/folder") && trace == NULL);
}

/* A disk without room: one message, a failure at the end, no crash. */
static void test_full(void)
{
    struct base_trace *trace = NULL;
    if (!base_file_exists("/dev/full"))
        return;
    capture_start();
    CHECK_EQ(base_trace_open("/dev/full", 100000, &trace), MIEN_OK);
    for (int i = 0; i < 5000; i++)
        base_trace_span(trace, BASE_TRACK_HOST, "span", NULL, base_trace_now(trace));
    CHECK_EQ(base_trace_close(&trace), MIEN_ERR_IO);
    CHECK(captured_once("/dev/full") && trace == NULL);
}

int main(void)
{
    test_spans();
    test_long_name();
    test_threads();
    test_nothing();
    test_full();
    return check_result();
}
