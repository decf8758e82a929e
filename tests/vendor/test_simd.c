/* test_simd.c: the model's cycles for made-up loops, counted by hand. */
#include "check.h"
#include "model.h"

#define LOAD "\tbuffer_load_b32 v1, v0, s[0:3], 0 ; e0500000\n"
#define FMA "\tv_fma_f32 v2, v1, v1, v2 ; d1cb0002\n"
#define WAIT(what) "\ts_waitcnt " what " ; bf8c3f70\n"
#define LOOP(label, body) "BB" label ":\n" body "\ts_cbranch_scc1 BB" label " ; bf850001\n"
#define LDS "\tds_load_b128 v[0:3], v4 ; dbfc0000\n"

static struct model_result estimate(const char *assembly, struct model_params params)
{
    struct isa_code code;
    struct model_result result = {0};
    CHECK_EQ(isa_read(assembly, &code), MIEN_OK);
    CHECK_EQ(model_estimate(&code, &params, &result), MIEN_OK);
    isa_clear(&code);
    return result;
}

/* Eight multiply-adds and a branch. */
static void test_arithmetic(void)
{
    static const char text[] = LOOP("1", FMA FMA FMA FMA FMA FMA FMA FMA);
    static const char pairs[] = LOOP("1", "\tv_dual_fmac_f32 v0, v1, v2 :: v_dual_fmac_f32 v3, v4, v5 ; c8000000\n");
    static const char slow[] = LOOP("1", FMA "\tv_exp_f32 v0, v0 ; 7e000000\n");
    static const char matrix[] = LOOP("1", "\tv_wmma_f32_16x16x16_f16 v[0:7], v[8:15], v[16:23], v[0:7] ; cc400000\n");
    struct model_result one = estimate(text, (struct model_params){.lanes = 32, .waves = 1});
    CHECK_EQ(one.label, 1);
    CHECK_NEAR(one.cycles, 9, 1e-9);
    CHECK_NEAR(one.share, 8 * 64 / 9.0 / 128, 1e-9);
    CHECK_NEAR(one.idle_other, 1 / 9.0, 1e-9);
    CHECK_NEAR(estimate(text, (struct model_params){.lanes = 64, .waves = 1}).share, 8 * 128 / 9.0 / 128, 1e-9);
    CHECK_NEAR(estimate(text, (struct model_params){.lanes = 32, .waves = 2}).share, 0.5, 0.01); /* no cycle is lost */
    CHECK_NEAR(estimate(pairs, (struct model_params){.lanes = 32, .waves = 2}).share, 1, 0.05);
    CHECK_NEAR(estimate(slow, (struct model_params){.lanes = 32, .waves = 1}).cycles, 3, 1e-9);
    CHECK_NEAR(estimate(slow, (struct model_params){.lanes = 64, .waves = 1}).cycles, 4, 1e-9); /* half by half */
    CHECK_NEAR(estimate(matrix, (struct model_params){.lanes = 32, .waves = 1}).share, 8192 / 33.0 / 256, 1e-9);
}

/* A load takes 4 cycles and the latency; then come the wait, a multiply-add, the branch. */
static void test_memory(void)
{
    static const char lone[] = LOOP("1", LOAD WAIT("vmcnt(0)") FMA);
    static const char two[] = LOOP("1", LOAD LOAD WAIT("vmcnt(1)") FMA WAIT("vmcnt(0)") FMA);
    static const char shared[] = LOOP("1", LDS WAIT("lgkmcnt(0)") FMA);
    struct model_result r = estimate(lone, (struct model_params){.lanes = 32, .waves = 1});
    CHECK_NEAR(r.cycles, 507, 1e-9);
    CHECK_NEAR(r.share, 64 / 507.0 / 128, 1e-9);
    CHECK(r.idle_global > 0.98 && r.idle_lds < 0.01);
    CHECK_NEAR(estimate(lone, (struct model_params){.lanes = 32, .waves = 1, .latency = 100}).cycles, 107, 1e-9);
    CHECK_NEAR(estimate(two, (struct model_params){.lanes = 32, .waves = 1}).cycles, 511, 1e-9);
    CHECK_NEAR(estimate(lone, (struct model_params){.lanes = 32, .waves = 8}).share, 8 * 64 / 507.0 / 128, 0.002);
    r = estimate(shared, (struct model_params){.lanes = 32, .waves = 1}); /* 512 bytes: 8 cycles, and 64 */
    CHECK_NEAR(r.cycles, 75, 1e-9);
    CHECK(r.idle_lds > 0.9);
}

/* Free, or 4 cycles of the scalar cache and the latency. */
static void test_scalar(void)
{
    static const char text[] = LOOP("1", "\ts_load_b512 s[0:15], s[16:17], 0x0 ; f4200000\n" WAIT("lgkmcnt(0)") FMA);
    struct model_params params = {.lanes = 32, .waves = 1};
    CHECK_NEAR(estimate(text, params).cycles, 4, 1e-9);
    CHECK(estimate(text, params).scalar_loads);
    params.scalar_latency = 100;
    CHECK_NEAR(estimate(text, params).cycles, 107, 1e-9);
}

/* Waves of a group come to a barrier together; an inner loop counts as often as it is said to go round. */
static void test_groups_and_trips(void)
{
    static const char barrier[] = LOOP("1", FMA "\ts_barrier ; bf8a0000\n");
    static const char nest[] = "BB5:\n\ts_nop 0 ; bf800000\n" LOOP("7", FMA FMA FMA) "BB8:\n\ts_cbranch_scc1 BB5\n";
    struct model_params params = {.lanes = 32, .waves = 2, .group_waves = 1};
    double apart = estimate(barrier, params).cycles;
    params.group_waves = 2;
    CHECK(estimate(barrier, params).cycles > apart);
    params = (struct model_params){.lanes = 32, .waves = 1};
    CHECK_EQ(estimate(nest, params).label, 5);
    CHECK_NEAR(estimate(nest, params).cycles, 6, 1e-9);
    params.trips = (const struct model_trip[]){{7, 10}};
    params.trip_count = 1;
    CHECK_NEAR(estimate(nest, params).cycles, 42, 1e-9);
    CHECK_EQ(model_group_waves(256, 64), 1);
    CHECK_EQ(model_group_waves(256, 32), 2);
    CHECK_EQ(model_group_waves(64, 64), 1);
    CHECK_EQ(model_group_waves(1024, 32), 8);
}

int main(void)
{
    struct isa_code code;
    struct model_result result;
    test_arithmetic();
    test_memory();
    test_scalar();
    test_groups_and_trips();
    CHECK_EQ(estimate(LOOP("1", LOAD), (struct model_params){.lanes = 32, .waves = 1}).label, 0); /* no multiply-add */
    mien_log_set(NULL, NULL, MIEN_LOG_SILENT);
    CHECK_EQ(isa_read("", &code), MIEN_OK);
    CHECK_EQ(model_estimate(&code, &(struct model_params){.lanes = 32, .waves = 99}, &result), MIEN_ERR_ARG);
    isa_clear(&code);
    return check_result();
}
