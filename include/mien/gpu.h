/* mien/gpu.h: which Vulkan devices there are, and one of them in use.
 *
 * Environment, read where the caller's parameters leave the choice:
 *   MIEN_DEVICE=N|NAME      which device (default: discrete, then integrated, then software)
 *   MIEN_CAPS=LIST          capabilities taken away, for tests: "-f16,-subgroup,invocations=128" or a profile ("floor",
 *                           "android-15", "apple", ..., or the path of a JSON file: src/vk/profiles/README.md)
 *   MIEN_WAIT_SECONDS=S     longest wait for the device (default 120, on a software device 600)
 *   MIEN_PIPELINE_CACHE=off keeps no compiled kernels on disk (default: one file per device and driver)
 *   MIEN_CACHE_DIR=DIR      where that file lies (default: $XDG_CACHE_HOME/mien, else ~/.cache/mien)
 *   MIEN_TRUST_DRIVER=1     uses what is known to be wrong with a driver too: to see whether a newer one is right
 *   MIEN_SELFTEST=1|0       1: kernels prove themselves on software devices too; 0: on none (see below)
 *   MIEN_TUNE=off           kernels are chosen by rules alone, whatever mien_tune (mien/tune.h) has measured
 *   MIEN_VALIDATE=1|gpu     Vulkan's validation layers: core and synchronisation; "gpu" adds GPU-assisted checks
 *
 * Self-test: the first time a kernel is to run on a device with its driver, it computes a small problem, in the very
 * form in which it will run, and the result is held against the CPU's. A kernel that is wrong, or that the driver
 * cannot compile, is not used: a warning says so once, the next best one serves, and a file beside the compiled kernels
 * remembers it for that version of the driver (mien_gpu_info.kernels tells; `rm` of the file forgets it). One that does
 * not end within the longest wait, or loses the device, ends the call with MIEN_ERR_DEVICE_LOST, which names it, and is
 * not used from the next start on; so is one in whose trial the process died or the machine stopped. Where an
 * operation's last kernel fails there is nothing to fall back on: MIEN_ERR_DRIVER. Later starts read the file and try
 * nothing. Software devices, whose driver is part of the system and not of the hardware, try nothing unless
 * MIEN_SELFTEST=1, but leave out what has failed. Several processes: one tries, the others wait for what it finds.
 * Where no file can be written, kernels are tried at each start.
 *
 * Threads: each mien_gpu belongs to one thread at a time; several may be used side by side. */
#ifndef MIEN_GPU_H
#define MIEN_GPU_H

#include "mien/common.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What one device is and can do. All text is UTF-8, ended by 0, never NULL. */
struct mien_gpu_info {
    size_t size;
    char name[256];         /* as its driver calls it */
    char driver[256];       /* the driver's name and version */
    char api[16];           /* Vulkan version, "1.3.230" */
    char type[16];          /* "discrete", "integrated", "virtual", "software", "other" */
    char tiles[16];         /* family of kernels that suits it: "desktop", "mobile", "software" */
    char features[256];     /* optional features in use, words of MIEN_CAPS separated by spaces */
    char masked[256];       /* features that the device has and the capability list took away */
    char disabled[768];     /* features that are not in use for another reason: "word: why", separated by "; " */
    char missing[512];      /* why Mien cannot use it; "" when it can */
    uint64_t memory;        /* device-local, bytes */
    uint64_t max_buffer;    /* largest range of one binding, bytes */
    uint32_t subgroup_size; /* 1 = not used */
    uint32_t vendor_id, device_id, driver_version;
    char kernels[2048]; /* kernels that have failed the self-test with this driver: "op/kernel: why", separated by "; "
                         */
    char tuned[768];   /* the table of mien_tune that is in use: "84 calls, 12 of them faster than by the rules (PATH)";
                          "" = there is none */
    char matrices[64]; /* sizes that its matrix units multiply, MxNxK, by the operands' type: "f16 16x16x16, bf16
                          16x16x16"; "" = not used */
};

/* Makes Mesa's software driver use vectors of 512 bits, where processor and version gain: half as fast again. It reads
 * this from the environment when it is loaded, so call this first in main, before other threads and before anything
 * uses Vulkan; later it does nothing. Sets LP_NATIVE_VECTOR_WIDTH=512, and GALLIVM_PERF=no_quad_lod where that is unset
 * (so that Mesa's cache holds kernels of both widths apart), for this process and its children; not where
 * LP_NATIVE_VECTOR_WIDTH is set already, nor where several versions of the driver are installed of which one loses. The
 * command calls it. Other drivers read neither. */
MIEN_API void mien_gpu_prepare(void);

/* Describes the installed devices, number i into infos[i] for i < capacity, where infos[0].size counts for all; *count
 * is how many there are (it may exceed capacity; infos may be NULL when capacity is 0). `caps` is a capability list,
 * NULL = environment MIEN_CAPS.
 * MIEN_ERR_NO_DEVICE: no loader or driver; the message says what to install. MIEN_ERR_ARG: a bad capability list.
 * On failure *count is 0. Thread-safe. */
