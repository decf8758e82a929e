/* compile.h: the state of one graph_compile, shared by its stages: compile.c (what runs), fuse.c (in fewer steps),
 * place.c (where it lies), record.c (the recordings). */
#ifndef GRAPH_COMPILE_H
#define GRAPH_COMPILE_H

#include "graph/graph_internal.h"
#include "op/hazard.h"

/* A dispatch that is to be recorded, with what it touches. */
struct compile_dispatch {
    const struct op_dispatch *dispatch;
    struct vk_pipeline *pipeline;
    struct vk_range ranges[VK_MAX_BUFFERS];
    uint8_t access[VK_MAX_BUFFERS];
    double work;
};

/* Dispatches that wait for a barrier, at most, while later ones overtake them. */
enum { COMPILE_WINDOW = 8 };

struct compile {
    const struct graph *graph;
    struct vk_device *device; /* NULL: graph_plan */
    const struct vk_caps *caps;
    struct graph_compile_params params;
    struct graph_program *program;
    bool *live;              /* [nodes] */
    struct graph_node *node; /* [steps]: live nodes in the order they run, as they run */
    uint32_t *number;        /* [steps]: of the recorded node in whose place it runs */
    uint32_t steps;
    struct op_plan *plan;   /* [steps] */
    struct vk_range *place; /* [memories]: block NULL = not used by the program; bound: offset 0 of the block */
    uint32_t *item_of;      /* [memories]: index into item, OP_NONE = none */
    uint32_t *scratch_of;   /* [steps, OP_MAX_SCRATCH]: index into item of each scratch that is not empty */
    struct plan_item *item;
    size_t item_count, item_capacity;
    struct plan_result slabs;
    uint64_t region_bytes[GRAPH_RESULT + 1]; /* of inputs and constants, by kind */
    bool *direct;                            /* [stores]: the producer writes into the store's memory itself */
    struct vk_recording *main;               /* the one being recorded */
    struct op_hazards hazards;
    struct compile_dispatch waiting[COMPILE_WINDOW + 1];
    uint32_t waiting_count;
};

bool compile_ranges_meet(const struct vk_range *a, uint64_t a_bytes, const struct vk_range *b, uint64_t b_bytes);

/* place.c: addresses inside slabs and regions, and the figures of program->stats; then the memory itself. */
enum mien_status place_plan(struct compile *c);
enum mien_status place_allocate(struct compile *c);
/* Device range of a value. */
struct vk_range compile_range(const struct compile *c, op_value value);
/* Device range of scratch `index` of a step. */
struct vk_range compile_scratch(const struct compile *c, uint32_t step, uint32_t index);

/* fuse.c */
enum mien_status compile_fuse(struct compile *c);

/* record.c */
uint32_t compile_window(const struct compile *c); /* how many dispatches may wait; 0 = they run in their order */
enum mien_status compile_record(struct compile *c);
enum mien_status compile_record_io(struct compile *c);

/* dump.c: one line per step and per piece of memory to params.dump. */
void compile_dump(const struct compile *c);
/* dot.c: the same for Graphviz. */
enum mien_status compile_dot(const struct compile *c);
/* "label op variant f32[2,3] - -> f32[2]" (a tuned tile: "variant:8x4") in the program's arena, NULL when out of
 * memory. */
const char *compile_step_text(const struct compile *c, uint32_t step);

#endif
