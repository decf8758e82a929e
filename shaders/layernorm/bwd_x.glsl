// The kernel of layernorm_bwd_x*: the technique was chosen by the .comp file (lib/row.glsl); rows whose width is a
// multiple of four are taken by quads.
#include "lib/row.glsl"
#include "args/layernorm.h"

layout(constant_id = 8) const uint QUADS = 0;

READ_ELEMENTS(0, dy);        // [R,D]
READ_ELEMENTS(1, x);         // [R,D]
READ_ELEMENTS(2, w);         // [D]
READ_BUFFER(3, float, mean); // [R]
READ_BUFFER(4, float, rstd); // [R]
WRITE_ELEMENTS(5, dx);       // [R,D]
PUSH(layernorm_args, p);

#define V 1
#include "layernorm/bwd_x_row.glsl"
#undef V
#define V 4
#include "layernorm/bwd_x_row.glsl"

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
