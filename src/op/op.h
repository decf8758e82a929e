/* op.h: what an operation is. One C file under src/op/ holds an op's descriptor and all that it points to: shape rule,
 * reference (plain C, double accumulation: the definition of the op), gradient rule, kernel variants, test cases,
 * tolerance, cost. The build finds every `const struct op_desc op_<name> = {` and its shaders; tests, benchmarks and
 * `mien check` walk that list.
 *
 * Tensors are dense, row-major. Sizes in comments: B batch, T tokens, D width, H heads, N rows. */
#ifndef OP_OP_H
#define OP_OP_H

#include "op/mining.h"
#include "op/shader.h"
#include "tensor/tensor.h"

enum {
    OP_MAX_IN = 8,
    OP_MAX_OUT = 4,
    OP_MAX_SCRATCH = 3,
    OP_MAX_PUSH = 128,
};

enum op_activation { OP_ACT_NONE, OP_ACT_QUICK_GELU, OP_ACT_GELU, OP_ACT_GELU_TANH, OP_ACT_RELU };

/* The options of all ops; each op's file says which it reads. Zero is the default of each. */
struct op_attr {
    bool trans_a, trans_b;         /* matmul: A is stored [K,M], B is stored [N,K] */
    bool save_pre;                 /* matmul: also write the value before the activation */
    bool flatten;                  /* matmul with trans_a: A [..,M] and B [..,N] are seen as matrices of rows */
    bool same_order;               /* matmul: an element's sum has one order whatever m and n: A A^T is symmetric */
    bool causal;                   /* attention, softmax */
    enum op_activation activation; /* matmul, activation */
    uint32_t heads;                /* attention */
    uint32_t patch;                /* unfold: patch side */
    uint32_t rows;                 /* a row count that the inputs do not tell (embedding_bwd: table rows, ...) */
    uint32_t axis;                 /* concat, slice, pad: which dimension, 0 = the outermost */
    uint32_t first, count;         /* slice: the part of that dimension that is kept; pad: first = where x begins */
    enum mien_dtype dtype;         /* cast: of the output */
    float eps;                     /* layernorm */
    float scale;                   /* scale: factor; attention: score scale, 0 = 1/sqrt(head dim) */
    float value;                   /* fill */
    float low, high;               /* clamp */
    float tau;                     /* pool_scores: temperature of the attention over patches, above 0 */
    struct op_mining mining;       /* mine, infonce_stream, siglip_stream */
};

/* ---- calls: an op applied to shapes, with or without host data ------------------------------------------------- */

struct op_desc;

struct op_call {
    const struct op_desc *op;
    struct op_attr attr;
    uint32_t in_count, out_count;
    struct tensor_shape in[OP_MAX_IN];   /* rank 0: this optional input is absent */
    struct tensor_shape out[OP_MAX_OUT]; /* set by op_call_shapes */
    /* Host data of the same shapes; used by references and tests only. float* or int32_t*. */
    void *in_data[OP_MAX_IN];
    void *out_data[OP_MAX_OUT];
};

/* Runs the op's shape rule: checks `in` and sets out, out_count (cleared on failure). MIEN_ERR_SHAPE/_DTYPE/_ARG name
 * the op, the input and the shapes. `label` (may be NULL) names the place in the model for the message. */
enum mien_status op_call_shapes(struct op_call *call, const char *label);

/* ---- plans: a call as dispatches -------------------------------------------------------------------------------- */

enum op_place { OP_IN, OP_OUT, OP_SCRATCH };

/* One storage buffer of a dispatch. size 0 = from offset to the end of the tensor. */
struct op_bind {
    enum op_place place;
    uint8_t index;
    uint8_t access; /* OP_READ, OP_WRITE or both: what hazards are computed from; must match the shader's qualifier */
    uint64_t offset, size; /* bytes; offset a multiple of 256 */
};
enum { OP_READ = 1, OP_WRITE = 2 };

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
    double flops; /* share of this dispatch, for slicing; 0 = unknown */
};

/* Dispatches run in order; whoever records them places barriers from the binds' accesses. */
struct op_plan {
    struct op_dispatch *dispatch; /* base_alloc'ed */
    size_t count, capacity;
    uint64_t scratch[OP_MAX_SCRATCH]; /* bytes of temporary memory, alive during this plan only */
    const struct op_variant *variant;
};

/* Appends a zeroed dispatch and returns it, NULL when out of memory. The pointer is valid until the next add. */
struct op_dispatch *op_plan_add(struct op_plan *plan);
void op_plan_clear(struct op_plan *plan);

/* Helpers for plan functions. */
void op_dispatch_bind(struct op_dispatch *d, enum op_place place, uint32_t index, uint32_t access);
void op_dispatch_bind_range(struct op_dispatch *d, enum op_place place, uint32_t index, uint32_t access,
                            uint64_t offset, uint64_t size);
