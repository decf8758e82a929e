// pooled.glsl: the pooled feature h = sum of a_g P_g of a pair, as far as the score needs it: h . s = sum of a_g D_g
// and |h|^2 = sum of a_g V_g, V = (P P^T) a. The kernel declares dots, a and v.
#include "lib/pair.glsl"

// x: the score, y: the length of h, at least POOL_LEAST
vec2 pooled(uint begin)
{
    uint end = begin + p.patches * p.texts;
    vec2 along = vec2(0), square = vec2(0);
    for (uint at = begin; at < end; at += p.texts) {
        along = pair_add(along, a[at] * dots[at]);
        square = pair_add(square, a[at] * v[at]);
    }
    float size = max(sqrt(max(square.x + square.y, 0)), POOL_LEAST);
    return vec2((along.x + along.y) / size, size);
}
