/* model.h: how near a kernel's hottest loop can come to the peak of an RDNA3 SIMD. A rough model, no measurement.
 *
 * As many waves as the compiler lets on a SIMD repeat the loop's instructions, all lanes active. Each wave issues in
 * order; in a cycle each unit takes one instruction, of the wave that is least far. What an instruction takes:
 *
 *   vector arithmetic  1 cycle with 32 lanes; with 64 lanes 1 where both halves may go together (fma, mul, add, sub,
 *                      min, max, mov, cndmask), else 2; a pair "v_dual_x :: v_dual_y" is one
 *   WMMA               32 cycles: 16x16x16 of 16-bit operands, whatever the lanes (RDNA4 is twice as fast: not told)
 *   LDS                64 bytes a cycle, there after 64 cycles more; at most 32 cycles of work ahead of it
 *   loads and stores   32 bytes a cycle, loads there after `latency` more; at most 64 cycles ahead
 *   waits              1 cycle, once no more loads, or accesses to LDS, are under way than they say
 *   barriers           until all waves of the group on this SIMD are there, and 8 cycles more
 *   scalar, branches   1 cycle beside all that; scalar loads are there at once, or, where `scalar_latency` is told,
 *                      16 bytes a cycle and so many cycles later, which waits for LDS then wait for as well
 *
 * Left out: caches (each load takes the same time), conflicts of LDS banks, clocks and power, dependences between
 * arithmetic instructions, other SIMDs' share of LDS and memory, instruction fetch, what comes before and behind the
 * loop. It errs upwards. Good for comparing two forms of a kernel and for seeing what it waits for. On other chips than
 * RDNA3 it says only how their code has changed. */
#ifndef VENDOR_MODEL_H
#define VENDOR_MODEL_H

#include "isa.h"

/* How often the loop that begins with a block goes round each time, within another; 1 when not told. */
struct model_trip {
    uint32_t label; /* 7 for "BB7:" */
    uint32_t count;
};

struct model_params {
    uint32_t lanes;          /* of a wave: 32 or 64 */
    uint32_t waves;          /* on a SIMD */
    uint32_t group_waves;    /* of one workgroup on a SIMD: model_group_waves */
    uint32_t latency;        /* cycles until a load is there; 0 = 500 */
    uint32_t rounds;         /* of the loop; 0 = 12 */
    uint32_t scalar_latency; /* 0 = at once */
    const struct model_trip *trips;
    uint32_t trip_count;
};

struct model_result {
    uint32_t label;               /* of the loop's first block */
    bool scalar_loads;            /* it has some */
    double share;                 /* of the SIMD's peak: 128 FLOP a cycle, 256 with WMMA in the loop */
    double cycles;                /* a round of all waves */
    double idle_global, idle_lds; /* of all cycles: no arithmetic, and the first wave that may go waits for this */
    double idle_other;
};

/* Of a workgroup's waves, those on one of a compute unit's four SIMDs. */
uint32_t model_group_waves(uint32_t invocations, uint32_t lanes);

/* The loop with the most multiply-adds, those within counted as often as they go round. label 0 and share 0 where no
 * loop has any. */
enum mien_status model_estimate(const struct isa_code *code, const struct model_params *params,
                                struct model_result *out);

#endif
