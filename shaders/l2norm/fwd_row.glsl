// One row of l2norm_fwd.comp, by single elements or quads (lib/quads.glsl).
#define X (MANY == 0 ? kept[t] : AT(x)[base + j])
void AT(normalise)(uint row)
{
    uint width = p.width / V, base = row * width;
    ROW_KEEP(NUM, kept, j, width, AT(x)[base + j])
    ROW_SUM_AS(NUM, sum, j, width, X * X, 0);
    float n = max(sqrt(sum.x), L2NORM_LEAST);
    ROW_SET(NUM, j, width, AT(y)[base + j], X / n)
    if (row_lane() == 0)
        norm[row] = n;
}
#undef X
