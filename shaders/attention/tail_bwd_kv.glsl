/* tail_bwd_kv.glsl: dk and dv of a head's last rows from what is kept of all queries, as tail.glsl says. A kernel
 * defines KEPT(at) before it includes this: the at-th (weight, gradient). */
#define TAIL_VALUES 0
#include "attention/tail.glsl"

/* Keys row0.. of a pair, whose queries begin at `queries` and output gradients at `base`; query 0 is kept at `weights`.
 * Queries before `start` see none of them. */
void tail_bwd_kv(uint row0, uint start, uint queries, uint base, uint weights)
{
    uint wide = 3 * p.width4;
    vec4 key_sum[TAIL], value_sum[TAIL];
    [[unroll]] for (uint r = 0; r < TAIL; r++)
        key_sum[r] = value_sum[r] = vec4(0);
    for (uint i = start + PART; i < p.tokens; i += TAIL_DEPTH * PARTS) {
        [[unroll]] for (uint t = 0; t < TAIL_DEPTH; t++) {
            uint row = min(i + t * PARTS, p.tokens - 1);
            vec4 query = qkv4(queries + row * wide + COLUMN), grad = g4(base + row * p.width4 + COLUMN);
            [[unroll]] for (uint r = 0; r < TAIL; r++) {
                vec2 own = KEPT(weights + row * p.keys + TAIL_ROW(r));
                own = i + t * PARTS < p.tokens ? own : vec2(0);
                key_sum[r] += own.y * query;
                value_sum[r] += own.x * grad;
            }
        }
    }
    [[unroll]] for (uint r = 0; r < TAIL; r++) {
        vec4 of_key = tail_sum(key_sum[r]), of_value = tail_sum(value_sum[r]);
        uint key = queries + (row0 + r) * wide + p.width4 + TAIL_LANE;
        if (TAIL_LANE < D4 && row0 + r < p.tokens) {
            store_dqkv(key, of_key * p.scale);
            store_dqkv(key + p.width4, of_value);
        }
    }
}
