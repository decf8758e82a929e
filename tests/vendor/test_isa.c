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

static uint32_t read_loops(const char *assembly, struct isa_loop *loops, uint32_t capacity)
{
    struct isa_code code;
    CHECK_EQ(isa_read(assembly, &code), MIEN_OK);
    uint32_t count = isa_loops(&code, loops, capacity);
    isa_clear(&code);
    return count;
}

static void test_census(void)
{
    struct isa_loop loops[4];
    CHECK_EQ(read_loops(text, loops, 4), 2);
    CHECK(loops[0].first == 2 && loops[0].last == 2);
    CHECK(loops[0].of[ISA_LOAD] == 1 && loops[0].of[ISA_FMA] == 1 && loops[0].of[ISA_BRANCH] == 1);
    CHECK(loops[0].alone == 1 && loops[0].main);
    CHECK(loops[1].first == 2 && loops[1].last == 4);
    CHECK(loops[1].of[ISA_LOAD] == 3 && loops[1].of[ISA_FMA] == 2 && loops[1].of[ISA_MATRIX] == 1);
    CHECK(loops[1].of[ISA_VALU] == 2 && loops[1].of[ISA_LDS] == 1 && loops[1].of[ISA_BARRIER] == 1);
    CHECK(loops[1].of[ISA_STORE] == 1 && loops[1].of[ISA_WAIT] == 2 && loops[1].of[ISA_SCALAR] == 0);
    CHECK(loops[1].own[ISA_LOAD] == 2 && loops[1].own[ISA_FMA] == 1 && loops[1].own[ISA_VALU] == 2);
    CHECK(loops[1].alone == 0 && loops[1].main);
    CHECK_EQ(read_loops(text, loops, 1), 2); /* told where there is no room */
    CHECK_EQ(read_loops("", loops, 4), 0);
    CHECK_STR(isa_kind_name(ISA_BARRIER), "barrier");
}

/* The loads of one loop that wait alone, when its body is this. */
static uint32_t alone(const char *body)
{
    struct isa_loop loop;
    char assembly[1024];
    snprintf(assembly, sizeof assembly, "BB0:\n\ts_nop 0\nBB1:\n%s\ts_cbranch_scc1 BB1 ; bf850001\nBB2:\n\ts_endpgm\n",
             body);
    CHECK_EQ(read_loops(assembly, &loop, 1), 1);
    return loop.alone;
}

#define LOAD "\tbuffer_load_b32 v1, v0, s[0:3], 0 ; e0500000\n"
#define FMA "\tv_fma_f32 v2, v1, v1, v2 ; d1cb0002\n"
#define WAIT(what) "\ts_waitcnt " what " ; bf8c3f70\n"

static void test_alone(void)
{
    CHECK_EQ(alone(LOAD WAIT("vmcnt(0)") FMA LOAD WAIT("vmcnt(0)") FMA), 2);
    CHECK_EQ(alone(LOAD LOAD WAIT("vmcnt(0)") FMA), 0);
    CHECK_EQ(alone(LOAD LOAD WAIT("vmcnt(1)") FMA WAIT("vmcnt(0)") FMA), 0); /* the second was under way as well */
    CHECK_EQ(alone(LOAD FMA LOAD WAIT("vmcnt(1)") FMA LOAD WAIT("vmcnt(1)") FMA), 0);
    CHECK_EQ(alone(LOAD WAIT("lgkmcnt(0)") LOAD WAIT("vmcnt(0)") FMA), 0); /* for shared memory, for stores */
    CHECK_EQ(alone(LOAD "\ts_waitcnt_vscnt null, 0x0 ; bc7d0000\n" LOAD WAIT("vmcnt(0)") FMA), 0);
    CHECK_EQ(alone(LOAD WAIT("vmcnt(0) lgkmcnt(1)") FMA), 1);
    CHECK_EQ(alone(LOAD "\ts_wait_loadcnt_dscnt 0x102 ; bfc80102\n" FMA), 0);
    CHECK_EQ(alone(LOAD "\ts_wait_loadcnt_dscnt 0x2 ; bfc80002\n" FMA), 1);
    CHECK_EQ(alone(LOAD "\ts_wait_dscnt 0x0 ; bfc60000\n" FMA), 0);
    CHECK_EQ(alone(LOAD FMA), 0); /* for the next round: not waited for at once */
}

#define LOOP(label, body) "BB" label ":\n" body "\ts_cbranch_scc1 BB" label " ; bf850001\n"

/* Which loops are where the work is. */
static void test_main_loops(void)
{
    static const char rest[] = LOOP("1", LOAD LOAD LOAD LOAD WAIT("vmcnt(0)") FMA FMA FMA FMA)
        LOOP("2", LOAD WAIT("vmcnt(0)") FMA) LOOP("3", LOAD WAIT("vmcnt(0)") FMA);
    static const char passes[] = LOOP("1", LOAD LOAD WAIT("vmcnt(0)") FMA FMA)
        LOOP("2", LOAD WAIT("vmcnt(0)") "\tbuffer_store_b32 v1, v0, s[0:3], 0\n" FMA);
    static const char nest[] = "BB1:\n" LOAD WAIT("vmcnt(0)")
        LOOP("2", LOAD LOAD LOAD LOAD WAIT("vmcnt(0)") FMA) "BB3:\n\ts_cbranch_scc1 BB1\n";
    struct isa_loop loops[4];
    CHECK_EQ(read_loops(rest, loops, 4), 3);
    CHECK(loops[0].main && !loops[1].main && loops[2].main); /* the remainder of the first; a loop of its own */
    CHECK(loops[1].alone == 1 && loops[2].alone == 1);
    CHECK_EQ(read_loops(passes, loops, 4), 2);
    CHECK(loops[0].main && loops[1].main); /* it stores: another pass */
    CHECK_EQ(read_loops(nest, loops, 4), 2);
    CHECK(loops[0].last == 3 && loops[0].alone == 1 && !loops[0].main); /* once for each time that the inner one runs */
    CHECK(loops[1].main && loops[1].alone == 0);
}

int main(void)
{
    test_census();
    test_alone();
    test_main_loops();
    CHECK_EQ(isa_bytes("buffer_load_b128 v[0:3]"), 16);
    CHECK_EQ(isa_bytes("global_load_dwordx2 v[0:1]"), 8);
    CHECK_EQ(isa_bytes("global_load_dword v0"), 4);
    CHECK_EQ(isa_bytes("ds_store_2addr_b32 v0"), 8);
    CHECK_EQ(isa_bytes("buffer_load_u16 v0"), 2);
    return check_result();
}
