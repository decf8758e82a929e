// One row of l2norm_bwd.comp, by single elements or quads (lib/quads.glsl).
void AT(differentiate)(uint row)
{
    uint width = p.width / V, base = row * width, lane = row_lane(), lanes = row_lanes();
    float n = norm[row];

    // dx = (dy - y * (y . dy)) / norm; where the norm was raised to the least one it is a constant: dx = dy / norm
    ROW_SUM_AS(NUM, sum, j, width, AT(y)[base + j] * AT(dy)[base + j], 0);
    float along = n > L2NORM_LEAST ? sum.x : 0;
    for (uint j = lane; j < width; j += lanes)
        AT(dx)[base + j] = (AT(dy)[base + j] - AT(y)[base + j] * along) / n;
}