MIEN_API enum mien_status mien_gpu_list(const char *caps, struct mien_gpu_info *infos, uint32_t capacity,
                                        uint32_t *count);

/* The number, as in mien_gpu_list, of the device that mien_gpu_create takes for mien_gpu_params.device; also of one
 * that Mien cannot use. MIEN_ERR_NO_DEVICE: no driver, or no device of that name (the message lists those there are);
 * *index is then 0. Thread-safe. */
MIEN_API enum mien_status mien_gpu_find(const char *device, uint32_t *index);

/* A device in use, with its memory and kernels. */
struct mien_gpu;

/* Of a parameter that is otherwise read from the environment. */
enum mien_switch { MIEN_DEFAULT, MIEN_OFF, MIEN_ON };

/* Which of Vulkan's validation layers. */
enum mien_validation {
    MIEN_VALIDATION_DEFAULT, /* MIEN_VALIDATE, else none */
    MIEN_VALIDATION_OFF,
    MIEN_VALIDATION_CORE, /* core and synchronisation */
    MIEN_VALIDATION_GPU,  /* GPU-assisted checks too */
};

/* Strings are read during the call only. */
struct mien_gpu_params {
    size_t size;
    const char *device;              /* number or part of a name; NULL or "" = MIEN_DEVICE, else the best device */
    const char *caps;                /* capability list; NULL = MIEN_CAPS, else nothing is taken away */
    const char *trace;               /* a file for mien_gpu_trace_end; NULL = none */
    const char *cache_dir;           /* where compiled kernels are kept; NULL = MIEN_CACHE_DIR, else the usual place */
    enum mien_switch pipeline_cache; /* MIEN_OFF: they are not; MIEN_DEFAULT = MIEN_PIPELINE_CACHE, else they are */
    double wait_seconds;             /* longest wait for the device; 0 = MIEN_WAIT_SECONDS, else 120 (software: 600) */
    enum mien_validation validation;
    enum mien_switch selftest; /* MIEN_ON: kernels prove themselves, MIEN_OFF: they do not; else MIEN_SELFTEST, else on
                                  hardware alone */
    enum mien_switch tune; /* MIEN_OFF: kernels are chosen by rules alone; MIEN_DEFAULT = MIEN_TUNE, else as mien_tune
                              has measured, where it has */
};

/* Opens a device; params may be NULL. The caller owns *out.
 * MIEN_ERR_NO_DEVICE: no driver, or no device of that name (the message lists those there are); MIEN_ERR_UNSUPPORTED:
 * the device lacks something that Mien needs, which is named; MIEN_ERR_ARG: a bad capability list or environment
 * variable; MIEN_ERR_IO: the trace cannot be written; MIEN_ERR_DRIVER, MIEN_ERR_NOMEM. */
MIEN_API enum mien_status mien_gpu_create(const struct mien_gpu_params *params, struct mien_gpu **out);

/* A Vulkan function, as vkGetInstanceProcAddr gives it. */
typedef void (*mien_vulkan_function)(void);

/* A Vulkan device that the application has made. The members named after Vulkan's types take handles of those types as
 * they are (they are pointers), so that this header needs none of Vulkan's. Lists are read during the call only. */
struct mien_vulkan {
    size_t size;
    void *instance;        /* VkInstance */
    void *physical_device; /* VkPhysicalDevice, one of the instance's */
    void *device;          /* VkDevice */
    void *queue;           /* VkQueue of the device, with compute; it need not be Mien's alone, see below */
    uint32_t queue_family; /* the queue's */
    uint32_t api_version;  /* VkApplicationInfo::apiVersion of the instance: at least Vulkan 1.1 */
    /* What the device was made with: the lists of its VkDeviceCreateInfo. */
    const char *const *extensions; /* ppEnabledExtensionNames, [extension_count] */
    uint32_t extension_count;
    const void *features; /* pNext: the chain that holds VkPhysicalDeviceVulkan12Features and the like; others in it are
                             passed over */
    mien_vulkan_function
        get_instance_proc_addr; /* vkGetInstanceProcAddr of the loader in use, cast; NULL: libvulkan's */
    /* Called around each use of the queue, which Vulkan wants to be one thread's at a time; may be NULL where nobody
     * else uses it while a call of Mien's runs. Neither may call Mien. */
    void (*lock)(void *user);
    void (*unlock)(void *user);
    void *user;
};

