/* thread.h: threads, locks and a worker pool, over pthreads here and nowhere else. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include "mien/common.h"

struct base_thread;
struct base_mutex;
struct base_cond;

enum mien_status base_thread_start(struct base_thread **out, void (*fn)(void *user), void *user);
void base_thread_join(struct base_thread **thread); /* waits, frees, clears */

enum mien_status base_mutex_create(struct base_mutex **out);
void base_mutex_destroy(struct base_mutex **mutex);
void base_mutex_lock(struct base_mutex *mutex);
void base_mutex_unlock(struct base_mutex *mutex);

enum mien_status base_cond_create(struct base_cond **out);
void base_cond_destroy(struct base_cond **cond);
void base_cond_wait(struct base_cond *cond, struct base_mutex *mutex);
void base_cond_signal(struct base_cond *cond);
void base_cond_broadcast(struct base_cond *cond);

uint32_t base_cpu_count(void); /* online processors, at least 1 */

/* Calls fn(user, i) for each i in 0..count-1 on up to `threads` threads (0 = one per processor), the caller's among
 * them, and returns when all are done. Order is not promised. Falls back to the calling thread alone. */
void base_parallel_for(uint32_t threads, uint32_t count, void (*fn)(void *user, uint32_t i), void *user);

#endif
