/* plan.h: a call as dispatches. A variant says as data which kernel runs, who works on what and which tensors it binds;
 * where that is not all, its `steps` append dispatches by the functions below.
 *
 * Errors stick in the plan and are logged once: after one, what is added is thrown away, and op_make_plan returns it.
 * So no function here gives NULL, and steps return early only where going on would make no sense. */
#ifndef OP_PLAN_H
#define OP_PLAN_H

#include "tensor/tensor.h"

enum {
    OP_MAX_SCRATCH = 3,
    OP_MAX_PUSH = 128,
};

struct op_call;
struct op_desc;
struct op_shader;
struct op_variant;

enum op_place { OP_IN, OP_OUT, OP_SCRATCH };
enum { OP_READ = 1, OP_WRITE = 2 };

/* One storage buffer of a dispatch. size 0 = from offset to the end of the tensor. */
struct op_bind {
    enum op_place place;
    uint8_t index;
    uint8_t access; /* OP_READ, OP_WRITE or both: what hazards are computed from; must match the shader's qualifier */
    uint64_t offset, size; /* bytes; offset a multiple of 256 */
};

/* What a variant may be free in: rows and columns of an invocation or a workgroup, parts that a sum is cut into; what
 * they mean is the variant's. 0 = as its rule says. */
struct op_tile {
    uint32_t rows, cols, parts;
};
enum { OP_MAX_TILES = 24 };

struct op_dispatch {
    const char *shader;
    uint32_t bind_count;
    struct op_bind bind[VK_MAX_BUFFERS];
    uint32_t spec_count;
    uint32_t spec[VK_MAX_SPEC]; /* ids 0-2 local size, 3-7 tile, 8+ op options */
    uint32_t subgroup_size;     /* 0 = any */
    uint32_t needs;             /* VK_CAP_* bits, of an inner op's variant (inner.h) */
    uint32_t push_size;
    unsigned char push[OP_MAX_PUSH];
    uint32_t groups[3];
    double flops;                     /* share of this dispatch, for slicing; 0 = unknown */
    const struct op_desc *op;         /* whose dispatch it is: the plan's op, or one within it (inner.h) ... */
    const struct op_variant *variant; /* ... and by which of its variants ... */
    struct op_tile tile;              /* ... with which tile */
};

/* Dispatches run in order; whoever records them places barriers from the binds' accesses. A zeroed struct is empty. */
struct op_plan {
    struct op_dispatch *dispatch; /* base_alloc'ed */
    size_t count, capacity;
    uint64_t scratch[OP_MAX_SCRATCH]; /* bytes of temporary memory, alive during this plan only */
    const struct op_variant *variant;
    struct op_tile tile;
    /* while op_make_plan runs, for steps */
    const struct vk_caps *caps;
    const struct op_call *call;
    enum mien_status status;      /* the first failure */
    struct op_dispatch discarded; /* what is added behind it */
};

void op_plan_clear(struct op_plan *plan);
/* Logs the message behind the op's name and sticks `code`, unless the plan has failed before. */
void op_plan_fail(struct op_plan *plan, enum mien_status code, const char *fmt, ...) MIEN_PRINTF(3, 4);
/* The same as MIEN_ERR_UNSUPPORTED where `cond` holds; returns cond: if (op_plan_refuse(...)) return; */
bool op_plan_refuse(struct op_plan *plan, bool cond, const char *fmt, ...) MIEN_PRINTF(3, 4);

/* ---- a dispatch by hand ------------------------------------------------------------------------------------------ */

/* Appends a dispatch without groups, binds or constants; it may be written to until the next one. */
struct op_dispatch *op_plan_kernel(struct op_plan *plan, const char *shader);
/* The same with `count` invocations in workgroups of `local`; 0 = as many as suit the device's class, 8 or 64. */
struct op_dispatch *op_plan_items(struct op_plan *plan, const char *shader, uint32_t local, uint64_t count);
/* Invocations of a workgroup that adds up in shared memory: 64, or 128 where barriers need more. */
uint32_t op_group_lanes(const struct vk_caps *caps);
/* Whether a tensor can be read as texels of four: f32, rows in fours, no more of them than the device has texels. */
bool op_fits_texels(const struct vk_caps *caps, const struct tensor_shape *shape);
/* Invocations that a software driver runs at a time, in vectors of the processor. */
uint32_t op_vector_lanes(const struct vk_caps *caps);
/* Lanes of a subgroup of kernels on matrix units. Where the size can be chosen, 32: of wider subgroups each lane would
 * hold more copies of the same operands. */
