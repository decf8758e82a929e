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

/* Pictures, or clips when `clips`. */
static enum mien_status embed_files(struct job *job, const struct arg_list *list, bool clips, struct rows *rows)
{
    struct counter counter = {.unit = clips ? "clips" : "images"};
    struct mien_embed_params params = looking_params(&job->looking);
    struct mien_image *images = calloc(list->count + 1, sizeof(*images));
    struct mien_clip *folders = calloc(list->count + 1, sizeof(*folders));
    enum mien_status status = MIEN_ERR_NOMEM;
    if (!images || !folders || !make_rows(job, list->count, rows))
        goto done;
    for (size_t i = 0; i < list->count; i++) {
        images[i] = (struct mien_image){.path = list->items[i], .has_box = job->looking.has_box};
        folders[i] = (struct mien_clip){.directory = list->items[i], .has_box = job->looking.has_box};
        memcpy(images[i].box, job->looking.box, sizeof(images[i].box));
        memcpy(folders[i].box, job->looking.box, sizeof(folders[i].box));
    }
    params.flags |= job->raw ? MIEN_RAW : 0;
    params.ok = job->skip_bad ? rows->ok : NULL;
    params.progress = on_progress;
    params.user = &counter;
    progress_begin(&counter.progress, "embed", job->common.quiet);
    status = clips ? mien_model_embed_clips(job->use.model, folders, list->count, &params, rows->data)
                   : mien_model_embed_pictures(job->use.model, images, list->count, &params, rows->data);
    progress_end(&counter.progress);
    if (status == MIEN_OK && job->skip_bad)
        compact(job, rows);
done:
    free(images);
    free(folders);
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

static void print_bad(const struct arg_list *list, const struct rows *rows, bool *any)
{
    for (size_t i = 0; i < rows->count; i++) {
        if (rows->kept == rows->count || rows->ok[i])
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
        print_bad(&job->images, &rows[0], &any);
        print_bad(&job->frames, &rows[1], &any);
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
        status = embed_files(job, &job->images, false, &rows[0]);
    if (status == MIEN_OK && job->frames.count)
        status = embed_files(job, &job->frames, true, &rows[1]);
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
    if (job->videos.count)
        return refuse_video(command, job->videos.items[0]);
    if (!job->images.count && !job->frames.count && !job->texts.count && !job->text_file)
        return complain(command, 2, "nothing to embed: give --image, --frames, --text or --texts");
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
        {"--video", ARG_LIST, "FILE", "not in this version: refused with the way to make frames", &job.videos},
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
    .synopsis = "--model DIR [--image FILE ...] [--frames DIR ...] [--text STR ...] -o OUT.safetensors",
    .summary = "writes embeddings of images, clips and texts",
    .help =
        "Tensors image_embeds [N,E], video_embeds [V,E], text_embeds [M,E], f32, of unit length, in the order given.\n"
        "A clip's embedding is made by the model's temporal transformer; where it has none it is the mean of its\n"
        "frames'. One bad file: exit status 4 and nothing written, unless --skip-bad. --json prints one object:\n"
        "{\"output\",\"width\",\"images\",\"videos\",\"texts\",\"bad\"}.",
    .run = run,
    .traces = true,
};
