/* isa.h: what a kernel and its loops are made of, from RADV's disassembly. A static picture: no caches, and nothing of
 * what other waves do meanwhile (model.h asks that). */
#ifndef VENDOR_ISA_H
#define VENDOR_ISA_H

#include "base/base.h"

enum isa_kind {
    ISA_MATRIX,
    ISA_FMA,
    ISA_VALU, /* other vector arithmetic */
    ISA_LDS,  /* shared memory */
    ISA_LOAD,
    ISA_STORE,
    ISA_SCALAR,
    ISA_WAIT,
    ISA_BRANCH,
    ISA_BARRIER,
    ISA_KINDS
};
const char *isa_kind_name(enum isa_kind kind);

enum { ISA_ANY = 63 };

struct isa_op {
    const char *word;       /* in the text, not ended */
    const char *second;     /* of the instruction that is issued with it ("v_dual_x :: v_dual_y"), or NULL */
    enum isa_kind kind;     /* of the first */
    uint32_t block, target; /* places of blocks in the order of the text, 1 on; target: of a branch, 0 = is none */
    uint32_t loads, lds;    /* a wait: so many may be under way behind it; ISA_ANY = it does not wait for these */
};
struct isa_code {
    struct isa_op *ops;
    size_t count, capacity;
    uint32_t *labels; /* [blocks]: 7 for "BB7:" */
    size_t blocks, label_capacity;
};
/* The text must outlive it. Free with isa_clear. */
enum mien_status isa_read(const char *assembly, struct isa_code *out);
void isa_clear(struct isa_code *code);

enum isa_kind isa_kind_of(const char *word);
uint32_t isa_bytes(const char *word); /* that a lane moves; of an access to memory or LDS */

/* A loop: the blocks from the target of a backward branch to the branch. What is its own is not in a loop within it.
 *
 * A load waits alone when none other is under way from its issue to the wait that wants it: its whole latency shows,
 * and shows again for the next one. Such a load matters where the work is. The text tells no counts, so every loop is a
 * main loop but for two kinds, which go round less than another:
 *   - one with loops in it, whose own instructions weigh less than half of what is in those (by the costs of model.h);
 *   - a remainder: right before it, in the same loop or in none, stands one that does the same kinds of things
 *     (multiply-adds, shared memory, stores or not) with at least twice as many loads. */
struct isa_loop {
    uint32_t first, last;    /* blocks, by place */
    uint32_t of[ISA_KINDS];  /* all that is in it */
    uint32_t own[ISA_KINDS]; /* without what is in loops within */
    uint32_t alone;          /* its own loads that wait alone */
    uint32_t weight;         /* of all; cycles of issue */
    uint32_t own_weight;
    bool main;
};

/* At most `capacity` loops, in the order of their first, then last blocks; returns how many there are. */
uint32_t isa_loops(const struct isa_code *code, struct isa_loop *loops, uint32_t capacity);

#endif
