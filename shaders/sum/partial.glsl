// The kernel of sum_fwd, sum_squares_fwd and sum_squares_runs_fwd. A "row" is a run of elements with one partial sum;
// it begins at a multiple of four. Runs past the end give 0. RUNS: where runs lie is in a table, not in p.
#include "lib/pair_row.glsl"
#include "args/sum.h"

READ_ELEMENTS(0, x);
WRITE_BUFFER(1, PARTIAL, partial); // [SUM_PARTIALS], or one for each run
#ifdef RUNS
READ_BUFFER(RUNS, int, runs); // [rows,2]: first element, elements
#endif
PUSH(sum_args, p);

void main()
{
    uint row = row_index();
    if (row >= p.rows)
        return;
#ifdef RUNS
    uint begin = uint(runs[2 * row]), end = begin + uint(runs[2 * row + 1]);
#else
    uint begin = min(row * p.run, p.count), end = min(begin + p.run, p.count);
#endif
    vec4 value = vec4(0), lost = vec4(0);
    for (uint i = begin / 4 + row_lane(); i < end / 4; i += ROUND * row_lanes()) {
        vec4 term[ROUND];
        ROUND_EACH(t)
            term[t] = x4[round_place(i + t * row_lanes(), end / 4)];
        ROUND_EACH(t)
            pair_add(value, lost, round_value(round_counts(i + t * row_lanes(), end / 4), TERM(term[t])));
    }
    uint rest = max(begin, end / 4 * 4);
    [[unroll]] for (uint t = 0; t < 3; t++) {
        if (rest + t < end && row_lane() == 0)
            pair_add(value.x, lost.x, TERM(x1[rest + t]));
    }
    vec2 s = pair_add(vec2(value.x, lost.x), vec2(value.y, lost.y));
    s = pair_add(s, pair_add(vec2(value.z, lost.z), vec2(value.w, lost.w)));
    s = pair_row_sum(s);
    if (row_lane() == 0)
        partial[p.first + row] = RESULT(s);
}
