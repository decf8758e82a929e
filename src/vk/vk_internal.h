/* vk_internal.h: the structs behind vk.h. Included by this room only; the one place where a Vulkan header enters.
 *
 * Vulkan functions are called through a table per instance and per device (vk_functions.h), so that instances and
 * devices live side by side without global state; volk serves to open the loader and to keep prototypes out. */
#ifndef VK_INTERNAL_H
#define VK_INTERNAL_H

#include <volk.h>

#include "vk/vk.h"
#include "vk/vk_functions.h"
#include "vk/vk_matrix.h"

#include "base/thread.h"

#include <assert.h>
#include <stdatomic.h>

enum {
    VK_ALIGN = 256,            /* of every range: the largest minStorageBufferOffsetAlignment that Vulkan allows */
    VK_STAGING_SIZE = 8 << 20, /* bytes of one staging buffer */
    VK_STAGING_TURNS = 2,      /* staging buffers of a direction */
    VK_LABEL_SIZE = 64,
};

#define VK_MIB ((uint64_t)1 << 20)

/* ---- errors --------------------------------------------------------------------------------------------------- */

/* Calls a Vulkan command; a result other than VK_SUCCESS is logged with the command's name, marks `dev` (may be NULL)
 * as lost where it says so, sets `status` and goes to `fail`. */
