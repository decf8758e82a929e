// The body of embedding_bwd*: each table row gathers what belongs to it.
#include "lib/span.glsl"
#include "args/embedding.h"

layout(constant_id = 3) const uint BLOCK = 32; // as in embedding_bwd_run

READ_BUFFER(0, uvec2, sorted); // [n] (id, row of dy)
READ_BUFFER(1, float, dy);     // [n,D]
READ_BUFFER(2, float, run);    // [n / BLOCK, D] sums of the blocks of one id
#ifdef ACCUMULATE
UPDATE_BUFFER(3, float, dtable); // [row_count,D] of [V,D]
#else
WRITE_BUFFER(3, float, dtable); // [row_count,D] of [V,D]
#endif
PUSH(embedding_args, p);

// The first sorted element whose id is at least `id`.
uint first_of(uint id)
{
    uint low = 0, high = p.count;
    while (low < high) {
        uint middle = (low + high) / 2;
        if (sorted[middle].x < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void main()
{
    uint row = span_row();
    if (row >= p.row_count)
        return;
    uint begin = first_of(p.row_first + row), end = first_of(p.row_first + row + 1);
    uint head = min((begin + BLOCK - 1) / BLOCK * BLOCK, end), tail = max(end / BLOCK * BLOCK, head);
#ifdef ACCUMULATE
    if (begin == end)
        return;
#endif
    SPAN_COLUMNS(c, p.width) {
        float sum = 0, blocks = 0;
        for (uint i = begin; i < head; i++)
            sum += dy[p.dy_skip + sorted[i].y * p.width + c];
        for (uint i = head; i < tail; i += BLOCK)
            blocks += run[i / BLOCK * p.width + c];
        for (uint i = tail; i < end; i++)
            sum += dy[p.dy_skip + sorted[i].y * p.width + c];
        uint at = p.row_skip + row * p.width + c;
#ifdef ACCUMULATE
        dtable[at] += sum + blocks;
#else
        dtable[at] = sum + blocks;
#endif
    }
}
