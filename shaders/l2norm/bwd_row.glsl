// One row of l2norm_bwd.comp, by single elements or quads (lib/quads.glsl).
#define Y (MANY == 0 ? kept_y[t] : AT(y)[base + j])
#define DY (MANY == 0 ? kept_dy[t] : AT(dy)[base + j])
void AT(differentiate)(uint row)
{
    uint width = p.width / V, base = row * width;
    float n = norm[row];

    // dx = (dy - y * (y . dy)) / norm; where the norm was raised to the least one it is a constant: dx = dy / norm
    ROW_KEEP(NUM, kept_y, j, width, AT(y)[base + j])
    ROW_KEEP(NUM, kept_dy, j, width, AT(dy)[base + j])
    ROW_SUM_AS(NUM, sum, j, width, Y * DY, 0);
    float along = n > L2NORM_LEAST ? sum.x : 0;
    ROW_SET(NUM, j, width, AT(dx)[base + j], (DY - Y * along) / n)
}
#undef Y
#undef DY
