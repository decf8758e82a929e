/* vk.h: the whole of Vulkan that the other rooms see. No Vulkan type or header leaves this room.
 *
 * Objects: an instance lists devices; a device owns memory blocks, pipelines and one compute queue; a recording is a
 * list of dispatches, copies and barriers that is recorded once and submitted as often as wanted.
 * Threads: an instance and each device belong to one thread at a time; different devices may be used concurrently.
 * Device loss is sticky: once MIEN_ERR_DEVICE_LOST or MIEN_ERR_TIMEOUT was returned every later call on that device
 * returns MIEN_ERR_DEVICE_LOST at once; only vk_device_destroy is left. */
#ifndef VK_VK_H
#define VK_VK_H

#include "base/base.h"
#include "mien/gpu.h"

/* ---- capabilities ------------------------------------------------------------------------------------------- */

/* Features a kernel variant may need. X(NAME, word in MIEN_CAPS, what). Bit i of vk_caps.features. */
#define VK_CAP_LIST(X)                                                                                                 \
    X(TEXEL, "texel", "uniform texel buffers, read through the texture cache")                                         \
    X(SUBGROUP, "subgroup", "basic subgroup operations in compute, a known and constant size")                         \
    X(SUBGROUP_ARITH, "subgroup_arith", "subgroup arithmetic (add, max)")                                              \
    X(SUBGROUP_SHUFFLE, "subgroup_shuffle", "subgroup shuffle and ballot")                                             \
    X(SUBGROUP_FULL, "subgroup_full", "full subgroups of a required size (VK_EXT_subgroup_size_control)")              \
    X(STORAGE16, "storage16", "16-bit storage buffers")                                                                \
    X(F16, "f16", "16-bit float arithmetic in shaders")                                                                \
    X(COOPMAT, "coopmat", "matrix units: cooperative matrices of f16 operands and fp32 sums")                          \
    X(COOPMAT_BF16, "coopmat_bf16", "the same of bf16 operands")

enum vk_cap_bit {
#define VK_CAP_BIT(name, word, what) VK_CAP_BIT_##name,
    VK_CAP_LIST(VK_CAP_BIT)
#undef VK_CAP_BIT
        VK_CAP_COUNT
};
enum {
#define VK_CAP_FLAG(name, word, what) VK_CAP_##name = 1 << VK_CAP_BIT_##name,
    VK_CAP_LIST(VK_CAP_FLAG)
#undef VK_CAP_FLAG
};

enum vk_device_type { VK_TYPE_OTHER, VK_TYPE_INTEGRATED, VK_TYPE_DISCRETE, VK_TYPE_VIRTUAL, VK_TYPE_SOFTWARE };

/* Which family of tile shapes suits a device: from its type and limits, never from a vendor's name alone.
 * SOFTWARE: a CPU driver (workgroup = one subgroup, big register tiles, no shared memory, no barrier).
 * MOBILE: shared memory is main memory, few registers (small register tiles). DESKTOP: shared-memory tiles. */
enum vk_class { VK_CLASS_DESKTOP, VK_CLASS_MOBILE, VK_CLASS_SOFTWARE };

enum { VK_MAX_REFUSED = 64 };

/* Sizes of matrices that a subgroup multiplies: [m,k] by [k,n]. */
struct vk_matrix {
    uint32_t m, n, k;
};