#define VK_TRY(dev, command)                                                                                           \
    do {                                                                                                               \
        VkResult vk_try_result = (command);                                                                            \
        if (vk_try_result != VK_SUCCESS) {                                                                             \
            status = vk_result_fail((dev), vk_try_result, #command, __FILE__, __LINE__);                               \
            goto fail;                                                                                                 \
        }                                                                                                              \
    } while (0)

/* The same of a command that makes `handle`: what a driver leaves there when it fails is nothing to destroy. */
#define VK_MAKE(dev, handle, command)                                                                                  \
    do {                                                                                                               \
        VkResult vk_make_result = (command);                                                                           \
        if (vk_make_result != VK_SUCCESS) {                                                                            \
            (handle) = VK_NULL_HANDLE;                                                                                 \
            status = vk_result_fail((dev), vk_make_result, #command, __FILE__, __LINE__);                              \
            goto fail;                                                                                                 \
        }                                                                                                              \
    } while (0)

const char *vk_result_name(VkResult result); /* "VK_ERROR_DEVICE_LOST"; "VkResult" for values not known */
enum mien_status vk_result_fail(struct vk_device *device, VkResult result, const char *command, const char *file,
                                int line);

/* ---- instance ------------------------------------------------------------------------------------------------- */

struct vk_instance_table {
#define VK_MEMBER(name) PFN_##name name;
    VK_INSTANCE_FUNCTIONS(VK_MEMBER)
    VK_INSTANCE_DEBUG_FUNCTIONS(VK_MEMBER)
#undef VK_MEMBER
};

/* One installed device: what was asked of it once, at instance creation. */
struct vk_physical {
    VkPhysicalDevice handle;
    struct vk_caps caps;     /* unclamped */
    uint32_t family;         /* queue family with compute, UINT32_MAX = none */
    uint64_t timestamp_mask; /* valid bits of a timestamp */
    uint32_t max_subgroups;  /* per workgroup, where a subgroup size is required */
    /* Present as an extension that must be named at device creation (not core at this device's version). */
    bool ext_timeline, ext_size_control, ext_float16, ext_portability;
    bool has_budget;     /* says how much memory is left */
    bool has_statistics; /* of pipelines */
    uint32_t heap;       /* the largest device-local one */
    VkPhysicalDeviceMemoryProperties memory;
};

struct vk_instance {
    VkInstance handle;
    PFN_vkGetInstanceProcAddr get;
    struct mien_vulkan adopted; /* the application's, without its lists; zeroed: the instance is Mien's own */
    struct vk_instance_table fn;
    VkDebugUtilsMessengerEXT messenger;
    bool validating, gpu_assisted;
    bool trusting;             /* what is known to be wrong with drivers is used all the same: MIEN_TRUST_DRIVER */
    bool hung;                 /* a device of it was abandoned after a time-out */
    _Atomic uint32_t messages; /* validation messages; the layer may call from any thread that uses a device */
    struct vk_physical *devices;
    uint32_t device_count;
};

/* ---- validation ------------------------------------------------------------------------------------------------ */

enum { VK_VALIDATION_EXTENSIONS = 3 };

/* VK_EXT_layer_settings, as its specification has it: newer than the headers that Mien is built with. */
struct vk_layer_setting {
    const char *layer, *name;
    int type; /* 0 = VkBool32 */
    uint32_t count;
    const void *values;
};
struct vk_layer_settings {
    int type;
    const void *next;
    uint32_t count;
    const struct vk_layer_setting *settings;
};

/* What is chained onto the instance's creation; must live until it is done. */
struct vk_validation {
    VkDebugUtilsMessengerCreateInfoEXT messenger;
    VkValidationFeaturesEXT features;
    struct vk_layer_settings settings;
    struct vk_layer_setting setting;
    VkBool32 on;
};

/* Reads the choice, or MIEN_VALIDATE, and looks for the layer. */
enum mien_status vk_validation_read(struct vk_instance *instance, enum mien_validation choice);
/* Adds the layer and its extensions to `info`. */
void vk_validation_enable(struct vk_instance *instance, struct vk_validation *v, VkInstanceCreateInfo *info,
                          const char **extensions);
VkDebugUtilsMessengerCreateInfoEXT vk_validation_messenger(struct vk_instance *instance);
/* Of the loader and drivers, or of a layer. */
bool vk_instance_has_extension(const char *layer, const char *name);

/* Opens the process's loader through volk, once. */
VkResult vk_loader_open(void);
/* Whether a file that the environment names as a driver's description is none: the loader crashes over some of them. */
bool vk_driver_damaged(char *text, size_t size);
/* Whether one of the files that describe drivers to the loader cannot be used; then `text` says which, why and what to
 * do. */
bool vk_driver_problem(char *text, size_t size);
/* Shows the files that describe drivers to the loader, until a call returns true; that is what it returns. */
typedef bool (*vk_driver_visit)(const char *path, void *user);
bool vk_driver_find(vk_driver_visit visit, void *user);
/* Whether `part` stands in `text`, in any case. */
bool vk_contains(const char *text, const char *part);
/* Fills instance->fn. */
enum mien_status vk_instance_load(struct vk_instance *instance);
/* Asks for the matrices of a device that claims some, and takes the features away where there are none that serve. */
enum mien_status vk_matrix_query(const struct vk_instance *instance, VkPhysicalDevice handle, struct vk_caps *caps);
/* Fills *out from the driver. */
enum mien_status vk_physical_query(struct vk_instance *instance, VkPhysicalDevice handle, struct vk_physical *out);

/* ---- capabilities ------------------------------------------------------------------------------------------- */

/* An embedded capability profile (profiles/README.md); the table ends with a NULL name. */
struct vk_profile {
    const char *name, *json;
};
extern const struct vk_profile vk_profiles[];

enum { VK_WORDS_MOST = 64 }; /* in the table that vk_caps_words fills */

/* One word of a clamp list that is no profile; `where` names the list for messages. Unchanged caps on failure. */
enum mien_status vk_caps_clamp_word(struct vk_caps *caps, const char *word, const char *where);
/* All the words that a clamp list may hold, NULL-ended. */
void vk_caps_words(const char *words[VK_WORDS_MOST]);
/* Is it a profile's name, or the path of one (NAME.json)? */
bool vk_profile_is(const char *word);
/* Clamps by a profile; Failures are MIEN_ERR_ARG naming file, key and nearest key. */
enum mien_status vk_profile_apply(struct vk_caps *caps, const char *word);

/* Takes a feature away, and what cannot be without it. */
void vk_caps_remove(struct vk_caps *caps, uint32_t bit);
/* The largest size up to this one that memory is cut in: a multiple of VK_ALIGN. */
uint64_t vk_caps_whole(uint64_t size);

/* What is known of a driver besides features that it computes wrong. */
enum {
    VK_FAULT_BUDGET = 1,  /* must not be asked for its memory budget */
    VK_FAULT_BARRIER = 2, /* barrier() does nothing in a workgroup of one subgroup or less: caps.least_barrier */
    VK_FAULT_TILES = 4,   /* tiles in shared memory do not suit it: class mobile */
};
/* MIEN_TRUST_DRIVER: unset, "", "0" or "1". */
enum mien_status vk_known_read_switch(bool *trusting);
/* Takes from caps, as the driver says them, what it is known to do wrong, and notes that in caps->known; `lanes` is the
 * largest subgroup that it reports. Returns VK_FAULT_* bits. */
uint32_t vk_known_apply(struct vk_caps *caps, uint32_t lanes);
/* The reason why a feature of caps->known is off, with its source. */
const char *vk_known_why(const struct vk_caps *caps, uint32_t bit);

/* What a device lacks, as text ("" = nothing); returns true when anything is missing. */
bool vk_caps_missing(const struct vk_caps *caps, char *text, size_t size);

/* ---- trials ------------------------------------------------------------------------------------------------------ */

/* A set of numbers; zeroed = empty. */
struct vk_keys {
    uint64_t *key; /* sorted */
    size_t count, capacity;
};
bool vk_keys_has(const struct vk_keys *keys, uint64_t key);
enum mien_status vk_keys_add(struct vk_keys *keys, uint64_t key);

/* A variant whose trial failed, or is under way. */
struct vk_trial_row {
    char op[32], variant[64], kernel[64], why[160]; /* the kernel that failed in it */
    uint64_t code;
    bool last;
};

enum { VK_TRIALS_MOST = 1 << 14 }; /* proven keys, and rows */

/* What a file holds; zeroed = nothing. */
struct vk_trials_file {
    struct vk_keys proven;
    struct vk_trial_row *failed;
    size_t failed_count, failed_capacity;
    struct vk_trial_row trying; /* op "" = none */
};
/* MIEN_ERR_DATA, the message naming `where`, for what is no such file, or one of another device or driver. */
enum mien_status vk_trials_parse(const struct vk_caps *caps, const char *text, size_t size, const char *where,
                                 struct vk_trials_file *out);
char *vk_trials_print(const struct vk_caps *caps, const struct vk_trials_file *file); /* NULL: out of memory */
void vk_trials_clear(struct vk_trials_file *file);
/* Parts of such files: the head, which names the device and driver (MIEN_ERR_DATA where it names others, or there is
 * none); sixteen digits; a text that must be there. */
void vk_file_print_head(const struct vk_caps *caps, struct base_json *json);
enum mien_status vk_file_check_head(const struct vk_caps *caps, const cJSON *json, const char *what, const char *where);
bool vk_file_hex(const char *text, uint64_t *out);
enum mien_status vk_file_text(const cJSON *json, const char *key, const char *where, char *text, size_t size);
/* "op/variant: why; op/variant: why" of those that have failed by the file of this device in `dir` (NULL: the
 * environment's); "" when there is none. */
void vk_trials_describe(const struct vk_caps *caps, const char *dir, char *text, size_t size);
/* The choice, or MIEN_SELFTEST, on a device of this type. */
enum mien_status vk_trials_read_switch(enum mien_switch choice, enum vk_device_type type, enum vk_trials *out);
void vk_trials_destroy(struct vk_device *device);

/* ---- tuned kernels (tuned.c) ------------------------------------------------------------------------------------- */

/* Reads the device's file, where there is one of use: a warning says when it is of none. */
enum mien_status vk_tuned_open(struct vk_device *device);
/* "PATH: 84 calls, 12 of them faster than by the rules", "" where there is no table. */
void vk_tuned_describe(const struct vk_caps *caps, const char *dir, char *text, size_t size);

/* ---- device --------------------------------------------------------------------------------------------------- */

struct vk_device_table {
#define VK_MEMBER(name) PFN_##name name;
    VK_DEVICE_FUNCTIONS(VK_MEMBER)
    VK_DEVICE_TIMELINE_FUNCTIONS(VK_MEMBER)
    VK_DEVICE_STATISTICS_FUNCTIONS(VK_MEMBER)
#undef VK_MEMBER
};

/* Free bytes of a block. */
struct vk_hole {
    uint64_t offset, size;
};

/* One vkAllocateMemory with one VkBuffer over all of it. */
struct vk_block {
    struct vk_device *device;
    enum vk_memory kind;
    VkDeviceMemory memory;
    VkBuffer buffer;
    uint64_t size;
    uint32_t type;         /* of memory */
    bool local;            /* in device-local memory */
    unsigned char *map;    /* NULL where not host-visible */
    bool cached;           /* host reads are fast */
    struct vk_hole *holes; /* sorted by offset, never adjacent to each other */
    size_t hole_count, hole_capacity;
    size_t ranges; /* handed out now */
    struct vk_block *next;
};

/* What a module needs, under its kernel's specialisation. */
struct vk_module {
    uint32_t features; /* VK_CAP_* */
    uint32_t local[3]; /* invocations of a workgroup */
    uint64_t shared;   /* bytes */
    uint32_t buffers;  /* the highest binding + 1 */
    uint32_t texels;   /* bit i: binding i is a uniform texel buffer ... */
    uint32_t words;    /* ... of unsigned integers */
    bool barrier;      /* its invocations wait for each other */
};

/* MIEN_ERR_ARG: not a module; MIEN_ERR_UNSUPPORTED: a capability or expression that Mien does not use. */
enum mien_status vk_spirv_read(const struct vk_kernel *kernel, struct vk_module *out);
/* Only the features: a glance at the first words. */
enum mien_status vk_spirv_features(const struct vk_kernel *kernel, uint32_t *features);
/* Name of a capability whose feature is in `needs` but not in `has`, NULL = none. */
const char *vk_spirv_missing(uint32_t needs, uint32_t has);

struct vk_pipeline {
    struct vk_pipeline *next; /* in the device's hash chain */
    char *name;
    const uint32_t *spirv;
    uint32_t buffers, push_size, spec_count, subgroup_size;
    uint32_t spec[VK_MAX_SPEC];
    struct vk_module module;
    VkDescriptorSetLayout set; /* the device's */
    VkPipelineLayout layout;
    VkPipeline handle;
    bool statistics, text; /* kept by the driver */
    uint32_t bucket;
    const struct vk_batch *batch; /* that makes it, NULL when it is there */
};
void vk_pipeline_drop(struct vk_device *device, struct vk_pipeline *pipeline); /* ends it and takes it off the table */

/* Descriptor sets of a recording; zeroed = none. */
struct vk_sets {
    VkDescriptorPool *pools; /* the last has room for `left` sets with so many buffers of each kind */
    size_t pool_count, pool_capacity;
    uint32_t left, storage_left, texels_left;
    VkBufferView *views; /* of texel buffers */
    size_t view_count, view_capacity;
};
/* One with these ranges; it lives as long as the others. */
enum mien_status vk_sets_make(struct vk_device *device, struct vk_sets *sets, const struct vk_pipeline *pipeline,
                              const struct vk_range *ranges, VkDescriptorSet *out);
void vk_sets_destroy(struct vk_device *device, struct vk_sets *sets);

/* All that Vulkan is told of a pipeline, but for handles and flags of the moment. Pointers lead into the struct itself,
 * which may not move, and to the kernel. */
struct vk_pipeline_infos {
    VkDescriptorSetLayoutBinding bindings[VK_MAX_BUFFERS];
    VkDescriptorSetLayoutCreateInfo set;
    VkPushConstantRange push;
    VkPipelineLayoutCreateInfo layout; /* of one set */
    VkShaderModuleCreateInfo code;
    VkSpecializationMapEntry entries[VK_MAX_SPEC];
    VkSpecializationInfo spec;
    VkPipelineShaderStageRequiredSubgroupSizeCreateInfo required;
    VkComputePipelineCreateInfo pipeline;
    uint32_t *settled; /* the module's words, where they are not the kernel's */
};
enum mien_status vk_pipeline_describe(const struct vk_kernel *kernel, const struct vk_pipeline_form *form,
                                      struct vk_pipeline_infos *out);
void vk_pipeline_infos_clear(struct vk_pipeline_infos *infos);

/* ---- pipelines being made (batch.c) ------------------------------------------------------------------------------ */

/* In the table, without a handle. */
struct vk_making {
    struct vk_pipeline *pipeline;
    struct vk_pipeline_infos *infos;
    VkShaderModule module;
    VkResult result;
};

/* In the order of their kernels: `own` ones that a call waits for, then those that it begins. */
struct vk_batch {
    struct vk_device *device;
    struct vk_making *making;
    size_t count, capacity;
    uint32_t own;
    _Atomic uint32_t next, failed; /* the first that has failed so far; no later one is begun */
    struct base_mutex *mutex;
    struct base_cond *cond;
    uint32_t done; /* of the own ones */
    struct base_thread *helper;
};
enum mien_status vk_batch_create(struct vk_device *device, struct vk_batch **out); /* *out is to be ended in any case */
/* Makes the own ones; clears *batch, unless one of them has failed. */
enum mien_status vk_batch_run(struct vk_batch **batch);
void vk_batch_end(struct vk_batch **batch);
/* Waits for all that an earlier call has begun, or for what is under way; what failed of it is no longer in the table.
 */
void vk_batch_settle(struct vk_device *device, bool all);

extern const VkApplicationInfo vk_application; /* what Mien's instances say of themselves */

enum { VK_PIPELINE_BUCKETS = 128 };

/* The layout of a descriptor set of so many buffers, some of them texel buffers. */
struct vk_set_layout {
    uint32_t buffers, texels;
    VkDescriptorSetLayout handle;
};

struct vk_device {
    struct vk_instance *instance;
    const struct vk_physical *physical;
    struct vk_caps created; /* caps at creation: what vk_device_clamp starts from */
    struct vk_caps caps;
    VkDevice handle;
    struct vk_device_table fn;
    VkQueue queue;

    VkSemaphore timeline;
    uint64_t submitted;  /* last value given out */
    uint64_t wait_ns;    /* longest wait */
    bool lost;           /* sticky */
    bool hung;           /* lost by time-out: work may still run, so Vulkan objects are not destroyed */
    bool inject_loss;    /* tests: the next submission fails as if the driver had lost the device */
    uint32_t inject_oom; /* tests: so many calls of vkAllocateMemory fail */
    uint32_t recordings; /* alive */

    struct vk_block *blocks[VK_MEMORY_KINDS];
    struct vk_memory_stats stats;
    uint64_t local_reserved; /* of stats.reserved, all kinds: bytes in device-local memory */
    bool warned_host_backed;

    struct base_trace *trace; /* borrowed, or NULL */
    uint64_t trace_ticks;     /* a time stamp ... */
    double trace_ns;          /* ... and when the host's clock showed it */

    VkPipelineCache cache;
    size_t cache_read; /* bytes that the driver got from the file */
    bool cache_off;    /* no file is read or written */
    char *cache_dir;   /* the caller's; NULL: the environment's */
    struct vk_trials_state {
        enum vk_trials mode;
        bool opened, told; /* that nothing is kept */
        bool damaged;      /* the file that was there; a warning said so */
        bool changed;      /* since it was written or read */
        bool alone;        /* another process would not give the lock */
        char *dir, *path;  /* of the file; NULL: all stays in memory */
        uint64_t (*code)(const char *kernel);
        struct vk_trials_file file;
        struct vk_keys settled;
        struct base_lock *lock;
    } trials;
    bool tune_off;                     /* no table is read */
    struct vk_tuned tuned;             /* of the device's file */
    bool statistics, text;             /* pipelines are made to keep them */
    struct vk_set_layout *set_layouts; /* each made when first needed */
    size_t set_layout_count, set_layout_capacity;
    struct vk_pipeline *pipelines[VK_PIPELINE_BUCKETS];
    struct vk_batch *ahead; /* begun by a call that has ended, or NULL */

    struct vk_staging {
        struct vk_range range; /* kind UPLOAD or READBACK */
        VkCommandPool pool;
        VkCommandBuffer commands;
        uint64_t ticket; /* of its last copy */
    } staging[VK_MEMORY_KINDS][VK_STAGING_TURNS];
};

/* MIEN_ERR_DEVICE_LOST when the device is lost; says nothing: the loss was logged when it happened. */
enum mien_status vk_device_alive(const struct vk_device *device);
/* False where the work of a hung device may still use Vulkan objects: they are then left to the driver. */
bool vk_device_may_destroy(const struct vk_device *device);

void vk_memory_destroy(struct vk_device *device);    /* all blocks */
void vk_pipelines_destroy(struct vk_device *device); /* all pipelines and layouts */
void vk_staging_destroy(struct vk_device *device);

/* The choice, or the environment's variable: unset, "", "on", "1" or "off", "0". */
enum mien_status vk_cache_read_switch(const char *variable, enum mien_switch choice, bool *off);
/* Makes device->cache, from the file of this device where there is a sound one. */
enum mien_status vk_cache_create(struct vk_device *device);
/* Writes the file when the driver has more to keep than was read. Cannot fail: a cache is no part of the work. */
void vk_cache_save(struct vk_device *device);

/* Directory and file, KIND-vendor-device-driver-uuid ENDING, of what is kept for a device and driver; dir NULL: the
 * environment's. Both are NULL when there is no directory, or no memory. */
void vk_cache_place(const struct vk_caps *caps, const char *own, const char *kind, const char *ending, char **dir,
                    char **path);

enum { VK_CACHE_HEAD = 56 };
/* Fills in the head of a file whose driver's data stands at VK_CACHE_HEAD. */
void vk_cache_seal(const struct vk_caps *caps, unsigned char *file, size_t size);
/* What is wrong with a file for this device ("is damaged ..."), NULL = nothing. */
const char *vk_cache_damage(const struct vk_caps *caps, const unsigned char *file, size_t size);

/* Submits ended command buffers, by one vkQueueSubmit each, but together with the one before where `joined` (may be
 * NULL) says so; the last signals the next ticket. */
enum mien_status vk_submit_commands(struct vk_device *device, const VkCommandBuffer *commands, const bool *joined,
                                    uint32_t count, uint64_t *ticket);
/* The first time stamp of the last submission as it is: its valid bits. */
enum mien_status vk_recording_tick(struct vk_recording *recording, uint64_t *ticks);
/* A time stamp of the recent past on the host's clock (trace.c). */
double vk_trace_host_ns(const struct vk_device *device, uint64_t ticks);

/* Memory dependencies into a command buffer: between all compute and transfer work; to the host. */
void vk_cmd_barrier(struct vk_device *device, VkCommandBuffer commands);
void vk_cmd_host_barrier(struct vk_device *device, VkCommandBuffer commands);

#endif
