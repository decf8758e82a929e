/* top.glsl: a sorted list of TOP candidates in registers: most similar first, ties to the lower index. */
#ifndef MINE_TOP_GLSL
#define MINE_TOP_GLSL

layout(constant_id = 3) const uint TOP = 8;

const float NOTHING = -3.0e38; // below any similarity

float best[TOP], where[TOP];

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

#endif
