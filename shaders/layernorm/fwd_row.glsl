// One row of layernorm_fwd.comp, by single elements or quads (lib/quads.glsl).
void AT(normalise)(uint row)
{
    uint width = p.width / V, base = row * width, lane = row_lane(), lanes = row_lanes();

    ROW_PAIR_SUM_AS(NUM, sum, j, width, AT(x)[base + j]);
    float near = (sum.x + sum.y) / float(p.width); // the mean up to its rounding

    // moments about `near`; that x - near rounds the same way for many x counts in moment.x and cancels below
    ROW_SUM_AS(NUM, moment, j, width, AT(x)[base + j] - near, (AT(x)[base + j] - near) * (AT(x)[base + j] - near));
    moment /= float(p.width);
    float r = inversesqrt(max(moment.y - moment.x * moment.x, 0) + p.eps);

    for (uint j = lane; j < width; j += lanes)
        AT(y)[base + j] = ((AT(x)[base + j] - near) - moment.x) * r * AT(w)[j] + AT(b)[j];
    if (lane == 0) {
        mean[row] = near;
        rstd[row] = r;
    }
}
