// One column, or four (lib/quads.glsl), of one block of rows.
void AT(column)(uint j)
{
    uint width = p.width / V, plane = p.plane / V;
    uint begin = gl_WorkGroupID.y * p.block, end = min(begin + p.block, p.rows);
    if (j >= width)
        return;
    NUM dw = NUM(0), dw_lost = NUM(0), db = NUM(0), db_lost = NUM(0);
    for (uint first = begin; first < end; first += ROUND) {
        NUM g[ROUND], n[ROUND];
        ROUND_EACH(t)
        {
            uint row = round_place(first + t, end);
            g[t] = AT(dy)(row * width + j);
            n[t] = (AT(x)(row * width + j) - mean[row]) * rstd[row];
        }
        ROUND_EACH(t)
        {
            NUM counted = round_value(round_counts(first + t, end), g[t]);
            pair_add(dw, dw_lost, counted * n[t]);
            pair_add(db, db_lost, counted);
        }
    }
    uint at = (p.first / p.block + gl_WorkGroupID.y) * width + j;
    AT(partial)[at] = dw;
    AT(partial)[plane + at] = dw_lost;
    AT(partial)[2 * plane + at] = db;
    AT(partial)[3 * plane + at] = db_lost;
}
