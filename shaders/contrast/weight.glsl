/* weight.glsl: weights of the pairs, at least 0: for kernels that reduce over the pairs. The including file declares
 * w. */
layout(constant_id = 8) const uint STRIDE = 0; // from weight to weight: 1 = w[N], 8 = lines[2,N,8], 0 = all are 1

float weight(uint pair)
{
    return STRIDE == 0 ? 1 : max(w[STRIDE * pair + (STRIDE > 1 ? 1 : 0)], 0);
}
