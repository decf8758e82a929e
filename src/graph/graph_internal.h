/* graph_internal.h: what the files of this room share. Values, nodes and memories are numbered in recording order, so
 * that walking the numbers upwards is a topological order and downwards the order of differentiation. */
#ifndef GRAPH_GRAPH_INTERNAL_H
#define GRAPH_GRAPH_INTERNAL_H

#include "graph/graph.h"
#include "op/signature.h"

enum graph_kind { GRAPH_INPUT, GRAPH_BOUND, GRAPH_CONSTANT, GRAPH_RESULT };

/* An in-place write to a part of a memory; makes older values of that part unreadable. */
struct graph_write {
    uint64_t offset, bytes;
    uint32_t serial, node;
    const struct graph_write *older;
};

/* What gets an address at compile time. Bound tensors of one device block share one memory (offset = offset in the
 * block), so that a flat parameter buffer and the tensors inside it know of each other. */
struct graph_memory {
    enum graph_kind kind;
    uint64_t bytes;
    struct vk_block *block;           /* bound */
    const void *data;                 /* constant [bytes] */
    const struct graph_write *writes; /* newest first */
    uint32_t write_count;
};

struct graph_value {
    enum graph_kind kind; /* of its memory; a value made by a node is GRAPH_RESULT even when it lies in bound memory */
    struct tensor_shape shape;
    const char *name;
    op_value base;        /* a view's value, else OP_NONE */
    uint32_t node;        /* a result's node, else OP_NONE */
    uint32_t memory;      /* index of its memory */
    uint64_t offset;      /* bytes into the memory */
    uint32_t version;     /* in-place writes to the memory when it was recorded */
    const op_value *part; /* [part_count]: what a join consists of */
    uint32_t part_count;
};

struct graph_node {
    const struct op_desc *op;
    struct op_attr attr;
    const char *label;
    uint32_t in_count, out_count;
    op_value in[OP_MAX_IN], out[OP_MAX_OUT];
};

struct graph_store {
    op_value value;
    struct tensor into;
};

/* Values [first, last) are recorded again for the backward pass; last SIZE_MAX = still open. */
struct graph_segment {
    size_t first, last;
};

struct graph_label {
    const char *text; /* all pushed names, joined by dots */
    const struct graph_label *up;
};

struct graph {
    struct op_recorder recorder; /* first member: a recorder's pointer is its graph's */
    struct base_arena arena;     /* names, labels, constants, writes */
    enum mien_status status;
    const char *planned; /* the first bound value without memory, or NULL */
    const struct graph_label *label;
    struct graph_value *value;
    struct graph_node *node;
    struct graph_memory *memory;
    struct graph_store *store;
    op_value *output;
    struct graph_segment *segment; /* in the order of their beginning: outer ones before inner ones */
    uint32_t *cut;                 /* [cut_count] rising: nodes with which a stage after the first begins */
    op_value *exchanged;           /* that go through the host */
    size_t cut_count, cut_capacity, exchanged_count, exchanged_capacity;
    size_t segment_count, segment_capacity;
    size_t value_count, value_capacity, node_count, node_capacity, memory_count, memory_capacity;
    size_t store_count, store_capacity, output_count, output_capacity;
};

/* Keeps the first error; later ones have been logged by whoever found them. */
#define GRAPH_FAIL(graph, code, ...) graph_stick((graph), base_fail((code), __VA_ARGS__))

/* Appends; OP_NONE when out of memory or, for a value, when its memory is OP_NONE. */
uint32_t graph_add_memory(struct graph *graph, const struct graph_memory *memory);
op_value graph_add_value(struct graph *graph, const struct graph_value *value);

/* Refuses shapes without elements, so that later code need not think of them; false after any error. */
bool graph_shape_ok(struct graph *graph, const char *what, const char *name, const struct tensor_shape *shape);

/* "vision.layers.0", "" at top level. */
const char *graph_label_text(const struct graph *graph);

/* Fills a call (no host data) with a node's attributes and shapes. */
void graph_node_call(const struct graph *graph, const struct graph_node *node, struct op_call *call);

/* The newest in-place write that has destroyed `value`, or NULL when it can be read. */
const struct graph_write *graph_value_lost(const struct graph *graph, op_value value);

/* ---- memory planning (plan_memory.c) ---- */

/* A piece of memory that is needed from step `first` to step `last`, both included. */
struct plan_item {
    uint64_t bytes;       /* in */
    uint32_t first, last; /* in */
    uint32_t slab;        /* out */
    uint64_t offset;      /* out: multiple of 256 */
};

enum { PLAN_MAX_SLABS = 16, PLAN_ALIGN = 256 };

