/* stream.glsl: signs mined from similarities of a slab. The including file declares p, lines, row_similarity and
 * col_similarity, and includes mine.glsl. */
layout(constant_id = 11) const uint ONE_GUIDE = 0; // 1: row_similarity serves the columns too

vec4 my_pair;
mine_line me;

void meet_column(uint column)
{
    my_pair = lines[2 * (p.n + column)];
    me = mine_line_of(my_pair, lines[2 * (p.n + column) + 1]);
}

vec2 sign_and_weight(uint row, uint column, uint at)
{
    vec2 value = vec2(0);
    if (KIND != MINE_NONE) {
        value.x = row_similarity[at] * p.scale;
        value.y = ONE_GUIDE != 0 ? value.x : col_similarity[at] * p.scale;
    }
    vec4 other_pair = lines[2 * row];
    mine_line other = mine_line_of(other_pair, lines[2 * row + 1]);
    float kind = mine_sign(other, other_pair, row, me, my_pair, column, value);
    return vec2(kind, kind != 0 ? other.weight + me.weight : 0);
}
