// A strip of columns by single ones or by four (lib/quads.glsl).
void AT(sum_strip)()
{
    uint width = p.width / V, column = strip_column(), j = min(column, width - 1);
    NUM value = NUM(0), lost = NUM(0);
    for (uint row = strip_lane(); row < p.rows; row += STRIP_ROUND * strip_lanes()) {
        NUM term[STRIP_ROUND];
        [[unroll]] for (uint t = 0; t < STRIP_ROUND; t++)
            term[t] = AT(x)(min(row + t * strip_lanes(), p.rows - 1) * width + j);
        [[unroll]] for (uint t = 0; t < STRIP_ROUND; t++)
            pair_add(value, lost, row + t * strip_lanes() < p.rows ? term[t] : NUM(0));
    }
    NUM s = strip_sum(value, lost);
    if (strip_lane() == 0 && column < width)
        AT(sum)[column] = s;
}
