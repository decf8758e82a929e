/* Status texts and exit codes, TRY and FAIL_IF, and the log sink. */
#include "capture.h"
#include "check.h"

#include <stdlib.h>
#include <unistd.h>

static void test_texts(void)
{
    for (int s = 0; s < MIEN_STATUS_COUNT; s++) {
        CHECK(strlen(mien_status_text((enum mien_status)s)) > 0);
        CHECK(mien_status_exit_code((enum mien_status)s) >= 0 && mien_status_exit_code((enum mien_status)s) <= 4);
    }
    CHECK_STR(mien_status_text(MIEN_OK), "done");
    CHECK_STR(mien_status_text(MIEN_ERR_DATA), "bad data or file");
    CHECK_STR(mien_status_text(MIEN_STATUS_COUNT), "unknown status");
    CHECK_STR(mien_status_text((enum mien_status)(-1)), "unknown status");
    CHECK_EQ(mien_status_exit_code(MIEN_OK), 0);
    CHECK_EQ(mien_status_exit_code(MIEN_ERR_CANCELLED), 1);
    CHECK_EQ(mien_status_exit_code(MIEN_ERR_ARG), 2);
    CHECK_EQ(mien_status_exit_code(MIEN_ERR_DEVICE_LOST), 3);
    CHECK_EQ(mien_status_exit_code(MIEN_ERR_DATA), 4);
    CHECK_EQ(mien_status_exit_code(MIEN_STATUS_COUNT), 1);
    int major, minor, patch;
    CHECK_EQ(sscanf(mien_version(), "%d.%d.%d", &major, &minor, &patch), 3);
    CHECK_EQ(major * 10000 + minor * 100 + patch, MIEN_VERSION);
}

static enum mien_status inner(int n)
{
    enum mien_status status = MIEN_OK;

    FAIL_IF(n < 0, MIEN_ERR_ARG, "n is %d; give a positive one", n);
fail:
    return status;
}

static enum mien_status outer(int n, int *cleaned)
{
    enum mien_status status = MIEN_OK;

    TRY(inner(n));
    return MIEN_OK;
fail:
    *cleaned = 1;
    return status;
}

static void test_macros(void)
{
    int cleaned = 0;

    capture_start();
    CHECK_EQ(outer(1, &cleaned), MIEN_OK);
    CHECK_EQ(cleaned, 0);
    CHECK_EQ(captured_count, 0);
    CHECK_EQ(outer(-7, &cleaned), MIEN_ERR_ARG);
    CHECK_EQ(cleaned, 1);
    CHECK(captured_once("n is -7; give a positive one")); /* once, however deep */
}

static void test_levels(void)
{
    capture_start();
    LOG_DEBUG("a");
    LOG_INFO("b");
    CHECK_EQ(captured_count, 0);
    LOG_WARN("c %d", 3);
    CHECK(captured_once("c 3"));
    LOG_ERROR("d");
    CHECK_EQ(captured_count, 2);
    base_log(MIEN_LOG_SILENT, "no message has this level");
    base_log((enum mien_log_level)(-1), "nor this");
    CHECK_EQ(captured_count, 2);
    mien_log_set(capture, NULL, MIEN_LOG_DEBUG);
    LOG_DEBUG("e");
    CHECK_STR(captured, "e");
    mien_log_set(capture, NULL, MIEN_LOG_SILENT);
    LOG_ERROR("f");
    CHECK_STR(captured, "e");
}

static void log_error(void *user)
{
    (void)user;
    LOG_ERROR("from another thread");
}

/* What a caller survives is not logged as its failure; other threads go on as they were. */
static void test_soften(void)
{
    struct base_thread *thread = NULL;

    capture_start();
    CHECK_EQ(base_log_soften(MIEN_LOG_INFO), MIEN_LOG_ERROR);
    CHECK_EQ(inner(-1), MIEN_ERR_ARG);
    CHECK_EQ(captured_count, 0);
    CHECK_EQ(base_thread_start(&thread, log_error, NULL), MIEN_OK);
    base_thread_join(&thread);
    CHECK(captured_once("from another thread"));
    CHECK_EQ(base_log_soften(MIEN_LOG_WARN), MIEN_LOG_INFO);
    LOG_ERROR("a warning");
    CHECK_EQ(captured_level, MIEN_LOG_WARN);
    LOG_INFO("still below the lowest");
    CHECK_EQ(captured_count, 2);
    CHECK_EQ(base_log_soften(MIEN_LOG_ERROR), MIEN_LOG_WARN);
    LOG_ERROR("an error");
    CHECK_EQ(captured_level, MIEN_LOG_ERROR);
}

static void test_divert(void)
{
    char text[24];
    struct base_thread *thread = NULL;

    capture_start();
    base_log_divert(text, sizeof(text));
    CHECK_STR(text, "");
    LOG_INFO("not worth it");
    CHECK_STR(text, "");
    LOG_WARN("first");
    CHECK_EQ(inner(-1), MIEN_ERR_ARG);
    CHECK(captured_count == 0 && strlen(text) > 5 && strlen(text) < sizeof(text)); /* the last one, cut */
    CHECK_EQ(base_thread_start(&thread, log_error, NULL), MIEN_OK);
    base_thread_join(&thread);
    CHECK(captured_once("from another thread"));
    base_log_divert(NULL, 0);
    LOG_WARN("to the sink again");
    CHECK_EQ(captured_count, 2);
}

