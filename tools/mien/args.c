/* args.c: options of subcommands, and their help. */
#include "command.h"

#include "base/shown.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int complain(const struct command *command, int exit_code, const char *fmt, ...)
{
    va_list args;
    char message[4096], shown[8192];
    va_start(args, fmt);
    vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    base_shown(message, shown, sizeof(shown));
    fprintf(stderr, "mien%s%s: %s\n", command ? " " : "", command ? command->name : "", shown);
    return exit_code;
}

void *take(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size ? size : 1);
    if (!memory)
        complain(NULL, 1, "error: out of host memory for %zu elements of %zu bytes", count, size);
    return memory;
}

/* Letters to insert, delete or change. */
static size_t distance(const char *a, const char *b)
{
    enum { MOST = 63 };
    size_t row[MOST + 1], la = strlen(a), lb = strlen(b);
    if (la > MOST || lb > MOST)
        return SIZE_MAX;
    for (size_t j = 0; j <= lb; j++)
        row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t best = corner + (a[i - 1] != b[j - 1]);
            corner = row[j];
            best = row[j] + 1 < best ? row[j] + 1 : best;
            row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
        }
    }
    return row[lb];
}

const char *nearest(const char *word, const char *const *words)
{
    const char *best = NULL;
    size_t least = strlen(word) / 3 + 2;
    for (size_t i = 0; words[i]; i++) {
        size_t d = distance(word, words[i]);
        if (d < least) {
            least = d;
            best = words[i];
        }
    }
    return best;
}

enum { COMMON_COUNT = 8, MOST_ARGS = 32 };

static void common_args(struct common *c, struct arg out[COMMON_COUNT])
{
    const struct arg all[COMMON_COUNT] = {
        {"--device", ARG_TEXT, "N|NAME", "the Vulkan device (default: MIEN_DEVICE, else the most capable)", &c->device},
        {"--caps", ARG_TEXT, "LIST|PROFILE", "masks what the device can do (default: MIEN_CAPS)", &c->caps},
        {"--precision", ARG_TEXT, "f32|bf16|f16", "how weights are stored where a model is used (default: f32)",
         &c->precision_text},
        {"--seed", ARG_NUMBER, "S", "seed of everything random", &c->seed},
        {"--json", ARG_FLAG, NULL, "results as JSON", &c->json},
        {"--quiet", ARG_FLAG, NULL, "no progress, only failures", &c->quiet},
        {"--trace", ARG_TEXT, "FILE", "host and GPU work over time, for ui.perfetto.dev", &c->trace},
        {0},
    };
    memcpy(out, all, sizeof(all));
}

void print_wrapped(const char *text, int indent)
{
    enum { WIDTH = 112 };
    int column = indent;
    for (size_t length; *text; text += length + (text[length] == ' ')) {
        length = strcspn(text, " ");
        if (column > indent && column + 1 + (int)length > WIDTH) {
            printf("\n%*s", indent, "");
            column = indent;
        }
        column += printf("%s%.*s", column > indent ? " " : "", (int)length, text);
    }
    printf("\n");
}

/* Whether a common option is of use to a subcommand. */
static bool is_of_use(const struct command *command, const struct arg *arg)
{
    static const struct {
        const char *name;
        unsigned bit;
    } bits[] = {{"--device", LACKS_DEVICE},
                {"--caps", LACKS_DEVICE},
                {"--seed", LACKS_SEED},
                {"--json", LACKS_JSON},
                {"--quiet", LACKS_QUIET}};
    for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
        if (strcmp(arg->name, bits[i].name) == 0)
            return !(command->lacks & bits[i].bit);
    }
    return strcmp(arg->name, "--trace") == 0 ? command->traces : command->halves; /* --precision */
}

/* command: of common options, those that it has a use for; NULL = all. */
static void print_args(const struct arg *args, const struct command *command)
{
    for (; args->name; args++) {
        char left[64];
        if (command && !is_of_use(command, args))
            continue;
        snprintf(left, sizeof(left), "%s%s%s%s", args->name, args->value ? " " : "", args->value ? args->value : "",
                 args->kind == ARG_LIST ? " ..." : "");
        printf("  %-28s %s\n", left, args->help);
    }
}

