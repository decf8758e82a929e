/* config_help.c: the table of keys for people. */
#include "train/config_keys.h"

#include "mien/train.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { WIDTH = 118 };

struct page {
    void (*line)(void *user, const char *line);
    void *user;
};

static void put(const struct page *page, const char *fmt, ...) MIEN_PRINTF(2, 3);

static void put(const struct page *page, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    page->line(page->user, text);
}

/* A text in lines, those after the first below its beginning. */
static void put_wrapped(const struct page *page, const char *left, const char *text)
{
    int indent = (int)strlen(left);
    size_t room = WIDTH - (size_t)indent;
    do {
        size_t length = strlen(text);
        if (length > room) {
            length = room;
            while (length > 1 && text[length] != ' ')
                length--;
        }
        put(page, "%-*s%.*s", indent, left, (int)length, text);
        text += length + strspn(text + length, " ");
        left = "";
    } while (*text);
}

/* ---- an overview ---- */

/* "clip, siglip" behind the help of a choice. */
static void add_words(const struct train_key *key, char *text, size_t size)
{
    size_t used = strlen(text);
    for (uint32_t i = 0; key->kind == KIND_CHOICE && train_key_word(key, i) && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : ": ", train_key_word(key, i)->name);
}

static void put_row(const struct page *page, const struct train_key *key)
{
    char left[64], text[512];
    snprintf(left, sizeof(left), "%c %-25s %-15s ", key->may_change ? '*' : ' ', key->name,
             key->value ? key->value : "");
    snprintf(text, sizeof(text), "%s", key->help);
    add_words(key, text, sizeof(text));
    put_wrapped(page, left, text);
}

static void put_rows(const struct page *page, const char *section)
{
    size_t length = strlen(section);
    for (const struct train_key *key = train_keys; key->name; key++) {
        if (length == 0 || (strncmp(key->name, section, length) == 0 && key->name[length] == '.'))
            put_row(page, key);
    }
}

/* ---- one key ---- */

static void put_range(const struct page *page, const struct train_key *key, const char *what)
{
    int digits = key->kind == KIND_U32 || key->kind == KIND_I32 ? 10 : 9; /* whole numbers in full */
    char low[32], high[32];
    snprintf(low, sizeof(low), "%.*g", digits, key->low);
    snprintf(high, sizeof(high), "%.*g", digits, key->high);
    if (key->high >= 1e30)
        put(page, "  takes    %s from %s on", what, low);
    else
        put(page, "  takes    %s from %s to %s", what, low, high);
}

static void put_takes(const struct page *page, const struct train_key *key)
{
    char left[64];
    switch (key->kind) {
    case KIND_PATH:
        put(page, "  takes    a path, relative to the configuration's file, or to the working directory in --set");
        break;
    case KIND_U32:
    case KIND_I32:
        put_range(page, key, "a whole number");
        break;
    case KIND_NUMBER:
        put_range(page, key, "a number");
        break;
    case KIND_PAIR:
        put_range(page, key, "two numbers [a, b]");
        break;
    case KIND_BOOL:
        put(page, "  takes    true or false");
        break;
    case KIND_OWN:
        put(page, "  takes    %s", key->form->takes);
        break;
    case KIND_TEXT:
        put(page, "  takes    a string");
        put(page, "  takes    nothing in this version: it is refused");
        break;
    case KIND_CHOICE:
        for (uint32_t i = 0; train_key_word(key, i); i++) {
            snprintf(left, sizeof(left), "  %-8s %-10s  ", i ? "" : "takes", train_key_word(key, i)->name);
            put_wrapped(page, left, train_key_word(key, i)->help);
        }
    }
}

static void put_key(const struct page *page, const struct train_key *key)
{
    char text[512];
    put(page, "%s", key->name);
    snprintf(text, sizeof(text), "%s.", key->help);
    put_wrapped(page, "  ", text);
    put_takes(page, key);
    if (key->unit || key->kind == KIND_U32 || key->kind == KIND_I32 || key->kind == KIND_NUMBER)
        put(page, "  unit     %s", key->unit ? key->unit : "none: a plain number");
    put(page, "  default  %s", key->value ? key->value : key->required ? "none: it must be given" : "none");
    if (key->left)
        put(page, "           %s where its section is given without it", key->left);
    put(page, "  resume   %s", key->may_change ? "may change" : "stays as the run was begun with");
}

enum mien_status mien_train_help(const char *name, void (*line)(void *user, const char *line), void *user)
{
    const struct page page = {line, user};
    if (!line)
        return base_fail(MIEN_ERR_ARG, "mien_train_help: there is nobody to give lines to");
    const struct train_key *key = name ? train_key_find(name) : NULL;
    if (name && !key && !train_key_is_section(name))
        return train_key_unknown("--help", name);
    if (key)
        put_key(&page, key);
    else
        put_rows(&page, name ? name : "");
    return MIEN_OK;
}
