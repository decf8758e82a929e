/* import.c: turns a data set's official layout into a manifest. */
#include "command.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As data.train takes them: "x-%06d.tar", of which the library has made shards, is "x-{000000..000012}.tar". */
static void print_shards(const char *pattern, uint64_t count)
{
    size_t before = strcspn(pattern, "%"), behind = before + strcspn(pattern + before, "d");
    int width = atoi(pattern + before + 1);
    printf("%" PRIu64 " shard%s: data.train=%.*s{%0*d..%0*" PRIu64 "}%s\n", count, count == 1 ? "" : "s", (int)before,
           pattern, width, 0, width, count - 1, pattern + behind + 1);
}

static void print_summary(const struct common *common, const char *manifest, const struct mien_import_summary *s)
{
    if (common->json) {
        printf("{\"manifest\":");
        print_json_string(manifest);
        printf(",\"samples\":%" PRIu64 ",\"train\":%" PRIu64 ",\"val\":%" PRIu64 ",\"test\":%" PRIu64
               ",\"missing\":%" PRIu64 ",\"unrated\":%" PRIu64 ",\"passed_over\":%" PRIu64 ",\"packed\":%" PRIu64
               ",\"pack_bytes\":%" PRIu64 ",\"duplicates\":%" PRIu64 ",\"left_out\":%" PRIu64 ",\"shards\":%" PRIu64
               "}\n",
               s->samples, s->train, s->val, s->test, s->missing, s->unrated, s->passed_over, s->packed, s->pack_bytes,
               s->duplicates, s->left_out, s->shards);
        return;
    }
    uint64_t of_none = s->samples - s->train - s->val - s->test;
    printf("%" PRIu64 " samples: train %" PRIu64 ", val %" PRIu64 ", test %" PRIu64, s->samples, s->train, s->val,
           s->test);
    if (of_none)
        printf(", of no split %" PRIu64, of_none);
    printf("; left out: %" PRIu64 " without a file, %" PRIu64 " without a rating\n", s->missing, s->unrated);
    if (s->duplicates || s->left_out)
        printf("kept once: %" PRIu64 " entries that stand in a list twice; left out as the layout says: %" PRIu64 "\n",
               s->duplicates, s->left_out);
    if (s->passed_over)
        printf("passed over: %" PRIu64 " files or directories that are no pictures\n", s->passed_over);
    if (s->shards)
        print_shards(manifest, s->shards);
    else
        printf("manifest %s\n", manifest);
    if (s->packed)
        printf("pack %s.pack: %" PRIu64 " pictures, %.1f MB\n", manifest, s->packed, (double)s->pack_bytes / 1e6);
}

static void print_layouts(void)
{
    const struct mien_import_info *info;
    for (size_t i = 0; (info = mien_import_describe(i)); i++)
        printf("%s: %s\n    layout: %s\n    from: %s\n", info->name, info->summary, info->layout, info->source);
}

static void print_layouts_json(void)
{
    const struct mien_import_info *info;
    for (size_t i = 0; (info = mien_import_describe(i)); i++) {
        const char *const members[][2] = {
            {"name", info->name}, {"summary", info->summary}, {"layout", info->layout}, {"source", info->source}};
        for (size_t k = 0; k < 4; k++) {
            printf("%s\"%s\":", k ? "," : "{", members[k][0]);
            print_json_string(members[k][1]);
        }
        printf("}\n");
    }
}

static void print_names(void)
{
    const struct mien_import_info *info;
    printf("NAME is one of:\n");
    for (size_t i = 0; (info = mien_import_describe(i)); i++)
        printf("  %-16s  %s\n", info->name, info->summary);
}

static bool on_progress(void *user, uint64_t done, uint64_t total)
{
    if (total) /* of the pack or the shards; reading lists is soon done */
        progress_show(user, done, total, "rows packed", "");
    return true;
}

static int run(const struct command *command, int argc, char **argv)
{
    struct mien_import_params params = {sizeof params};
    struct mien_import_summary summary = {sizeof summary};
    struct arg_list inputs = {0};
    struct common common;
    struct progress progress;
    bool list = false;
    uint64_t fold = 0, classes = 0, shard_size = UINT64_MAX;
    const struct arg args[] = {
        {"--list", ARG_FLAG, NULL, "prints all layouts, what they look like and where they come from", &list},
        {"--output", ARG_TEXT, "MANIFEST", "the manifest to write (also -o)", &params.manifest},
        {"-o", ARG_TEXT, "MANIFEST", "the same", &params.manifest},
        {"--pack", ARG_FLAG, NULL, "writes MANIFEST.pack too: decoded pictures, which training reads", &params.pack},
        {"--captions", ARG_FLAG, NULL,
         "three-level captions from labels, action units, valence and arousal; own ones stay", &params.captions},
        {"--local", ARG_FLAG, NULL, "ferplus: captions get local sentences too, one per region", &params.local},
        {"--shuffle-captions", ARG_FLAG, NULL, "a control: captions are handed round among a split's images",
         &params.shuffle_captions},
        {"--fold", ARG_NUMBER, "K", "what fold K tests is test, all else train; without it rows carry their fold",
         &fold},
        {"--classes", ARG_NUMBER, "N", "affectnet, affwild2: 7 leaves contempt, or other, out (default 8)", &classes},
        {"--shard-size", ARG_NUMBER, "N", "shards: samples of each (default 1000)", &shard_size},
        {"--frames", ARG_TEXT, "WHICH", "ckplus: last, last3 or clip (default last)", &params.frames},
        {"--neutral", ARG_TEXT, "WHICH", "ckplus: first: the first frame is a sample of neutral (default none)",
         &params.neutral},
        {0},
    };
    int result = args_parse(command, argc, argv, args, &common, &inputs);
    if (result != ARGS_RUN)
        return result;
    if (list) {
        (common.json ? print_layouts_json : print_layouts)();
        return 0;
    }
    if (inputs.count != 2 || !params.manifest)
        return complain(command, 2,
                        "a data set's name, its directory and -o MANIFEST are needed; see mien import --help");
    if (shard_size == 0)
        return complain(command, 2, "--shard-size 0: a shard holds at least one sample");
    params.name = inputs.items[0];
    params.root = inputs.items[1];
    params.seed = common.seed_given ? common.seed : 0;
    params.fold = (uint32_t)(fold < UINT32_MAX ? fold : UINT32_MAX);
    params.classes = (uint32_t)(classes < UINT32_MAX ? classes : UINT32_MAX);
    params.shard_size = shard_size == UINT64_MAX ? 0 : shard_size;
    params.progress = on_progress;
    params.user = &progress;
    progress_begin(&progress, "import", common.quiet);
    enum mien_status status = mien_import(&params, &summary);
    progress_end(&progress);
    if (status == MIEN_OK)
        print_summary(&common, params.manifest, &summary);
    return mien_status_exit_code(status);
}

const struct command command_import = {
    .name = "import",
    .synopsis = "NAME ROOT -o MANIFEST [options] | --list",
    .summary = "turns a data set's official layout into a manifest",
    .help =
        "ROOT is the data set's directory; of shards it is a manifest, and -o 'x-%06d.tar' names the tar files, which\n"
        "data.train reads as x-{000000..000012}.tar. Captions that an importer writes are worded anew by another "
        "--seed S. "
        "Needs\n"
        "no Vulkan.",
    .print_more = print_names,
    .run = run,
    .lacks = LACKS_DEVICE,
};
