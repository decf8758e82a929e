/* options.c: options as words: what check_ops takes, and how a parent tells a child. */
#include "check/check.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum kind { FLAG, TEXT, COUNT64, COUNT32, NUMBER };

static const struct option {
    const char *name;
    enum kind kind;
    size_t at;
} options_known[] = {
#define OPTION(name, kind, member)                                                                                     \
    {                                                                                                                  \
        name, kind, offsetof(struct check_options, member)                                                             \
    }
    OPTION("--op", TEXT, op_glob),
    OPTION("--case", TEXT, case_glob),
    OPTION("--mask", TEXT, mask),
    OPTION("--device", TEXT, device),
    OPTION("--caps", TEXT, caps),
    OPTION("--seed", COUNT64, seed),
    OPTION("--grad", FLAG, grad),
    OPTION("--bench", FLAG, bench),
    OPTION("--quick", FLAG, quick),
    OPTION("--full", FLAG, full),
    OPTION("--verbose", FLAG, verbose),
    OPTION("--smallest", FLAG, smallest),
    OPTION("--timeout", NUMBER, timeout),
    OPTION("--max-elements", COUNT64, max_elements),
    OPTION("--jobs", COUNT32, jobs),
    OPTION("--share", COUNT32, share),
    OPTION("--first", FLAG, first),
    OPTION("--from", COUNT32, from),
    OPTION("--flop-rate", NUMBER, flop_rate),
    OPTION("--byte-rate", NUMBER, byte_rate)
#undef OPTION
};

bool check_glob(const char *pattern, const char *name)
{
    if (!pattern)
        return true;
    if (*pattern == '*')
        return check_glob(pattern + 1, name) || (*name && check_glob(pattern, name + 1));
    if (!*pattern || !*name)
        return *pattern == *name;
    return (*pattern == '?' || *pattern == *name) && check_glob(pattern + 1, name + 1);
}

void check_options_default(struct check_options *options)
{
    *options = (struct check_options){.seed = 1, .timeout = 60};
}

static bool set_number(const struct option *option, const char *word, void *member)
{
    char *end = NULL;
    if (option->kind == NUMBER) {
        double number = strtod(word, &end);
        *(double *)member = number;
        return *word && !*end && number > 0;
    }
    unsigned long long number = strtoull(word, &end, 10);
    if (option->kind == COUNT64)
        *(uint64_t *)member = number;
    else
        *(uint32_t *)member = (uint32_t)number;
    return *word >= '0' && *word <= '9' && !*end && (option->kind == COUNT64 || number <= UINT32_MAX);
}

const char *check_options_parse(const char *const *words, struct check_options *options)
{
    for (size_t i = 0; words[i]; i++) {
        const struct option *option = NULL;
        for (size_t k = 0; k < BASE_COUNT(options_known) && !option; k++)
            option = strcmp(words[i], options_known[k].name) == 0 ? &options_known[k] : NULL;
        if (!option)
            return words[i];
        void *member = (char *)options + option->at;
        if (option->kind == FLAG) {
            *(bool *)member = true;
            continue;
        }
        if (!words[++i])
            return words[i - 1];
        if (option->kind == TEXT)
            *(const char **)member = words[i];
        else if (!set_number(option, words[i], member))
            return words[i - 1];
    }
    return NULL;
}

/* The word of a member; NULL when it is as in a zeroed struct, or memory ran out. */
static const char *member_word(const struct option *option, const void *member, struct base_arena *arena)
{
    switch (option->kind) {
    case FLAG:
        return *(const bool *)member ? "" : NULL;
    case TEXT:
        return *(const char *const *)member;
    case NUMBER: {
        double number = *(const double *)member;
        return number > 0 ? base_arena_printf(arena, "%.17g", number) : NULL;
    }
    default:
        break;
    }
    uint64_t number = option->kind == COUNT64 ? *(const uint64_t *)member : *(const uint32_t *)member;
    return base_arena_printf(arena, "%llu", (unsigned long long)number);
}

bool check_options_words(const struct check_options *options, struct base_arena *arena, const char **words,
                         size_t count)
{
    for (size_t k = 0; k < BASE_COUNT(options_known) && count + 2 < CHECK_MOST_WORDS; k++) {
        const struct option *option = &options_known[k];
        const char *word = member_word(option, (const char *)options + option->at, arena);
        if (!word)
            continue;
        words[count++] = option->name;
        if (option->kind != FLAG)
            words[count++] = word;
    }
    words[count] = NULL;
    return !arena->failed;
}
