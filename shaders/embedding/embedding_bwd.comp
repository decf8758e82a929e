#version 450
//! tech: plain add
//! target: vulkan1.1
// Idea: dtable[v] = sum of the rows of dy whose id is v, zeros where there is none: every table row is written.
// Table row r belongs to SPAN neighbouring invocations (lib/span.glsl).
// Numerics: fp32; sums of blocks, then what is left before and after: one order, deterministic.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "lib/span.glsl"
#include "args/embedding.h"
#include "embedding/sum.glsl"

READ_BUFFER(0, uvec2, sorted); // [n] (id, row of dy)
READ_BUFFER(1, float, dy);     // [n,D]
READ_BUFFER(2, uint, start);   // [V+1] where each id's run begins in `sorted`
READ_BUFFER(3, float, run);    // [n / BLOCK, D] sums of the blocks of one id
#ifdef TECH_ADD
UPDATE_BUFFER(4, float, dtable); // [row_count,D] of [V,D]
#else
WRITE_BUFFER(4, float, dtable); // [row_count,D] of [V,D]
#endif
PUSH(embedding_args, p);

void main()
{
    uint row = span_row(p.width);
    if (row >= p.row_count)
        return;
    uint begin = start[p.row_first + row], end = start[p.row_first + row + 1];
    uint head = min((begin + BLOCK - 1) / BLOCK * BLOCK, end), tail = max(end / BLOCK * BLOCK, head);
#ifdef TECH_ADD
    if (begin == end)
        return;
#endif
    SUM_COLUMNS(first, p.width) {
        uvec4 c = columns(first, p.width);
        vec4 sum = vec4(0), blocks = vec4(0);
        SUM_SORTED(sum, begin, head, c)
        for (uint i = head; i < tail; i += BLOCK) {
            uvec4 at = i / BLOCK * p.width + c;
            blocks += vec4(run[at.x], run[at.y], run[at.z], run[at.w]);
        }
        SUM_SORTED(sum, tail, end, c)
        sum += blocks;
        uint to = p.row_skip + row * p.width;
        [[unroll]] for (uint t = 0; t < 4; t++) {
            if (first + t * SPAN < p.width)
#ifdef TECH_ADD
                dtable[to + c[t]] += sum[t];
#else
                dtable[to + c[t]] = sum[t];
#endif
        }
    }
}
