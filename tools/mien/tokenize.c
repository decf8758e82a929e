/* tokenize.c: token ids of texts. */
#include "command.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void print_ids(const int32_t *ids, size_t count)
{
    printf("[");
    for (size_t i = 0; i < count; i++)
        printf("%s%" PRId32, i ? "," : "", ids[i]);
    printf("]\n");
}

static enum mien_status tokenize(const char *dir, const struct arg_list *texts, size_t *cut_count, uint32_t *context)
{
    struct mien_tokenizer *tokenizer = NULL;
    enum mien_status status = mien_tokenizer_open(dir, NULL, &tokenizer);
    if (status != MIEN_OK)
        return status;
    *context = mien_tokenizer_context(tokenizer);
    int32_t *ids = take(*context, sizeof(*ids));
    status = ids ? MIEN_OK : MIEN_ERR_NOMEM;
    for (size_t i = 0; status == MIEN_OK && i < texts->count; i++) {
        size_t count;
        bool cut = false;
        status = mien_tokenizer_encode(tokenizer, texts->items[i], ids, &count, &cut);
        *cut_count += cut;
        if (status == MIEN_OK)
            print_ids(ids, count);
    }
    free(ids);
    mien_tokenizer_destroy(&tokenizer);
    return status;
}

static int run(const struct command *command, int argc, char **argv)
{
    const char *model = NULL;
    struct arg_list texts = {0};
    struct common common;
    size_t cut = 0;
    uint32_t context = 0;
    const struct arg args[] = {
        {"--model", ARG_TEXT, "DIR", "the model directory", &model},
        {0},
    };
    int result = args_parse(command, argc, argv, args, &common, &texts);
    if (result != ARGS_RUN)
        return result;
    if (!model || texts.count == 0)
        return complain(command, 2, "%s is missing; see mien tokenize --help", model ? "a text" : "--model DIR");
    for (size_t i = 0; i < texts.count; i++)
        if (check_utf8(command, "TEXT", texts.items[i]) != ARGS_RUN)
            return 2;
    enum mien_status status = tokenize(model, &texts, &cut, &context);
    if (cut && !common.quiet)
        fprintf(stderr, "mien: warning: %zu of %zu texts are longer than %u tokens and were cut there\n", cut,
                texts.count, context);
    return mien_status_exit_code(status);
}

const struct command command_tokenize = {
    .name = "tokenize",
    .synopsis = "--model DIR [--] TEXT ...",
    .summary = "prints token ids of texts",
    .help =
        "One JSON array a line: the ids from start to end token, unpadded. A text longer than the model's context is\n"
        "cut as CLIP cuts it. After -- texts may begin with a dash. Needs no Vulkan.\n"
        "Texts are UTF-8. They are cleaned as for every command: references of HTML resolved twice, Unicode's form "
        "NFC,\n"
        "typographic quotes made straight, white space to one blank, lower case. Added tokens (added_tokens.json,\n"
        "tokenizer_config.json, tokenizer.json) are one token wherever they stand.",
    .run = run,
    .lacks = LACKS_DEVICE | LACKS_SEED,
};
