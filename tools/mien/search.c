/* search.c: ranks a collection by sentences. */
#include "command.h"

#include <inttypes.h>
#include <stdio.h>

static bool on_progress(void *user, uint64_t done, uint64_t total)
{
    progress_show(user, done, total, "rows", "");
    return true;
}

static void print_match(const struct common *common, const char *text, size_t rank, const struct mien_match *m)
{
    if (!common->json) {
        printf("%4zu  %7.4f  ", rank, m->score);
        print_shown(m->path);
        printf("\n");
        return;
    }
    printf("{\"text\":");
    print_json_string(text);
    printf(",\"rank\":%zu,\"score\":", rank);
    print_json_number(m->score, 9);
    printf(",\"path\":");
    print_json_string(m->path);
    printf(",\"line\":%" PRIu32 "}\n", m->line);
}

static void print_all(const struct common *common, const struct mien_search_params *p, const struct mien_search *r)
{
    for (size_t t = 0; t < r->text_count; t++) {
        if (!common->json && r->text_count > 1)
            printf("%s%s\n", t ? "\n" : "", p->texts[t]);
        for (size_t i = 0; i < r->count; i++)
            print_match(common, p->texts[t], i + 1, &r->matches[t * r->count + i]);
    }
    if (r->bad && !common->quiet)
        fprintf(stderr, "mien: warning: %zu of %zu rows could not be read and were left out\n", r->bad, r->rows);
}

static int run(const struct command *command, int argc, char **argv)
{
    const char *model = NULL, *embeddings = NULL;
    struct mien_store *store = NULL;
    struct mien_search_params params = {sizeof params};
    struct mien_search *result = NULL;
    struct arg_list texts = {0};
    struct looking looking = {.frame_count = LOOKING_USUAL};
    struct common common;
    struct progress progress;
    struct use use;
    uint64_t top = 10;
    const struct arg args[] = {
        {"--model", ARG_TEXT, "DIR", "the model directory", &model},
        {"--manifest", ARG_TEXT, "FILE", "the collection, JSON Lines or a table (mien manifest)", &params.manifest},
        {"--column", ARG_TEXT, "KEY=NAME,...", "of a table: image=path,caption=text", &params.columns},
        {"--text", ARG_LIST, "STR", "the sentences to search by", &texts},
        {"--embeddings", ARG_TEXT, "FILE", STORED_HELP, &embeddings},
        {"--top", ARG_NUMBER, "N", "how many to print; 0 = all (default: 10)", &top},
        {"--frame-count", ARG_NUMBER, "N", LOOKING_FRAMES, &looking.frame_count},
        {"--no-exif", ARG_FLAG, NULL, "do not turn pictures as their EXIF orientation says", &looking.no_exif},
        {"--jpeg-draft", ARG_FLAG, NULL, LOOKING_DRAFT, &looking.jpeg_draft},
        {0},
    };
    int exit_code = args_parse(command, argc, argv, args, &common, NULL);
    if (exit_code != ARGS_RUN)
        return exit_code;
    if (!model || !params.manifest || texts.count == 0)
        return complain(command, 2, "%s is missing; see mien search --help",
                        !model             ? "--model DIR"
                        : !params.manifest ? "--manifest FILE"
                                           : "--text STR");
    if ((exit_code = looking_check(command, &looking)) != 0)
        return exit_code;
    params.texts = texts.items;
    params.text_count = texts.count;
    params.top = (size_t)top;
    struct mien_embed_params embed = looking_params(&looking);
    embed.progress = on_progress;
    embed.user = &progress;
    params.embed = &embed;
    progress_begin(&progress, "search", common.quiet);
    enum mien_status status = use_open(&use, &common, model);
    if (status == MIEN_OK && embeddings)
        status = mien_store_read(use.model, embeddings, &store);
    embed.store = store;
    if (status == MIEN_OK)
        status = mien_search(use.model, &params, &result);
    progress_end(&progress);
    if (status == MIEN_OK)
        print_all(&common, &params, result);
    mien_search_destroy(&result);
    mien_store_destroy(&store);
    return mien_status_exit_code(use_close(&use, status));
}

const struct command command_search = {
    .name = "search",
    .synopsis = "--model DIR --manifest FILE --text STR [...] [options]",
    .summary = "ranks a collection by a sentence",
    .help =
        "Prints rank, cosine and path of the rows that are most like the sentence; --json prints one object a line:\n"
        "{\"text\",\"rank\",\"score\",\"path\",\"line\"}. Rows that cannot be read are named and left out. Videos are "
        "decoded "
        "by\nffmpeg, which must be installed.",
    .run = run,
    .lacks = LACKS_SEED,
    .traces = true,
    .halves = true,
};
