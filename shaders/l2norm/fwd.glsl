// The kernel of l2norm_fwd*: the technique was chosen by the .comp file (lib/row.glsl); rows whose width is a
// multiple of four are taken by quads.
#include "lib/row.glsl"
#include "args/l2norm.h"

layout(constant_id = 8) const uint QUADS = 0;

READ_ELEMENTS(0, x);          // [R,D]
WRITE_ELEMENTS(1, y);         // [R,D]
WRITE_BUFFER(2, float, norm); // [R]
PUSH(l2norm_args, p);

#define V 1
#include "l2norm/fwd_row.glsl"
#undef V
#define V 4
#include "l2norm/fwd_row.glsl"

void main()
{
    uint row = row_index();
    if (row >= p.rows)
        return;
    if (QUADS != 0)
        normalise4(row);
    else
        normalise1(row);
}
