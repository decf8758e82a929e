/* graph.h: record ops, differentiate, plan memory, place barriers, compile to a program that is recorded once and
 * replayed.
 *
 *   struct graph *g;
 *   TRY(graph_create(&g));
 *   op_value x = graph_input(g, "x", SHAPE_F32(8, 32));
 *   op_value w = graph_bound(g, "w", &weights);                     // lives outside: a parameter
 *   op_value y = GRAPH_OP(g, &op_matmul, &(struct op_attr){.trans_b = true}, x, w, OP_NONE, OP_NONE);
 *   op_value loss = GRAPH_OP(g, &op_sum, NULL, y);
 *   op_value dw;
 *   graph_backward(g, loss, &w, 1, &dw);
 *   graph_output(g, loss);
 *   TRY(graph_compile(g, device, NULL, &program));                  // any error of the above comes out here
 *
 * Rules: ops run in the order recorded, or any order with the same result. A parameter's gradient is written once
 * per run; a value used several times gets the sum of its uses' gradients by explicit adds; a gradient has its value's
 * dtype. Views share memory.
 * An op that writes in place (op_desc.in_place) gives a new value in the old one's memory; using the old value
 * afterwards, also by a gradient rule, is an error. Tensors bound from overlapping memory know of each other.
 * Recording errors are sticky: after the first (logged) one, recording calls return OP_NONE and compile returns it.
 * Threads: one at a time per graph and per program. */
#ifndef GRAPH_GRAPH_H
#define GRAPH_GRAPH_H

#include "op/op.h"

struct graph;
struct graph_program;
struct graph_slabs;

enum mien_status graph_create(struct graph **out);
void graph_destroy(struct graph **graph); /* programs compiled from it live on */

/* The interface of gradient rules and of model code that records through OP_RECORD. */
struct op_recorder *graph_recorder(struct graph *graph);
enum mien_status graph_status(const struct graph *graph); /* the first recording error, or MIEN_OK */
/* Ends recording with a failure that its caller found, and has logged; the first one stays. */
void graph_stick(struct graph *graph, enum mien_status status);

/* Names what is recorded until the matching pop, for messages, profiles and dumps: "vision.layers.0". */
void graph_push(struct graph *graph, const char *fmt, ...) MIEN_PRINTF(2, 3);
void graph_pop(struct graph *graph);

/* ---- values ---- */

/* Written by the host before each run (graph_program_input). */
op_value graph_input(struct graph *graph, const char *name, struct tensor_shape shape);
/* Memory that lives outside the program (parameters, optimiser states); must outlive it. In-place ops may write it. Its
 * range begins at a multiple of 256 bytes, as vk_alloc and vk_subrange give them. */
op_value graph_bound(struct graph *graph, const char *name, const struct tensor *tensor);
/* Stands for bound memory in a graph that is only to be planned (graph_plan); graph_compile gives MIEN_ERR_ARG. */
op_value graph_bound_planned(struct graph *graph, const char *name, struct tensor_shape shape);
/* A constant, uploaded at compile time; data is copied; NULL is zeros. */
op_value graph_constant(struct graph *graph, const char *name, struct tensor_shape shape, const void *data);
/* The same elements from `first` on under another shape; first * element size must be a multiple of 256. Differentiable
 * when it ends at a multiple of 256 bytes or at the value's end. */
op_value graph_view(struct graph *graph, op_value value, struct tensor_shape shape, uint64_t first);

/* The values one after another in memory, as one value of that shape: [T,64] from T values of [64]. Every part but the
 * last must be a multiple of 256 bytes. A part that ops have made is made there in the first place; others (inputs,
 * bound and constant values, views of parts, values overwritten in place, values that another join has taken) are
 * copied. Differentiable. */
op_value graph_join(struct graph *graph, const op_value *parts, uint32_t count, struct tensor_shape shape);

/* The same with each part at the next multiple of 256 bytes, whatever their sizes, as one value [n] that ends with the
 * last: f32 values for an op that knows where they lie. What is between them is anything. */
