#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: row and column targets of each pair from the lines. Invocation i owns column i mod N and the rows of run i / N.
// Numerics: fp32; q of the anchor itself as 1 - q of the others.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "mine/mine.glsl"

layout(constant_id = 11) const uint SIGNS = 0; // 1: one matrix of +1, -1 and 0 (left out), as SigLIP wants it

READ_BUFFER(0, float, row_similarity); // [N,N]
READ_BUFFER(1, float, col_similarity); // [N,N]
READ_BUFFER(2, vec4, lines);           // [2,N,2]
WRITE_BUFFER(3, float, row_target);    // [N,N]
WRITE_BUFFER(4, float, col_target);    // [N,N]
PUSH(mine_args, p);

void main()
{
    uint i = invocation_1d(), column = i % p.n, begin = i / p.n * p.rows;
    if (begin >= p.n)
        return;
    vec4 col_pair = lines[2 * (p.n + column)], candidate = lines[2 * column];
    mine_line col_line = mine_line_of(col_pair, lines[2 * (p.n + column) + 1]);
    for (uint row = begin; row < min(begin + p.rows, p.n); row++) {
        uint at = row * p.n + column;
        vec4 row_pair = lines[2 * row];
        mine_line row_line = mine_line_of(row_pair, lines[2 * row + 1]);
        float s_row = KIND != MINE_NONE ? row_similarity[at] * p.scale : 0;
        float s_col = KIND != MINE_NONE ? col_similarity[at] * p.scale : 0;
        if (SIGNS != 0) {
            row_target[at] = mine_sign(row_line, row_pair, row, col_line, candidate, column, vec2(s_row, s_col));
        } else {
            float r = mine_candidate(row_line, candidate, column, s_row, p.tau);
            float c = mine_candidate(col_line, row_pair, row, s_col, p.tau);
            row_target[at] = row == column ? 1 + row_line.rest : r > 0 ? r * row_line.factor : r;
            col_target[at] = row == column ? 1 + col_line.rest : c > 0 ? c * col_line.factor : c;
        }
    }
}
