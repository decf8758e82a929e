/* thread.c: threads and locks that fail as the rest of Mien does, and the parallel loop. */
#include "base/thread.h"

#include "base/arena.h"
#include "base/os_internal.h"
#include "base/status.h"

#include <stdatomic.h>
#include <string.h>

struct base_thread {
    struct os_thread os;
    void (*fn)(void *user);
    void *user;
    char error[MIEN_ERROR_SIZE]; /* its last one: who joins it asked for its work */
};

struct base_mutex {
    struct os_mutex os;
};

struct base_cond {
    struct os_cond os;
};

static void thread_work(void *user)
{
    struct base_thread *thread = user;

    thread->fn(thread->user);
    memcpy(thread->error, mien_last_error(), strlen(mien_last_error()) + 1);
}

enum mien_status base_thread_start(struct base_thread **out, void (*fn)(void *user), void *user)
{
    enum mien_status status = MIEN_OK;
    struct base_thread *thread = base_alloc(1, sizeof(*thread));
    int error;

    *out = NULL;
    FAIL_IF_NULL(thread, "a thread");
    thread->fn = fn;
    thread->user = user;
    error = os_thread_start(&thread->os, thread_work, thread);
    FAIL_IF(error, MIEN_ERR_FAILED, "cannot start a thread: %s; raise the limit of processes (ulimit -u)",
            strerror(error));
    *out = thread;
    return MIEN_OK;
fail:
    base_free(thread);
    return status;
}

void base_thread_join(struct base_thread **thread)
{
    if (!thread || !*thread)
        return;
    os_thread_join(&(*thread)->os);
    base_take_error((*thread)->error);
    base_free(*thread);
    *thread = NULL;
}

enum mien_status base_mutex_create(struct base_mutex **out)
{
    enum mien_status status = MIEN_OK;
    struct base_mutex *mutex = base_alloc(1, sizeof(*mutex));

    *out = NULL;
    FAIL_IF_NULL(mutex, "a mutex");
    FAIL_IF(os_mutex_init(&mutex->os) != 0, MIEN_ERR_NOMEM, "cannot create a mutex");
    *out = mutex;
    return MIEN_OK;
fail:
    base_free(mutex);
    return status;
}

void base_mutex_destroy(struct base_mutex **mutex)
{
    if (!mutex || !*mutex)
        return;
    os_mutex_destroy(&(*mutex)->os);
    base_free(*mutex);
    *mutex = NULL;
}

void base_mutex_lock(struct base_mutex *mutex)
{
    os_mutex_lock(&mutex->os);
}

void base_mutex_unlock(struct base_mutex *mutex)
{
    os_mutex_unlock(&mutex->os);
}

enum mien_status base_cond_create(struct base_cond **out)
{
    enum mien_status status = MIEN_OK;
    struct base_cond *cond = base_alloc(1, sizeof(*cond));

    *out = NULL;
    FAIL_IF_NULL(cond, "a condition variable");
    FAIL_IF(os_cond_init(&cond->os) != 0, MIEN_ERR_NOMEM, "cannot create a condition variable");
    *out = cond;
    return MIEN_OK;
fail:
    base_free(cond);
    return status;
}

void base_cond_destroy(struct base_cond **cond)
{
    if (!cond || !*cond)
        return;
    os_cond_destroy(&(*cond)->os);
    base_free(*cond);
    *cond = NULL;
}

void base_cond_wait(struct base_cond *cond, struct base_mutex *mutex)
{
    os_cond_wait(&cond->os, &mutex->os);
}

void base_cond_signal(struct base_cond *cond)
{
    os_cond_signal(&cond->os);
}

void base_cond_broadcast(struct base_cond *cond)
{
    os_cond_broadcast(&cond->os);
}

uint32_t base_cpu_count(void)
{
    return os_cpu_count();
}

/* Helpers live for one call: starting one costs some 20 us, far below the work that is worth spreading. */
#define MOST_HELPERS 255

struct parallel_job {
    void (*fn)(void *user, uint32_t i);
    void *user;
    uint32_t count;
    atomic_uint_fast64_t next; /* 64 bits: workers step past count, which may be UINT32_MAX */
    atomic_flag failed;
    char error[MIEN_ERROR_SIZE]; /* of the first helper that has one */
};

static void parallel_work(void *user)
{
    struct parallel_job *job = user;

    for (;;) {
        uint64_t i = atomic_fetch_add_explicit(&job->next, 1, memory_order_relaxed);

        if (i >= job->count)
            return;
        job->fn(job->user, (uint32_t)i);
    }
}

static void helper_work(void *user)
{
    struct parallel_job *job = user;

    parallel_work(job);
    if (mien_last_error()[0] && !atomic_flag_test_and_set(&job->failed))
        memcpy(job->error, mien_last_error(), strlen(mien_last_error()) + 1);
}

void base_parallel_for(uint32_t threads, uint32_t count, void (*fn)(void *user, uint32_t i), void *user)
{
    struct parallel_job job = {.fn = fn, .user = user, .count = count, .failed = ATOMIC_FLAG_INIT};
    struct os_thread helpers[MOST_HELPERS];
    uint32_t want = threads ? threads : base_cpu_count(), started = 0;

    if (want > count)
        want = count;
    if (want > MOST_HELPERS + 1)
        want = MOST_HELPERS + 1;
    while (started + 1 < want && os_thread_start(&helpers[started], helper_work, &job) == 0)
        started++;
    parallel_work(&job);
    while (started > 0)
        os_thread_join(&helpers[--started]);
    base_take_error(job.error);
}