static void print_help(const struct command *command, const struct arg *args, const struct arg *common)
{
    printf("mien %s%s%s\n\n%s.\n", command->name, *command->synopsis ? " " : "", command->synopsis, command->summary);
    if (command->help)
        printf("\n%s\n", command->help);
    if (command->print_more) {
        printf("\n");
        command->print_more();
    }
    if (args->name)
        printf("\nOptions:\n");
    print_args(args, NULL);
    printf("\nCommon options:\n");
    print_args(common, command);
    printf("  %-28s %s\n", "--help", "this text");
    if (command->explain) {
        printf("\n");
        (void)command->explain(NULL);
    }
}

static const struct arg *find_arg(const struct arg *args, const char *name, size_t length)
{
    for (; args->name; args++) {
        if (strlen(args->name) == length && memcmp(args->name, name, length) == 0)
            return args;
    }
    return NULL;
}

static int unknown_option(const struct command *command, const char *option, const struct arg *a, const struct arg *b)
{
    const char *names[MOST_ARGS + COMMON_COUNT + 2] = {0};
    size_t count = 0;
    for (; a->name && count < MOST_ARGS; a++)
        names[count++] = a->name;
    for (; b->name; b++)
        names[count++] = b->name;
    names[count] = "--help";
    const char *near = nearest(option, names);
    return complain(command, 2, "unknown option %s%s%s%s; see mien %s --help", option, near ? "; did you mean " : "",
                    near ? near : "", command->explain ? "; keys of the configuration go by --set key=value" : "",
                    command->name);
}

/* Names of files may be any bytes, and not empty. */
static bool is_path(const struct arg *arg)
{
    return strncmp(arg->value, "FILE", 4) == 0 || strcmp(arg->value, "DIR") == 0 || strcmp(arg->value, "MANIFEST") == 0;
}

static int set_value(const struct command *command, const struct arg *arg, const char *value)
{
    char *end = NULL;
    if (!*value && is_path(arg))
        return complain(command, 2, "%s: the name is empty; a %s is wanted", arg->name, arg->value);
    if (!is_path(arg) && check_utf8(command, arg->name, value) != ARGS_RUN)
        return 2;
    if (arg->kind == ARG_TEXT) {
        *(const char **)arg->out = value;
    } else if (arg->kind == ARG_LIST) {
        struct arg_list *list = arg->out;
        list->items[list->count++] = value;
    } else {
        errno = 0;
        unsigned long long number = strtoull(value, &end, 10);
        if (*value < '0' || *value > '9' || *end || errno)
            return complain(command, 2, "%s %s: a whole number from 0 on is wanted", arg->name, value);
        if (number == UINT64_MAX) /* stands for "not given" */
            return complain(command, 2, "%s %s: at most %llu is wanted", arg->name, value, number - 1);
        *(uint64_t *)arg->out = number;
    }
    return ARGS_RUN;
}

struct parser {
    const struct command *command;
    const struct arg *args, *common;
    int argc, at;
    char **argv;
    struct arg_list *inputs;
    bool ended; /* after "--" */
};

/* Whether a word is an option by its name, so that it is hardly meant as the value of the one before it. */
static bool is_option(const struct parser *p, const char *text)
{
    return find_arg(p->args, text, strlen(text)) || find_arg(p->common, text, strlen(text));
}

static bool is_value(const struct parser *p, int at)
{
    return at < p->argc && (p->argv[at][0] != '-' || p->argv[at][1] == 0);
}

/* Scripts give the common options to every subcommand: one without effect is taken. What is asked to come out and would
 * not is refused. */
static int check_use(const struct command *command, const struct arg *arg)
{
    if (is_of_use(command, arg))
        return ARGS_RUN;
    if (strcmp(arg->name, "--trace") == 0)
        return complain(command, 2, "--trace: only train, eval, classify, embed and search write one");
    if (strcmp(arg->name, "--json") == 0)
        return complain(command, 2, "--json: %s has no result as JSON; leave it out", command->name);
    return ARGS_RUN;
}

