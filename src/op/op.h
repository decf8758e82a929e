/* op.h: what an operation is. One C file under src/op/ holds an op's descriptor and all that it points to: shape rule,
 * reference (plain C, double accumulation: the definition of the op), gradient rule, kernel variants, test cases,
 * tolerance, cost. The build finds every `const struct op_desc op_<name> = {` and its shaders; tests, benchmarks and
 * `mien check` walk that list.
 *
 * Tensors are dense, row-major. Sizes in comments: B batch, T tokens, D width, H heads, N rows. */
#ifndef OP_OP_H
#define OP_OP_H

#include "op/mining.h"
#include "op/plan.h"
#include "op/shader.h"

enum {
    OP_MAX_IN = 8,
    OP_MAX_OUT = 4,
};

enum op_activation { OP_ACT_NONE, OP_ACT_QUICK_GELU, OP_ACT_GELU, OP_ACT_GELU_TANH, OP_ACT_RELU };

/* The options of all ops; each op's file says which it reads. Zero is the default of each. */
struct op_attr {
    bool trans_a, trans_b;         /* matmul: A is stored [K,M], B is stored [N,K] */
    bool save_pre;                 /* matmul: also write the value before the activation */
    bool flatten;                  /* matmul with trans_a: A [..,M] and B [..,N] are seen as matrices of rows */
    bool same_order;               /* matmul: an element's sum has one order whatever m and n: A A^T is symmetric;
                                      layernorm: a row's, whatever the number of rows; attention: for the tuner,
                                      a batch's is the same anyway */
    bool causal;                   /* attention, softmax */
    enum op_activation activation; /* matmul, activation */
    uint32_t heads;                /* attention */
    uint32_t patch;                /* unfold: patch side */
    uint32_t rows;                 /* a row count that the inputs do not tell (embedding_bwd: table rows, ...) */
    uint32_t axis;                 /* concat, slice, pad: which dimension, 0 = the outermost */
    uint32_t first, count;         /* slice: the part of that dimension that is kept; pad: first = where x begins */
    enum mien_dtype dtype;         /* of the outputs marked :stored (signature.h); cast: of the output; 0 = f32 */
    enum mien_dtype precision;     /* matmul: f16, bf16: kernels may round what they multiply to that; f32: never. f16
                                      ends at 65,504: beyond it is infinity. Sums are fp32 always. attention: the same
                                      of its weights, where it is the tensors' type */
    float eps;                     /* layernorm */
    float scale;                   /* scale: factor; attention: score scale, 0 = 1/sqrt(head dim) */
    float value;                   /* fill */
    float low, high;               /* clamp */
    float tau;                     /* pool_scores: temperature of the attention over patches, above 0 */
    struct op_mining mining;       /* mine, infonce_stream, siglip_stream */
};

/* ---- calls: an op applied to shapes, with or without host data --------------------------------------------------- */

struct op_desc;

struct op_call {
    const struct op_desc *op;
    struct op_attr attr;
    uint32_t in_count, out_count;
    struct tensor_shape in[OP_MAX_IN];   /* rank 0: this optional input is absent */
    struct tensor_shape out[OP_MAX_OUT]; /* set by op_call_shapes */
    /* Host data of the same shapes; used by references and tests only. float*, int32_t* or, 16-bit floats, uint16_t*.
     */
    void *in_data[OP_MAX_IN];
    void *out_data[OP_MAX_OUT];
};

/* Runs the op's shape rule: checks `in` and sets out, out_count (cleared on failure). MIEN_ERR_SHAPE/_DTYPE/_ARG name
 * the op, the input and the shapes. `label` (may be NULL) names the place in the model for the message. */
enum mien_status op_call_shapes(struct op_call *call, const char *label);

/* Runs the op's reference on call->in_data (half.c): it sees floats alone, 16-bit inputs are read exactly, what is to
 * be stored in 16 bits is rounded from floats. Out of memory, 16-bit outputs are left as they were. */
void op_reference(const struct op_call *call);

/* ---- gradient rules ---------------------------------------------------------------------------------------------- */

/* A value recorded by a recorder (graph, or the tests' host interpreter). */
typedef uint32_t op_value;
#define OP_NONE UINT32_MAX

/* What a gradient rule may do: record further ops. The gradient of a value has the value's shape and dtype. Errors are
 * sticky in the recorder; after one, record gives OP_NONE.
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
/* The same for an op that gives several gradients: its first `count` outputs into din[]. */
#define OP_RECORD_INTO(din, count, recorder, op, attr, ...)                                                            \
    op_record_into((din), (count), (recorder), (op), (attr), (const op_value[]){__VA_ARGS__},                          \
                   sizeof((const op_value[]){__VA_ARGS__}) / sizeof(op_value))
