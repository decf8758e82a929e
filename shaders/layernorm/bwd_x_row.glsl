// One row of layernorm_bwd_x.comp, by single elements or quads (lib/quads.glsl).
void AT(differentiate)(uint row)
{
    uint width = p.width / V, base = row * width, lane = row_lane(), lanes = row_lanes();
    float m = mean[row], r = rstd[row];

    // with t = dy * w and n = (x - mean) * rstd: dx = rstd * (t - mean(t) - n * mean(t * n))
    ROW_SUM_AS(NUM, t, j, width, AT(dy)[base + j] * AT(w)[j],
               AT(dy)[base + j] * AT(w)[j] * ((AT(x)[base + j] - m) * r));
    t /= float(p.width);
    for (uint j = lane; j < width; j += lanes) {
        NUM d = r * (AT(dy)[base + j] * AT(w)[j] - t.x - ((AT(x)[base + j] - m) * r) * t.y);
        AT(dx)[base + j] = HAS_RESIDUAL != 0 ? d + AT(residual)[base + j] : d;
    }
}
