/* embed.c: embeddings of pictures, clips and texts to a file. */
#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one call of the subcommand embeds. */
struct job {
    const char *model, *output, *text_file;
    struct arg_list images, frames, videos, texts;
    struct mien_texts *lines; /* of text_file */
    struct looking looking;
    bool raw, skip_bad;
    struct common common;
    struct use use;
};

/* Rows of one kind. */
struct rows {
    float *data; /* [count,E] */
    bool *ok;    /* [count] */
    size_t count;
};

static bool on_progress(void *user, uint64_t done, uint64_t total)
{
    progress_show(user, done, total, "inputs", "");
    return true;
}

static bool make_rows(const struct job *job, size_t count, struct rows *rows)
{
    rows->count = count;
    rows->data = calloc(count + 1, job->use.info.embed * sizeof(float));
    rows->ok = calloc(count + 1, sizeof(bool));
    return rows->data && rows->ok;
}

/* Closes the gaps that bad files left among rows [first, first + count); how many are left. */
static size_t compact(const struct job *job, struct rows *rows, size_t first, size_t count)
{
    size_t width = job->use.info.embed, kept = 0;
    for (size_t i = first; i < first + count; i++) {
        if (rows->ok[i])
            memmove(rows->data + (first + kept++) * width, rows->data + i * width, width * sizeof(float));
    }
    return kept;
}

/* Pictures, then folders of frames, then videos. */
static size_t list_inputs(const struct job *job, struct mien_input *inputs)
{
    const struct arg_list *lists[] = {&job->images, &job->frames, &job->videos};
    size_t n = 0;
    for (size_t k = 0; k < 3; k++) {
        for (size_t i = 0; i < lists[k]->count; i++, n++) {
            const char *name = lists[k]->items[i];
            inputs[n] = (struct mien_input){.has_box = job->looking.has_box};
            *(k == 0 ? &inputs[n].path : k == 1 ? &inputs[n].directory : &inputs[n].video) = name;
            memcpy(inputs[n].box, job->looking.box, sizeof(inputs[n].box));
        }
    }
    return n;
}

static enum mien_status embed_inputs(struct job *job, struct rows *rows)
{
    struct progress progress;
    size_t count = job->images.count + job->frames.count + job->videos.count;
    struct mien_input *inputs = calloc(count + 1, sizeof(*inputs));
    enum mien_status status = MIEN_ERR_NOMEM;
    if (inputs && make_rows(job, count, rows)) {
        struct mien_embed_params params = looking_params(&job->looking);
        params.flags |= job->raw ? MIEN_RAW : 0;
        params.ok = job->skip_bad ? rows->ok : NULL;
        params.progress = on_progress;
        params.user = &progress;
        progress_begin(&progress, "embed", job->common.quiet);
        status = mien_model_embed(job->use.model, inputs, list_inputs(job, inputs), &params, rows->data);
        progress_end(&progress);
    }
    for (size_t i = 0; status == MIEN_OK && !job->skip_bad && i < count; i++)
        rows->ok[i] = true;
    free(inputs);
    return status;
}

static enum mien_status embed_texts(struct job *job, struct rows *rows)
{
    size_t count = job->texts.count + (job->lines ? job->lines->count : 0);
    const char **all = calloc(count + 1, sizeof(*all));
    enum mien_status status = MIEN_ERR_NOMEM;
    if (all && make_rows(job, count, rows)) {
        for (size_t i = 0; i < count; i++)
            all[i] = i < job->texts.count ? job->texts.items[i] : job->lines->lines[i - job->texts.count];
        status = mien_model_embed_texts(job->use.model, all, count, job->raw ? MIEN_RAW : 0, rows->data);
    }
    free(all);
    return status;
}

/* Those of inputs [first, ...) that are not ok, with their names in the list. */
static void print_bad(const struct arg_list *list, const struct rows *rows, size_t first, bool *any)
{
    for (size_t i = 0; i < list->count; i++) {
        if (rows->ok[first + i])
            continue;
        printf("%s", *any ? "," : "");
        print_json_string(list->items[i]);
        *any = true;
    }
}

static void print_summary(const struct job *job, const struct rows *inputs, const size_t kept[3])
{
    size_t bad = inputs->count - kept[0] - kept[1];
    bool any = false;
    if (job->common.json) {
        printf("{\"output\":");
        print_json_string(job->output);
        printf(",\"width\":%u,\"images\":%zu,\"videos\":%zu,\"texts\":%zu,\"bad\":[", job->use.info.embed, kept[0],
               kept[1], kept[2]);
        print_bad(&job->images, inputs, 0, &any);
        print_bad(&job->frames, inputs, job->images.count, &any);
        print_bad(&job->videos, inputs, job->images.count + job->frames.count, &any);
        printf("]}\n");
        return;
    }
    printf("%s: %zu images, %zu clips, %zu texts of width %u", job->output, kept[0], kept[1], kept[2],
           job->use.info.embed);
    if (bad)
        printf("; %zu bad files left out", bad);
    printf("\n");
}

