/* tail_bwd_q.glsl: dq of a head's last rows, and what is kept of them, as tail.glsl says. A kernel defines KEEP_TWO(at,
 * v) before it includes this: keeps v, (weight, gradient) of two keys, at the at-th such place. */
#define TAIL_VALUES 2 // the weight, its gradient
#include "attention/tail.glsl"

/* Weights and gradients of a lane's keys into tail_key, the gradients TAIL_ROOM behind the weights. */
void tail_weights(uint row0, uint queries, uint outputs, float norm[TAIL], float delta[TAIL])
{
    uint wide = 3 * p.width4;
    for (uint j = TAIL_LANE; j < p.keys; j += TAIL_LANES) {
        uint key = queries + min(j, p.tokens - 1) * wide + p.width4;
        vec4 s[TAIL], m[TAIL];
        [[unroll]] for (uint r = 0; r < TAIL; r++)
            s[r] = m[r] = vec4(0);
        [[dont_unroll]] for (uint at = 0; at < D4; at += TAIL_RUN) {
            [[unroll]] for (uint n = 0; n < TAIL_RUN; n++) {
                uint c = min(at + n, D4 - 1);
                vec4 k = qkv4(key + c), v = qkv4(key + p.width4 + c);
                k = at + n < D4 ? k : vec4(0);
                v = at + n < D4 ? v : vec4(0);
                [[unroll]] for (uint r = 0; r < TAIL; r++) {
                    s[r] += qkv4(queries + TAIL_ROW(r) * wide + c) * k;
                    m[r] += g4(outputs + TAIL_ROW(r) * p.width4 + c) * v;
                }
            }
        }
        [[unroll]] for (uint r = 0; r < TAIL; r++) {
            bool seen = j <= (CAUSAL != 0 ? row0 + r : p.tokens - 1);
            float w = seen ? exp(tail_across(s[r]) * p.scale - norm[r]) : 0;
            tail_key[r * TAIL_KEYS + j] = w;
            tail_key[TAIL_ROOM + r * TAIL_KEYS + j] = w * (tail_across(m[r]) - delta[r]);
        }
    }
    barrier();
}

/* Rows row0.. of a pair, whose queries begin at `queries` and outputs at `outputs`, lse and delta of them in norm and
 * delta; row 0 is kept at `keep`. */
void tail_bwd_q(uint row0, uint queries, uint outputs, uint keep, float norm[TAIL], float delta[TAIL])
{
    uint wide = 3 * p.width4;
    vec4 sum[TAIL];
    tail_weights(row0, queries, outputs, norm, delta);
    for (uint j = 2 * TAIL_LANE; j < p.keys; j += 2 * TAIL_LANES) {
        [[unroll]] for (uint r = 0; r < TAIL; r++) {
            uint at = r * TAIL_KEYS + j;
            vec4 two = vec4(tail_key[at], tail_key[TAIL_ROOM + at], tail_key[at + 1], tail_key[TAIL_ROOM + at + 1]);
            if (row0 + r < p.tokens)
                KEEP_TWO((keep + (row0 + r) * p.keys + j) / 2, two);
        }
    }
    tail_apply(queries + p.width4, TAIL_ROOM, sum);
    [[unroll]] for (uint r = 0; r < TAIL; r++) {
        vec4 all = tail_sum(sum[r]);
        if (TAIL_LANE < D4 && row0 + r < p.tokens)
            store_dqkv(queries + (row0 + r) * wide + TAIL_LANE, all * p.scale);
    }
}