/* An option and its values; p->at stands behind them. */
static int parse_option(struct parser *p)
{
    const char *text = p->argv[p->at++];
    size_t length = strcspn(text, "=");
    const char *inner = text[length] ? text + length + 1 : NULL;
    const struct arg *arg = find_arg(p->args, text, length);
    int result;
    if (!arg) {
        arg = find_arg(p->common, text, length);
        if (!arg)
            return unknown_option(p->command, text, p->args, p->common);
        if ((result = check_use(p->command, arg)) != ARGS_RUN)
            return result;
    }
    if (arg->kind == ARG_FLAG) {
        if (inner)
            return complain(p->command, 2, "%s takes no value", arg->name);
        *(bool *)arg->out = true;
        return ARGS_RUN;
    }
    if (arg->kind == ARG_MAYBE) {
        struct arg_maybe *maybe = arg->out;
        maybe->given = true;
        if (inner || is_value(p, p->at))
            maybe->value = inner ? inner : p->argv[p->at++];
        return ARGS_RUN;
    }
    if (!inner && (p->at >= p->argc || is_option(p, p->argv[p->at])))
        return complain(p->command, 2, "%s needs a value: %s %s", arg->name, arg->name, arg->value);
    result = set_value(p->command, arg, inner ? inner : p->argv[p->at++]);
    while (result == ARGS_RUN && arg->kind == ARG_LIST && !inner && !p->inputs && is_value(p, p->at))
        result = set_value(p->command, arg, p->argv[p->at++]);
    return result;
}

static int parse_all(struct parser *p)
{
    int result = ARGS_RUN;
    while (result == ARGS_RUN && p->at < p->argc) {
        const char *text = p->argv[p->at];
        if (!p->ended && strcmp(text, "--") == 0) {
            p->ended = true;
            p->at++;
        } else if (!p->ended && !is_value(p, p->at)) {
            result = parse_option(p);
        } else if (p->inputs) {
            p->inputs->items[p->inputs->count++] = text;
            p->at++;
        } else {
            return complain(p->command, 2, "unexpected \"%s\"; see mien %s --help", text, p->command->name);
        }
    }
    return result;
}

/* The place of --help, or -1. */
static int asks_help(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return i;
    }
    return -1;
}

/* Lists are borrowed by the subcommand until it ends; then args_free takes them back. */
static const char **lists[MOST_ARGS];
static size_t list_count;

static bool make_list(struct arg_list *list, int argc)
{
    list->items = list_count < MOST_ARGS ? calloc((size_t)argc + 1, sizeof(*list->items)) : NULL;
    list->count = 0;
    if (list->items)
        lists[list_count++] = list->items;
    return list->items != NULL;
}

void args_free(void)
{
    while (list_count)
        free(lists[--list_count]);
}

/* The words of --precision. */
static int parse_precision(const struct command *command, struct common *common)
{
    static const enum mien_dtype known[] = {MIEN_F32, MIEN_BF16, MIEN_F16};
    const char *word = common->precision_text;
    for (size_t i = 0; word && i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(word, mien_dtype_name(known[i])) != 0)
            continue;
        common->precision = known[i];
        if (known[i] == MIEN_F32 || command->halves)
            return ARGS_RUN;
        return complain(command, 2,
                        "--precision %s: %s takes f32 only; embed, classify, search, eval, info and tune take %s", word,
                        command->name, word);
    }
    return word ? complain(command, 2, "--precision %s: it is one of: f32, bf16, f16", word) : ARGS_RUN;
}

int args_parse(const struct command *command, int argc, char **argv, const struct arg *args, struct common *common,
               struct arg_list *inputs)
{
    struct arg shared[COMMON_COUNT];
    *common = (struct common){.precision = MIEN_F32, .seed = UINT64_MAX};
    common_args(common, shared);
    int help = asks_help(argc, argv);
    if (help >= 0 && command->explain && help + 1 < argc && argv[help + 1][0] != '-')
        return mien_status_exit_code(command->explain(argv[help + 1]));
    if (help >= 0) {
        print_help(command, args, shared);
        return 0;
    }
    if (inputs && !make_list(inputs, argc))
        return complain(command, 1, "out of memory");
    for (const struct arg *arg = args; arg->name; arg++) {
        if (arg->kind == ARG_LIST && !make_list(arg->out, argc))
            return complain(command, 1, "out of memory");
    }
    struct parser p = {.command = command, .args = args, .common = shared, .argc = argc, .argv = argv};
    p.inputs = inputs;
    int result = parse_all(&p);
    if (result != ARGS_RUN)
        return result;
    common->seed_given = common->seed != UINT64_MAX;
    return parse_precision(command, common);
}