/* What a device can do, after clamping by a mask. Plain data: kernels are chosen from this alone. */
struct vk_caps {
    char name[256];   /* VkPhysicalDeviceProperties::deviceName */
    char driver[256]; /* driverName and driverInfo */
    uint32_t api_version, driver_version, vendor_id, device_id;
    uint32_t driver_id; /* VkDriverId; 0 = the driver does not say */
    uint8_t uuid[16];   /* pipelineCacheUUID */
    enum vk_device_type type;
    enum vk_class class_;
    uint32_t features;                   /* bits VK_CAP_*, as clamped: what kernels may use */
    uint32_t device_features;            /* before clamping */
    uint32_t not_enabled;                /* of an adopted device: what it has and was made without */
    uint32_t known;                      /* what it has and does wrong, as is known of its driver (known.c) */
    uint32_t subgroup_size;              /* constant size of a compute subgroup; 1 when SUBGROUP is not set */
    uint32_t subgroup_min, subgroup_max; /* with SUBGROUP_FULL: the sizes that can be required; where they differ the
                                            driver varies the size and every kernel with subgroup operations is pinned
                                            to subgroup_size (or to vk_kernel.subgroup_size) */
    uint32_t max_invocations;            /* per workgroup */
    uint32_t max_local[3];
    uint32_t max_groups[3];
    uint32_t least_barrier;  /* a workgroup with barrier() needs at least so many invocations (known.c); 0 = any */
    uint32_t max_registers;  /* of 32 bits, that an invocation holds without spilling, as far as subgroup sizes tell:
                                128 or 256 */
    uint32_t cores;          /* compute units, streaming multiprocessors, shader cores: what runs workgroups side by
                                side; 0 = the driver does not tell */
    uint64_t most_flops;     /* floating-point operations of a dispatch, as clamped; 0 = as its class says */
    uint32_t max_shared;     /* bytes */
    uint32_t max_push;       /* bytes */
    uint32_t max_buffers;    /* storage buffers per kernel (maxPerStageDescriptorStorageBuffers and the like) */
    uint32_t max_texels;     /* maxTexelBufferElements: of 16 bytes (vec4), or of 8 (uvec2) */
    uint64_t max_range;      /* maxStorageBufferRange, bytes */
    uint64_t max_allocation; /* one vkAllocateMemory, bytes */
    uint64_t device_memory;  /* the largest device-local heap, bytes */
    uint32_t align;          /* storage buffer offsets: always 256 in Mien, asserted to satisfy the device */
    bool unified;            /* device-local memory is host-visible */
    bool specialises;        /* the driver may be given specialisation constants. Not MoltenVK (any driver with
                                VK_KHR_portability_subset): Metal has no arrays of a size that is known at pipeline
                                creation; there the constants' values are written into the modules */
    bool subgroup_varies; /* it has subgroups, but of a size that varies and cannot be required: SUBGROUP is not set */
    bool compute;         /* has a queue for compute */
    bool timeline;        /* has timeline semaphores */
    float timestamp_ns;   /* nanoseconds per tick; 0 = no timestamps */
    struct vk_matrix coopmat, coopmat_bf16; /* with COOPMAT, COOPMAT_BF16 */
    uint32_t refused_count;
    uint64_t refused[VK_MAX_REFUSED]; /* kernel variants that have failed here, see vk_trials_open */
    const struct vk_tuned *tuned;     /* kernels that are faster here than those of the rules; NULL = none is known */
};

/* Whether the variant has failed on the device. */
bool vk_caps_refuse(const struct vk_caps *caps, const char *op, const char *variant);
/* What vk_caps.refused holds for it. */
uint64_t vk_caps_refusal(const char *op, const char *variant);

/* Clamps caps by a comma-separated list, read from left to right:
 *  - "-f16", "-subgroup", ...: removes a feature of VK_CAP_LIST ("-subgroup" all subgroup_* too; "-subgroup_full" also
 *    "subgroup" where the subgroup size varies, see vk_caps.subgroup_min; "-coopmat" coopmat_bf16 too);
 *  - "invocations=128", "shared=16384", "push=128", "buffers=8", "range=134217728", "groups=65535",
 *    "memory=1073741824" (device-local, in all), "allocation=1073741824" (in one piece), "registers=128",
 *    "texels=65536": lowers a limit; a value above the device's own changes nothing;
 *  - "cores=48": kernels are laid out for so many, whatever the device has or tells;
 *  - "flops=400000000": kernels are cut into dispatches of at most so many operations each, as far as they go;
 *  - "barrier=65": workgroups with barrier() have at least so many invocations, as one known fault wants; never
 * lowered;
 *  - "-unified": device memory is not mapped, so that transfers go through staging, as on a discrete device;
 *  - "-specialisation": constants' values are written into the modules, as for MoltenVK;
 *  - "class=desktop|mobile|software": the class of tile shapes, whatever the device;
 *  - a profile: "floor" (what the plain variants may assume), "android-2022", "android-2025", "android-15", "apple",
 *    "moltenvk", "rdna", "swiftshader" (src/vk/profiles/README.md), or the path of a JSON file of that form, which ends
 *    in ".json".
 * An unknown word is MIEN_ERR_ARG and names the nearest one; so is a file that cannot be read or understood. caps is
 * then unchanged. */