op_value graph_pack(struct graph *graph, const op_value *parts, uint32_t count);

struct tensor_shape graph_shape(const struct graph *graph, op_value value); /* rank 0 for OP_NONE */

/* Records an op; up to OP_MAX_OUT outputs into out (OP_NONE for those the call does not have). */
void graph_op(struct graph *graph, const struct op_desc *op, const struct op_attr *attr, const op_value *in,
              uint32_t in_count, op_value *out);
/* Records an op and gives its first output. attr NULL = all defaults. */
#define GRAPH_OP(graph, op, attr, ...) OP_RECORD(graph_recorder(graph), (op), (attr), __VA_ARGS__)

/* The value is wanted by the host after each run: kept and copied to the host (graph_program_output). */
void graph_output(struct graph *graph, op_value value);
/* Writes a value into memory that outlives the program (say, gradients). It is there when the run has ended; where
 * nothing else in the graph uses that memory the value is made there, without a copy. Stores come after all ops, in the
 * order recorded; an output or another store of a value that lies in the target is refused by graph_compile. The target
 * may be a part of a larger tensor, say some rows of it; one that begins at no multiple of 256 bytes costs a copy. */
void graph_store(struct graph *graph, op_value value, const struct tensor *into);

/* ---- stages ---- */

/* A run that the host takes part in is cut into stages, which are submitted and waited for one by one
 * (graph_program_submit_stage). A stage ends where all the values have been made; calls may come in any order, and one
 * that would make an empty stage makes none. Inputs are copied to the device when the first stage that reads them
 * begins, outputs to the host when the stage that makes them ends. What a run computes does not depend on stages. */
void graph_stage_end(struct graph *graph, const op_value *values, uint32_t count);
/* The value, which an earlier stage than the last makes and only the last one reads after that stage, is copied to host
 * memory when its stage ends (graph_program_exchanged), for the host to change, and back when the last stage begins. An
 * output of it is what came back. MIEN_ERR_ARG by graph_compile where another stage reads it, or there is no later
 * stage. */
void graph_through_host(struct graph *graph, op_value value);

/* Appends gradient ops for d loss / d of[i]; loss has one element; its own gradient is 1. grads[i] is OP_NONE where the
 * loss does not depend on of[i] (a message says which, at debug level). Sticky errors: MIEN_ERR_SHAPE when the loss is
 * not one f32 element; MIEN_ERR_UNSUPPORTED when the gradient has to pass an op without a rule (the message gives the
 * op's reason), a by-product output, or a view whose end is not aligned. */
enum mien_status graph_backward(struct graph *graph, op_value loss, const op_value *of, uint32_t count,
                                op_value *grads);
/* The same from any values on (a vector-Jacobian product): grads[i] = sum over o of output_grads[o] . d outputs[o] /
 * d of[i]. A gradient has its output's shape and dtype, no i32, else MIEN_ERR_SHAPE; it counts as a constant, whatever
 * it was made from. An output may be named twice (its gradients add up), lie in front of another, or be in `of`. */
enum mien_status graph_backward_from(struct graph *graph, const op_value *outputs, const op_value *output_grads,
                                     uint32_t output_count, const op_value *of, uint32_t count, op_value *grads);

/* What is recorded between the two is a segment whose results do not stay in memory for the backward pass: where
 * graph_backward comes to it, its ops are recorded once more, just before its gradients, and those are made from the
 * second results. Only what a segment reads from outside, and what others read of it, lives on: a transformer block in
 * a segment keeps its input and costs a second forward pass. All results are the same to the bit. Segments nest (a
 * tower for a part of the batch, blocks in it: a third forward pass of the inner). Sticky errors: MIEN_ERR_ARG for an
 * end without a beginning or a segment still open at graph_backward; MIEN_ERR_UNSUPPORTED when graph_backward would
 * have to repeat an op that writes in place to memory from outside its segment. */
