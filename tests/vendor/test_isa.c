/* test_isa.c: loops of a made-up kernel in the form of RADV's disassembly. */
#include "check.h"
#include "isa.h"

/* A loop in a loop, whose outer one begins behind its head; a load alone, and two together. */
static const char text[] = "BB0:\n"
                           "\ts_mov_b32 s0, 0                       ; be800080\n"
                           "\ts_branch BB2                          ; bf820001\n"
                           "BB1:\n"
                           "\tbuffer_load_b32 v1, v0, s[0:3], 0     ; e0500000\n"
                           "\ts_waitcnt vmcnt(0)                    ; bf8c3f70\n"
                           "\tv_fma_f32 v2, v1, v1, v2              ; d1cb0002\n"
                           "\ts_cbranch_scc1 BB1                    ; bf850001\n"
                           "BB4:\n"
                           "\tglobal_load_b128 v[4:7], v[0:1], off  ; e0500000\n"
                           "\tglobal_load_b128 v[8:11], v[0:1], off ; e0500000\n"
                           "\ts_wait_loadcnt 0x0                    ; bf8c3f70\n"
                           "\tv_dual_fmac_f32 v4, v5, v6 :: v_dual_mov_b32 v7, v8 ; c8000000\n"
                           "\tv_wmma_f32_16x16x16_f16 v[0:7], v[8:15], v[16:23], v[0:7] ; cc400000\n"
                           "\tds_store_b32 v0, v1                   ; d8340000\n"
                           "\ts_barrier                             ; bf8a0000\n"
                           "BB2:\n"
                           "\tv_add_u32 v0, v0, v1                  ; 68000101\n"
                           "\tbuffer_store_b32 v1, v0, s[0:3], 0    ; e0700000\n"
                           "\ts_cbranch_vccnz BB1                   ; bf870001\n"
                           "BB3:\n"
                           "\tv_fma_f32 v2, v1, v1, v2              ; d1cb0002\n"
                           "\ts_endpgm                              ; bf810000\n";

int main(void)
{
    struct isa_loop loops[4];
    CHECK_EQ(isa_loops(text, loops, 4), 2);
    CHECK(loops[0].first == 2 && loops[0].last == 2);
    CHECK(loops[0].of[ISA_LOAD] == 1 && loops[0].of[ISA_FMA] == 1 && loops[0].of[ISA_BRANCH] == 1);
    CHECK(loops[0].alone == 1 && loops[0].waits == 1);
    CHECK(loops[1].first == 2 && loops[1].last == 4);
    CHECK(loops[1].of[ISA_LOAD] == 3 && loops[1].of[ISA_FMA] == 2 && loops[1].of[ISA_MATRIX] == 1);
    CHECK(loops[1].of[ISA_VALU] == 2 && loops[1].of[ISA_LDS] == 1 && loops[1].of[ISA_BARRIER] == 1);
    CHECK(loops[1].of[ISA_STORE] == 1 && loops[1].of[ISA_WAIT] == 2 && loops[1].of[ISA_SCALAR] == 0);
    CHECK(loops[1].alone == 1 && loops[1].waits == 2);
    CHECK_EQ(isa_loops(text, loops, 1), 2); /* told where there is no room */
    CHECK_EQ(isa_loops("", loops, 4), 0);
    CHECK_STR(isa_kind_name(ISA_BARRIER), "barrier");
    return check_result();
}
