#version 450
//! tech: storage texel texel_half
//! target: vulkan1.1
// Idea: one subgroup = one workgroup owns ROWS rows; each lane loads a share of A for four steps, and constant-lane
// shuffles hand it to all, so that a lane loads ROWS / lanes + 4 COLS vec4 for 16 ROWS COLS multiply-adds. FOURS times
// four steps at once: where a line of the cache holds more than four, rows that lie a multiple of its sets apart push
// each other out before the next four are asked for; and sums, more than registers hold, are written once for them all.
// Then what the next steps need is loaded between the rows of these, so that memory is waited for beside products.
// Numerics: fp32 fma; sums of four steps, then those of FOURS such, are added up, over at most matmul_args.part steps.
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "matmul/register.glsl"

// Local size x = subgroup size, which divides ROWS.
const uint LANES = gl_WorkGroupSize.x;
const uint SHARE = ROWS / LANES;

const uint ITEMS_A = SHARE * FOURS, ITEMS_B = 4 * COLS * FOURS;
const uint GROUP = ROWS / ITEMS_A; // rows between which an item of A is loaded
const uint ITEMS_OF_B = (ITEMS_B + ITEMS_A - 1) / ITEMS_A; // loaded beside it
const bool AHEAD = FOURS > 1;

vec4 next_a[ITEMS_A], next_b[ITEMS_B];
vec4 a[ITEMS_A]; // no local: see matmul/register.glsl. FOURS divides the steps of a part, or is 1

// Row r of the tile, steps k..k+3 (A stored [M,K])
vec4 load_a_row(place w, uint r, uint k)
{
    return a_at((w.a + min(w.row + r, p.m - 1) * p.lda + k) / 4);
}

// Rows 4r..4r+3 of the tile, step k (A stored [K,M]); zero from k_end on
vec4 load_a_col(place w, uint r, uint k)
{
    vec4 v = a_at((w.a + min(k, w.k_end - 1) * p.lda + min(w.row + 4 * r, p.m - 4)) / 4);
    return RAGGED_K && k >= w.k_end ? vec4(0) : v;
}

// Group j, element u of the dth four steps in b[4 (d COLS + j) + u]: for B stored [K,N] columns c..c+3 at step u of the
// four, for [N,K] column c+u at all four
vec4 load_b(place w, uint q, uint k)
{
    uint u = q % 4, j = q / 4 % COLS, d = q / 4 / COLS;
    uint col = min(w.col + 4 * LANES * j, p.n - 4), step = k + 4 * d;
    if (TRANS_B == 1)
        return b_at((w.b + (col + u) * p.ldb + step) / 4);
    vec4 v = b_at((w.b + min(step + u, w.k_end - 1) * p.ldb + col) / 4);
    return RAGGED_K && step + u >= w.k_end ? vec4(0) : v;
}

// Item f of A: four steps of a row, neighbours in memory being neighbours here: row f div FOURS at the (f mod FOURS)th
// four steps from k on (A stored [M,K]), or rows 4 (f mod ROWS/4) + 0..3 at step k + f div ROWS/4 (A stored [K,M]).
vec4 load_a(place w, uint f, uint k)
{
    if (TRANS_A == 1)
        return load_a_col(w, f % (ROWS / 4), k + f / (ROWS / 4));
    return load_a_row(w, f / FOURS, k + 4 * (f % FOURS));
}

// Row i of A at step 4d + u, which some lane holds, in all lanes
vec4 a_value(uint i, uint d, uint u)
{
    uint f = TRANS_A == 1 ? (4 * d + u) * (ROWS / 4) + i / 4 : i * FOURS + d;
    return vec4(subgroupShuffle(a[f / LANES][TRANS_A == 1 ? i % 4 : u], f % LANES));
}

// The gth share of what the steps from k on need
void load_share(place w, uint lane, uint g, uint k)
{
    next_a[g] = load_a(w, g * LANES + lane, k);
    [[unroll]] for (uint e = 0; e < ITEMS_OF_B; e++) {
        uint f = min(g * ITEMS_OF_B + e, ITEMS_B - 1), q = f % FOURS * 4 * COLS + f / FOURS;
        next_b[q] = load_b(w, q, k);
    }
}

void load_all(place w, uint lane, uint k)
{
    [[unroll]] for (uint g = 0; g < ITEMS_A; g++)
        load_share(w, lane, g, k);
}

// The choice, which n never makes, keeps b out of the registers that live from one turn of the loop to the next: LLVM,
// which turns such into a coroutine's frame, takes time by the square of how often one is used.
void take_loaded()
{
    [[unroll]] for (uint s = 0; s < ITEMS_A; s++)
        a[s] = next_a[s];
    [[unroll]] for (uint q = 0; q < ITEMS_B; q++)
        b[q] = AHEAD && p.n == 0 ? vec4(0) : next_b[q];
}

void add_row(uint i)
{
    vec4 steps[COLS];
    [[unroll]] for (uint d = 0; d < FOURS; d++) {
        vec4 four[COLS];
        [[unroll]] for (uint u = 0; u < 4; u++) {
            vec4 v = a_value(i, d, u);
            [[unroll]] for (uint j = 0; j < COLS; j++)
                four[j] = u == 0 ? v * b_value(d * COLS + j, u) : fma(v, b_value(d * COLS + j, u), four[j]);
        }
        [[unroll]] for (uint j = 0; j < COLS; j++)
            steps[j] = d == 0 ? four[j] : steps[j] + four[j];
    }
    [[unroll]] for (uint j = 0; j < COLS; j++)
        sum[i * COLS + j] += steps[j];
}

void main()
{
    uint lane = gl_SubgroupInvocationID;
    place w = find_place(gl_WorkGroupID.y * ROWS, LANES, lane);
    clear_sum();
    if (AHEAD)
        load_all(w, lane, w.k);
    for (uint k = w.k; k < w.k_end; k += 4 * FOURS) {
        uint next = k + 4 * FOURS < w.k_end ? k + 4 * FOURS : w.k; // the last one is loaded for nothing
        if (!AHEAD)
            load_all(w, lane, k);
        take_loaded();
        [[unroll]] for (uint g = 0; g < ITEMS_A; g++) {
            if (AHEAD)
                load_share(w, lane, g, next);
            [[unroll]] for (uint r = 0; r < GROUP; r++)
                add_row(g * GROUP + r);
        }
    }
    store_tile(w, LANES);
}
