/* bwd.glsl: walk.glsl backward: keeps exp(q) G, G = -weight sign sigmoid(-sign Z); the sums of G (Z - b) and of G. The
 * including file declares void keep(uint at, float gradient). */
vec2 visit(uint at, float z, vec2 pair)
{
    float x = -pair.x * (z + scale[2]), e = exp(-abs(x));
    float sigmoid = (x > 0 ? 1 : e) / (1 + e);
    float g = pair.y > 0 ? -scale[1] * pair.y * pair.x * sigmoid : 0;
    keep(at, scale[0] * g);
    return pair.y > 0 ? vec2(g * z, g) : vec2(0);
}
