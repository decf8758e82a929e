/* tail.glsl: the last rows of a head where they are few (1 of T = 65 and 257, 5 of 197). A lane or a tile for them
 * would leave the rest of the workgroup idle for as long as a whole one takes. Here it does TAIL_ROWS of them at a
 * time: first a lane takes every TAIL_LANES-th row of the other side, then every PARTS-th one in four columns; what the
 * parts have summed up is added in shared memory, in one order. tail_fwd.glsl, tail_bwd_q.glsl and tail_bwd_kv.glsl are
 * what a forward kernel, one for dq and one for dk and dv do so.
 *
 * A kernel defines, before it includes this or one of those:
 *   D4          vec4s of the head dim
 *   TAIL_BLOCK  rows of a workgroup
 *   TAIL_LANES  its invocations, a power of two
 *   TAIL_RUN    vec4s of a row that a lane fetches together
 *   TAIL_IN_TILE where it includes tile.glsl
 * and one of those TAIL_VALUES: numbers that it keeps of a row and key */
#ifndef ATTENTION_TAIL_GLSL
#define ATTENTION_TAIL_GLSL

layout(constant_id = 5) const uint TAIL_ROWS = 0; // at a time, 1 or 2; 0: the last rows are done as the others are
layout(constant_id = 6) const uint TAIL_KEYS = 0; // room for those of a row

const uint TAIL = TAIL_ROWS > 0 ? TAIL_ROWS : 1;
const uint TAIL_ROOM = TAIL_ROWS > 0 ? TAIL_ROWS * TAIL_KEYS : 1; // a value for each row and key
const uint PARTS = TAIL_LANES / D4;                               // of the other side, in sums of columns
const uint TAIL_DEPTH = 4;                                        // of its rows that a lane fetches together there

#define TAIL_LANE gl_LocalInvocationID.x
#define COLUMN (TAIL_LANE % D4)
#define PART (TAIL_LANE / D4 < PARTS ? TAIL_LANE / D4 : p.tokens) // the first row of a lane; p.tokens: it has none
#define TAIL_ROW(r) min(row0 + r, p.tokens - 1)                   // past the end the last one again

#ifndef TAIL_IN_TILE
shared vec4 tail_part[TAIL_ROWS > 0 ? TAIL_LANES : 1];
#if TAIL_VALUES > 0
shared float tail_key[TAIL_VALUES * TAIL_ROOM];
#endif
#else // arrays of tile.glsl, which are free here; the second has room for 1,056 numbers
#define tail_part tile
#define tail_key weight
#endif

/* Whether the block of rows from `first` on is done here. The same for all of a workgroup. */
bool is_tail(uint first, uint tokens)
{
    return TAIL_ROWS > 0 && first + TAIL_BLOCK > tokens;
}

/* The sum of a lane's columns over all parts, as a lane below D4 sees it; others see nothing of use. */
vec4 tail_sum(vec4 own)
{
    vec4 all = vec4(0);
    barrier(); // all have read what was here
    tail_part[TAIL_LANE] = own;
    barrier();
    if (TAIL_LANE < D4)
        for (uint i = 0; i < PARTS; i++)
            all += tail_part[TAIL_LANE + i * D4];
    return all;
}

float tail_across(vec4 v)
{
    return (v.x + v.y) + (v.z + v.w);
}

#if TAIL_VALUES > 0
/* A lane's part of the sums of keys or values, which begin at `rows`, times the numbers of tail_key from `from` on. */
void tail_apply(uint rows, uint from, out vec4 sum[TAIL])
{
    [[unroll]] for (uint r = 0; r < TAIL; r++)
        sum[r] = vec4(0);
    for (uint j = PART; j < p.tokens; j += TAIL_DEPTH * PARTS) {
        vec4 row[TAIL_DEPTH];
        [[unroll]] for (uint t = 0; t < TAIL_DEPTH; t++)
            row[t] = qkv4(rows + min(j + t * PARTS, p.tokens - 1) * 3 * p.width4 + COLUMN);
        [[unroll]] for (uint t = 0; t < TAIL_DEPTH; t++) {
            [[unroll]] for (uint r = 0; r < TAIL; r++) {
                float factor = tail_key[from + r * TAIL_KEYS + min(j + t * PARTS, p.tokens - 1)];
                sum[r] += (j + t * PARTS < p.tokens ? factor : 0) * row[t];
            }
        }
    }
}
#endif

#endif