void graph_recompute_begin(struct graph *graph);
void graph_recompute_end(struct graph *graph);

/* One line per value and node, in recording order; `line` is borrowed. */
void graph_dump(const struct graph *graph, void (*line)(void *user, const char *line), void *user);
/* The same as a drawing for Graphviz (dot -Tsvg): ops, what flows between them, inputs, outputs. */
void graph_dot(const struct graph *graph, void (*line)(void *user, const char *line), void *user);

/* ---- programs ---- */

struct graph_compile_params {
    const char *label;
    /* A run is submitted in slices, in order and without a host wait, which should not outlast a watchdog. slice_flops:
     * most work of one before times are known, counted as FLOPs + 2.5 per byte moved. slice_ms: most time, after. What
     * a program computes does not depend on either. 0 = by the device (vk_slice_limits): unlimited on software drivers,
     * else 25 to 50 ms on the slowest device meant for it; 25 to 100 ms. */
    double slice_flops, slice_ms;
    bool no_fuse;              /* tests: run every node by itself */
    bool no_alias;             /* tests: give every activation memory of its own */
    bool profile;              /* a barrier and a timestamp around every node (graph_program_profile) */
    struct graph_slabs *slabs; /* activation memory shared with other programs (graph_cache); NULL = its own */
    /* Receives the steps and the memory plan as lines of text, during the call; NULL = nobody. */
    void (*dump)(void *user, const char *line);
    void *dump_user;
    bool dump_dot; /* ... for Graphviz: steps, the pieces of memory that they read and write, in their slabs */
    /* Graphs that will be compiled later, all by defaults: their pipelines are begun and not waited for. */
    struct graph *const *ahead;
    uint32_t ahead_count;
};

struct graph_program_stats {
    uint32_t nodes, dispatches, barriers, copies; /* copies: stores that needed one */
    uint32_t pieces, slices;                      /* command buffers, of which slices consist; slices as they are now */
    double slice_ms;                              /* the longest slice, by the last run that was timed; 0 = none was */
    uint32_t fused;                               /* nodes that others do beside their own work */
    uint64_t activation_bytes;                    /* the slabs */
    uint64_t live_bytes;                          /* most that is alive at one node: no plan can need less */
    uint64_t unaliased_bytes;                     /* what it would be without sharing */
    uint64_t io_bytes;                            /* inputs, outputs, constants, once */
    /* What the program takes from the device's allocator (vk_memory_stats.in_use): slabs, inputs and constants; inputs
     * and outputs of both slots, host-visible. Slabs shared with other programs count in each. */
    uint64_t device_bytes, host_bytes;
    uint64_t bound_bytes; /* of all bound tensors, which others have taken; overlapping ones once */
    double flops, bytes;  /* of one run, from the ops' cost */
};

/* What graph_compile would need on a device of these capabilities, without one: the same numbers, but no barriers,
 * copies, pieces and slices, which come with the recording. Errors as graph_compile; *out is then all zeros. */
enum mien_status graph_plan(struct graph *graph, const struct vk_caps *caps, const struct graph_compile_params *params,
                            struct graph_program_stats *out);

/* Removes dead nodes (a node lives when an output, a store or an in-place write to bound memory needs it), lets
 * others do activations, their gradients and sums beside their own work (fuse.c), plans activation memory by liveness
 * inside one slab (more where the device cannot allocate so much at once), places
 * barriers from actual hazards, records. params may be NULL. MIEN_ERR_DEVICE_MEMORY says how much was wanted. */
enum mien_status graph_compile(struct graph *graph, struct vk_device *device, const struct graph_compile_params *params,
                               struct graph_program **out);
void graph_program_destroy(struct graph_program **program); /* waits for its runs */

/* Runs use one of two slots in turn, each with host memory of its own for inputs and outputs, so that the host can fill
 * the next run's inputs while the device works. */
enum { GRAPH_SLOTS = 2 };

