/* embed.c: embeddings of pictures, clips and texts to a file. */
#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one call of the subcommand embeds. */
struct job {
    const char *model, *output, *text_file;
    struct arg_list images, frames, videos, texts;
    struct templates lines; /* of text_file */
    struct looking looking;
    bool raw, skip_bad;
    struct common common;
    struct use use;
};

struct counter {
    struct progress progress;
    const char *unit;
};

/* Rows of one kind. */
struct rows {
    float *data; /* [count,E] */
    bool *ok;    /* [count] */
    size_t count, kept;
};

static void on_progress(void *user, size_t done, size_t total)
{
    struct counter *c = user;
    progress_show(&c->progress, done, total, c->unit, "");
}

static bool make_rows(const struct job *job, size_t count, struct rows *rows)
{
    rows->count = rows->kept = count;
    rows->data = calloc(count + 1, job->use.info.embed * sizeof(float));
    rows->ok = calloc(count + 1, sizeof(bool));
    return rows->data && rows->ok;
}

/* Closes the gaps that bad files left. */
static void compact(const struct job *job, struct rows *rows)
{
    size_t width = job->use.info.embed;
    rows->kept = 0;
    for (size_t i = 0; i < rows->count; i++) {
        if (rows->ok[i])
            memmove(rows->data + rows->kept++ * width, rows->data + i * width, width * sizeof(float));
    }
}

/* What the options ask for; failures and progress as the subcommand shows them. */
static struct mien_embed_params params_of(const struct job *job, const struct rows *rows, struct counter *counter)
{
    struct mien_embed_params params = looking_params(&job->looking);
    params.flags |= job->raw ? MIEN_RAW : 0;
    params.ok = job->skip_bad ? rows->ok : NULL;
    params.progress = on_progress;
    params.user = counter;
    progress_begin(&counter->progress, "embed", job->common.quiet);
    return params;
}

static enum mien_status embed_images(struct job *job, struct rows *rows)
{
    struct counter counter = {.unit = "images"};
    size_t count = job->images.count;
    struct mien_image *images = calloc(count + 1, sizeof(*images));
    enum mien_status status = MIEN_ERR_NOMEM;
    if (images && make_rows(job, count, rows)) {
        for (size_t i = 0; i < count; i++) {
            images[i] = (struct mien_image){.path = job->images.items[i], .has_box = job->looking.has_box};
            memcpy(images[i].box, job->looking.box, sizeof(images[i].box));
        }
        const struct mien_embed_params params = params_of(job, rows, &counter);
        status = mien_model_embed_pictures(job->use.model, images, count, &params, rows->data);
        progress_end(&counter.progress);
    }
    free(images);
    return status;
}

/* Folders of frames, then videos. */
static enum mien_status embed_clips(struct job *job, struct rows *rows)
{
    struct counter counter = {.unit = "clips"};
    size_t folders = job->frames.count, count = folders + job->videos.count;
    struct mien_clip *clips = calloc(count + 1, sizeof(*clips));
    enum mien_status status = MIEN_ERR_NOMEM;
    if (clips && make_rows(job, count, rows)) {
        for (size_t i = 0; i < count; i++) {
            clips[i] = (struct mien_clip){.has_box = job->looking.has_box};
            memcpy(clips[i].box, job->looking.box, sizeof(clips[i].box));
            if (i < folders)
                clips[i].directory = job->frames.items[i];
            else
                clips[i].video = job->videos.items[i - folders];
        }
        const struct mien_embed_params params = params_of(job, rows, &counter);
        status = mien_model_embed_clips(job->use.model, clips, count, &params, rows->data);
        progress_end(&counter.progress);
    }
    free(clips);
    return status;
}

static enum mien_status embed_texts(struct job *job, struct rows *rows)
{
    size_t count = job->texts.count + job->lines.count;
    const char **all = calloc(count + 1, sizeof(*all));
    enum mien_status status = MIEN_ERR_NOMEM;
    if (all && make_rows(job, count, rows)) {
        for (size_t i = 0; i < count; i++)
            all[i] = i < job->texts.count ? job->texts.items[i] : job->lines.lines[i - job->texts.count];
        status = mien_model_embed_texts(job->use.model, all, count, job->raw ? MIEN_RAW : 0, rows->data);
    }
    free(all);
    return status;
}

