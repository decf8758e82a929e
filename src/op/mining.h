/* mining.h: which candidates of a contrastive loss count as positives besides the anchor's own: an option of the ops
 * mine, infonce_stream and siglip_stream (contrast.h says how it is meant). */
#ifndef OP_MINING_H
#define OP_MINING_H

#include <stdbool.h>
#include <stdint.h>

/* What similar candidates are. */
enum op_mining_kind {
    OP_MINING_NONE,
    OP_MINING_HARD,  /* positives, all alike */
    OP_MINING_SOFT,  /* positives: a share `weight` by a softmax of their similarities / tau, the rest to the anchor's
                        own */
    OP_MINING_IGNORE /* instead of positives: left out of the denominator */
};
/* Where similarity is measured, for rows (images as anchors) and columns (texts as anchors). */
enum op_mining_guide {
    OP_GUIDE_CROSSMODAL, /* rows: the texts', columns: the images' */
    OP_GUIDE_TEXT,
    OP_GUIDE_IMAGE,
    OP_GUIDE_BOTH /* the mean of the two */
};
/* Pairs with the same text: as similar as they are, always positives, left out. */
enum op_same_text { OP_SAME_TEXT_NEGATIVE, OP_SAME_TEXT_POSITIVE, OP_SAME_TEXT_IGNORE };

struct op_mining {
    enum op_mining_kind kind;
    enum op_mining_guide guide;
    enum op_same_text same_text;
    uint32_t top_k;    /* most mined candidates of an anchor, 0 = any number */
    float text, image; /* thresholds: mined from here on; `text` for the guide both */
    float weight, tau; /* soft */
    bool signs;        /* mine: one matrix of +1, -1 and 0, for siglip */
};

#endif
