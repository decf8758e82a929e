// One element of ds in filip_scores_bwd_texts, or four (lib/quads.glsl).
void AT(gather)(uint cell)
{
    uint width = p.width / V, t = cell / width, e = cell % width, sentences = p.texts * p.slots, list = t / p.slots;
    NUM sum = NUM(0), lost = NUM(0);
    if (p.again != 0)
        sum = AT(ds)[cell];
    float of = share[t];
    for (uint i = 0; i < p.images; i++) {
        uint row = i * p.patches + uint(arg[i * sentences + t]);
        pair_add(sum, lost, dc[i * p.texts + list] * of * AT(rows)[row * width + e]);
    }
    AT(ds)[cell] = sum + lost;
}
