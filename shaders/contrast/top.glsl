/* top.glsl: a sorted list of TOP candidates in registers: most similar first, ties to the lower index. */
#ifndef MINE_TOP_GLSL
#define MINE_TOP_GLSL

#include "lib/round.glsl"

layout(constant_id = 3) const uint TOP = 8;

const float NOTHING = -3.0e38; // below any similarity

float best[TOP], where[TOP];
float next[ROUND], next_at[ROUND]; // for insert_round

void clear_list()
{
    [[unroll]] for (uint k = 0; k < TOP; k++) {
        best[k] = NOTHING;
        where[k] = 0;
    }
}

void insert(float value, float at)
{
    [[unroll]] for (uint k = 0; k < TOP; k++) {
        bool above = value > best[k] || (value == best[k] && at < where[k]);
        float low = above ? best[k] : value, low_at = above ? where[k] : at;
        best[k] = above ? value : best[k];
        where[k] = above ? at : where[k];
        value = low;
        at = low_at;
    }
}

// Rounds are not unrolled: an insertion is long and holds much of the list twice.
void insert_round()
{
    if (ROUND == 1) {
        insert(next[0], next_at[0]);
        return;
    }
    [[dont_unroll]] for (uint i = 0; i < ROUND; i++) {
        insert(next[0], next_at[0]);
        [[unroll]] for (uint t = 1; t < ROUND; t++) {
            next[t - 1] = next[t];
            next_at[t - 1] = next_at[t];
        }
    }
}

#endif
