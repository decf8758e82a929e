// One row of layernorm_fwd.comp, by single elements or quads (lib/quads.glsl).
#define X (MANY == 0 ? kept[t] : AT(x)(base + j))
#define Y (((X - near) - moment.x) * r * AT(w)(j) + AT(b)(j))
void AT(normalise)(uint row)
{
    uint width = p.width / V, base = row * width;
    ROW_KEEP(NUM, kept, j, width, AT(x)(base + j))

    ROW_PAIR_SUM_AS(NUM, sum, j, width, X);
    float near = (sum.x + sum.y) / float(p.width); // the mean up to its rounding

    // moments about `near`; that x - near rounds the same way for many x counts in moment.x and cancels below
    ROW_SUM_AS(NUM, moment, j, width, X - near, (X - near) * (X - near));
    moment /= float(p.width);
    float r = inversesqrt(max(moment.y - moment.x * moment.x, 0) + p.eps);

#if V == 4
    if (STORED_AS(3) != FORMAT_F32)
        ROW_SET(uvec2, j, width, y_four[base + j], halves(STORED_AS(3), Y))
    else
#endif
        ROW_SET(NUM, j, width, AT(y)[base + j], Y)
    if (row_lane() == 0) {
        mean[row] = near;
        rstd[row] = r;
    }
}
#undef X
#undef Y
