// The body of max_fwd*: the technique was chosen by the .comp file (lib/row.glsl). Values are handled as bits.
#include "lib/row_max.glsl"
#include "args/max.h"

READ_BUFFER(0, uint, x);     // [R,D]
WRITE_BUFFER(1, uint, best); // [R]
WRITE_BUFFER(2, int, arg);   // [R]
PUSH(max_args, p);

void main()
{
    uint row = row_index();
    if (row >= p.rows)
        return;
    uint begin = row * p.width, end = p.runs != 0 ? min(begin + p.width, p.count) : begin + p.width;
    uint key = 0, at = 0xffffffffu;
    for (uint j = begin + row_lane(); j < end; j += row_lanes()) {
        uint k = ordered(x[j]);
        if (k > key) {
            key = k;
            at = j;
        }
    }
    uint top = row_max(key);
    at = row_min(key == top ? at : 0xffffffffu);
    if (row_lane() == 0) {
        uint out_row = p.runs != 0 ? p.first + row : row;
        best[out_row] = x[at];
        arg[out_row] = int(p.runs != 0 ? p.first * p.width + at : at - begin);
    }
}
