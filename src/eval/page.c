/* page.c: HTML: head, opening, text, pictures. */
#include "eval/page.h"

#include "data/frames.h"
#include "data/png_write.h"
#include "data/thumbnail.h"
#include "data/unicode.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

enum { MOST_LETTERS = 4000, MOST_NAMES = 120, MOST_ABOVE = 4, LINKED_LEAST = 3 };

void page_print(struct mien_page *page, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    base_text_print_list(&page->text, fmt, args);
    va_end(args);
}

/* ---- text ---- */

/* Neither control characters, nor what no text may hold, nor what turns the direction of the text around it; tabs and
 * ends of lines are white space. */
static bool is_shown(uint32_t code)
{
    if (code < 0x20)
        return code == '\t' || code == '\n' || code == '\r';
    if ((code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069))
        return false;
    return code != 0x7f && !(code >= 0x80 && code < 0xa0) && code != 0xfffd && (code & 0xfffe) != 0xfffe;
}

static const char *entity_of(uint32_t code)
{
    switch (code) {
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '&':
        return "&amp;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return is_shown(code) ? NULL : "\xef\xbf\xbd";
    }
}

void page_short(struct mien_page *page, const char *text, uint32_t most)
{
    size_t left = strlen(text), length = 0;
    for (uint32_t n = 0; left > 0; n++, text += length, left -= length) {
        if (n == most) {
            base_text_add(&page->text, "\xe2\x80\xa6", 3); /* an ellipsis */
            return;
        }
        const char *entity = entity_of(unicode_decode(text, left, &length));
        base_text_add(&page->text, entity ? entity : text, entity ? strlen(entity) : length);
    }
}

void page_text(struct mien_page *page, const char *text)
{
    page_short(page, text, MOST_LETTERS);
}

void page_words(struct mien_page *page, const char *text, uint32_t most)
{
    page_print(page, "<bdi>");
    page_short(page, text, most);
    page_print(page, "</bdi>");
}

void page_element(struct mien_page *page, const char *tag, const char *text)
{
    page_print(page, "<%s>", tag);
    if (text)
        page_text(page, text);
    page_print(page, "</%.*s>\n", (int)strcspn(tag, " "), tag);
}

void page_number(struct mien_page *page, double value, int digits)
{
    if (isfinite(value))
        page_print(page, "%.*f", digits, value);
    else
        page_print(page, "\xe2\x80\x93");
}

void page_count(struct mien_page *page, double value)
{
    char digits[32];
    if (!(fabs(value) < 1e15)) {
        page_number(page, value, 0);
        return;
    }
    int length = snprintf(digits, sizeof(digits), "%.0f", value);
    for (int i = 0; i < length; i++)
        page_print(page, "%c%s", digits[i], i + 1 < length && (length - i - 1) % 3 == 0 && digits[i] != '-' ? "," : "");
}

const char *page_name_of(const char *path, char *buffer, size_t size)
{
    static const char *const vague[] = {"model", "best", "manifest.jsonl", "train.jsonl", "val.jsonl", "test.jsonl"};
    size_t end = path ? strlen(path) : 0;
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t start = end;
    for (bool more = true; more && start > 0;) {
        while (start > 0 && path[start - 1] != '/')
            start--;
        more = false;
        for (size_t i = 0; i < BASE_COUNT(vague); i++)
            more |= strlen(vague[i]) == end - start && memcmp(path + start, vague[i], end - start) == 0;
        if (more && start > 1)
            start--;
        else
            more = false;
    }
    snprintf(buffer, size, "%.*s", (int)BASE_MIN(end - start, size - 1), path ? path + start : "");
    return buffer;
}

/* ---- pictures ---- */

static void write_base64(struct mien_page *page, const unsigned char *data, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        uint32_t left = (uint32_t)BASE_MIN(size - i, (size_t)3), bits = (uint32_t)data[i] << 16;
        bits |= left > 1 ? (uint32_t)data[i + 1] << 8 : 0;
        bits |= left > 2 ? data[i + 2] : 0;
        const char four[4] = {digits[bits >> 18], digits[bits >> 12 & 63], left > 1 ? digits[bits >> 6 & 63] : '=',
                              left > 2 ? digits[bits & 63] : '='};
        base_text_add(&page->text, four, sizeof(four));
    }
}

