/* isa.h: what the loops of a kernel are made of, from RADV's disassembly. A static picture: no caches, and nothing of
 * what other waves do meanwhile. */
#ifndef VENDOR_ISA_H
#define VENDOR_ISA_H

#include <stdint.h>

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

/* A loop: the blocks from the target of a backward branch to the branch. */
struct isa_loop {
    uint32_t first, last; /* blocks, in the order of the text */
    uint32_t of[ISA_KINDS];
    uint32_t alone; /* loads after which the next wait comes before another load: their whole latency shows */
    uint32_t waits; /* that come after loads */
};

/* At most `capacity` loops, in the order of their first, then last blocks; returns how many there are. */
uint32_t isa_loops(const char *assembly, struct isa_loop *loops, uint32_t capacity);

#endif