void op_record_into(op_value *din, uint32_t count, struct op_recorder *recorder, const struct op_desc *op,
                    const struct op_attr *attr, const op_value *in, uint32_t in_count);

/* The value as it is, or cast to the dtype of `like` where it has another: a gradient has its value's dtype. */
op_value op_record_like(struct op_recorder *recorder, op_value value, op_value like);

/* One recorded use of an op as its gradient rule sees it. */
struct op_use {
    const struct op_attr *attr;
    const op_value *in;   /* [in_count], OP_NONE = absent */
    const op_value *out;  /* [out_count] */
    const op_value *dout; /* [out_count], OP_NONE = no gradient flows into this output */
    const bool *wants;    /* [in_count]: whose gradient is asked for */
    uint32_t in_count, out_count;
};

/* ---- descriptors ------------------------------------------------------------------------------------------------- */

/* How tests fill an input. */
enum op_fill {
    OP_FILL_NORMAL, /* N(0,1), with pathological patterns in some runs (large mean, denormals, zeros, constant rows) */
    OP_FILL_SMALL,  /* N(0,1) * 0.1, no pathology */
    OP_FILL_POSITIVE, /* uniform in [0.1, 1.1) */
    OP_FILL_UNIT,     /* rows of unit length */
    OP_FILL_INDEX,    /* i32 uniform in 0..limit-1, limit = op_case.index_limit */
    OP_FILL_PREPARE,  /* left to op_desc.prepare */
    OP_FILL_SAVED,    /* of a gradient op: as the forward op saves it of inputs without pathology */
};

struct op_case {
    const char *name;
    struct op_attr attr;
    uint32_t in[OP_MAX_IN][MIEN_MAX_RANK]; /* dims, 0-ended; {0} = absent */
    uint32_t index_limit;
    enum mien_dtype dtype; /* of inputs marked :half, filled as f32 and then rounded; 0 = f32 */
    uint32_t half;         /* bit i: input i is of that dtype; 0 = all that may be */
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
    const char *signature; /* signature.h: "x[...,D] w[D] b[D] -> y[...,D] (mean[R] rstd[R])" */
    const char *summary;   /* one line: "y = (x - mean) * rstd * w + b; attr eps" */
    /* Where the signature does not tell all: called behind it with what it says in call->out; it checks more, or sets
     * the outputs that the signature leaves open, and out_count. NULL = it tells all. */
    enum mien_status (*shapes)(struct op_call *call, const char *label);
    /* Called by op_reference, with floats for 16-bit tensors. Outputs stored where inputs are may share their memory or
     * not. */
    void (*reference)(const struct op_call *call);
    /* Records the gradients of `use->in` into din (OP_NONE at first). Called where a gradient flows into an output that
     * is no by-product: a rule of an op with one such output need not ask. NULL: see forward and no_grad. */
    void (*grad)(struct op_recorder *recorder, const struct op_use *use, op_value *din);
    const struct op_desc *forward[2];  /* a gradient itself, of these: tests make its cases by running their rules */
    const char *no_grad;               /* another reason why there is no gradient rule */
    uint32_t constants;                /* bit i: input i (targets, weights) counts as a constant: it has no gradient */
    const struct op_variant *variants; /* best first, ended by a NULL name; the last is plain */
    const struct op_case *cases;       /* ended by a NULL name; NULL = none beside those made from `forward` */
    enum op_fill fill[OP_MAX_IN];      /* of a gradient op: NORMAL = what the forward op's rule gives */
    /* Tests: makes the OP_FILL_PREPARE inputs consistent with the others (say, saved statistics). NULL = none. */
    void (*prepare)(struct op_call *call, struct base_rng *rng);
    struct op_tolerance tolerance_f16,
        tolerance_bf16; /* of variants that round, with attr.precision; ceilings: NMSE 1e-5, 1e-4 */
    struct op_tolerance
        tolerance;            /* fp32; ceilings: NMSE 1e-11 forward, 1e-10 backward. The reason stands beside it. */
    double grad_eps;          /* step of the finite differences, 0 = 1/64; a power of two keeps the steps exact */
    double flops_per_element; /* of input 0 or output 0, whichever has more; 0 = it only moves them */
    double (*flops)(const struct op_call *call); /* instead, where it is not so many per element */
    double (*bytes)(const struct op_call *call); /* NULL = all inputs that are read and all outputs once */
};

extern const struct op_desc *const op_list[];    /* NULL-ended, sorted by file */
const struct op_desc *op_find(const char *name); /* NULL when there is none */
/* Why there is no gradient rule, where grad is NULL. */
const char *op_no_grad(const struct op_desc *op);
/* What results of a variant are held against the reference with, and the ceiling of its NMSE. */
const struct op_tolerance *op_tolerance_of(const struct op_call *call, const struct op_variant *variant);
double op_tolerance_ceiling(const struct op_call *call, const struct op_variant *variant);
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
