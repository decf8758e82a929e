// One column, or four (lib/quads.glsl), of one block of rows.
void AT(column)(uint j)
{
    uint width = p.width / V, plane = p.plane / V;
    uint begin = gl_WorkGroupID.y * p.block, end = min(begin + p.block, p.rows);
    if (j >= width)
        return;
    NUM value = NUM(0), lost = NUM(0);
    for (uint row = begin; row < end; row += ROUND) {
        NUM term[ROUND], term_lost[ROUND];
        uint from[ROUND];
        ROUND_EACH(t)
            from[t] = round_place(row + t, end) * width + j;
        ROUND_EACH(t)
        {
            term[t] = AT(x)(from[t]);
            if (PAIRS_IN)
                term_lost[t] = AT(x)(plane + from[t]);
        }
        ROUND_EACH(t)
        {
            pair_add(value, lost, round_value(round_counts(row + t, end), term[t]));
            if (PAIRS_IN)
                lost += round_value(round_counts(row + t, end), term_lost[t]);
        }
    }
    uint at = (p.first / p.block + gl_WorkGroupID.y) * width + j;
    AT(sum)[at] = PAIRS_OUT ? value : value + lost;
    if (PAIRS_OUT)
        AT(sum)[plane + at] = lost;
}