uint32_t op_matrix_lanes(const struct vk_caps *caps);
/* Workgroups that keep the device busy, of 256 invocations on a desktop's, of 64 on a phone's: one or four for each
 * core that the driver tells of. One of 256 gives each of a core's schedulers two subgroups. Fewer are a reason to cut
 * sums. */
uint32_t op_busy_groups(const struct vk_caps *caps);
#define OP_PUSH(d, args) op_dispatch_push((d), &(args), sizeof(args))
/* Cuts the dispatch added last, which is complete and has `flops` operations, by its workgroups into such of at most
 * op_most_flops each (part.h), of the same binds. Its last push constant, `begin`, becomes the number of workgroups
 * before each (lib/cut.glsl). */
void op_plan_cut(struct op_plan *plan, double flops);

/* Binds tensors to the dispatch added last, in the order of the shader's bindings, by their names in the op's
 * signature, separated by blanks: inputs to be read, outputs to be written (in-place ones both). `$0` is scratch 0.
 * Before a name < means read, > written, <> both: scratch and outputs that are read need it. An absent input binds what
 * the one before it does. Whole tensors; a `*` behind a name says so for row kernels, see op_variant.bind. */
void op_plan_bind(struct op_plan *plan, const char *names);

/* The pipeline that it needs, of its shader. */
struct vk_kernel op_dispatch_kernel(const struct op_dispatch *d, const struct op_shader *shader);

void op_dispatch_bind(struct op_dispatch *d, enum op_place place, uint32_t index, uint32_t access);
void op_dispatch_bind_range(struct op_dispatch *d, enum op_place place, uint32_t index, uint32_t access,
                            uint64_t offset, uint64_t size);
void op_dispatch_push(struct op_dispatch *d, const void *push, uint32_t size);
void op_dispatch_spec(struct op_dispatch *d, uint32_t id, uint32_t value); /* fills gaps below id with 1 */
/* For kernels over shaders/lib/round.glsl: `round` loads in flight, but on software drivers one at a time. */
void op_dispatch_round(struct op_dispatch *d, const struct vk_caps *caps, uint32_t round);
/* For kernels over shaders/lib/stored.glsl, behind the binds: specialisation constant `id` tells which of the call's
 * tensors are bound that are stored in 16 bits; without any it is not set. */
void op_dispatch_formats(struct op_dispatch *d, const struct op_call *call, uint32_t id);
/* Folds `groups` workgroups into x and y within the caps' limits; the shader computes x + y * gl_NumWorkGroups.x and
 * tests it against its own count. */
void op_dispatch_groups_1d(struct op_dispatch *d, const struct vk_caps *caps, uint64_t groups);

/* ---- row kernels ------------------------------------------------------------------------------------------------- */

/* Most kernels work on rows: [R,D] tensors, [R] vectors beside them, single elements. A tensor may be larger than one
 * binding (128 MiB on many devices), so such a kernel is planned in parts of rows, each a dispatch of its own. Its push
 * constants begin with arg_u32 rows, first: the rows of the part, and the first of them.
 *
 * Who works on a row; group, subgroup and serial are the techniques of shaders/lib/row.glsl. */
enum op_tech {
    OP_ELEMENTS, /* rows are the elements of output 0: an invocation takes ITEMS (spec id 3) quads of them
                    (shaders/lib/elements.glsl, cells.glsl) */
    OP_GROUP,    /* one workgroup of op_group_lanes owns a row of input 0 */
    OP_SUBGROUP, /* one subgroup */
    OP_SERIAL,   /* one invocation */
    OP_SPAN,     /* neighbouring invocations move a row (shaders/lib/span.glsl, args/rows.h), in parts of the first
                    dimension of output 0, which may begin at any element */
};

/* A tensor in a part of rows. */
struct op_row_bind {
    enum op_place place;
    uint8_t index, access;
    uint32_t width; /* elements per row; 0 = bound whole in each part */
    uint8_t size;   /* bytes per element */
};

/* The parts by hand, for kernels with another grid:
 *   struct op_parts parts = op_parts(plan, "x mean >$0*", rows, block);
 *   while (op_parts_next(&parts)) { ... parts.first, parts.rows ... op_parts_bind(&parts, d); }
 * A part is a multiple of 64 rows and of `step` (0 = any), or all that is left. */