/* kept: how many images, clips and texts were written. */
static int write_all(const struct command *command, const struct job *job, struct rows *inputs,
                     const struct rows *texts, size_t kept[3])
{
    static const char *const names[] = {"image_embeds", "video_embeds", "text_embeds"};
    const size_t images = job->images.count, given[] = {images, inputs->count - images, texts->count};
    const float *data[] = {inputs->data, inputs->data + images * job->use.info.embed, texts->data};
    struct mien_embeds sets[3];
    size_t count = 0;
    kept[0] = compact(job, inputs, 0, images);
    kept[1] = compact(job, inputs, images, given[1]);
    kept[2] = texts->count;
    if (kept[0] + kept[1] + kept[2] == 0)
        return complain(command, 4, "none of the %zu files could be read; %s is not written", inputs->count,
                        job->output);
    for (size_t i = 0; i < 3; i++)
        if (given[i])
            sets[count++] = (struct mien_embeds){names[i], data[i], kept[i], job->use.info.embed};
    return mien_status_exit_code(mien_embeds_write(job->output, sets, count));
}

static int embed(const struct command *command, struct job *job)
{
    struct rows inputs = {0}, texts = {0};
    size_t kept[3] = {0};
    enum mien_status status = use_open(&job->use, &job->common, job->model);
    if (status == MIEN_OK)
        status = embed_inputs(job, &inputs);
    if (status == MIEN_OK)
        status = embed_texts(job, &texts);
    int result = mien_status_exit_code(status);
    if (status == MIEN_OK)
        result = write_all(command, job, &inputs, &texts, kept);
    if (result == 0 && (!job->common.quiet || job->common.json))
        print_summary(job, &inputs, kept);
    free(inputs.data);
    free(inputs.ok);
    free(texts.data);
    free(texts.ok);
    status = use_close(&job->use, status);
    return result == 0 ? mien_status_exit_code(status) : result;
}

static int check(const struct command *command, struct job *job)
{
    const char *missing = !job->model ? "--model DIR" : !job->output ? "-o OUT.safetensors" : NULL;
    if (missing)
        return complain(command, 2, "%s is missing; see mien embed --help", missing);
    if (!job->images.count && !job->frames.count && !job->videos.count && !job->texts.count && !job->text_file)
        return complain(command, 2, "nothing to embed: give --image, --frames, --video, --text or --texts");
    int result = looking_check(command, &job->looking);
    if (result != 0 || !job->text_file)
        return result;
    return mien_status_exit_code(mien_texts_read(job->text_file, MIEN_EMPTY_LINES, &job->lines));
}

static int run(const struct command *command, int argc, char **argv)
{
    struct job job = {.looking.frame_count = LOOKING_USUAL};
    const struct arg args[] = {
        {"--model", ARG_TEXT, "DIR", "the model directory", &job.model},
        {"--image", ARG_LIST, "FILE", "cropped faces, PNG or JPEG", &job.images},
        {"--frames", ARG_LIST, "DIR", "clips, each a folder of frames in the order of their names", &job.frames},
        {"--video", ARG_LIST, "FILE", "clips too, after those of --frames; decoded by ffmpeg, which must be installed",
         &job.videos},
        {"--text", ARG_LIST, "STR", "texts", &job.texts},
        {"--texts", ARG_TEXT, "FILE", "more texts, one a line, after those of --text", &job.text_file},
        {"-o", ARG_TEXT, "FILE", "the safetensors file to write (also --output)", &job.output},
        {"--output", ARG_TEXT, "FILE", "the same", &job.output},
        {"--raw", ARG_FLAG, NULL, "embeddings before normalisation, not of unit length", &job.raw},
        {"--skip-bad", ARG_FLAG, NULL, "leave out files that cannot be read; they are named", &job.skip_bad},
        {"--frame-count", ARG_NUMBER, "N", LOOKING_FRAMES, &job.looking.frame_count},
        {"--box", ARG_TEXT, "x,y,w,h", "look at this part of every picture", &job.looking.box_text},
        {"--no-exif", ARG_FLAG, NULL, "do not turn pictures as their EXIF orientation says", &job.looking.no_exif},
        {0},
    };
    int result = args_parse(command, argc, argv, args, &job.common, NULL);
    if (result != ARGS_RUN)
        return result;
    if ((result = check(command, &job)) == 0)
        result = embed(command, &job);
    mien_texts_destroy(&job.lines);
    return result;
}

const struct command command_embed = {
    .name = "embed",
    .synopsis =
        "--model DIR [--image FILE ...] [--frames DIR ...] [--video FILE ...] [--text STR ...] -o OUT.safetensors",
    .summary = "writes embeddings of images, clips and texts",
    .help =
        "Tensors image_embeds [N,E], video_embeds [V,E], text_embeds [M,E], f32, of unit length, in the order given.\n"
        "A clip's embedding is made by the model's temporal transformer; where it has none it is the mean of its\n"
        "frames'. One bad file: exit status 4 and nothing written, unless --skip-bad. --json prints one object:\n"
        "{\"output\",\"width\",\"images\",\"videos\",\"texts\",\"bad\"}.\n\n" PICTURE_LIMITS,
    .run = run,
    .lacks = LACKS_SEED,
    .traces = true,
    .halves = true,
};
