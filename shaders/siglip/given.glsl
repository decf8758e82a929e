/* given.glsl: signs given for each element, and weights of the pairs. The including file declares p, sign and w. */
layout(constant_id = 8) const uint SIGNS = 0;   // 1: sign is there; else +1 on the diagonal and -1 beside it
layout(constant_id = 9) const uint WEIGHTS = 0; // 1: pairs are weighted

float my_weight;

void meet_column(uint column)
{
    my_weight = WEIGHTS != 0 ? w[column] : 1;
}

vec2 sign_and_weight(uint row, uint column, uint at)
{
    float value = SIGNS != 0 ? sign_of[at] : row == column ? 1 : -1, weight = WEIGHTS != 0 ? w[row] : 1;
    bool there = value != 0 && weight > 0 && my_weight > 0;
    return vec2(value > 0 ? 1 : -1, there ? weight + my_weight : 0);
}
