/* mien/common.h: status codes, the log and the version. Needs no GPU.
 *
 * Conventions of every Mien header:
 *  - a function that can fail returns enum mien_status; results come by out-parameter and are cleared (NULL, 0) on
 *    failure;
 *  - on failure one message is logged where it happened: what was being done, to what, and what to do about it; the
 *    program gets its text by mien_last_error;
 *  - an argument that may be NULL is said to be; any other that is NULL is MIEN_ERR_ARG, in all builds, and a function
 *    without a status then returns 0, false or "";
 *  - `mien_x_destroy(struct mien_x **)` clears the caller's pointer and accepts NULL and a pointer to NULL;
 *  - no function exits, aborts or prints; there is no global state but the process-wide log sink.
 *
 * Structs that can grow begin with `size_t size`, which the caller sets to the size of the struct, for parameters and
 * for results alike:
 *  - struct mien_gpu_params params = {.size = sizeof params, .device = "0"};
 *  - struct mien_gpu_info info = {.size = sizeof info};
 * Every other member may be left 0, which is the default. Later versions add members at the end: an application that
 * was compiled with older headers gets the defaults of new parameters and the results that it knows. Of an array of
 * such structs the first one's size counts for all. MIEN_ERR_ARG: a size that was not set, or a member set that the
 * library is too old to know. What applications write down by the dozen (inputs, labels) has members `reserved`
 * instead, which must be 0. Structs with neither never change. Likewise MIEN_ERR_ARG: a flag that the library does not
 * know, a value outside its enum, a count above 0 whose array is NULL. */
#ifndef MIEN_COMMON_H
#define MIEN_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of the headers; before 1.0 a minor version may change the interface, and its library has another soname. Comparable:
 * #if MIEN_VERSION >= 200 (0.2.0). */
#define MIEN_VERSION_MAJOR 0
#define MIEN_VERSION_MINOR 1
#define MIEN_VERSION_PATCH 0
#define MIEN_VERSION (MIEN_VERSION_MAJOR * 10000 + MIEN_VERSION_MINOR * 100 + MIEN_VERSION_PATCH)

/* On Windows define MIEN_STATIC before including when you link the static library. */
#if defined(_WIN32) && defined(MIEN_BUILDING)
#define MIEN_API __declspec(dllexport)
#elif defined(_WIN32) && !defined(MIEN_STATIC)
#define MIEN_API __declspec(dllimport)
#elif defined(__GNUC__)
#define MIEN_API __attribute__((visibility("default")))
#else
#define MIEN_API
#endif

#if defined(__GNUC__)
#define MIEN_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define MIEN_PRINTF(fmt, args)
#endif

/* The one list of outcomes: X(NAME, exit status of the command, text). */
#define MIEN_STATUS_LIST(X)                                                                                            \
    X(OK, 0, "done")                                                                                                   \
    X(ERR_FAILED, 1, "failed while running")                                                                           \
    X(ERR_NOMEM, 1, "out of host memory")                                                                              \
    X(ERR_IO, 1, "a file could not be read or written")                                                                \
    X(ERR_CANCELLED, 1, "cancelled")                                                                                   \
    X(ERR_ARG, 2, "wrong argument or configuration")                                                                   \
    X(ERR_SHAPE, 2, "tensor shapes do not fit")                                                                        \
    X(ERR_DTYPE, 2, "tensor data types do not fit")                                                                    \
    X(ERR_NO_DEVICE, 3, "no usable Vulkan device")                                                                     \
    X(ERR_DEVICE_MEMORY, 3, "out of device memory")                                                                    \
    X(ERR_DEVICE_LOST, 3, "the device was lost")                                                                       \
    X(ERR_DRIVER, 3, "the Vulkan driver reported an error")                                                            \
    X(ERR_TIMEOUT, 3, "the device did not finish in time")                                                             \
    X(ERR_UNSUPPORTED, 3, "not supported by this device")                                                              \
    X(ERR_DATA, 4, "bad data or file")

enum mien_status {
#define MIEN_STATUS_ENUM(name, exit_code, text) MIEN_##name,
    MIEN_STATUS_LIST(MIEN_STATUS_ENUM)
#undef MIEN_STATUS_ENUM
        MIEN_STATUS_COUNT
};

/* The status as one English phrase, static storage; "unknown status" for values outside the enum. Thread-safe. */
MIEN_API const char *mien_status_text(enum mien_status status);

/* The command's exit status for it: 0 done, 1 failed while running, 2 wrong usage, 3 no device or driver fault,
 * 4 bad data or file. Thread-safe. */
MIEN_API int mien_status_exit_code(enum mien_status status);

/* Pixels in memory: 8 bits a channel, sRGB, channels in this order. Alpha is dropped, never blended. */
enum mien_pixel_format {
    MIEN_PIXELS_RGB,  /* 3 bytes a pixel; the others 4 */
    MIEN_PIXELS_RGBA, /* not premultiplied */
    MIEN_PIXELS_BGRA,
    MIEN_PIXELS_BGRX, /* the fourth byte means nothing */
};

/* How far a call has come: `done` of `total` of what its documentation counts (total 0: not known yet). On the calling
 * thread, now and then and at the end. False ends the call early with MIEN_ERR_CANCELLED; what then is there, the call
 * says. */
typedef bool (*mien_progress_fn)(void *user, uint64_t done, uint64_t total);

/* A file's contents in memory, by the name that it has in a directory ("config.json"). */
struct mien_file {
    const char *name;
    const void *bytes; /* [size], of any alignment; may be NULL when size is 0 */
    size_t size;
};

enum mien_log_level { MIEN_LOG_DEBUG, MIEN_LOG_INFO, MIEN_LOG_WARN, MIEN_LOG_ERROR, MIEN_LOG_SILENT };

/* Receives one message, without a trailing newline; `message` is borrowed until return. May be called from any thread
 * that uses Mien, one call at a time. */
typedef void (*mien_log_fn)(void *user, enum mien_log_level level, const char *message);

/* Sets the process-wide sink and the lowest level that reaches it. fn NULL = standard error. Default: standard error,
 * MIEN_LOG_WARN. Thread-safe. */
MIEN_API void mien_log_set(mien_log_fn fn, void *user, enum mien_log_level lowest);

enum { MIEN_ERROR_SIZE = 1024 }; /* bytes of the longest text of an error, with its 0; longer ones are cut */

/* Why the last call of this thread that failed did: the message that was logged, whatever the log's level; "" when none
 * has failed. Valid until the thread calls Mien again. Thread-safe: each thread has its own. */
MIEN_API const char *mien_last_error(void);

/* "0.1.0": major.minor.patch of the library in use, which may be newer than the headers; static storage. Thread-safe.
 */
MIEN_API const char *mien_version(void);

#ifdef __cplusplus
}
#endif
#endif