/* Those of rows [first, ...) that are not ok, with their names in the list. */
static void print_bad(const struct arg_list *list, const struct rows *rows, size_t first, bool *any)
{
    for (size_t i = 0; rows->kept < rows->count && i < list->count; i++) {
        if (rows->ok[first + i])
            continue;
        printf("%s", *any ? "," : "");
        print_json_string(list->items[i]);
        *any = true;
    }
}

static void print_summary(const struct job *job, const struct rows rows[3])
{
    size_t bad = rows[0].count - rows[0].kept + rows[1].count - rows[1].kept;
    bool any = false;
    if (job->common.json) {
        printf("{\"output\":");
        print_json_string(job->output);
        printf(",\"width\":%u,\"images\":%zu,\"videos\":%zu,\"texts\":%zu,\"bad\":[", job->use.info.embed, rows[0].kept,
               rows[1].kept, rows[2].kept);
        print_bad(&job->images, &rows[0], 0, &any);
        print_bad(&job->frames, &rows[1], 0, &any);
        print_bad(&job->videos, &rows[1], job->frames.count, &any);
        printf("]}\n");
        return;
    }
    printf("%s: %zu images, %zu clips, %zu texts of width %u", job->output, rows[0].kept, rows[1].kept, rows[2].kept,
           job->use.info.embed);
    if (bad)
        printf("; %zu bad files left out", bad);
    printf("\n");
}

static int write_all(const struct command *command, const struct job *job, const struct rows rows[3])
{
    static const char *const names[] = {"image_embeds", "video_embeds", "text_embeds"};
    struct mien_embeds sets[3];
    size_t count = 0, kept = 0;
    for (size_t i = 0; i < 3; i++) {
        if (rows[i].count)
            sets[count++] = (struct mien_embeds){names[i], rows[i].data, rows[i].kept, job->use.info.embed};
        kept += rows[i].kept;
    }
    if (kept == 0)
        return complain(command, 4, "none of the %zu files could be read; %s is not written",
                        rows[0].count + rows[1].count, job->output);
    return mien_status_exit_code(mien_embeds_write(job->output, sets, count));
}

static int embed(const struct command *command, struct job *job)
{
    struct rows rows[3] = {0};
    enum mien_status status = use_open(&job->use, &job->common, job->model);
    if (status == MIEN_OK && job->images.count)
        status = embed_images(job, &rows[0]);
    if (status == MIEN_OK && job->frames.count + job->videos.count)
        status = embed_clips(job, &rows[1]);
    for (size_t i = 0; status == MIEN_OK && job->skip_bad && i < 2; i++)
        compact(job, &rows[i]);
    if (status == MIEN_OK && job->texts.count + job->lines.count)
        status = embed_texts(job, &rows[2]);
    int result = mien_status_exit_code(status);
    if (status == MIEN_OK)
        result = write_all(command, job, rows);
    if (result == 0 && (!job->common.quiet || job->common.json))
        print_summary(job, rows);
    for (size_t i = 0; i < 3; i++) {
        free(rows[i].data);
        free(rows[i].ok);
    }
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
    return result == 0 && job->text_file ? texts_read(command, job->text_file, &job->lines) : result;
}

static int run(const struct command *command, int argc, char **argv)
{
    struct job job = {.looking.frame_count = 32};
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
        {"--frame-count", ARG_NUMBER, "N", "frames of a clip, at equal spacing; 0 = all (default: 32)",
         &job.looking.frame_count},
        {"--box", ARG_TEXT, "x,y,w,h", "look at this part of every picture", &job.looking.box_text},
        {"--no-exif", ARG_FLAG, NULL, "do not turn pictures as their EXIF orientation says", &job.looking.no_exif},
        {0},
    };
    int result = args_parse(command, argc, argv, args, &job.common, NULL);
    if (result != ARGS_RUN)
        return result;
    if ((result = check(command, &job)) == 0)
        result = embed(command, &job);
    templates_free(&job.lines);
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
        "{\"output\",\"width\",\"images\",\"videos\",\"texts\",\"bad\"}.",
    .run = run,
    .traces = true,
    .halves = true,
};
