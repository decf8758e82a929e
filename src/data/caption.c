/* caption.c: one text into levels, and what the text says about sides. */
#include "data/manifest.h"
#include "data/unicode.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* End of the sentence that begins at p: after its full stops and the quotes or brackets that close it. */
static const char *sentence_end(const char *p)
{
    for (; *p; p++) {
        if (!strchr(".!?", *p))
            continue;
        const char *q = p + 1 + strspn(p + 1, ".!?\"')]");
        if (*q == '\0' || is_blank(*q))
            return q;
        p = q - 1;
    }
    return p;
}

enum mien_status data_caption_split(struct base_arena *arena, const char *text, struct data_caption *out)
{
    enum mien_status status = MIEN_OK;
    const char **sentences = NULL;
    size_t count = 0, capacity = 0;
    *out = (struct data_caption){0};
    for (const char *p = text;;) {
        while (is_blank(*p))
            p++;
        if (!*p)
            break;
        const char *end = sentence_end(p), *last = end;
        while (last > p && is_blank(last[-1]))
            last--;
        TRY(base_grow(&sentences, &capacity, count + 1, sizeof(*sentences)));
        sentences[count] = base_arena_strndup(arena, p, (size_t)(last - p));
        FAIL_IF_NULL(sentences[count], "a caption");
        count++;
        p = end;
    }
    if (count == 0)
        goto fail; /* no text, no levels; status is MIEN_OK */
    const char **local = base_arena_array(arena, count, sizeof(*local));
    FAIL_IF_NULL(local, "a caption");
    for (size_t i = 1; i + 1 < count; i++)
        local[i - 1] = sentences[i];
    *out = (struct data_caption){text, sentences[0], count > 1 ? sentences[count - 1] : NULL, local,
                                 count > 2 ? (uint32_t)(count - 2) : 0};
fail:
    base_free(sentences);
    return status;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* `word` (lower case) at the beginning of a word of the text. */
static bool begins_word(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = text; *p; p++) {
        size_t i = 0;
        while (i < n && (p[i] | 0x20) == word[i])
            i++;
        if (i == n && (p == text || !is_letter(p[-1])))
            return true;
    }
    return false;
}

static bool text_has_side(const char *text)
{
    return text && (begins_word(text, "left") || begins_word(text, "right"));
}

bool data_caption_has_side(const struct data_caption *caption)
{
    bool side = text_has_side(caption->whole) || text_has_side(caption->global) || text_has_side(caption->summary);
    for (uint32_t i = 0; i < caption->local_count; i++)
        side = side || text_has_side(caption->local[i]);
    return side;
}

const char *data_caption_text(struct base_arena *arena, const struct data_caption *caption)
{
    if (caption->whole)
        return caption->whole;
    size_t size = 1;
    uint32_t parts = caption->local_count + 2;
    char *text = NULL, *at = NULL;
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < parts; i++) {
            const char *part = i == 0 ? caption->global : i < parts - 1 ? caption->local[i - 1] : caption->summary;
            if (!part)
                continue;
            if (pass == 0)
                size += strlen(part) + 1;
            else
                at += sprintf(at, "%s%s", at > text ? " " : "", part);
        }
        if (pass == 0)
            text = at = size > 1 ? base_arena_alloc(arena, size) : NULL;
        if (!text)
            return NULL;
    }
    return text;
}
