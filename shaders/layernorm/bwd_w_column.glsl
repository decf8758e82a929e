// One column, or four (lib/quads.glsl), of one block of rows.
void AT(column)(uint j)
{
    uint width = p.width / V, plane = p.plane / V;
    uint begin = gl_WorkGroupID.y * p.block, end = min(begin + p.block, p.rows);
    if (j >= width)
        return;
    NUM dw = NUM(0), dw_lost = NUM(0), db = NUM(0), db_lost = NUM(0);
    for (uint row = begin; row < end; row++) {
        NUM g = AT(dy)[row * width + j];
        pair_add(dw, dw_lost, g * ((AT(x)[row * width + j] - mean[row]) * rstd[row]));
        pair_add(db, db_lost, g);
    }
    uint at = (p.first / p.block + gl_WorkGroupID.y) * width + j;
    AT(partial)[at] = dw;
    AT(partial)[plane + at] = dw_lost;
    AT(partial)[2 * plane + at] = db;
    AT(partial)[3 * plane + at] = db_lost;
}
