/* bwd.glsl: the body of the kernels that make the scores' gradient: exp(q) G for rows first .. first + rows of the
 * scores, G_ij = scale (w_i (Pr_ij - Qr_ij) + w_j (Pc_ij - Qc_ij)), and partial sums of dq = sum of G Z.
 * Invocation (slice, column) walks slice_rows rows of one column; neighbours own neighbouring columns.
 * fp32; scores relative to the diagonal: rows of Pr - Qr sum to 0, so nothing cancels; 1 - P by expm1.
 * The including file declares a, and
 *   struct line { float own, weight, lse, rest; }   rest = q of the diagonal - 1
 *   line row_line(uint row), col_line(uint column)
 *   vec2 targets(line of_row, line of_column, uint row, uint column, uint at)
 *                                                    Qr, Qc off the diagonal; below 0: left out
 *   vec2 scales()                                    exp(q), scale
 *   void keep(uint at, float gradient), void keep_part(uint i, float sum) */
#include "infonce/math.glsl"

PUSH(infonce_args, p);

void main()
{
    uint i = invocation_1d();
    uint column = i % p.n, begin = i / p.n * p.slice_rows, end = min(begin + p.slice_rows, p.rows);
    if (begin >= p.rows)
        return;
    vec2 scale = scales();
    line of_column = col_line(column);
    precise float sum = 0;
    for (uint r = begin; r < end; r++) {
        uint row = p.first + r, at = r * p.n + column;
        line of_row = row_line(row);
        float score = a[at];
        precise float z_row = scale.x * (score - of_row.own), z_column = scale.x * (score - of_column.own);
        precise float g;
        if (row == column) {
            g = of_row.weight * (expm1_minus(of_row.lse) - of_row.rest) +
                of_column.weight * (expm1_minus(of_column.lse) - of_column.rest);
        } else {
            vec2 q = targets(of_row, of_column, row, column, at);
            precise float g_row = q.x < 0 ? 0 : exp(z_row - of_row.lse) - q.x;
            precise float g_column = q.y < 0 ? 0 : exp(z_column - of_column.lse) - q.y;
            g_row *= of_row.weight;
            g_column *= of_column.weight;
            g = g_row + g_column;
            sum += g_row * z_row + g_column * z_column;
        }
        keep(at, scale.x * scale.y * g);
    }
    keep_part(i, scale.y * sum);
}