enum mien_status vk_caps_clamp(struct vk_caps *caps, const char *list);

/* MIEN_ERR_UNSUPPORTED naming what is missing below the portability floor (design: Vulkan 1.1 with timeline
 * semaphores, 128 invocations, 16 KiB shared, 128 bytes of push constants, 8 storage buffers). */
enum mien_status vk_caps_check_floor(const struct vk_caps *caps);

/* A device of a class as most are, for plans where there is none to ask (graph_plan): what vendors' drivers of the last
 * years have in common, 8 GiB of memory; a software device as llvmpipe. */
void vk_caps_typical(enum vk_class c, struct vk_caps *out);

/* "word: why; word: why" for each feature of VK_CAP_LIST that the device itself lacks or that is not used on it; ""
 * when there is none. */
void vk_caps_disabled(const struct vk_caps *caps, char *text, size_t size);

const char *vk_device_type_name(enum vk_device_type type); /* "discrete", ... */
const char *vk_class_name(enum vk_class c);

/* ---- instance and device ------------------------------------------------------------------------------------- */

struct vk_instance;
struct vk_device;

/* Loads the Vulkan loader and lists devices. MIEN_ERR_NO_DEVICE when there is no loader or driver, saying what to
 * install. params (may be NULL) counts for its validation. With MIEN_VALIDATE=1 in the environment core and
 * synchronisation validation are on (MIEN_ERR_UNSUPPORTED when the layer is not installed), and every message of
 * warning level or above is logged and counted; MIEN_VALIDATE=gpu adds GPU-assisted checks of every access of a shader,
 * for which each range has its own block. */
enum mien_status vk_instance_create(const struct mien_gpu_params *params, struct vk_instance **out);
/* The same for an application's instance with the one device that it has made; nothing of it is destroyed. Failures as
 * mien_gpu_adopt (mien/gpu.h) says. */
enum mien_status vk_instance_adopt(const struct mien_vulkan *vulkan, struct vk_instance **out);
void vk_instance_destroy(struct vk_instance **instance);
uint32_t vk_instance_device_count(const struct vk_instance *instance);
const struct vk_caps *vk_instance_caps(const struct vk_instance *instance, uint32_t index); /* unclamped */

/* Index by name or number: NULL or "" = environment MIEN_DEVICE, else discrete, integrated, other, software in this
 * order, devices below the floor last. A number is an index; other text matches a part of the device's or driver's
 * name, case-insensitively, the best of several by the same order. No match is MIEN_ERR_NO_DEVICE and lists what there
 * is. */
enum mien_status vk_instance_choose(const struct vk_instance *instance, const char *choice, uint32_t *index);

/* Messages of the validation layers since the instance was created; 0 when validation is off. */
uint32_t vk_instance_validation_messages(const struct vk_instance *instance);
bool vk_instance_validating(const struct vk_instance *instance);

/* params may be NULL; its caps, cache and wait count here. caps: a list for vk_caps_clamp, or NULL = environment
 * MIEN_CAPS, or none. A device below the floor is
 * MIEN_ERR_UNSUPPORTED. Compiled pipelines are kept in a file per device and driver, read here and written by
 * vk_device_destroy (MIEN_CACHE_DIR, MIEN_PIPELINE_CACHE: mien/gpu.h); a damaged file is logged and made anew.
 * The instance must outlive the device. */
enum mien_status vk_device_create(struct vk_instance *instance, uint32_t index, const struct mien_gpu_params *params,
                                  struct vk_device **out);
/* Waits for the queue (finite) and frees all that is left; recordings are destroyed before it. After a time-out the
 * driver's objects are left to it, since work may still use them. */