/* Whatever is in a name, a message is one line, and moves no cursor; letters of all languages stay. */
static void test_control_characters(void)
{
    static const char *const pairs[][2] = {
        {"a\nb\tc\rd", "a\\nb\\tc\\rd"},
        {"\x1b[2J\a\x7f", "\\x1b[2J\\x07\\x7f"},
        {"\xc2\x9b"
         "31m",
         "\\u009b31m"}, /* CSI in one character */
        {"\xe2\x80\xae"
         "gnp.exe",
         "\\u202egnp.exe"},          /* right to left */
        {"\xe2\x80\xa8", "\\u2028"}, /* a line separator */
        {"\x9b"
         "0m\xff\xc3",
         "\\x9b0m\\xff\\xc3"}, /* no UTF-8, cut at the end */
        {"Gr\xc3\xbc\xc3\x9f \xe8\xa1\xa8\xe6\x83\x85 \xf0\x9f\x99\x82 \\",
         "Gr\xc3\xbc\xc3\x9f \xe8\xa1\xa8\xe6\x83\x85 \xf0\x9f\x99\x82 \\"},
    };
    char diverted[64], long_name[3001];

    for (size_t i = 0; i < BASE_COUNT(pairs); i++) {
        capture_start();
        CHECK_EQ(base_fail(MIEN_ERR_DATA, "%s: bad", pairs[i][0]), MIEN_ERR_DATA);
        CHECK(captured_once(pairs[i][1]) && strlen(captured) == strlen(pairs[i][1]) + 5);
        CHECK_STR(mien_last_error(), captured);
        base_log_divert(diverted, sizeof(diverted));
        LOG_WARN("%s: bad", pairs[i][0]);
        base_log_divert(NULL, 0);
        CHECK_STR(diverted, captured);
    }
    memset(long_name, 1, sizeof(long_name) - 1); /* four times as long: nothing is written beyond */
    long_name[sizeof(long_name) - 1] = 0;
    capture_start();
    CHECK_EQ(base_fail(MIEN_ERR_DATA, "%s", long_name), MIEN_ERR_DATA);
    CHECK(captured_count == 1 && strlen(mien_last_error()) < MIEN_ERROR_SIZE && !strchr(mien_last_error(), 1));
    base_log_divert(diverted, 6);
    LOG_WARN("ab\x1b");
    base_log_divert(NULL, 0);
    CHECK_STR(diverted, "ab"); /* no half an escape */
}

static void test_long_message(void)
{
    char text[3000];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    capture_start();
    LOG_WARN("%s", text);
    CHECK_STR(captured, text);
}

/* A sink that itself provokes a message and moves itself away: neither may wait for the sink's own lock. */
static void restless_sink(void *user, enum mien_log_level level, const char *message)
{
    (void)level;
    (void)message;
    ++*(int *)user;
    LOG_ERROR("from inside");
    mien_log_set(capture, NULL, MIEN_LOG_WARN);
}

static void test_sink_reenters(void)
{
    int calls = 0;

    capture_start();
    mien_log_set(restless_sink, &calls, MIEN_LOG_WARN);
    LOG_ERROR("outside");
    CHECK_EQ(calls, 1);
    CHECK_EQ(captured_count, 0);
    LOG_ERROR("after");
    CHECK(captured_once("after"));
}

static void count_plainly(void *user, enum mien_log_level level, const char *message)
{
    (void)level;
    (void)message;
    ++*(int *)user; /* not atomic: the sink is promised one call at a time */
}

static void log_one(void *user, uint32_t i)
{
    (void)user;
    LOG_WARN("message %u", i);
}

static void test_sink_one_at_a_time(void)
{
    int calls = 0;

    mien_log_set(count_plainly, &calls, MIEN_LOG_WARN);
    base_parallel_for(4, 20000, log_one, NULL);
    CHECK_EQ(calls, 20000);
}

/* The default sink writes to standard error: redirected to a file, read back. */
static void test_default_sink(void)
{
    char path[] = "/tmp/mien-test-log-XXXXXX";
    int fd = mkstemp(path), saved = dup(STDERR_FILENO);
    char *text = NULL;
    size_t size = 0;

    CHECK(fd >= 0 && saved >= 0);
    fflush(stderr);
    dup2(fd, STDERR_FILENO);
    mien_log_set(NULL, NULL, MIEN_LOG_WARN);
    LOG_INFO("hidden");
    LOG_WARN("seen %d", 1);
    LOG_ERROR("%s", "seen 2");
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    CHECK_EQ(base_file_read(path, 0, &text, &size), MIEN_OK);
    CHECK_STR(text, "mien: warning: seen 1\nmien: error: seen 2\n");
    base_free(text);
    close(fd);
    close(saved);
    unlink(path);
}

int main(void)
{
    test_texts();
    test_macros();
    test_levels();
    test_soften();
    test_divert();
    test_control_characters();
    test_long_message();
    test_sink_reenters();
    test_sink_one_at_a_time();
    test_default_sink();
    return check_result();
}
