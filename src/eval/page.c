/* page.c: HTML: head, text, pictures. */
#include "eval/page.h"

#include "base/encoding.h"

#include <stdarg.h>
#include <string.h>

enum { IMAGE_MAX = 512 * 1024 };

static const char style[] =
    ":root{--bg:#fff;--fg:#1b1f24;--soft:#667;--line:#d7dbe0;--card:#f6f7f9;--mark:31,111,235}"
    "@media(prefers-color-scheme:dark){:root{--bg:#14171a;--fg:#e6e8ea;--soft:#9aa3ad;--line:#343a41;--card:#1d2125;"
    "--mark:88,166,255}}"
    "body{margin:0 auto;max-width:64rem;padding:1.5rem;background:var(--bg);color:var(--fg);"
    "font:15px/1.5 system-ui,sans-serif}"
    "h1{font-size:1.6rem}h2{margin-top:2.4rem;border-bottom:1px solid var(--line)}h3{margin:1.6rem 0 .4rem}"
    "table{border-collapse:collapse;margin:.6rem 0}td,th{padding:.25rem .6rem;text-align:right}"
    "th{font-weight:600;color:var(--soft)}td.l,th.l{text-align:left}"
    ".cards{display:flex;flex-wrap:wrap;gap:.8rem}.card{background:var(--card);border-radius:.5rem;padding:.7rem 1rem}"
    ".card b{display:block;font-size:1.5rem}.soft{color:var(--soft);font-size:.88rem}"
    ".charts{display:flex;flex-wrap:wrap;gap:1rem}figure{margin:0}figcaption{color:var(--soft);font-size:.88rem}"
    "svg{background:var(--card);border-radius:.5rem}svg text{fill:var(--soft);font-size:11px}"
    ".axis{stroke:var(--line);fill:none}.cell{min-width:2.2rem}"
    ".example{display:flex;gap:1rem;margin:.8rem 0}.example img{width:96px;height:96px;image-rendering:auto;"
    "object-fit:contain;border-radius:.4rem}.example ol{margin:.2rem 0 0;padding-left:1.2rem}"
    ".hit{color:rgb(var(--mark));font-weight:600}.wide{overflow-x:auto}";

void page_begin(struct mien_page *page, const char *title)
{
    page_print(page, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                     "<meta name=\"viewport\" content=\"width=device-width\"><title>");
    page_text(page, title);
    page_print(page, "</title><style>%s</style></head><body>\n", style);
    page_element(page, "h1", title);
}

void page_end(struct mien_page *page)
{
    page_element(page, "h2", "What these numbers do not say");
    page_element(
        page, "p",
        "Recognising an emotion from a face is uncertain: people show the same feeling differently, raters "
        "disagree, and a model carries the biases of its data. Intervals are 95 % bootstrap intervals over the "
        "samples: they say how far a score moves with other samples of the same kind, not how it fares on "
        "other people, cameras or cultures.");
    page_print(page, "</body></html>\n");
}

void page_print(struct mien_page *page, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    base_text_print_list(&page->text, fmt, args);
    va_end(args);
}

void page_text(struct mien_page *page, const char *text)
{
    static const struct {
        char letter;
        const char *entity;
    } special[] = {{'<', "&lt;"}, {'>', "&gt;"}, {'&', "&amp;"}, {'"', "&quot;"}};
    while (*text) {
        size_t plain = strcspn(text, "<>&\"");
        while (plain > 0) { /* names of files may be any bytes; the page is UTF-8 */
            size_t valid = base_utf8_prefix(text, plain);
            base_text_add(&page->text, text, valid);
            base_text_add(&page->text, "\xEF\xBF\xBD", valid < plain ? 3 : 0);
            valid += valid < plain;
            text += valid;
            plain -= valid;
        }
        for (size_t i = 0; *text && i < BASE_COUNT(special); i++) {
            if (*text == special[i].letter)
                base_text_add(&page->text, special[i].entity, strlen(special[i].entity));
        }
        text += *text != 0;
    }
}

void page_element(struct mien_page *page, const char *tag, const char *text)
{
    page_print(page, "<%s>", tag);
    page_text(page, text);
    page_print(page, "</%.*s>\n", (int)strcspn(tag, " "), tag);
}

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

void page_image(struct mien_page *page, const char *directory, const char *path)
{
    char *data = NULL, *there = directory ? base_path_join(directory, path) : NULL;
    size_t size = 0;
    enum mien_log_level before = base_log_soften(MIEN_LOG_DEBUG); /* a picture that has gone is no failure */
    enum mien_status status = there ? base_file_read(there, IMAGE_MAX, &data, &size) : MIEN_ERR_IO;
    if (status != MIEN_OK)
        status = base_file_read(path, IMAGE_MAX, &data, &size);
    base_log_soften(before);
    const char *type = NULL;
    if (status == MIEN_OK && size > 8)
        type = memcmp(data, "\x89PNG", 4) == 0 ? "png" : memcmp(data, "\xff\xd8", 2) == 0 ? "jpeg" : NULL;
    if (type) {
        page_print(page, "<img alt=\"\" src=\"data:image/%s;base64,", type);
        write_base64(page, (const unsigned char *)data, size);
        page_print(page, "\">");
    } else {
        page_print(page, "<span class=\"soft\">no picture</span>");
    }
    base_free(there);
    base_free(data);
}

const char *page_colour(size_t index)
{
    /* Okabe and Ito's palette for all kinds of colour vision, then greys between. */
    static const char *const colours[] = {"#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7",
                                          "#56b4e9", "#b8a90c", "#7f7f7f", "#8c564b", "#9467bd"};
    return colours[index % BASE_COUNT(colours)];
}