void vk_device_destroy(struct vk_device **device);
const struct vk_caps *vk_device_caps(const struct vk_device *device);
/* Sticky; see the head of this file. */
bool vk_device_lost(const struct vk_device *device);
/* The longest wait of vk_wait. */
double vk_device_wait_seconds(const struct vk_device *device);
/* Tests: masks capabilities anew, starting from those at creation; affects only choices made afterwards. */
enum mien_status vk_device_clamp(struct vk_device *device, const char *list);
/* From now on work on the device writes spans to `trace`, which is borrowed until the device is destroyed or another
 * (NULL: none) is set; of programs compiled before, only the host's spans are seen. Small submissions align the
 * device's clock with the host's; a device without time stamps gives host spans only. */
enum mien_status vk_device_set_trace(struct vk_device *device, struct base_trace *trace);
struct base_trace *vk_device_trace(const struct vk_device *device); /* NULL = none */
/* Tests: the next submission fails as if the driver had reported the device as lost. */
void vk_device_inject_loss(struct vk_device *device);
/* Tests: the next `count` allocations from Vulkan fail as if memory were full (0 = no more of them). */
void vk_device_inject_oom(struct vk_device *device, uint32_t count);

/* ---- memory -------------------------------------------------------------------------------------------------- */

enum vk_memory {
    VK_MEMORY_DEVICE,   /* device-local; host-visible only by luck */
    VK_MEMORY_UPLOAD,   /* host-visible, coherent, for writing by the host */
    VK_MEMORY_READBACK, /* host-visible, cached, for reading by the host */
    VK_MEMORY_KINDS
};

/* A range of a large buffer: what is bound, copied, mapped. Plain value; block NULL = none. */
struct vk_range {
    struct vk_block *block;
    uint64_t offset, size; /* bytes; offset a multiple of 256 */
};

/* Takes `size` bytes (rounded up to 256 inside) from a block of the kind, making a new block when none has room. Kind
 * DEVICE falls back on host memory (slower; a warning says so once) when the device's own is full.
 * MIEN_ERR_DEVICE_MEMORY logs how much was wanted for `what`, how much is in use and what to do. Contents undefined. */
enum mien_status vk_alloc(struct vk_device *device, enum vk_memory kind, uint64_t size, const char *what,
                          struct vk_range *out);
/* Gives back a whole range of vk_alloc (never a part of one) and clears it; the device must not use it any more. */
void vk_free(struct vk_device *device, struct vk_range *range);

/* Host address of a range of kind UPLOAD or READBACK (and of DEVICE where that is host-visible), else NULL.
 * Coherent; the caller waits for the device before reading. */
void *vk_map(const struct vk_range *range);

/* A part of a range; asserts that it lies inside and is aligned. */
struct vk_range vk_subrange(struct vk_range range, uint64_t offset, uint64_t size);

struct vk_memory_stats {
    uint64_t in_use[VK_MEMORY_KINDS];   /* bytes handed out now */
    uint64_t peak[VK_MEMORY_KINDS];     /* most of it so far */
    uint64_t host_peak;                 /* most of in_use[UPLOAD] + in_use[READBACK] so far */
    uint64_t reserved[VK_MEMORY_KINDS]; /* bytes taken from Vulkan */
    uint64_t host_backed;               /* of reserved[DEVICE]: in host memory, since the device's own was full */
    uint64_t allocations;               /* calls of vk_alloc so far: a replayed step must not raise it */
    uint64_t blocks;                    /* calls of vkAllocateMemory so far */
};
void vk_memory_stats(const struct vk_device *device, struct vk_memory_stats *out);
/* Bytes of kind UPLOAD that the device itself keeps for vk_upload once it has carried `size` bytes at a time
 * (vk_download: the same of kind READBACK); 0 where the host sees device memory. For plans. */
uint64_t vk_staging_bytes(const struct vk_caps *caps, uint64_t size);
/* Bytes of device-local memory that this process may still take, by the driver's count (VK_EXT_memory_budget) and the
 * mask; UINT64_MAX where the driver gives none. A hint: other programs take memory too, and drivers miscount. */
uint64_t vk_memory_left(const struct vk_device *device);

/* Blocking transfers, ordered after all submitted work; any size, `offset` bytes into the range, and no byte beside it
 * is touched. Direct where the host sees the memory, else through a staging buffer of the device. */
enum mien_status vk_upload(struct vk_device *device, struct vk_range range, uint64_t offset, const void *data,
                           uint64_t size);