struct op_parts {
    struct op_plan *plan;
    uint32_t count;
    struct op_row_bind bind[VK_MAX_BUFFERS];
    uint64_t all, most; /* rows; of a part */
    uint64_t first, rows;
};
struct op_parts op_parts(struct op_plan *plan, const char *names, uint64_t rows, uint64_t step);
bool op_parts_next(struct op_parts *parts);
void op_parts_bind(const struct op_parts *parts, struct op_dispatch *d);

/* How many rounds the loops of one invocation may make in all: lavapipe ends them after 65,535, silently. Other devices
 * have no such limit. */
uint64_t op_most_rounds(const struct vk_caps *caps);

/* A dispatch of a kernel over lib/span.glsl, without binds and push constants. An invocation takes `take` columns of
 * `width` at a time, with `rounds` rounds of its loops. */
struct op_dispatch *op_plan_span(struct op_plan *plan, const char *shader, uint64_t rows, uint32_t width, uint32_t take,
                                 uint64_t rounds);

/* ---- variants ---------------------------------------------------------------------------------------------------- */

struct op_variant {
    const char *name; /* its main shader's, unique in the op */
    uint32_t needs;   /* VK_CAP_* bits */
    bool rounds;      /* what it multiplies, as attr.precision allows; fits only such calls */
    bool (*fits)(const struct vk_caps *caps, const struct op_call *call); /* NULL = always */
    /* A row kernel, where `bind` is set: as for op_plan_bind, a tensor by rows, or whole with `*`. `$0[3]` is scratch
     * of 3 elements per row, for which room is made. */
    enum op_tech tech;
    const char *bind;
    bool quads; /* a kernel over lib/row.glsl: takes rows that divide by four by quads, and is told so by spec id 8 */
    /* Sets what a dispatch is to know of the call: push constants (rows and first are filled in behind it) and options
     * of the op (specialisation constants from 8). NULL = the push constants of args/elements.h, zeros. */
    void (*args)(const struct op_call *call, struct op_dispatch *d);
    uint64_t (*rows)(const struct op_call *call); /* NULL = as `tech` says */
    /* Dispatches behind it, or all. */
    void (*steps)(struct op_plan *plan);
    /* Tiles that `steps` takes for this call beside the rule's own (op_plan.tile); how many. NULL = none. */
    uint32_t (*tiles)(const struct vk_caps *caps, const struct op_call *call, struct op_tile out[OP_MAX_TILES]);
};

/* What a variant on matrix units needs: they multiply for whole subgroups of a known size. */
#define OP_MATRIX_UNITS (VK_CAP_SUBGROUP | VK_CAP_COOPMAT)

/* The three variants of a shader whose techniques are row, sg and group; the rest are fields of op_variant. */
#define OP_ROW_VARIANTS(shader, ...)                                                                                   \
    {.name = shader "_row", .tech = OP_SERIAL, .fits = op_fits_serial, __VA_ARGS__},                                   \
        {.name = shader "_sg",                                                                                         \
         .tech = OP_SUBGROUP,                                                                                          \
         .needs = VK_CAP_SUBGROUP_ARITH,                                                                               \
         .fits = op_fits_subgroup,                                                                                     \
         __VA_ARGS__},                                                                                                 \
    {                                                                                                                  \
        .name = shader, .tech = OP_GROUP, __VA_ARGS__                                                                  \
    }

/* Rows of input 0 of at most so many elements: longer rows want more lanes, and loops of fewer rounds. */
enum { OP_SUBGROUP_WIDTH = 32768 };
bool op_fits_subgroup(const struct vk_caps *caps, const struct op_call *call);
/* A software device, enough rows, not too long ones. */
bool op_fits_serial(const struct vk_caps *caps, const struct op_call *call);
/* The first variant, best first, whose needs are in caps->features, that fits and that has not failed on the device
 * (vk_caps_refuse), or the one that a table has (choice.h). Never NULL for an op that passes
 * check_ops: its last variant is plain and fits always. */
const struct op_variant *op_choose(const struct vk_caps *caps, const struct op_call *call);
/* Clears *plan, then plans the call by a variant with the rule's tile (NULL = op_choice_of). Each dispatch is checked
 * against the limits of caps: MIEN_ERR_UNSUPPORTED names op, shader and limit. */
enum mien_status op_make_plan(const struct vk_caps *caps, const struct op_call *call, const struct op_variant *variant,
                              struct op_plan *plan);
/* For steps: appends what another call on the same tensors is by its best variant. */
void op_plan_call(struct op_plan *plan, const struct op_call *call);
/* Inside op_make_plan: what the variant says as data. */
void op_plan_row_kernel(struct op_plan *plan, const struct op_variant *variant);

#endif
