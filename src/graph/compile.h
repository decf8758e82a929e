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

/* Of a program's dispatches, in the order of its steps. */
struct compile_kernels {
    struct vk_kernel *kernel;
    size_t count, capacity;
};

struct compile {
    const struct graph *graph;
    struct vk_device *device; /* NULL: graph_plan */
    const struct vk_caps *caps;
    struct graph_compile_params params;
    struct graph_program *program; /* of the stage being recorded */
    struct graph_program *whole;   /* of the first stage, which owns the memory */
    bool *live;                    /* [nodes] */
    struct graph_node *node;       /* [steps]: live nodes in the order they run, as they run */
    uint32_t *number;              /* [steps]: of the recorded node in whose place it runs */
    uint32_t steps;
    struct op_plan *plan;   /* [steps] */
    struct vk_range *place; /* [memories]: block NULL = not used by the program; bound: offset 0 of the block */
    uint32_t *item_of;      /* [memories]: index into item, OP_NONE = none */
    uint32_t *scratch_of;   /* [steps, OP_MAX_SCRATCH]: index into item of each scratch that is not empty */
    struct plan_item *item;
    size_t item_count, item_capacity;
    struct plan_result slabs;
    uint64_t region_bytes[GRAPH_RESULT + 1]; /* of inputs and constants, by kind */
    uint32_t stages;
    uint32_t *stage_end;           /* [stages]: steps of it and those before */
    uint32_t *input_stage;         /* [memories]: that reads it first; 0 where none does */
    uint64_t *input_end;           /* [stages]: bytes of the region of inputs, of it and those before */
    uint32_t stage, first;         /* being recorded; its first step */
    bool *direct;                  /* [stores]: the producer writes into the store's memory itself */
    struct vk_pipeline **pipeline; /* [dispatches] of all stages, in the order of the steps */
    struct vk_recording *main;     /* the one being recorded */
    struct op_hazards hazards;
    struct compile_dispatch waiting[COMPILE_WINDOW + 1];
    uint32_t waiting_count;
};

bool compile_ranges_meet(const struct vk_range *a, uint64_t a_bytes, const struct vk_range *b, uint64_t b_bytes);

/* compile.c: appends those of a graph that is compiled later. */
enum mien_status compile_ahead(const struct compile *c, struct graph *graph, struct compile_kernels *out);

/* place.c: addresses inside slabs and regions, and the figures of program->stats; then the memory itself. */
enum mien_status place_plan(struct compile *c);
enum mien_status place_allocate(struct compile *c);
/* Device range of a value. */
struct vk_range compile_range(const struct compile *c, op_value value);
/* Device range of scratch `index` of a step. */
struct vk_range compile_scratch(const struct compile *c, uint32_t step, uint32_t index);

/* stages.c */
/* Which steps are of which stage; which stage reads each input first. */
enum mien_status compile_stages(struct compile *c);
uint32_t compile_stage_of(const struct compile *c, uint32_t step);
/* Whether two steps, as they are before compile_stages, are of one stage. */
bool compile_same_stage(const struct compile *c, uint32_t a, uint32_t b);
/* The stage at whose end an output is copied to the host. */
uint32_t compile_output_stage(const struct compile *c, op_value value);
/* The values that go through the host: where each lies in host memory. */
enum mien_status compile_list_exchanged(struct compile *c);
/* Their copies of the stage being recorded, to the host where it makes them, back in the last one. */
enum mien_status compile_record_exchange(struct compile *c, struct vk_recording *recording, bool back, uint32_t *count);
/* The program of the next stage, as the one being recorded. */
enum mien_status compile_next_stage(struct compile *c);

/* fuse.c */
enum mien_status compile_fuse(struct compile *c);

/* record.c */
uint32_t compile_window(const struct compile *c); /* how many dispatches may wait; 0 = they run in their order */
enum mien_status compile_list_kernels(const struct compile *c, struct compile_kernels *out);
enum mien_status compile_pipelines(struct compile *c); /* of all stages */
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
