// One row of l2norm_fwd.comp, by single elements or quads (lib/quads.glsl).
void AT(normalise)(uint row)
{
    uint width = p.width / V, base = row * width, lane = row_lane(), lanes = row_lanes();
    ROW_SUM_AS(NUM, sum, j, width, AT(x)[base + j] * AT(x)[base + j], 0);
    float n = max(sqrt(sum.x), L2NORM_LEAST);
    for (uint j = lane; j < width; j += lanes)
        AT(y)[base + j] = AT(x)[base + j] / n;
    if (lane == 0)
        norm[row] = n;
}
