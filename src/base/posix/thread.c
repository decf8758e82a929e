/* thread.c: threads and locks of POSIX. */
#include "base/os_internal.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static_assert(sizeof(pthread_t) <= sizeof(uintptr_t), "a thread's handle must fit");
static_assert(sizeof(pthread_mutex_t) <= sizeof(struct os_mutex), "a mutex must fit");
static_assert(sizeof(pthread_cond_t) <= sizeof(struct os_cond), "a condition variable must fit");

static void *thread_main(void *user)
{
    struct os_thread *thread = user;
    thread->fn(thread->user);
    return NULL;
}

/* Every signal is blocked in the new thread: an application's handlers run in its own threads. */
int os_thread_start(struct os_thread *thread, void (*fn)(void *user), void *user)
{
    sigset_t all, before;
    pthread_t handle;
    *thread = (struct os_thread){.fn = fn, .user = user};
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&handle, NULL, thread_main, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!error)
        memcpy(&thread->handle, &handle, sizeof(handle));
    return error;
}

/* A thread, lock or condition variable of ours that was made cannot fail; anything else is a bug of ours. */
static void must(int error)
{
    assert(error == 0);
    (void)error;
}

void os_thread_join(struct os_thread *thread)
{
    pthread_t handle;
    memcpy(&handle, &thread->handle, sizeof(handle));
    must(pthread_join(handle, NULL));
}

uint32_t os_cpu_count(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (uint32_t)count : 1;
}

int os_mutex_init(struct os_mutex *mutex)
{
    return pthread_mutex_init((pthread_mutex_t *)mutex, NULL);
}

void os_mutex_destroy(struct os_mutex *mutex)
{
    pthread_mutex_destroy((pthread_mutex_t *)mutex);
}

void os_mutex_lock(struct os_mutex *mutex)
{
    must(pthread_mutex_lock((pthread_mutex_t *)mutex));
}

void os_mutex_unlock(struct os_mutex *mutex)
{
    must(pthread_mutex_unlock((pthread_mutex_t *)mutex));
}

int os_cond_init(struct os_cond *cond)
{
    return pthread_cond_init((pthread_cond_t *)cond, NULL);
}

void os_cond_destroy(struct os_cond *cond)
{
    pthread_cond_destroy((pthread_cond_t *)cond);
}

void os_cond_wait(struct os_cond *cond, struct os_mutex *mutex)
{
    pthread_cond_wait((pthread_cond_t *)cond, (pthread_mutex_t *)mutex);
}

void os_cond_signal(struct os_cond *cond)
{
    pthread_cond_signal((pthread_cond_t *)cond);
}

void os_cond_broadcast(struct os_cond *cond)
{
    pthread_cond_broadcast((pthread_cond_t *)cond);
}

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

void os_log_lock(void)
{
    must(pthread_mutex_lock(&log_lock));
}

void os_log_unlock(void)
{
    must(pthread_mutex_unlock(&log_lock));
}