enum mien_status vk_download(struct vk_device *device, struct vk_range range, uint64_t offset, void *data,
                             uint64_t size);

/* ---- pipelines ------------------------------------------------------------------------------------------------ */

struct vk_pipeline; /* owned by the device, alive as long as it */

enum { VK_MAX_BUFFERS = 12, VK_MAX_SPEC = 16 };

/* All that defines a pipeline. Specialisation constants have ids 0..spec_count-1 (project-wide: 0-2 local size, 3-7
 * tile, 8+ options of the op). `subgroup_size` above 0 requires full subgroups of that size (SUBGROUP_FULL). */
struct vk_kernel {
    const char *name; /* for messages; with the spec it is the cache key */
    const uint32_t *spirv;
    size_t spirv_size; /* bytes */
    uint32_t buffers;  /* at bindings 0..buffers-1 of set 0: storage buffers, and uniform texel buffers where the module
                          declares them so; texels are vec4 of floats (textureBuffer) or uvec2 (utextureBuffer) */
    uint32_t push_size;
    uint32_t spec_count;
    uint32_t spec[VK_MAX_SPEC];
    uint32_t subgroup_size;
};

/* The pipeline for it, made once per device. Checks against the clamped caps what the SPIR-V says under this
 * specialisation (capabilities, local size, bytes of shared memory), push size and buffer count: MIEN_ERR_UNSUPPORTED;
 * MIEN_ERR_ARG for what is no module, or binds more than `buffers`. A kernel with subgroup
 * operations on a device whose subgroup size varies is pinned to caps.subgroup_size. */
enum mien_status vk_pipeline_get(struct vk_device *device, const struct vk_kernel *kernel, struct vk_pipeline **out);
/* Bytes of a texel of a binding; 0 = it is a storage buffer. */
uint32_t vk_texel_size(const struct vk_pipeline *pipeline, uint32_t binding);
/* The pipelines of kernels[count], equal ones too; what is new is compiled on all cores. Checks come before any is
 * compiled. On failure, which is the first one by order, all of out[count] are NULL. The `later` kernels behind them
 * are checked and begun, not waited for: other threads go on with them, and a later call finds them. */
enum mien_status vk_pipelines_get(struct vk_device *device, const struct vk_kernel *kernels, uint32_t count,
                                  uint32_t later, struct vk_pipeline **out);

/* Bytes of shared memory that the kernel's module declares under its constants. MIEN_ERR_ARG: not a module;
 * MIEN_ERR_UNSUPPORTED: an expression or a capability that Mien does not use. */
enum mien_status vk_kernel_shared(const struct vk_kernel *kernel, uint64_t *bytes);

/* A copy of the kernel's module in which every specialisation constant has the kernel's value (its default where the
 * kernel has none), and what is computed from them too; the caller frees *out with base_free. What drivers without
 * specialisation constants (vk_caps.specialises) are given. MIEN_ERR_ARG: not a module; MIEN_ERR_UNSUPPORTED: an
 * expression that Mien does not use. */
enum mien_status vk_kernel_settle(const struct vk_kernel *kernel, uint32_t **out, size_t *size);

/* How a pipeline of a kernel is made. */
struct vk_pipeline_form {
    uint32_t features;      /* VK_CAP_* that its module needs */
    uint32_t texels;        /* bit i: binding i is a uniform texel buffer */
    uint32_t local[3];      /* invocations of a workgroup */
    uint32_t subgroup_size; /* that it requires; 0 = the driver's choice */
    bool full_subgroups;    /* requires that all of a workgroup's are full */
    bool settled;           /* of vk_kernel_settle's module, without specialisation */
};
/* What vk_pipeline_get would make, with its checks and errors; nothing is made. */
enum mien_status vk_pipeline_form(const struct vk_device *device, const struct vk_kernel *kernel,
                                  struct vk_pipeline_form *out);

/* A file of pipelines as Fossilize keeps them (ValveSoftware/Fossilize, the "stream archive" of version 6), which
 * fossilize-replay and its like build on any driver: Mien's application info, layouts, modules and pipelines, each
 * once, under Fossilize's own hashes, as its layer would have recorded them. Equal calls give equal bytes. Not
 * compressed. */
