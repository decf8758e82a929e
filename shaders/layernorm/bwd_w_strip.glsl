// A strip of columns by single ones or by four (lib/quads.glsl).
void AT(sum_strip)()
{
    uint width = p.width / V, column = strip_column(), j = min(column, width - 1);
    NUM dw_value = NUM(0), dw_lost = NUM(0), db_value = NUM(0), db_lost = NUM(0);
    for (uint first = strip_lane(); first < p.rows; first += STRIP_ROUND * strip_lanes()) {
        NUM g[STRIP_ROUND], n[STRIP_ROUND];
        [[unroll]] for (uint t = 0; t < STRIP_ROUND; t++) {
            uint row = min(first + t * strip_lanes(), p.rows - 1);
            g[t] = AT(dy)(row * width + j);
            n[t] = (AT(x)(row * width + j) - mean[row]) * rstd[row];
        }
        [[unroll]] for (uint t = 0; t < STRIP_ROUND; t++) {
            if (first + t * strip_lanes() >= p.rows)
                g[t] = n[t] = NUM(0);
            pair_add(dw_value, dw_lost, g[t] * n[t]);
            pair_add(db_value, db_lost, g[t]);
        }
    }
    NUM sw = strip_sum(dw_value, dw_lost), sb = strip_sum(db_value, db_lost);
    if (strip_lane() == 0 && column < width) {
        AT(dw)[column] = sw;
        AT(db)[column] = sb;
    }
}
