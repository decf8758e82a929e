/* fwd.glsl: walk.glsl forward: the sum of the pairs' losses, weight softplus(-sign Z). */
vec2 visit(uint at, float z, vec2 pair)
{
    if (pair.y <= 0)
        return vec2(0);
    float x = -pair.x * (z + scale[2]);
    float loss = max(x, 0) + log1p_close(exp(-abs(x)));
    return vec2(scale[1] * pair.y * loss, 0);
}
