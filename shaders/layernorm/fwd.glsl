// The kernel of layernorm_fwd*: the technique was chosen by the .comp file (lib/row.glsl); rows whose width is a
// multiple of four are taken by quads.
#include "lib/pair_row.glsl"
#include "args/layernorm.h"

layout(constant_id = 8) const uint QUADS = 0;

READ_ELEMENTS(0, x);          // [R,D]
READ_ELEMENTS(1, w);          // [D]
READ_ELEMENTS(2, b);          // [D]
WRITE_ELEMENTS(3, y);         // [R,D]
WRITE_BUFFER(4, float, mean); // [R]
WRITE_BUFFER(5, float, rstd); // [R]
PUSH(layernorm_args, p);

#define V 1
#include "layernorm/fwd_row.glsl"
#undef V
#define V 4
#include "layernorm/fwd_row.glsl"

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
