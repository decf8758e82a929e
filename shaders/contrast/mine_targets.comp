#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: row and column targets of each pair from the lines. Invocation i owns column i mod N and the rows of run i / N.
// Numerics: fp32; q of the anchor itself as 1 - q of the others.
#extension GL_GOOGLE_include_directive : require
#include "lib/common.glsl"
#include "args/mine.h"

layout(constant_id = 12) const uint SIGNS = 0; // 1: one matrix of +1, -1 and 0 (left out), as SigLIP wants it

WRITE_BUFFER(0, float, row_target); // [N,N]
WRITE_BUFFER(1, float, col_target); // [N,N]
PUSH(mine_args, p);

#include "contrast/mined.glsl"

void main()
{
    uint i = invocation_1d(), column = i % p.n, begin = i / p.n * p.rows;
    if (begin >= p.n)
        return;
    mine_line of_column = line_at(p.n + column);
    for (uint row = begin; row < min(begin + p.rows, p.n); row++) {
        uint at = row * p.n + column;
        mine_line of_row = line_at(row);
        vec2 value = similarities(at);
        if (SIGNS != 0) {
            row_target[at] = mine_sign(of_row, row, of_column, column, value);
        } else {
            float r = mine_target(of_row, mine_as_candidate(of_column), column, value.x, p.tau);
            float c = mine_target(of_column, mine_as_candidate(of_row), row, value.y, p.tau);
            row_target[at] = row == column ? 1 + of_row.rest : r;
            col_target[at] = row == column ? 1 + of_column.rest : c;
        }
    }
}