struct vk_fossil;
enum mien_status vk_fossil_open(const char *path, struct vk_fossil **out);
/* Adds a pipeline with what it is made of. */
enum mien_status vk_fossil_add(struct vk_fossil *fossil, const struct vk_kernel *kernel,
                               const struct vk_pipeline_form *form);
enum mien_status vk_fossil_commit(struct vk_fossil **fossil); /* the file appears; clears *fossil, also on failure */
void vk_fossil_abandon(struct vk_fossil **fossil);            /* there is no file; accepts NULL */
/* The name of a pipeline there. */
enum mien_status vk_fossil_hash(const struct vk_kernel *kernel, const struct vk_pipeline_form *form, uint64_t *out);

/* What the driver's compiler says of a pipeline (VK_KHR_pipeline_executable_properties): registers, spills, and so on,
 * under the driver's own names; for tests and tuning. */
struct vk_statistic {
    char name[64];
    double value;
};
/* Pipelines made from now on keep their statistics. MIEN_ERR_UNSUPPORTED where the driver has none. */
enum mien_status vk_device_keep_statistics(struct vk_device *device);
/* The same, and what their compiler thinks of them on the way and makes of them in the end, as text. */
enum mien_status vk_device_keep_text(struct vk_device *device);
/* Fills at most `capacity`; *count is how many there are. "Subgroup size" comes first. MIEN_ERR_UNSUPPORTED when the
 * pipeline was made without. */
enum mien_status vk_pipeline_statistics(struct vk_device *device, const struct vk_pipeline *pipeline,
                                        struct vk_statistic *out, uint32_t capacity, uint32_t *count);
/* Whether it counts registers that went to memory. */
bool vk_statistic_is_spill(const struct vk_statistic *s);
/* The last of the compiler's texts whose name has `part` in it ("Assembly"), NULL where it gives none; free with
 * base_free. MIEN_ERR_UNSUPPORTED when the pipeline was made without. */
enum mien_status vk_pipeline_text(struct vk_device *device, const struct vk_pipeline *pipeline, const char *part,
                                  char **out);

/* ---- trials of kernels ------------------------------------------------------------------------------------------ */

/* What kernels have shown on a device with its driver: which have proven themselves, which have failed, and which one
 * is being tried. It is kept in a file per device and driver beside the pipeline cache (MIEN_CACHE_DIR), so that a
 * kernel is tried once, and one whose trial ended its process or stopped the machine is known at the next start.
 * One process at a time tries: it holds a lock from before its first trial until vk_trials_close. Another waits for it,
 * and after 10 s tries without writing anything down. Without a directory to write to all is kept in memory. */

/* A kernel as a part of an op's variant. */
struct vk_trial {
    const char *op, *variant, *kernel;
    uint64_t code; /* the kernel's: another build may have another of the same name */
    uint64_t key;  /* of all of it, constants and subgroup size too */
    bool last;     /* the op has no variant behind this one: it is never refused, but tried again at each start */
};

/* Whether kernels are to be tried on this device, and whether those that have failed are known: see MIEN_SELFTEST in
 * mien/gpu.h. */
enum vk_trials { VK_TRIALS_OFF, VK_TRIALS_REMEMBERED, VK_TRIALS_ON };
enum vk_trials vk_device_trials(const struct vk_device *device);

/* Once per device: reads the file. `code` tells a kernel's of this build, 0 = there is none: what has failed with
 * another code is forgotten. The variants that have failed are in vk_device_caps from then on (vk_caps_refuse). */
enum mien_status vk_trials_open(struct vk_device *device, uint64_t (*code)(const char *kernel));
bool vk_trials_proven(const struct vk_device *device, uint64_t key);
/* Numbers of the caller's for what need not be looked up again while the device is open. */
bool vk_trials_settled(const struct vk_device *device, uint64_t number);
enum mien_status vk_trials_settle(struct vk_device *device, uint64_t number);
/* Its name stands in the file, on the disk, when this returns; *go is false, and nothing is to be tried, where another
 * process has proven it or seen it fail meanwhile. */
