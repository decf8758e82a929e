// One column, or four (lib/quads.glsl), of one block of rows.
void AT(column)(uint j)
{
    uint width = p.width / V, plane = p.plane / V;
    uint begin = gl_WorkGroupID.y * p.block, end = min(begin + p.block, p.rows);
    if (j >= width)
        return;
    NUM value = NUM(0), lost = NUM(0);
    for (uint row = begin; row < end; row++) {
        pair_add(value, lost, AT(x)[row * width + j]);
        if (PAIRS_IN)
            lost += AT(x)[plane + row * width + j];
    }
    uint at = (p.first / p.block + gl_WorkGroupID.y) * width + j;
    AT(sum)[at] = PAIRS_OUT ? value : value + lost;
    if (PAIRS_OUT)
        AT(sum)[plane + at] = lost;
}
