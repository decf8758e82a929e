// One column of dP in filip_scores_bwd, or four (lib/quads.glsl).
void AT(give)(uint cell)
{
    uint width = p.width / V, image = cell / width, e = cell % width, first = image * p.patches * width + e;
    for (uint g = 0; g < p.patches; g++)
        AT(dpatch)[first + g * width] = NUM(0);
    uint t = 0, at = image * p.texts * p.slots;
    for (uint list = 0; list < p.texts; list++) {
        float of = dc[image * p.texts + list];
        for (uint end = t + p.slots; t < end; t++)
            AT(dpatch)[first + uint(arg[at + t]) * width] += of * share[t] * AT(s)[t * width + e];
    }
}