void op_dispatch_push(struct op_dispatch *d, const void *push, uint32_t size);
void op_dispatch_spec(struct op_dispatch *d, uint32_t id, uint32_t value); /* fills gaps below id with 1 */
/* Folds `groups` workgroups into x and y within the caps' limits; the shader computes x + y * gl_NumWorkGroups.x and
 * tests it against its own count. */
void op_dispatch_groups_1d(struct op_dispatch *d, const struct vk_caps *caps, uint64_t groups);

/* ---- plans of row kernels ---------------------------------------------------------------------------------------- */

/* Most kernels work on rows: [R,D] tensors, [R] vectors beside them, single elements ([R,1]). A tensor may be larger
 * than one binding (128 MiB on many devices), so such a kernel is planned in parts of rows, each a dispatch of its own.
 */

/* Who works on a row; the first three are the techniques of shaders/lib/row.glsl. */
enum op_row_tech {
    OP_ROW_GROUP,    /* one workgroup of 64 */
    OP_ROW_SUBGROUP, /* one subgroup */
    OP_ROW_SERIAL,   /* one invocation */
    OP_ROW_ELEMENT,  /* rows are elements: an invocation takes ITEMS (spec id 3) quads of them
                        (shaders/lib/elements.glsl) */
};

struct op_row_bind {
    enum op_place place;
    uint8_t index, access;
    uint32_t width; /* elements of this tensor per row; 0 = bound whole in each part */
};

struct op_rows {
    const char *shader;
    enum op_row_tech tech;
    uint64_t rows;
    const struct op_row_bind *bind; /* in the order of the shader's bindings */
    uint32_t bind_count;
    const void *args; /* push constants, which begin with arg_u32 rows, first: set here for each part */
    uint32_t args_size;
    uint32_t option[4]; /* specialisation constants from id 8 */
    uint32_t option_count;
};
/* Appends the dispatches. MIEN_ERR_NOMEM, or MIEN_ERR_UNSUPPORTED when 64 rows are larger than a binding, or a row too
 * long for a software driver's loops. */
enum mien_status op_plan_rows(struct op_plan *plan, const struct vk_caps *caps, const struct op_rows *rows);

/* The same by hand, for kernels with another grid: how many rows a part may have (a multiple of 64, or all of them; 0 =
 * impossible), and the binds of one part, whose first row is a multiple of 64. */
uint64_t op_part_limit(const struct vk_caps *caps, const struct op_row_bind *bind, uint32_t count, uint64_t rows);
void op_dispatch_bind_part(struct op_dispatch *d, const struct op_row_bind *bind, uint32_t count, uint64_t first,
                           uint64_t rows);

/* How many rounds the loops of one invocation may make in all: lavapipe ends them after 65,535, silently. Other devices
 * have no such limit. */
uint64_t op_most_rounds(const struct vk_caps *caps);

/* For op_variant.fits of OP_ROW_SUBGROUP over the rows of input 0: longer rows want more lanes, and loops
 * of fewer rounds. */
enum { OP_SUBGROUP_WIDTH = 32768 };
bool op_fits_subgroup(const struct vk_caps *caps, const struct op_call *call);
/* For op_variant.fits of OP_ROW_SERIAL over the rows of input 0: a software device, enough rows, not too long ones. */
bool op_fits_serial(const struct vk_caps *caps, const struct op_call *call);

struct op_variant {
    const char *name;                                                     /* its main shader's name, unique in the op */
    uint32_t needs;                                                       /* VK_CAP_* bits */
    bool (*fits)(const struct vk_caps *caps, const struct op_call *call); /* NULL = always */
    enum mien_status (*plan)(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan);
};

/* The first variant, best first, whose needs are in caps->features and that fits. Never NULL for an op that passes
 * check_ops: its last variant is plain and fits always. */
const struct op_variant *op_choose(const struct vk_caps *caps, const struct op_call *call);
/* Clears *plan, then plans the call by a variant (NULL = op_choose). Each dispatch is checked against the limits of
 * caps: MIEN_ERR_UNSUPPORTED names op, shader and limit. */
enum mien_status op_make_plan(const struct vk_caps *caps, const struct op_call *call, const struct op_variant *variant,
                              struct op_plan *plan);

/* ---- gradient rules ---------------------------------------------------------------------------------------------- */

/* A value recorded by a recorder (graph, or the tests' host interpreter). */
typedef uint32_t op_value;
#define OP_NONE UINT32_MAX

/* What a gradient rule may do: record further ops. Errors are sticky in the recorder; after one, record gives OP_NONE.
 */
struct op_recorder {
    void (*record)(struct op_recorder *recorder, const struct op_desc *op, const struct op_attr *attr,
                   const op_value *in, uint32_t in_count, op_value *out);
    struct tensor_shape (*shape)(struct op_recorder *recorder, op_value value);
};
/* Records an op and returns its first output. Inputs: op_value..., OP_NONE for an absent optional one. */
#define OP_RECORD(recorder, op, attr, ...)                                                                             \
    op_record((recorder), (op), (attr), (const op_value[]){__VA_ARGS__},                                               \
              sizeof((const op_value[]){__VA_ARGS__}) / sizeof(op_value))
