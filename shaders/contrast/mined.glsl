/* mined.glsl: targets and signs from similarities of a slab (mine.glsl). The including file declares p. */
#include "contrast/mine.glsl"

layout(constant_id = 11) const uint ONE_GUIDE = 0; // 1: row_similarity serves the columns too

READ_BUFFER(2, vec4, lines);           // [2,N,2]
READ_BUFFER(3, float, row_similarity); // [rows,N]
READ_BUFFER(4, float, col_similarity); // [rows,N]

mine_line line_at(uint i)
{
    return mine_line_of(lines[2 * i], lines[2 * i + 1]);
}

/* Of a pair, as its row and as its column sees it. */
vec2 similarities(uint at)
{
    if (KIND == MINE_NONE)
        return vec2(0);
    float row = row_similarity[at] * p.scale;
    return vec2(row, ONE_GUIDE != 0 ? row : col_similarity[at] * p.scale);
}
