/* Threads, locks, parallel loops and the clock. */
#include "capture.h"
#include "check.h"

#include <stdatomic.h>
#include <stdlib.h>

static void set_flag(void *user)
{
    *(int *)user = 42;
}

static void test_start_join(void)
{
    struct base_thread *thread = NULL;
    int flag = 0;

    CHECK_EQ(base_thread_start(&thread, set_flag, &flag), MIEN_OK);
    CHECK(thread != NULL);
    base_thread_join(&thread);
    CHECK(thread == NULL);
    CHECK_EQ(flag, 42);
    base_thread_join(&thread); /* NULL inside: nothing */
    base_thread_join(NULL);
}

struct box {
    struct base_mutex *mutex;
    struct base_cond *changed;
    uint64_t sum;
    uint32_t value; /* 0: empty */
};

/* Puts 1..1000 into a box of one place; the taker sums: each hand-over needs wait and signal in both directions. */
static void put_thousand(void *user)
{
    struct box *box = user;

    for (uint32_t i = 1; i <= 1000; i++) {
        base_mutex_lock(box->mutex);
        while (box->value != 0)
            base_cond_wait(box->changed, box->mutex);
        box->value = i;
        base_cond_broadcast(box->changed);
        base_mutex_unlock(box->mutex);
    }
}

static void take_thousand(void *user)
{
    struct box *box = user;

    for (int i = 0; i < 1000; i++) {
        base_mutex_lock(box->mutex);
        while (box->value == 0)
            base_cond_wait(box->changed, box->mutex);
        box->sum += box->value;
        box->value = 0;
        base_cond_signal(box->changed);
        base_mutex_unlock(box->mutex);
    }
}

static void test_hand_over(void)
{
    struct box box = {0};
    struct base_thread *putter = NULL, *taker = NULL;

    CHECK_EQ(base_mutex_create(&box.mutex), MIEN_OK);
    CHECK_EQ(base_cond_create(&box.changed), MIEN_OK);
    CHECK_EQ(base_thread_start(&putter, put_thousand, &box), MIEN_OK);
    CHECK_EQ(base_thread_start(&taker, take_thousand, &box), MIEN_OK);
    base_thread_join(&putter);
    base_thread_join(&taker);
    CHECK_EQ(box.sum, 500500);
    base_mutex_destroy(&box.mutex);
    base_cond_destroy(&box.changed);
    CHECK(box.mutex == NULL && box.changed == NULL);
    base_mutex_destroy(&box.mutex);
    base_mutex_destroy(NULL);
    base_cond_destroy(&box.changed);
    base_cond_destroy(NULL);
}

static void mark(void *user, uint32_t i)
{
    atomic_fetch_add(&((atomic_int *)user)[i], 1);
}

/* Every index exactly once, whatever the number of threads. */
static void test_parallel_for(void)
{
    static const uint32_t threads[] = {0, 1, 2, 3, 16, 1000};
    static const uint32_t counts[] = {0, 1, 2, 7, 10000};

    for (size_t t = 0; t < BASE_COUNT(threads); t++) {
        for (size_t c = 0; c < BASE_COUNT(counts); c++) {
            atomic_int *marks = calloc(counts[c] + 1, sizeof(*marks));
            bool once = true;

            base_parallel_for(threads[t], counts[c], mark, marks);
            for (uint32_t i = 0; i < counts[c]; i++)
                once = once && marks[i] == 1;
            CHECK(once);
            CHECK_EQ(marks[counts[c]], 0);
            free(marks);
        }
    }
}

struct meeting {
    struct base_mutex *mutex;
    struct base_cond *all_here;
    uint32_t here;
};

static void meet(void *user, uint32_t i)
{
    struct meeting *m = user;

    (void)i;
    base_mutex_lock(m->mutex);
    m->here++;
    base_cond_broadcast(m->all_here);
    while (m->here < 4)
        base_cond_wait(m->all_here, m->mutex);
    base_mutex_unlock(m->mutex);
}

/* Four calls that wait for each other: with fewer than four threads this would never return (the test's time limit). */
static void test_parallel_for_is_parallel(void)
{
    struct meeting m = {0};

    CHECK_EQ(base_mutex_create(&m.mutex), MIEN_OK);
    CHECK_EQ(base_cond_create(&m.all_here), MIEN_OK);
    base_parallel_for(4, 4, meet, &m);
    CHECK_EQ(m.here, 4);
    base_mutex_destroy(&m.mutex);
    base_cond_destroy(&m.all_here);
}

static void test_parallel_for_allocates_nothing(void)
{
    atomic_int marks[8] = {0};
    uint64_t before = base_alloc_count();

    base_parallel_for(4, 8, mark, marks);
    CHECK_EQ(base_alloc_count(), before);
}

static void test_clock(void)
{
    uint64_t start = base_clock_ns(), before = start;
    double seconds = base_clock_seconds();

    for (int i = 0; i < 1000; i++) {
        uint64_t now = base_clock_ns();

        CHECK(now >= before);
        before = now;
    }
    base_sleep_ms(20);
    CHECK(base_clock_ns() - start >= 20000000u);
    CHECK(base_clock_seconds() - seconds >= 0.0199);
    CHECK(base_clock_seconds() - seconds < 60); /* the unit is right */
    base_sleep_ms(0);
    CHECK(base_cpu_count() >= 1);
}

int main(void)
{
    test_start_join();
    test_hand_over();
    test_parallel_for();
    test_parallel_for_is_parallel();
    test_parallel_for_allocates_nothing();
    test_clock();
    return check_result();
}
