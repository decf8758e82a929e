/* cells.glsl: elementwise kernels that need each element's row and column. As in elements.glsl an invocation takes
 * 4 * ITEMS elements, one local size apart; it divides once and then steps from cell to cell. Planned as
 * OP_ELEMENTS.
 *   EACH_CELL(i, row, col, count, first, width): element i < count of this part, which begins at element `first` of a
 *   tensor [R,width]; row and col are counted in the whole tensor. */
#ifndef LIB_CELLS_GLSL
#define LIB_CELLS_GLSL

#include "lib/common.glsl"

layout(constant_id = 3) const uint ITEMS = 4;

#define EACH_CELL(i, row, col, count, first, width)                                                                    \
    uint cell_rows = gl_WorkGroupSize.x / (width), cell_cols = gl_WorkGroupSize.x % (width), cell = 0;                 \
    uint i = group_1d() * (gl_WorkGroupSize.x * ITEMS * 4) + gl_LocalInvocationID.x;                                   \
    uint row = ((first) + i) / (width), col = ((first) + i) % (width);                                                 \
    for (; cell < ITEMS * 4 && i < (count); cell++, i += gl_WorkGroupSize.x, row += cell_rows, col += cell_cols,       \
         row += col >= (width) ? 1 : 0, col -= col >= (width) ? (width) : 0)

#endif
