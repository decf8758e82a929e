// One column of dP in filip_scores_bwd, or four (lib/quads.glsl).
void AT(give)(uint cell)
{
    uint width = p.width / V, image = cell / width, e = cell % width, first = image * p.patches * width + e;
    for (uint g = 0; g < p.patches; g++)
        AT(dpatch)[first + g * width] = NUM(0);
    uint at = image * p.texts * p.slots;
    for (uint list = 0; list < p.texts; list++) {
        float of = ROUND > 1 ? 0 : dc[image * p.texts + list];
        uint end = (list + 1) * p.slots;
        for (uint t = list * p.slots; t < end; t += ROUND) {
            uint best[ROUND];
            float part[ROUND];
            NUM v[ROUND], sum[ROUND];
            if (ROUND > 1) // with the others, so that it is not waited for alone
                of = dc[image * p.texts + list];
            ROUND_EACH(r)
            {
                uint text = round_place(t + r, end);
                best[r] = uint(arg[at + text]);
                part[r] = share[text];
                v[r] = AT(s)[text * width + e];
            }
            ROUND_EACH(r) sum[r] = AT(dpatch)[first + best[r] * width];
            ROUND_EACH(r)
            {
                [[unroll]] for (uint q = 0; q < r; q++) // sentences of the round with the same best patch
                    sum[r] = best[q] == best[r] ? sum[q] : sum[r];
                sum[r] += of * part[r] * v[r];
            }
            ROUND_EACH(r)
            {
                if (round_counts(t + r, end))
                    AT(dpatch)[first + best[r] * width] = sum[r];
            }
        }
    }
}
