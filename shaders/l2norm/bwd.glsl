// The kernel of l2norm_bwd*: the technique was chosen by the .comp file (lib/row.glsl); rows whose width is a
// multiple of four are taken by quads.
#include "lib/row.glsl"
#include "args/l2norm.h"

layout(constant_id = 8) const uint QUADS = 0;

READ_ELEMENTS(0, dy);        // [R,D]
READ_ELEMENTS(1, y);         // [R,D]
READ_BUFFER(2, float, norm); // [R]
WRITE_ELEMENTS(3, dx);       // [R,D]
PUSH(l2norm_args, p);

#define V 1
#include "l2norm/bwd_row.glsl"
#undef V
#define V 4
#include "l2norm/bwd_row.glsl"

void main()
{
    uint row = row_index();
    if (row >= p.rows)
        return;
    if (QUADS != 0)
        differentiate4(row);
    else
        differentiate1(row);
}