/* What runs out of memory is not absent: the page fails. */
static void note(struct mien_page *page, bool no_memory)
{
    if (!no_memory || page->text.status != MIEN_OK)
        return;
    enum mien_log_level before = base_log_soften(MIEN_LOG_ERROR); /* also where pictures that are gone say nothing */
    page->text.status = base_fail(MIEN_ERR_NOMEM, "out of host memory for a page's picture");
    base_log_soften(before);
}

/* The path from such a folder, where there is a file; base_alloc'ed, else NULL. */
static char *file_from(struct mien_page *page, const char *folder, const char *path)
{
    char *file = folder ? base_path_join(folder, path) : NULL;
    note(page, folder && !file);
    if (file && base_file_exists(file))
        return file;
    base_free(file);
    return NULL;
}

/* Where a path of an evaluation leads: it is relative to the folder in which the evaluation ran. Data that has moved
 * since then, with its evaluation or without, is looked for from the folder of the evaluation's file, from this
 * process's, and from those above the file's. base_alloc'ed; NULL where nothing is there. */
static char *find_file(struct mien_page *page, const char *path)
{
    char *found = file_from(page, page->home, path), *up = NULL;
    if (!found)
        found = file_from(page, page->dir, path);
    if (!found)
        found = file_from(page, ".", path);
    for (int i = 0; page->dir && i < MOST_ABOVE && !found; i++) {
        char *next = base_path_join(up ? up : page->dir, "..");
        base_free(up);
        up = next;
        note(page, !up);
        found = file_from(page, up, path);
    }
    base_free(up);
    return found;
}

/* The file itself, or the middle frame of a directory, in the arena: a face moves from rest to rest. */
static const char *picture_of(struct mien_page *page, struct base_arena *arena, const char *path)
{
    const char **frames = NULL;
    size_t count = 0;
    if (!base_file_is_dir(path))
        return path;
    enum mien_status status = data_frames_list(arena, path, &frames, &count);
    note(page, status == MIEN_ERR_NOMEM);
    return status == MIEN_OK ? frames[count / 2] : path;
}

void page_image(struct mien_page *page, const char *path, const int32_t *box, uint32_t side)
{
    static const char *const videos[] = {".mp4", ".avi", ".mov", ".mkv", ".webm", ".flv", ".m4v", ".mpg", NULL};
    struct base_arena arena = {0};
    unsigned char *png = NULL;
    size_t size = 0;
    char name[256], *file = find_file(page, path);
    enum mien_log_level before = base_log_soften(MIEN_LOG_DEBUG); /* a picture that has gone is no failure */
    bool is_video = base_path_ends(path, videos);
    page->pictures += !is_video;
    if (file && !is_video)
        note(page, data_thumbnail(picture_of(page, &arena, file), box, side, &png, &size) == MIEN_ERR_NOMEM);
    base_log_soften(before);
    if (png) {
        page->found++;
        page_print(page, "<img alt=\"");
        page_text(page, page_name_of(path, name, sizeof(name)));
        page_print(page, "\" src=\"data:image/png;base64,");
        write_base64(page, png, size);
        page_print(page, "\">");
    } else {
        page_print(page, "<div class=\"none\">%s</div>", is_video ? "video" : "no picture");
    }
    data_png_free(png);
    base_free(file);
    base_arena_clear(&arena);
}

void page_images_end(struct mien_page *page)
{
    if (page->found < page->pictures) {
        LOG_WARN("%u of %u pictures of the report are not where the evaluation found them; run mien report from the "
                 "folder in which mien eval ran",
                 page->pictures - page->found, page->pictures);
        page_print(page,
                   "<p class=\"soft\">%u of %u pictures could not be read when this page was written: their paths are "
                   "relative to the folder in which the evaluation ran.</p>\n",
                   page->pictures - page->found, page->pictures);
    }
    page->pictures = page->found = 0;
}

/* ---- the opening ---- */

/* What is printed goes there; and back. */
static void swap(struct mien_page *page, struct base_text *there)
{
    struct base_text other = *there;
    *there = page->text;
    page->text = other;
}

void page_link(struct mien_page *page, char letter, const char *title, const char *name)
{
    swap(page, &page->contents);
    page_print(page, "<li><a href=\"#%c%u\">", letter, page->chapters);
    page_text(page, title);
    if (name && name[0]) {
        page_print(page, ": ");
        page_words(page, name, PAGE_LABEL);
    }
    page_print(page, "</a></li>\n");
    swap(page, &page->contents);
    page->links++;
}

