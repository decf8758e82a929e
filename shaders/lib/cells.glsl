/* cells.glsl: elementwise kernels that need each element's row and column. As in elements.glsl an invocation takes
 * 4 * ITEMS elements, one local size apart, in rounds (lib/round.glsl); it divides once and then steps from cell to
 * cell. Planned as OP_ELEMENTS.
 *   EACH_CELL(i, row, col, count, first, width): element i < count of this part, which begins at element `first` of a
 *   tensor [R,width]; row and col are counted in the whole tensor.
 *   SET_CELLS(T, c, count, first, width, target, value): the same with c.i, c.row and c.col: target = value, of type T,
 *   with the loads of a round in flight together. */
#ifndef LIB_CELLS_GLSL
#define LIB_CELLS_GLSL

#include "lib/common.glsl"
#include "lib/round.glsl"

layout(constant_id = 3) const uint ITEMS = 4; // 4 * ITEMS: a multiple of ROUND

#define EACH_CELL(i, row, col, count, first, width)                                                                    \
    uint cell_rows = gl_WorkGroupSize.x / (width), cell_cols = gl_WorkGroupSize.x % (width), cell = 0;                 \
    uint i = group_1d() * (gl_WorkGroupSize.x * ITEMS * 4) + gl_LocalInvocationID.x;                                   \
    uint row = ((first) + i) / (width), col = ((first) + i) % (width);                                                 \
    for (; cell < ITEMS * 4 && i < (count); cell++, i += gl_WorkGroupSize.x, row += cell_rows, col += cell_cols,       \
         row += col >= (width) ? 1 : 0, col -= col >= (width) ? (width) : 0)

struct cell_place {
    uint i, row, col;
};

cell_place cell_place_at(uint i, uint first, uint width)
{
    return cell_place(i, (first + i) / width, (first + i) % width);
}

cell_place cell_next(cell_place c, cell_place step, uint width)
{
    c = cell_place(c.i + step.i, c.row + step.row, c.col + step.col);
    return cell_place(c.i, c.row + (c.col >= width ? 1 : 0), c.col - (c.col >= width ? width : 0));
}

cell_place cell_place_of(bool counts, cell_place c, cell_place other)
{
    return cell_place(counts ? c.i : other.i, counts ? c.row : other.row, counts ? c.col : other.col);
}

#define CELLS_ROUND(all, T, c, count, width, target, value)                                                            \
    {                                                                                                                  \
        cell_place c##_places[ROUND], c##_first = c##_at;                                                              \
        T c##_values[ROUND];                                                                                           \
        ROUND_EACH(t)                                                                                                  \
        {                                                                                                              \
            c##_places[t] = c##_at;                                                                                    \
            c##_at = cell_next(c##_at, c##_step, width);                                                               \
        }                                                                                                              \
        ROUND_EACH(t)                                                                                                  \
        {                                                                                                              \
            cell_place c = c##_places[t];                                                                              \
            c = cell_place_of(round_counts(all, c.i, count), c, c##_first);                                            \
            c##_values[t] = value;                                                                                     \
        }                                                                                                              \
        ROUND_EACH(t)                                                                                                  \
        {                                                                                                              \
            cell_place c = c##_places[t];                                                                              \
            if (round_counts(all, c.i, count))                                                                         \
                target = c##_values[t];                                                                                \
        }                                                                                                              \
    }

#define SET_CELLS(T, c, count, first, width, target, value)                                                            \
    cell_place c##_step = cell_place_at(gl_WorkGroupSize.x, 0, width);                                                 \
    cell_place c##_at =                                                                                                \
        cell_place_at(group_1d() * (gl_WorkGroupSize.x * ITEMS * 4) + gl_LocalInvocationID.x, first, width);           \
    uint c##_item = 0;                                                                                                 \
    for (; c##_item < ITEMS * 4 && c##_at.i + (ROUND - 1) * gl_WorkGroupSize.x < (count); c##_item += ROUND)           \
        CELLS_ROUND(true, T, c, count, width, target, value)                                                           \
    if (ROUND != 1 && c##_item < ITEMS * 4 && c##_at.i < (count))                                                      \
        CELLS_ROUND(false, T, c, count, width, target, value)

#endif
