/* import.c: turns a data set's official layout into a manifest. */
#include "command.h"

#include <inttypes.h>
#include <stdio.h>

static void print_summary(const struct common *common, const char *manifest, const struct mien_import_summary *s)
{
    if (common->json) {
        printf("{\"manifest\":");
        print_json_string(manifest);
        printf(",\"samples\":%" PRIu64 ",\"train\":%" PRIu64 ",\"val\":%" PRIu64 ",\"test\":%" PRIu64
               ",\"missing\":%" PRIu64 ",\"unrated\":%" PRIu64 ",\"packed\":%" PRIu64 ",\"pack_bytes\":%" PRIu64 "}\n",
               s->samples, s->train, s->val, s->test, s->missing, s->unrated, s->packed, s->pack_bytes);
        return;
    }
    printf("%" PRIu64 " samples: train %" PRIu64 ", val %" PRIu64 ", test %" PRIu64 "; left out: %" PRIu64
           " without a file, %" PRIu64 " without a rating\nmanifest %s\n",
           s->samples, s->train, s->val, s->test, s->missing, s->unrated, manifest);
    if (s->packed)
        printf("pack %s.pack: %" PRIu64 " pictures, %.1f MB\n", manifest, s->packed, (double)s->pack_bytes / 1e6);
}

static int run(const struct command *command, int argc, char **argv)
{
    struct mien_import_params params = {0};
    struct mien_import_summary summary;
    struct arg_list inputs = {0};
    struct common common;
    const struct arg args[] = {
        {"--output", ARG_TEXT, "MANIFEST", "the manifest to write (also -o)", &params.manifest},
        {"-o", ARG_TEXT, "MANIFEST", "the same", &params.manifest},
        {"--pack", ARG_FLAG, NULL, "writes MANIFEST.pack too: decoded pictures, which training reads", &params.pack},
        {"--local", ARG_FLAG, NULL, "captions get local sentences too, one per region", &params.local},
        {"--shuffle-captions", ARG_FLAG, NULL, "a control: captions are handed round among a split's images",
         &params.shuffle_captions},
        {0},
    };
    int result = args_parse(command, argc, argv, args, &common, &inputs);
    if (result != ARGS_RUN)
        return result;
    if (inputs.count != 2 || !params.manifest)
        return complain(command, 2,
                        "a data set's name, its directory and -o MANIFEST are needed; see mien import --help");
    params.name = inputs.items[0];
    params.root = inputs.items[1];
    params.seed = common.seed_given ? common.seed : 0;
    enum mien_status status = mien_import(&params, &summary);
    if (status == MIEN_OK)
        print_summary(&common, params.manifest, &summary);
    return mien_status_exit_code(status);
}

const struct command command_import = {
    .name = "import",
    .synopsis = "NAME ROOT -o MANIFEST [options]",
    .summary = "turns a data set's official layout into a manifest",
    .help =
        "NAME: ferplus (ROOT/labels.csv with the raters' votes; captions are written from them, --seed S words them\n"
        "anew). Needs no Vulkan.",
    .run = run,
};
