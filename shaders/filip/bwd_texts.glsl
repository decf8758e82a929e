// One element of ds in filip_scores_bwd_texts, or four (lib/quads.glsl).
void AT(gather)(uint cell)
{
    uint width = p.width / V, t = cell / width, e = cell % width, sentences = p.texts * p.slots, list = t / p.slots;
    NUM sum = NUM(0), lost = NUM(0);
    if (p.again != 0)
        sum = AT(ds)[cell];
    float of = share[t];
    for (uint i = 0; i < p.images; i += ROUND) {
        uint row[ROUND];
        float give[ROUND];
        NUM v[ROUND];
        ROUND_EACH(r)
        {
            uint image = round_place(i + r, p.images);
            row[r] = image * p.patches + uint(arg[image * sentences + t]);
            give[r] = dc[image * p.texts + list];
        }
        ROUND_EACH(r) v[r] = AT(rows)[row[r] * width + e];
        ROUND_EACH(r) pair_add(sum, lost, round_counts(i + r, p.images) ? give[r] * of * v[r] : NUM(0));
    }
    AT(ds)[cell] = sum + lost;
}
