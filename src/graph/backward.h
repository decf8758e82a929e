/* backward.h: the state of one graph_backward: backward.c walks, backward_view.c passes views and joins, recompute.c
 * records segments again. */
#ifndef GRAPH_BACKWARD_H
#define GRAPH_BACKWARD_H

#include "graph/graph_internal.h"

/* The gradient of a part of a value: elements [first, first + count). */
struct backward_piece {
    uint64_t first, count;
    op_value grad;
    struct backward_piece *next; /* by rising first; pieces of one value do not overlap */
};

struct backward {
    struct graph *graph;
    bool *wants;                   /* [values]: depends on one of the wanted values */
    op_value *grad;                /* [values]: gradient so far, OP_NONE = none flows */
    struct backward_piece **piece; /* [values]: what views of parts have given so far */
    size_t values;                 /* that existed before */
    bool *entered;                 /* [segments]: recorded again */
    op_value *again;               /* [values]: what gradient rules read: itself, or the second result of a segment */
};

/* grad[value] += din */
void backward_accumulate(struct backward *b, op_value value, op_value din);

/* From a view to what it views; from a join to its parts. */
void backward_view(struct backward *b, op_value view);
void backward_join(struct backward *b, op_value join);
/* Puts the pieces of a value together, zeros between them, and adds the whole to its gradient. */
void backward_pieces(struct backward *b, op_value value);

/* graph->status when segments are as they should be. */
enum mien_status backward_check_segments(struct graph *graph);
/* Records the segments that hold a value again, unless that has been done. */
void backward_enter(struct backward *b, op_value value);

/* A label: `label` with `tail` after it. */
const struct graph_label *backward_label(struct graph *graph, const char *label, const char *tail);

#endif
