/* report_models.c: several models that were evaluated on the same data, side by side. */
#include "eval/page.h"

#include <math.h>
#include <string.h>

enum { ROWS_MOST = 64, DRAWN_LEAST = 3 };

/* Scores by what was measured (rows) and by model (columns); the last where there are several. */
struct board {
    const struct page_score *rows[ROWS_MOST]; /* one of each row's */
    const char *models[PAGE_COLOURS];
    size_t row_count, model_count;
    const struct page_score *cells[ROWS_MOST][PAGE_COLOURS];
};

static bool is_of(const struct page_score *a, const struct page_score *b)
{
    return strcmp(a->data, b->data) == 0 && strcmp(a->task, b->task) == 0 && strcmp(a->metric, b->metric) == 0;
}

/* Whether another model has been measured so, too. */
static bool is_shared(const struct mien_page *page, const struct page_score *score)
{
    for (size_t i = 0; i < page->score_count; i++)
        if (is_of(&page->scores[i], score) && strcmp(page->scores[i].model, score->model) != 0)
            return true;
    return false;
}

bool page_has_models(const struct mien_page *page)
{
    for (size_t i = 0; i < page->score_count; i++)
        if (is_shared(page, &page->scores[i]))
            return true;
    return false;
}

static size_t row_of(struct board *b, const struct page_score *score)
{
    size_t row = 0;
    while (row < b->row_count && !is_of(b->rows[row], score))
        row++;
    if (row == b->row_count && row < ROWS_MOST)
        b->rows[b->row_count++] = score;
    return row;
}

static size_t model_of(struct board *b, const char *model)
{
    size_t column = 0;
    while (column < b->model_count && strcmp(b->models[column], model) != 0)
        column++;
    if (column == b->model_count && column < PAGE_COLOURS)
        b->models[b->model_count++] = model;
    return column;
}

static void fill(const struct mien_page *page, struct board *b)
{
    *b = (struct board){{0}};
    for (size_t i = 0; i < page->score_count; i++) {
        const struct page_score *score = &page->scores[i];
        if (!is_shared(page, score))
            continue;
        size_t row = row_of(b, score), column = model_of(b, score->model);
        if (row < ROWS_MOST && column < PAGE_COLOURS)
            b->cells[row][column] = score;
    }
}

static double value_at(const struct board *b, size_t row, size_t column)
{
    const struct page_score *score = b->cells[row][column];
    return score ? score->value : (double)NAN;
}

static double best_of(const struct board *b, size_t row)
{
    double best = (double)NAN;
    for (size_t m = 0; m < b->model_count; m++)
        best = fmax(best, value_at(b, row, m)); /* passes NaN over */
    return best;
}

/* Two models of one name are told apart by their paths. */
static const char *short_name(const struct board *b, size_t column, char *buffer, size_t size)
{
    char other[128];
    page_name_of(b->models[column], buffer, size);
    for (size_t m = 0; m < b->model_count; m++)
        if (m != column && strcmp(page_name_of(b->models[m], other, sizeof(other)), buffer) == 0)
            return b->models[column];
    return buffer;
}

/* ---- the radar ---- */

static void draw(struct mien_page *page, const struct board *b)
{
    static const double no_errors[ROWS_MOST];
    const char *names[ROWS_MOST];
    char models[PAGE_COLOURS][128];
    double tops[ROWS_MOST], values[PAGE_COLOURS][ROWS_MOST];
    struct page_ring rings[PAGE_COLOURS];
    for (size_t r = 0; r < b->row_count; r++) {
        names[r] = b->rows[r]->data;
        tops[r] = page_radar_top(best_of(b, r));
    }
    for (size_t m = 0; m < b->model_count; m++) {
        for (size_t r = 0; r < b->row_count; r++)
            values[m][r] = value_at(b, r, m);
        rings[m] = (struct page_ring){short_name(b, m, models[m], sizeof(models[m])), values[m], no_errors};
    }
    page_radar(page, "Models side by side", names, tops, b->row_count, rings, b->model_count);
    page_print(page, "<p class=\"soft\">Each axis runs from 0 in the middle to the number that the table calls its "
                     "end.</p>\n");
}

/* ---- the table ---- */

static void put_cell(struct mien_page *page, const struct page_score *score, double best)
{
    page_print(page, "<td>");
    if (score) {
        bool is_best = score->value == best;
        page_print(page, "<a href=\"#c%u\">%s", score->chapter, is_best ? "<b>" : "");
        page_number(page, score->value, 3);
        page_print(page, "%s</a>", is_best ? "</b>" : "");
        if (isfinite(score->low) && isfinite(score->high))
            page_print(page, "<br><span class=\"soft\">%.3f\xe2\x80\x93%.3f</span>", score->low, score->high);
    }
    page_print(page, "</td>");
}

static void put_table(struct mien_page *page, const struct board *b)
{
    char name[128];
    page_print(page, "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Models side by side\"><table "
                     "class=\"suite\"><thead><tr><th scope=\"col\" class=\"l\">data</th>");
    for (size_t m = 0; m < b->model_count; m++) {
        page_print(page, "<th scope=\"col\">");
        page_words(page, short_name(b, m, name, sizeof(name)), PAGE_TIGHT);
        page_print(page, "</th>");
    }
    page_print(page, "%s</tr></thead><tbody>\n",
               b->row_count >= DRAWN_LEAST ? "<th scope=\"col\">axis ends at</th>" : "");
    for (size_t r = 0; r < b->row_count; r++) {
        page_print(page, "<tr><th scope=\"row\" class=\"l\">");
        page_words(page, b->rows[r]->data, PAGE_LABEL);
        page_print(page, "<br><span class=\"soft\">%s, %s</span></th>", b->rows[r]->metric, b->rows[r]->task);
        for (size_t m = 0; m < b->model_count; m++)
            put_cell(page, b->cells[r][m], best_of(b, r));
        if (b->row_count >= DRAWN_LEAST)
            page_print(page, "<td class=\"soft\">%.2g</td>", page_radar_top(best_of(b, r)));
        page_print(page, "</tr>\n");
    }
    page_print(page, "</tbody></table></div>\n");
}

void page_models(struct mien_page *page)
{
    struct board board;
    fill(page, &board);
    page_print(page, "<section class=\"front\"><h2 id=\"models\">Models side by side</h2>\n");
    if (board.row_count >= DRAWN_LEAST)
        draw(page, &board);
    put_table(page, &board);
    page_print(page, "</section>\n");
}