enum mien_status vk_trials_begin(struct vk_device *device, const struct vk_trial *trial, bool *go);
/* Ends the trial that has begun. */
enum mien_status vk_trials_passed(struct vk_device *device, const struct vk_trial *trial);
enum mien_status vk_trials_failed(struct vk_device *device, const struct vk_trial *trial, const char *why);
void vk_trials_dropped(struct vk_device *device); /* it came to no end for a reason that is not the kernel's */
/* One more that a trial has proven. */
enum mien_status vk_trials_prove(struct vk_device *device, uint64_t key);
void vk_trials_close(struct vk_device *device); /* of a number of trials: writes what they have shown, gives the lock */

/* ---- tuned kernels --------------------------------------------------------------------------------------------- */

/* What is the fastest kernel of which call on a device with its driver, by measurement (tune/). It is kept in a file
 * per device and driver beside the pipeline cache, is read when a device is opened (MIEN_TUNE in mien/gpu.h) and stands
 * in vk_caps.tuned for whoever chooses kernels (op/choice.h), who alone knows what the texts mean. */

enum { VK_CALL_SIZE = 320, VK_TUNED_MOST = 8192 };

/* A call, and what serves it. */
struct vk_choice {
    char call[VK_CALL_SIZE], variant[64], tile[40];
    uint64_t key;  /* of the choices that there were */
    double gain;   /* of a table: the rule's time through this one's; 1 = it is the rule's */
    char why[160]; /* of a lost one: what became of its measurement */
};

/* Zeroed = empty. Rows are sorted by call and key. */
struct vk_tuned {
    struct vk_choice *row;
    size_t count, capacity;
    struct vk_choice *lost; /* choices that came to no end or were wrong: not measured again */
    size_t lost_count, lost_capacity;
    void (*asked)(void *user, const char *call); /* hears of each call that is looked up; NULL = nobody */
    void *user;
};

/* NULL where there is no table, or no row of this call and key. */
const struct vk_choice *vk_tuned_find(const struct vk_tuned *tuned, const char *call, uint64_t key);
/* Takes the place of the row of the same call and key. MIEN_ERR_NOMEM, also for more than VK_TUNED_MOST. */
enum mien_status vk_tuned_put(struct vk_tuned *tuned, const struct vk_choice *row);
enum mien_status vk_tuned_lose(struct vk_tuned *tuned, const struct vk_choice *row);
const struct vk_choice *vk_tuned_lost(const struct vk_tuned *tuned, const struct vk_choice *row); /* NULL = it is not */
void vk_tuned_clear(struct vk_tuned *tuned);
enum mien_status vk_tuned_copy(const struct vk_tuned *tuned, struct vk_tuned *out); /* rows, asked; of NULL none */
/* The rows as JSON's list, NULL when out of memory; and back: MIEN_ERR_DATA with `where` in the message. */
cJSON *vk_tuned_list(const struct vk_tuned *tuned);
enum mien_status vk_tuned_take(const cJSON *list, const char *where, struct vk_tuned *out);
/* The file of a device and its driver in `dir` (NULL: the environment's), whatever is masked in caps: its path
 * (base_free), NULL where there is no directory. */
char *vk_tuned_path(const struct vk_caps *caps, const char *dir);
/* Empty where there is none. A damaged one, or another device's: MIEN_ERR_DATA. */
enum mien_status vk_tuned_read(const struct vk_caps *caps, const char *path, struct vk_tuned *out);
/* Whole or not at all; its directory is made. */
enum mien_status vk_tuned_write(const struct vk_caps *caps, const char *path, const struct vk_tuned *tuned);
/* From now on kernels are chosen by this table, which is borrowed; NULL = by that of the device's own file, if it was
 * opened with one. */
void vk_device_tune(struct vk_device *device, const struct vk_tuned *tuned);

/* ---- recordings ------------------------------------------------------------------------------------------------ */

struct vk_recording;

/* An empty recording, being recorded. `label` for messages, copied. */
enum mien_status vk_record_begin(struct vk_device *device, const char *label, struct vk_recording **out);

/* Binds exactly `ranges` (offset and size go to the driver as they are; those of texel buffers are whole texels) and
 * dispatches. The ranges' memory and the
 * recording must stay alive while submitted work uses them. push is copied. */
