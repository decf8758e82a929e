/* contrast_cases.h: words for the cases of losses in blocks (infonce_blocks.c, siglip_blocks.c). */
#ifndef OP_CONTRAST_CASES_H
#define OP_CONTRAST_CASES_H

#include "op/contrast.h"

#define LINES(n)                                                                                                       \
    {                                                                                                                  \
        2 * (n), 8                                                                                                     \
    }
/* Anchors of a side from one on. */
#define AT(side, from, many, ...) .attr = {.axis = side, .first = from, .count = many, .mining = {__VA_ARGS__}}
#define NOTHING .kind = OP_MINING_NONE
#define HARD .kind = OP_MINING_HARD, .top_k = 3, .text = 0.4f, .image = 0.9f
#define SOFT                                                                                                           \
    .kind = OP_MINING_SOFT, .top_k = 8, .text = 0.8f, .image = 0.9f, .weight = 0.3f, .tau = 0.05f,                     \
    .same_text = OP_SAME_TEXT_IGNORE
#define IGNORE .kind = OP_MINING_IGNORE, .guide = OP_GUIDE_BOTH, .text = 0.5f, .same_text = OP_SAME_TEXT_POSITIVE

#endif
