/* tail_fwd.glsl: outputs and lse of a head's last rows, as tail.glsl says. Softmax with one maximum, no rescaling. */
#define TAIL_VALUES 1 // the weight
#include "attention/tail.glsl"

const float TAIL_HIDDEN = -3.0e38; // the score of a key that is not seen

/* A value of each row, joined over all lanes: the largest, or the sum. */
vec4 tail_join(vec4 own, bool largest)
{
    barrier(); // all have read what was here
    tail_part[TAIL_LANE] = own;
    barrier();
    for (uint n = TAIL_LANES / 2; n > 0; n /= 2) {
        if (TAIL_LANE < n) {
            vec4 other = tail_part[TAIL_LANE + n];
            tail_part[TAIL_LANE] = largest ? max(tail_part[TAIL_LANE], other) : tail_part[TAIL_LANE] + other;
        }
        barrier();
    }
    return tail_part[0];
}

/* Scores of a lane's keys into tail_key; the largest of each row. */
vec4 tail_scores(uint row0, uint queries)
{
    uint wide = 3 * p.width4;
    vec4 top = vec4(TAIL_HIDDEN);
    for (uint j = TAIL_LANE; j < p.tokens; j += TAIL_LANES) {
        vec4 s[TAIL];
        [[unroll]] for (uint r = 0; r < TAIL; r++)
            s[r] = vec4(0);
        [[dont_unroll]] for (uint at = 0; at < D4; at += TAIL_RUN) {
            [[unroll]] for (uint n = 0; n < TAIL_RUN; n++) {
                uint c = min(at + n, D4 - 1);
                vec4 key = qkv4(queries + j * wide + p.width4 + c);
                key = at + n < D4 ? key : vec4(0);
                [[unroll]] for (uint r = 0; r < TAIL; r++)
                    s[r] += qkv4(queries + TAIL_ROW(r) * wide + c) * key;
            }
        }
        [[unroll]] for (uint r = 0; r < TAIL; r++) {
            float score = CAUSAL == 0 || j <= row0 + r ? tail_across(s[r]) * p.scale : TAIL_HIDDEN;
            tail_key[r * TAIL_KEYS + j] = score;
            top[r] = max(top[r], score);
        }
    }
    return tail_join(top, true);
}

/* Rows row0.. of a pair, whose queries begin at `queries` and outputs at `outputs`. */
void tail_fwd(uint row0, uint pair, uint queries, uint outputs)
{
    vec4 top = tail_scores(row0, queries), total = vec4(0), sum[TAIL];
    for (uint j = TAIL_LANE; j < p.tokens; j += TAIL_LANES) {
        [[unroll]] for (uint r = 0; r < TAIL; r++) {
            float w = exp(tail_key[r * TAIL_KEYS + j] - top[r]);
            tail_key[r * TAIL_KEYS + j] = w;
            total[r] += w;
        }
    }
    total = tail_join(total, false); // behind its barriers the weights can be read
    tail_apply(queries + 2 * p.width4, 0, sum);
    [[unroll]] for (uint r = 0; r < TAIL; r++) {
        vec4 all = tail_sum(sum[r]);
        if (TAIL_LANE < D4 && row0 + r < p.tokens)
            store_o(outputs + (row0 + r) * p.width4 + TAIL_LANE, all / total[r]);
        if (TAIL_LANE == 0 && row0 + r < p.tokens)
            lse[p.skip + pair * p.tokens + row0 + r] = top[r] + log(total[r]);
    }
}