/* Whether "a, b" names it. */
static bool is_named(const struct base_text *names, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = names->data; at && (at = strstr(at, name)) != NULL; at++)
        if ((at == names->data || at[-1] == ' ') && (at[length] == 0 || at[length] == ','))
            return true;
    return false;
}

/* Each once, as long as there is room. */
static void add_name(struct base_text *names, const char *name)
{
    if (!name[0] || names->size > MOST_NAMES || is_named(names, name))
        return;
    base_text_print(names, "%s%s", names->size ? ", " : "", name);
}

void page_front_begin(struct mien_page *page, enum page_part part, const char *title, const char *name)
{
    add_name(&page->names[part], name);
    swap(page, &page->front[part]);
    page_print(page, "<section class=\"front\" id=\"f%u\"><h2>", page->chapters);
    page_print(page, "<a href=\"#c%u\">", page->chapters);
    page_text(page, title);
    page_print(page, "</a></h2>\n");
}

void page_front_end(struct mien_page *page, enum page_part part)
{
    page_print(page, "</section>\n");
    swap(page, &page->front[part]);
}

void page_card(struct mien_page *page, const char *name, double value, int digits, const char *note)
{
    page_print(page, "<div class=\"card\"><dt>");
    page_text(page, name);
    page_print(page, "</dt><dd><b>");
    page_number(page, value, digits);
    page_print(page, "</b>");
    page_text(page, note);
    page_print(page, "</dd></div>\n");
}

void page_fact_begin(struct mien_page *page, const char *name)
{
    page_print(page, "<div><dt>%s</dt><dd>", name);
}

void page_fact_end(struct mien_page *page)
{
    page_print(page, "</dd></div>\n");
}

/* ---- the whole ---- */

static void write_heading(struct mien_page *page)
{
    const struct base_text *runs = &page->names[PAGE_RUNS], *models = &page->names[PAGE_RESULTS];
    if (page->title || runs->size)
        page_text(page, page->title ? page->title : runs->data);
    else if (models->size)
        page_short(page, models->data, MOST_LETTERS);
    else
        page_print(page, "Mien report");
}

static const char limits[] =
    "<section><h2>What these numbers do not say</h2>\n"
    "<p>Recognising an emotion from a face is uncertain: people show the same feeling differently, raters disagree, "
    "and a model carries the biases of its data. Intervals are 95 % bootstrap intervals over the samples: they say how "
    "far a score moves with other samples of the same kind, not how it fares on other people, cameras or cultures.</p>"
    "</section>\n";

/* The list of chapters, where there are so many that one may look for one. */
static void write_contents(struct mien_page *page)
{
    bool runs = page->run_count > 1, models = page_has_models(page);
    if (page->links + runs + models < LINKED_LEAST)
        return;
    page_print(page, "<nav aria-label=\"Chapters\"><ul>\n");
    if (models)
        page_print(page, "<li><a href=\"#models\">Models side by side</a></li>\n");
    if (runs)
        page_print(page, "<li><a href=\"#runs\">Training runs side by side</a></li>\n");
    base_text_add(&page->text, page->contents.data, page->contents.size);
    page_print(page, "</ul></nav>\n");
}

void page_make(struct mien_page *page)
{
    struct base_text chapters = page->text;
    page->text = (struct base_text){0};
    page_print(page, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                     "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
                     "<meta name=\"color-scheme\" content=\"light dark\"><title>");
    write_heading(page);
    page_print(page, "</title><style>");
    for (size_t i = 0; page_style[i]; i++)
        page_print(page, "%s", page_style[i]);
    page_print(page, "</style></head><body>\n<header><p class=\"over\">Mien report</p><h1>");
    write_heading(page);
    page_print(page, "</h1>\n");
    write_contents(page);
    page_print(page, "</header>\n<main>\n");
    if (page_has_models(page))
        page_models(page);
    base_text_add(&page->text, page->front[PAGE_RESULTS].data, page->front[PAGE_RESULTS].size);
    if (page->run_count > 1)
        page_runs(page);
    else
        base_text_add(&page->text, page->front[PAGE_RUNS].data, page->front[PAGE_RUNS].size);
    base_text_add(&page->text, chapters.data, chapters.size);
    page_print(page, "%s</main></body></html>\n", limits);
    base_text_clear(&page->whole);
    page->whole = page->text;
    page->text = chapters;
}
