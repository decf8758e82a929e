/* mine.h: push constants of shaders/mine, and what the options of mining are called there and in src/op.
 *
 * Lines [2,N], two vec4 each, first those of the rows as anchors, then those of the columns:
 *   own score, weight, text id, cut          a candidate is mined when its similarity is above the cut, or equal to it
 *   last, factor, rest, positives            and its index at most `last`; q of a mined candidate = factor * its e,
 *                                            q of the anchor itself = 1 + rest; positives counts the anchor too */
#ifndef SHADERS_ARGS_MINE_H
#define SHADERS_ARGS_MINE_H

#include "args/types.h"

#define MINE_NONE 0 /* enum op_mining_kind */
#define MINE_HARD 1
#define MINE_SOFT 2
#define MINE_IGNORE 3

#define SAME_NEGATIVE 0 /* enum op_same_text */
#define SAME_POSITIVE 1
#define SAME_IGNORE 2

#define MINE_ALL 16777216.0 /* last when nothing at the cut is dropped; indices are exact below it */
#define MINE_MOST 32        /* candidates ranked in one round, at most */

struct mine_args {
    arg_u32 n;     /* N */
    arg_u32 first; /* rows first .. first + rows of the similarities are bound */
    arg_u32 rows;
    arg_u32 slices; /* partial results of each line */
    arg_u32 line;   /* where the direction's lines begin: 0 or N */
    arg_u32 line2;  /* the other direction's when it has the same guide, else as line */
    arg_u32 again;  /* mine_top: not the first round */
    arg_f32 cut;    /* the threshold */
    arg_f32 cut2;   /* mine_lines: of the columns */
    arg_f32 scale;  /* 0.5 where the similarities are a sum of two, else 1 */
    arg_f32 tau;    /* soft targets' temperature */
    arg_f32 weight; /* soft targets' share, 1 for others */
    arg_u32 width;  /* mine_lines: E */
    arg_u32 skip;   /* mine_lines: elements before the first bound row of u and v */
    arg_u32 begin;  /* op_plan_cut */
};

#endif
