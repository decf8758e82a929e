/* thread.c: the only file that knows pthreads' threads. */
#include "base/thread.h"

#include "base/arena.h"
#include "base/status.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

struct base_thread {
    pthread_t handle;
    void (*fn)(void *user);
    void *user;
};

struct base_mutex {
    pthread_mutex_t handle;
};

struct base_cond {
    pthread_cond_t handle;
};

/* pthread_create with every signal blocked in the new thread: an application's handlers run in its own threads. */
static int create_quiet(pthread_t *handle, void *(*fn)(void *), void *user)
{
    sigset_t all, before;
    int error;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(handle, NULL, fn, user);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

static void *thread_main(void *user)
{
    struct base_thread *thread = user;

    thread->fn(thread->user);
    return NULL;
}

enum mien_status base_thread_start(struct base_thread **out, void (*fn)(void *user), void *user)
{
    enum mien_status status = MIEN_OK;
    struct base_thread *thread = NULL;
    int error;

    *out = NULL;
    thread = base_alloc(1, sizeof(*thread));
    FAIL_IF_NULL(thread, "a thread");
    thread->fn = fn;
    thread->user = user;
    error = create_quiet(&thread->handle, thread_main, thread);
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
    int error;

    if (!thread || !*thread)
        return;
    error = pthread_join((*thread)->handle, NULL);
    assert(error == 0);
    (void)error;
    base_free(*thread);
    *thread = NULL;
}

enum mien_status base_mutex_create(struct base_mutex **out)
{
    enum mien_status status = MIEN_OK;
    struct base_mutex *mutex = NULL;

    *out = NULL;
    mutex = base_alloc(1, sizeof(*mutex));
    FAIL_IF_NULL(mutex, "a mutex");
    FAIL_IF(pthread_mutex_init(&mutex->handle, NULL) != 0, MIEN_ERR_NOMEM, "cannot create a mutex");
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
    pthread_mutex_destroy(&(*mutex)->handle);
    base_free(*mutex);
    *mutex = NULL;
}

/* Locking an initialised mutex that this thread does not hold cannot fail; anything else is a bug of ours. */
void base_mutex_lock(struct base_mutex *mutex)
{
    int error = pthread_mutex_lock(&mutex->handle);

    assert(error == 0);
    (void)error;
}

void base_mutex_unlock(struct base_mutex *mutex)
{
    int error = pthread_mutex_unlock(&mutex->handle);

    assert(error == 0);
    (void)error;
}

enum mien_status base_cond_create(struct base_cond **out)
{
    enum mien_status status = MIEN_OK;
    struct base_cond *cond = NULL;

    *out = NULL;
    cond = base_alloc(1, sizeof(*cond));
    FAIL_IF_NULL(cond, "a condition variable");
    FAIL_IF(pthread_cond_init(&cond->handle, NULL) != 0, MIEN_ERR_NOMEM, "cannot create a condition variable");
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
    pthread_cond_destroy(&(*cond)->handle);
    base_free(*cond);
    *cond = NULL;
}

void base_cond_wait(struct base_cond *cond, struct base_mutex *mutex)
{
    pthread_cond_wait(&cond->handle, &mutex->handle);
}

void base_cond_signal(struct base_cond *cond)
{
    pthread_cond_signal(&cond->handle);
}

void base_cond_broadcast(struct base_cond *cond)
{
    pthread_cond_broadcast(&cond->handle);
}

uint32_t base_cpu_count(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);

    return count > 0 ? (uint32_t)count : 1;
}

/* Helpers live for one call: starting one costs some 20 us, far below the work that is worth spreading. */
#define MOST_HELPERS 255

struct parallel_job {
    void (*fn)(void *user, uint32_t i);
    void *user;
    uint32_t count;
    atomic_uint_fast64_t next; /* 64 bits: workers step past count, which may be UINT32_MAX */
};

static void *parallel_work(void *user)
{
    struct parallel_job *job = user;

    for (;;) {
        uint64_t i = atomic_fetch_add_explicit(&job->next, 1, memory_order_relaxed);

        if (i >= job->count)
            return NULL;
        job->fn(job->user, (uint32_t)i);
    }
}

void base_parallel_for(uint32_t threads, uint32_t count, void (*fn)(void *user, uint32_t i), void *user)
{
    struct parallel_job job = {.fn = fn, .user = user, .count = count};
    pthread_t helpers[MOST_HELPERS];
    uint32_t want = threads ? threads : base_cpu_count(), started = 0;

    if (want > count)
        want = count;
    if (want > MOST_HELPERS + 1)
        want = MOST_HELPERS + 1;
    while (started + 1 < want && create_quiet(&helpers[started], parallel_work, &job) == 0)
        started++;
    parallel_work(&job);
    while (started > 0)
        pthread_join(helpers[--started], NULL);
}
