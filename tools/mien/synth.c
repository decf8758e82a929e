/* synth.c: makes a data set of synthetic faces. */
#include "command.h"

#include "base/system.h"

#include <inttypes.h>
#include <stdio.h>

static bool on_progress(void *user, uint64_t done, uint64_t total)
{
    progress_show(user, done, total, "samples", "");
    return !*base_stop_flag();
}

static void print_summary(const struct common *common, const char *out, const struct mien_synth_summary *s)
{
    if (common->json) {
        printf("{\"out\":");
        print_json_string(out);
        printf(",\"samples\":%" PRIu64 ",\"subjects\":%" PRIu64 ",\"train\":%" PRIu64 ",\"val\":%" PRIu64
               ",\"test\":%" PRIu64 "}\n",
               s->samples, s->subjects, s->train, s->val, s->test);
        return;
    }
    printf("%" PRIu64 " samples of %" PRIu64 " subjects: train %" PRIu64 ", val %" PRIu64 ", test %" PRIu64
           "\nmanifest %s/manifest.jsonl\n",
           s->samples, s->subjects, s->train, s->val, s->test, out);
}

static enum mien_status make(const struct common *common, struct mien_synth_params *params,
                             struct mien_synth_summary *summary)
{
    struct progress progress;
    base_stop_watch();
    progress_begin(&progress, "synth", common->quiet);
    params->progress = on_progress;
    params->user = &progress;
    enum mien_status status = mien_synth(params, summary);
    progress_end(&progress);
    return status;
}

static int run(const struct command *command, int argc, char **argv)
{
    struct mien_synth_params params = {sizeof params};
    struct mien_synth_summary summary = {sizeof summary};
    struct arg_list inputs = {0};
    struct common common;
    uint64_t size = 64, frames = 16, session = 0;
    const struct arg args[] = {
        {"--count", ARG_NUMBER, "N", "how many samples", &params.count},
        {"--size", ARG_NUMBER, "S", "pixels a side, 16 to 1024 (default 64)", &size},
        {"--video", ARG_FLAG, NULL, "clips instead of pictures: a directory of frames each", &params.video},
        {"--frames", ARG_NUMBER, "N", "frames of a clip, 4 to 1000 (default 16)", &frames},
        {"--contempt", ARG_FLAG, NULL, "contempt too, as the eighth emotion", &params.contempt},
        {"--single", ARG_FLAG, NULL, "no blends of two emotions (default: one sample in eight)", &params.single},
        {"--compound", ARG_FLAG, NULL, "blends of two emotions wherever there are such", &params.compound},
        {"--phases", ARG_FLAG, NULL, "clips begin and end at their own times; rows have onset, apex, offset (frames)",
         &params.phases},
        {"--session-clips", ARG_NUMBER, "N", "clips of each subject, with rated symptoms of the subject as targets",
         &session},
        {0},
    };
    int result = args_parse(command, argc, argv, args, &common, &inputs);
    if (result != ARGS_RUN)
        return result;
    if (inputs.count != 1 || params.count == 0)
        return complain(command, 2, "a directory to make and --count N, 1 or more, are needed; see mien synth --help");
    if (size < 16 || size > 1024)
        return complain(command, 2, "--size %" PRIu64 ": 16 to 1024 pixels a side can be drawn", size);
    if (frames < 4 || frames > 1000)
        return complain(command, 2, "--frames %" PRIu64 ": a clip has 4 to 1000", frames);
    if (session > 10000)
        return complain(command, 2, "--session-clips %" PRIu64 ": 1 to 10000 clips of a subject can be drawn", session);
    params.out = inputs.items[0];
    params.side = (uint32_t)size;
    params.frames = (uint32_t)frames;
    params.session_clips = (uint32_t)session;
    params.seed = common.seed_given ? common.seed : 0;
    enum mien_status status = make(&common, &params, &summary);
    if (status == MIEN_OK)
        print_summary(&common, params.out, &summary);
    if (status == MIEN_ERR_CANCELLED)
        complain(command, 1, "%s: stopped; nothing was kept", params.out);
    return status == MIEN_ERR_CANCELLED ? 128 + *base_stop_flag() : mien_status_exit_code(status);
}

const struct command command_synth = {
    .name = "synth",
    .synopsis = "OUT --count N [--video] [--size S] [--seed S]",
    .summary = "draws synthetic faces with captions",
    .help =
        "Writes OUT/manifest.jsonl and OUT/images (or OUT/clips): drawn faces moved by facial action units, captions\n"
        "in three levels, labels, action units, valence and arousal, split by subject. The same seed gives the\n"
        "same bytes on any machine; a larger set begins with the smaller one. Needs no Vulkan.\n\n"
        "A symptom makes a subject's movement weaker (flat_affect) or slower (slowing). With --session-clips targets\n"
        "are what two raters say, 0 to 6 in half points: right to a correlation of about 0.95, not more; people "
        "differ\n"
        "in strength by up to 10 % besides. Without it flat_affect is exact, and clips are seven a subject.",
    .run = run,
    .lacks = LACKS_DEVICE,
};