struct plan_result {
    uint32_t slab_count;
    uint64_t slab_bytes[PLAN_MAX_SLABS];
    uint64_t total;     /* of all slabs */
    uint64_t unaliased; /* sum of the items */
    uint64_t live_peak; /* most that is alive at one step: no plan can need less */
};

/* Gives every item an address so that items alive at the same step never overlap; no slab exceeds `slab_limit`.
 * MIEN_ERR_DEVICE_MEMORY when an item alone does, or PLAN_MAX_SLABS are not enough. */
enum mien_status plan_memory(struct plan_item *items, size_t count, uint64_t slab_limit, bool no_alias,
                             struct plan_result *out);

/* ---- shared activation memory (slabs.c) ---- */

/* Memory that several programs use in turn. It lives while a program uses it or it is the newest of its set. */
struct graph_slab {
    struct vk_range range;
    uint32_t users;
    bool newest;
};

struct graph_slabs {
    struct vk_device *device;
    struct graph_slab *newest[PLAN_MAX_SLABS];
};

/* The set's slab `index`, of `bytes` or more; a larger one is made when the newest is too small. Give it back with
 * slab_release. */
enum mien_status slab_take(struct graph_slabs *slabs, uint32_t index, uint64_t bytes, const char *what,
                           struct graph_slab **out);
void slab_release(struct vk_device *device, struct graph_slab **slab); /* clears; accepts a pointer to NULL */
void slabs_clear(struct graph_slabs *slabs);                           /* programs that use its slabs live on */

/* ---- programs ---- */

struct program_io {
    op_value value;
    struct tensor_shape shape;
    const char *name;
    uint64_t offset; /* in the slot's staging or readback memory */
    uint32_t stage;  /* of a value that goes through the host: which makes it */
};

struct program_node {
    const char *text; /* "label op variant in... -> out..." */
    const char *op;
    double flops, bytes;
    uint32_t dispatches;
};

/* A command buffer of a program's main recording. */
struct program_piece {
    double work, ms;     /* FLOPs and bytes as graph_compile_params.slice_flops; of the last run that was timed */
    uint32_t begin, end; /* its time stamps */
};

enum { PROGRAM_MEASURES = 3 }; /* runs that are timed: a device is slower in its first ones */

/* Of a graph with stages one for each; the first owns all device memory. */
struct graph_program {
    struct vk_device *device;
    struct graph_program *next;   /* stage; destroyed with the first */
    bool later;                   /* is such a one */
    struct vk_range exchange;     /* host memory of values that go through the host, of the first */
    struct program_io *exchanged; /* [exchanged_count], in it */
    uint32_t exchanged_count;
    struct base_arena arena;
    const char *label;
    struct vk_range slab[PLAN_MAX_SLABS], constants, inputs; /* device */
    struct graph_slab *shared[PLAN_MAX_SLABS];               /* whose range slab[] is, or NULL */
    struct vk_range sent; /* what of the inputs is copied in when this stage begins */
    struct vk_range staging[GRAPH_SLOTS], readback[GRAPH_SLOTS];
    /* main: both slots use [0], unless the device has a trace: then each has its own, whose time stamps wait until the
     * host reads them while the other slot runs. */
    struct vk_recording *upload[GRAPH_SLOTS], *main[GRAPH_SLOTS], *fetch[GRAPH_SLOTS];
    bool in_flight[GRAPH_SLOTS];
    bool untold[GRAPH_SLOTS]; /* has ended, and its times are not in the trace yet: reading them may wait for others */
    uint64_t ticket[GRAPH_SLOTS];
    struct program_io *input, *output;
    uint32_t input_count, output_count;
    struct program_node *node; /* [nodes], of its stage */
    uint32_t nodes;
    bool profile, ran;
    bool traced;                 /* has been compiled for a trace, and time stamps can be read */
    uint32_t last;               /* slot of the last run */
    uint32_t *stamp;             /* [nodes + 1], with profile: the one before the first node, and each node's last */
    uint32_t stamps;             /* of a main recording */
    double *times;               /* [stamps] */
    struct program_piece *piece; /* [pieces] */
    uint32_t pieces;
    double *cost;                 /* [pieces] */
    struct vk_slice_limits limit; /* of a slice */
    bool timed;                   /* pieces have time stamps */
    bool by_time;                 /* slices are cut by what pieces have taken */
    uint32_t measures;            /* runs that are still to be timed */
    struct graph_program_stats stats;
};

/* slices.c */
/* Puts pieces together into slices, by their times where they are known, else by their work. */
void program_slice(struct graph_program *program);
/* Waits for the run of a slot that was submitted at `began` (base_clock_ns), when nothing else was under way, and cuts
 * slices by what its pieces have taken. */
enum mien_status program_measure(struct graph_program *program, uint32_t slot, uint64_t began);
/* The recording that a slot submits. */
struct vk_recording *program_main(const struct graph_program *program, uint32_t slot);

#endif
