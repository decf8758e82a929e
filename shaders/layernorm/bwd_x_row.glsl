// One row of layernorm_bwd_x.comp, by single elements or quads (lib/quads.glsl).
#define T_ (MANY == 0 ? kept_t[t] : AT(dy)(base + j) * AT(w)(j))
#define N_ (MANY == 0 ? kept_n[t] : (AT(x)(base + j) - m) * r)
#define D_ (r * (T_ - sum.x - N_ * sum.y))
#define DX_ (HAS_RESIDUAL != 0 ? D_ + AT(residual)(base + j) : D_)
void AT(differentiate)(uint row)
{
    uint width = p.width / V, base = row * width;
    float m = mean[row], r = rstd[row];

    // with t = dy * w and n = (x - mean) * rstd: dx = rstd * (t - mean(t) - n * mean(t * n))
    ROW_KEEP(NUM, kept_t, j, width, AT(dy)(base + j) * AT(w)(j))
    ROW_KEEP(NUM, kept_n, j, width, (AT(x)(base + j) - m) * r)
    ROW_SUM_AS(NUM, sum, j, width, T_, T_ * N_);
    sum /= float(p.width);
#if V == 4
    if (STORED_AS(6) != FORMAT_F32)
        ROW_SET(uvec2, j, width, dx_four[base + j], halves(STORED_AS(6), DX_))
    else
#endif
        ROW_SET(NUM, j, width, AT(dx)[base + j], DX_)
}
#undef T_
#undef N_
#undef D_
#undef DX_