/* As mien_gpu_create, on a device of the application's, in which params->device may not be given. All in `vulkan` but
 * its lists must outlive *out and is never destroyed or reset by Mien, which makes objects of its own on it (memory,
 * pipelines, a semaphore), submits to the queue, and destroys them in mien_gpu_destroy. Results are the same to the bit
 * as with mien_gpu_create on that device, if the same features are enabled.
 * Needed: Vulkan 1.1, a queue with compute, and the feature timelineSemaphore enabled (before Vulkan 1.2 with the
 * extension VK_KHR_timeline_semaphore).
 * Used where enabled, masked where not (mien_gpu_info.disabled tells): storageBuffer16BitAccess; shaderFloat16 (before
 * 1.2 with VK_KHR_shader_float16_int8); subgroupSizeControl together with computeFullSubgroups (before 1.3 with
 * VK_EXT_subgroup_size_control), which makes the most difference: on Intel, AMD and Adreno no kernel with subgroups
 * runs without; cooperativeMatrix with VK_KHR_cooperative_matrix and vulkanMemoryModel, and beside it
 * shaderBFloat16Type and shaderBFloat16CooperativeMatrix with VK_KHR_shader_bfloat16 (matrix units);
 * pipelineExecutableInfo with VK_KHR_pipeline_executable_properties, for statistics. Where
 * VK_KHR_portability_subset is offered, Vulkan itself wants it enabled.
 * The validation layers are the application's matter: MIEN_VALIDATE is not read, params->validation not used.
 * MIEN_ERR_ARG: a handle is missing or does not belong to another; MIEN_ERR_UNSUPPORTED: what is needed is missing or
 * not enabled (it is named). */
MIEN_API enum mien_status mien_gpu_adopt(const struct mien_vulkan *vulkan, const struct mien_gpu_params *params,
                                         struct mien_gpu **out);

/* Waits for the device (finitely) and closes it; a trace that has not been ended is. Everything made on it must have
 * been destroyed. */
MIEN_API void mien_gpu_destroy(struct mien_gpu **gpu);

/* With mien_gpu_params.trace, all work on gpu is written down as spans of time, in Chrome's trace format, which
 * https://ui.perfetto.dev and chrome://tracing open: an array of {"name","ph":"X","ts","dur","pid","tid","args"}, times
 * in microseconds since gpu was created. Process 1 is the host: thread 1 compiles, submits, waits, asks the loader
 * for batches, and reads time stamps (the cost of tracing itself); thread 2 reads blocks of pictures. Process 2 is the
 * GPU: one span per run of a program and in it one per operation, with shapes and cost. The device's clock is set
 * beside the host's once, at the start, by a few empty submissions: the two agree to half a round trip of one, and
 * drift as clocks do. A device without time stamps gives the host's spans only. Results are the same to the bit; runs
 * are slower, since every operation waits for the one before. After 200,000 spans the rest are only counted, in a note
 * at the end.
 *
 * Ends the trace: the file appears, whole, and no more is traced. MIEN_ERR_IO, also for what failed on the way: there
 * is no file. MIEN_OK when there is no gpu, no trace, or no more. */
MIEN_API enum mien_status mien_gpu_trace_end(struct mien_gpu *gpu);

/* The device's name; valid as long as gpu. */
MIEN_API const char *mien_gpu_name(const struct mien_gpu *gpu);

/* As mien_gpu_list, for this device and the capabilities that it was opened with. */
MIEN_API enum mien_status mien_gpu_describe(const struct mien_gpu *gpu, struct mien_gpu_info *info);

/* Why the last call that failed on gpu, or on what was made on it, did; "" when none has. Valid until the next call
 * with it. What fails before there is a gpu: mien_last_error. */
MIEN_API const char *mien_gpu_error(const struct mien_gpu *gpu);

/* True once the driver has lost the device (it was reset, pulled out, or a program on it ran too long) or a wait has
 * timed out. It stays true. What then holds:
 *  - the call that finds out gives MIEN_ERR_DEVICE_LOST or MIEN_ERR_TIMEOUT and says why; every later one on gpu, and
 *    on what was made on it, gives MIEN_ERR_DEVICE_LOST at once;
 *  - what the failed call was to write is undefined, but for what its progress had called final; files are whole or not
 *    there; embeddings, scores and all else that earlier calls gave to the host stay good;
 *  - destroying works as ever, in the usual order, and frees all host memory. After a time-out the driver may still be
 *    at work in the device's memory: Vulkan's objects are then left to the end of the process;
 *  - other gpus of the process are not concerned, unless they are of the same hardware.
 * To go on: destroy what was made on gpu, and gpu; create a new one (a driver may need a moment for that: try again
 * after MIEN_ERR_DRIVER or MIEN_ERR_NO_DEVICE); open the model again, which then gives the same bits. A training goes
 * on from its last checkpoint (mien_train_params.resume). Of an adopted device Mien destroys its own objects alone: the
 * VkDevice is the application's to destroy and to make again before mien_gpu_adopt. */
MIEN_API bool mien_gpu_lost(const struct mien_gpu *gpu);

/* How many messages the validation layers have given since gpu was created; always 0 without MIEN_VALIDATE. */
MIEN_API uint32_t mien_gpu_validation_messages(const struct mien_gpu *gpu);

#ifdef __cplusplus
}
#endif
#endif