enum mien_status vk_record_dispatch(struct vk_recording *recording, struct vk_pipeline *pipeline,
                                    const struct vk_range *ranges, uint32_t range_count, const void *push,
                                    uint32_t push_size, const uint32_t groups[3]);
/* All earlier dispatches' and copies' writes are made visible to all later dispatches, copies and, at the end of the
 * recording, the host. One global memory barrier. */
enum mien_status vk_record_barrier(struct vk_recording *recording);
enum mien_status vk_record_copy(struct vk_recording *recording, struct vk_range from,
                                struct vk_range to); /* equal sizes */
enum mien_status vk_record_fill(struct vk_recording *recording, struct vk_range range, uint32_t word);
/* Ends the present piece: what follows goes into the next command buffer. This is no barrier, and barriers reach over
 * it. Neighbouring pieces are submitted together as slices, in order and without a host wait. */
enum mien_status vk_record_piece(struct vk_recording *recording);
/* How much one slice should hold at most, so that no submission outlasts a desktop's watchdog or makes the display
 * wait. flops: floating-point operations, where its time is not known: half to all of `ms` on the slowest devices
 * of the class (discrete: at 200 GFLOP/s, integrated 60, mobile 20); what is read and written counts too, 4 bytes take
 * about as long as 10 operations. ms: its time. 0 = no limit (a software device has no watchdog). */
struct vk_slice_limits {
    double flops, ms;
};
struct vk_slice_limits vk_slice_limits(const struct vk_caps *caps);
/* From the next submission on slices are as many neighbouring pieces as cost `most` together, one at least; 0 = no
 * limit. cost [stats.pieces], in any unit. Returns how many slices there are, *longest (may be NULL) is what the
 * largest costs; before the first call each piece is one. What is computed is the same. Allocates nothing; submissions
 * may be in flight. */
uint32_t vk_recording_slice(struct vk_recording *recording, const double *cost, double most, double *longest);
/* A GPU timestamp after all earlier commands; its index is returned, read with vk_recording_times.
 * MIEN_ERR_UNSUPPORTED on a device without (caps.timestamp_ns 0). */
enum mien_status vk_record_timestamp(struct vk_recording *recording, uint32_t *index);
/* Finishes recording; a host barrier is added. */
enum mien_status vk_record_end(struct vk_recording *recording);
void vk_recording_destroy(struct vk_recording **recording); /* must not be in flight; accepts NULL */

struct vk_record_stats {
    uint32_t dispatches, barriers, copies, pieces;
};
void vk_recording_stats(const struct vk_recording *recording, struct vk_record_stats *out);

/* Submits; *ticket is a value of the device's timeline, passed to vk_wait. A recording may be submitted again while an
 * earlier submission of it runs: submissions execute in order and a full memory barrier stands between them. Allocates
 * nothing. */
enum mien_status vk_submit(struct vk_device *device, struct vk_recording *recording, uint64_t *ticket);

/* Blocks (never spins) until the ticket is reached, MIEN_WAIT_SECONDS (environment; default 120, on a software device
 * 600) at most: then MIEN_ERR_TIMEOUT and the device counts as lost. */
enum mien_status vk_wait(struct vk_device *device, uint64_t ticket);
enum mien_status vk_wait_idle(struct vk_device *device); /* the same for all that was submitted */
bool vk_done(struct vk_device *device, uint64_t ticket);

/* Nanoseconds of each timestamp of the last submission, relative to the first; after vk_wait. */
enum mien_status vk_recording_times(struct vk_recording *recording, double *ns, uint32_t count);
/* The same on the host's clock (base_clock_ns), on a device with a trace: good to half a round trip of an empty
 * submission when the trace was set, and to the drift of the two clocks since. */
enum mien_status vk_recording_host_times(struct vk_recording *recording, double *ns, uint32_t count);

/* ---- the public device ----------------------------------------------------------------------------------------- */

/* The device behind it, alive as long as gpu. */
struct vk_device *vk_gpu_device(struct mien_gpu *gpu);
/* The end of a public call on gpu (which may be NULL): keeps a failure's message for mien_gpu_error; returns status. */
enum mien_status vk_gpu_ended(struct mien_gpu *gpu, enum mien_status status);

#endif