op_value op_record(struct op_recorder *recorder, const struct op_desc *op, const struct op_attr *attr,
                   const op_value *in, uint32_t in_count);

/* One recorded use of an op as its gradient rule sees it. */
struct op_use {
    const struct op_attr *attr;
    const op_value *in;   /* [in_count], OP_NONE = absent */
    const op_value *out;  /* [out_count] */
    const op_value *dout; /* [out_count], OP_NONE = no gradient flows into this output */
    const bool *wants;    /* [in_count]: whose gradient is asked for */
    uint32_t in_count, out_count;
};

/* ---- descriptors --------------------------------------------------------------------------------------------------
 */

/* How tests fill an input. */
enum op_fill {
    OP_FILL_NORMAL, /* N(0,1), with pathological patterns in some runs (large mean, denormals, zeros, constant rows) */
    OP_FILL_SMALL,  /* N(0,1) * 0.1, no pathology */
    OP_FILL_POSITIVE, /* uniform in [0.1, 1.1) */
    OP_FILL_UNIT,     /* rows of unit length */
    OP_FILL_INDEX,    /* i32 uniform in 0..limit-1, limit = op_case.index_limit */
    OP_FILL_PREPARE,  /* left to op_desc.prepare */
};

struct op_case {
    const char *name;
    struct op_attr attr;
    uint32_t in[OP_MAX_IN][MIEN_MAX_RANK]; /* dims, 0-ended; {0} = absent */
    uint32_t index_limit;
    enum mien_dtype dtype; /* of the inputs in op_desc.half_inputs, filled as f32 and then rounded; 0 = f32 */
    bool grad;             /* small enough for finite differences (below about 2,000 elements in all) */
    bool bench;            /* a shape worth timing */
    bool slow;             /* only with --full on software drivers */
};

/* Relative and absolute tolerance of each element, and of the whole (NMSE = sum (a-b)^2 / sum b^2). */
struct op_tolerance {
    double abs, rel, nmse;
};

struct op_desc {
    const char *name;
    const char *summary; /* one line, with shapes: "y[R,D] = layernorm(x[R,D]) * w[D] + b[D]; also mean[R], rstd[R]" */
    uint32_t in_count, out_count; /* most; `shapes` may set fewer outputs */
    uint32_t optional;            /* bit i: input i may be absent */
    uint32_t in_place;     /* bit o: output o is stored where input o is (same shape); the input's old value is lost.
                            * Kernels bind it as the output, OP_READ | OP_WRITE; references must allow both the same
                            * and separate memory. */
    uint32_t index_inputs; /* bit i: input i is i32 */
    uint32_t half_inputs;  /* bit i: input i may be f16 or bf16 as well as f32 */
    uint32_t constants;    /* bit i: input i (targets, weights) counts as a constant: it has no gradient */
    uint32_t aux_outputs;  /* bit o: output o is a by-product saved for the backward pass; no gradient flows into it */
    enum mien_status (*shapes)(struct op_call *call, const char *label);
    void (*reference)(const struct op_call *call);
    /* Records the gradients of `use->in` into din (OP_NONE where there is none). NULL: see no_grad. */
    void (*grad)(struct op_recorder *recorder, const struct op_use *use, op_value *din);
    const char *no_grad;               /* why there is no gradient rule, when grad is NULL */
    const struct op_variant *variants; /* best first, ended by a NULL name; the last is plain */
    const struct op_case *cases;       /* ended by a NULL name */
    enum op_fill fill[OP_MAX_IN];
    /* Tests: makes the OP_FILL_PREPARE inputs consistent with the others (say, saved statistics). NULL = none. */
    void (*prepare)(struct op_call *call, struct base_rng *rng);
    struct op_tolerance
        tolerance;   /* fp32; ceilings: NMSE 1e-11 forward, 1e-10 backward. The reason stands beside it. */
    double grad_eps; /* step of the finite differences, 0 = 1/64; a power of two keeps the steps exact */
    double (*flops)(const struct op_call *call); /* NULL = elements of out[0] */
    double (*bytes)(const struct op_call *call); /* NULL = all inputs and outputs once */
};

extern const struct op_desc *const op_list[];    /* NULL-ended, sorted by file */
const struct op_desc *op_find(const char *name); /* NULL when there is none */
double op_call_flops(const struct op_call *call);
double op_call_bytes(const struct op_call *call);

/* Descriptors, for gradient rules and models: `extern const struct op_desc op_add;` for every op, generated. */
#include "op_list.h"
#define OP_DECLARE(name) extern const struct op_desc op_##name;
OP_LIST(OP_DECLARE)
#undef OP_DECLARE

/* Shape-rule helpers: log and return MIEN_ERR_*, naming op, label, input and shapes. */
enum mien_status op_shape_error(const struct op_call *call, const char *label, uint32_t input, const char *expected);

#endif
