/* Structs of callers with older and newer headers, and the text of the last error. */
#include "capture.h"
#include "check.h"

struct params_v1 {
    size_t size;
    int a;
    const char *b;
};
struct params_v2 {
    size_t size;
    int a;
    const char *b;
    double c;
};

static enum mien_status mien_v1(const struct params_v1 *params, struct params_v1 *own)
{
    return SIZED_READ(own, params);
}

static enum mien_status mien_v2(const struct params_v2 *params, struct params_v2 *own)
{
    return SIZED_READ(own, params);
}

static void test_read(void)
{
    struct params_v1 old = {sizeof old, 1, "x"}, own1;
    struct params_v2 new = {sizeof new, 2, "y", 3.0}, own2 = {.c = 7};
    CHECK_EQ(mien_v2((const struct params_v2 *)&old, &own2), MIEN_OK); /* an older caller gets the default */
    CHECK(own2.size == sizeof own2 && own2.a == 1 && own2.c == 0);
    CHECK_STR(own2.b, "x");
    CHECK_EQ(mien_v2(NULL, &own2), MIEN_OK);
    CHECK(own2.size == sizeof own2 && own2.a == 0 && !own2.b);
    capture_start();
    CHECK_EQ(mien_v1((const struct params_v1 *)&new, &own1), MIEN_ERR_ARG); /* what is not known is not passed over */
    CHECK(captured_once("mien_v1: params sets something"));
    new.c = 0;
    CHECK_EQ(mien_v1((const struct params_v1 *)&new, &own1), MIEN_OK);
    CHECK(own1.size == sizeof own1 && own1.a == 2);
    for (size_t i = 0; i < 3; i++) {
        old.size = (const size_t[]){0, sizeof(size_t) - 1, (size_t)-1}[i];
        capture_start();
        CHECK_EQ(mien_v1(&old, &own1), MIEN_ERR_ARG);
        CHECK(captured_once("mien_v1: params->size is "));
    }
}

static void test_write(void)
{
    struct params_v2 room = {sizeof(struct params_v1), .c = 7};
    const struct params_v2 own2 = {sizeof own2, 5, "z", 4.0};
    const struct params_v1 own1 = {sizeof own1, 6, "w"};
    CHECK_EQ(base_sized_write(&room, &own2, sizeof own2, __func__, "room"), MIEN_OK);
    CHECK(room.size == sizeof(struct params_v1) && room.a == 5 && room.c == 7); /* nothing beyond an older caller's */
    room.size = sizeof room;
    CHECK_EQ(base_sized_write(&room, &own1, sizeof own1, __func__, "room"), MIEN_OK);
    CHECK(room.size == sizeof room && room.a == 6 && room.c == 0);
    room.size = 0;
    CHECK_EQ(base_sized_write(&room, &own1, sizeof own1, __func__, "room"), MIEN_ERR_ARG);
    CHECK_EQ(room.a, 6);
}

static void test_clear(void)
{
    struct params_v2 given = {sizeof given, 5, "z", 4.0};
    CHECK_EQ(base_sized_clear(&given, __func__, "given"), MIEN_OK);
    CHECK(given.size == sizeof given && given.a == 0 && !given.b && given.c == 0);
    CHECK_EQ(base_sized_clear(NULL, __func__, "given"), MIEN_OK);
    CHECK_EQ(base_sized_write(NULL, &given, sizeof given, __func__, "given"), MIEN_OK);
    given.size = 3;
    CHECK_EQ(base_sized_clear(&given, __func__, "given"), MIEN_ERR_ARG);
}

static void test_last_error(void)
{
    char long_name[4000], taken[64] = "";
    mien_log_set(capture, NULL, MIEN_LOG_SILENT); /* messages can be had without a sink too */
    (void)base_fail(MIEN_ERR_DATA, "%s: line %d", "a.json", 7);
    CHECK_STR(mien_last_error(), "a.json: line 7");
    (void)base_fail(MIEN_ERR_DATA, "again: %s", mien_last_error());
    CHECK_STR(mien_last_error(), "again: a.json: line 7");
    base_log(MIEN_LOG_ERROR, "said aside");
    enum mien_log_level before = base_log_soften(MIEN_LOG_INFO); /* a failure that its caller survives */
    (void)base_fail(MIEN_ERR_DATA, "survived");
    base_log_soften(before);
    base_log_divert(taken, sizeof taken);
    (void)base_fail(MIEN_ERR_DATA, "listed");
    base_log_divert(NULL, 0);
    CHECK_STR(taken, "listed");
    CHECK_STR(mien_last_error(), "again: a.json: line 7");
    for (size_t i = 0; i + 2 < sizeof long_name; i += 2)
        memcpy(long_name + i, "\xc3\xa4", 3); /* cut between characters, not in one */
    (void)base_fail(MIEN_ERR_DATA, "%s", long_name);
    size_t length = strlen(mien_last_error());
    CHECK(length > 500 && length % 2 == 0 && (unsigned char)mien_last_error()[length - 1] == 0xa4);
    (void)base_fail(MIEN_ERR_DATA, "x%s", long_name);
    length = strlen(mien_last_error());
    CHECK(length > 500 && length % 2 == 1 && (unsigned char)mien_last_error()[length - 1] == 0xa4);
    mien_log_set(NULL, NULL, MIEN_LOG_WARN);
}

/* Checks count without a lock: the thread only notes what it saw. */
static void fail_elsewhere(void *user)
{
    bool *clean = user;
    *clean = strcmp(mien_last_error(), "") == 0;
    (void)base_fail(MIEN_ERR_DATA, "elsewhere");
}

static void fail_one(void *user, uint32_t i)
{
    (void)user;
    base_sleep_ms(1);
    if (i == 63)
        (void)base_fail(MIEN_ERR_DATA, "one of many");
}

static void test_threads(void)
{
    struct base_thread *thread = NULL;
    bool clean = false;
    mien_log_set(capture, NULL, MIEN_LOG_SILENT);
    (void)base_fail(MIEN_ERR_DATA, "here");
    CHECK_EQ(base_thread_start(&thread, fail_elsewhere, &clean), MIEN_OK);
    base_thread_join(&thread);
    CHECK(clean);
    CHECK_STR(mien_last_error(), "elsewhere"); /* the work was this thread's */
    base_parallel_for(4, 64, fail_one, NULL);
    CHECK_STR(mien_last_error(), "one of many");
    mien_log_set(NULL, NULL, MIEN_LOG_WARN);
}

int main(void)
{
    test_read();
    test_write();
    test_clear();
    test_last_error();
    test_threads();
    return check_result();
}