/* Host memory of an input in a slot, in the input's shape; valid while the program lives. Do not touch between submit
 * and wait of that slot. */
void *graph_program_input(struct graph_program *program, uint32_t slot, op_value value);
/* Starts a run; returns at once. The slot must not be in flight. Allocates nothing. The first three runs of a program
 * of several pieces on a device with time stamps are waited for, and what else is under way before: they are timed, and
 * the next runs' slices cut by that (slice_ms). */
enum mien_status graph_program_submit(struct graph_program *program, uint32_t slot);
/* Blocks until the slot's run has ended; MIEN_OK at once when it is not in flight. */
enum mien_status graph_program_wait(struct graph_program *program, uint32_t slot);
/* Host copy of an output of the slot's last run, after its wait; valid until the slot's next submit. */
const void *graph_program_output(struct graph_program *program, uint32_t slot, op_value value);

/* Stages of a slot are submitted in their order, each once its inputs are filled; those of the next run may follow
 * before the last one has ended. A program in several stages is not submitted as a whole (MIEN_ERR_ARG), but waited
 * for. */
uint32_t graph_program_stages(const struct graph_program *program);
enum mien_status graph_program_submit_stage(struct graph_program *program, uint32_t stage, uint32_t slot);
enum mien_status graph_program_wait_stage(struct graph_program *program, uint32_t stage, uint32_t slot);
/* Host memory of a value that goes through the host, in its shape: there after the wait for the stage that makes it
 * (*stage), and the caller's until he submits the last stage; one for both slots. */
void *graph_program_exchanged(struct graph_program *program, op_value value, uint32_t *stage);

/* submit and wait on slot 0. */
enum mien_status graph_program_run(struct graph_program *program);
void graph_program_stats(const struct graph_program *program, struct graph_program_stats *out);

/* One line per node, in order: label, op, variant, shapes, GFLOP and GB by the op's cost; with profile: milliseconds of
 * the last run, GFLOP/s, GB/s (after its wait; left out before the first run and on devices without timestamps). `line`
 * is borrowed. On a device with a trace (vk_device_set_trace) every program is compiled with profile, and each wait
 * writes its run's nodes to the trace, and with the run how many slices it was and the longest. */
enum mien_status graph_program_profile(struct graph_program *program, void (*line)(void *user, const char *line),
                                       void *user);

/* ---- programs by shape ---- */

/* Programs of one kind of work at several shapes (batch, text length, ...), made when first asked for. Their runs
 * follow each other on the device, so that all share one activation slab of the largest need. */
struct graph_cache;

/* limit: programs alive at once, 2 to GRAPH_CACHE_MAX; 0 = GRAPH_CACHE_MAX. The device must outlive the cache. */
enum { GRAPH_CACHE_MAX = 16, GRAPH_CACHE_KEY = 8 };
enum mien_status graph_cache_create(struct vk_device *device, uint32_t limit, struct graph_cache **out);
void graph_cache_destroy(struct graph_cache **cache); /* with its programs; waits for their runs */

/* Records and compiles the program of a key with the params given (to which label, slice_flops, ... may be added).
 * *user may be set to memory from base_alloc, say, the values of inputs and outputs; the cache frees it with the
 * program. */
typedef enum mien_status (*graph_cache_make)(void *context, const uint32_t *key, struct graph_compile_params params,
                                             struct graph_program **program, void **user);

/* The program of a key of `count` numbers (at most GRAPH_CACHE_KEY), made if there is none. It stays alive until the
 * next but one call that gives another program: so a step can be started while the last one's results are still to be
 * read. The least recently used goes when there are too many, and those on a slab that has become too small.
 * user may be NULL. On failure *program is NULL and the cache has the programs it had. */
enum mien_status graph_cache_get(struct graph_cache *cache, const uint32_t *key, uint32_t count, graph_cache_make make,
                                 void *context, struct graph_program **program, void **user);
uint32_t graph_cache_count(const struct graph_cache *cache); /* programs alive */

#endif
