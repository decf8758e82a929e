#version 450
//! dtype: f32
//! target: vulkan1.1
// Idea: row and column targets of each pair from the lines. Invocation i owns column i mod N and the rows of run i / N.
// Numerics: fp32; q of the anchor itself as 1 - q of the others.
#extension GL_GOOGLE_include_directive : require
#include "lib/cut.glsl"
#include "lib/round.glsl"
#include "args/mine.h"

layout(constant_id = 12) const uint SIGNS = 0; // 1: one matrix of +1, -1 and 0 (left out), as SigLIP wants it

WRITE_BUFFER(0, float, row_target); // [N,N]
WRITE_BUFFER(1, float, col_target); // [N,N]
PUSH(mine_args, p);

#include "contrast/mined.glsl"

void main()
{
    uint i = invocation_1d(p.begin), column = i % p.n, begin = i / p.n * p.rows;
    uint end = min(begin + p.rows, p.n);
    if (begin >= p.n)
        return;
    mine_line of_column = line_at(p.n + column);
    for (uint first = begin; first < end; first += ROUND) {
        mine_line of_row[ROUND];
        vec2 value[ROUND];
        ROUND_EACH(t)
        {
            uint row = round_place(first + t, end);
            of_row[t] = line_at(row);
            value[t] = similarities(row * p.n + column);
        }
        ROUND_EACH(t) // beyond the end the last row once more
        {
            uint row = round_place(first + t, end), at = row * p.n + column;
            if (SIGNS != 0) {
                row_target[at] = mine_sign(of_row[t], row, of_column, column, value[t]);
            } else {
                float r = mine_target(of_row[t], mine_as_candidate(of_column), column, value[t].x, p.tau);
                float c = mine_target(of_column, mine_as_candidate(of_row[t]), row, value[t].y, p.tau);
                row_target[at] = row == column ? 1 + of_row[t].rest : r;
                col_target[at] = row == column ? 1 + of_column.rest : c;
            }
        }
    }
}
