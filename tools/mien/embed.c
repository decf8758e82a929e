/* embed.c: embeddings of pictures, clips and texts to a file. */
#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one call of the subcommand embeds. */
struct job {
    const char *model, *output, *text_file, *manifest, *columns, *embeddings;
    struct arg_list images, frames, videos, texts;
    struct mien_texts *lines; /* of text_file */
    struct mien_store *store; /* pictures and clips; NULL: none are asked for */
    struct looking looking;
    bool raw, skip_bad;
    struct common common;
    struct use use;
};

/* How many were embedded; those left out are bad. */
struct counts {
    size_t images, clips, texts, bad;
};

static bool on_progress(void *user, uint64_t done, uint64_t total)
{
    progress_show(user, done, total, "inputs", "");
    return true;
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

static enum mien_status embed_inputs(struct job *job)
{
    struct progress progress;
    struct mien_store *before = NULL;
    size_t count = job->images.count + job->frames.count + job->videos.count;
    struct mien_input *inputs = take(count + 1, sizeof(*inputs));
    struct mien_embed_params params = looking_params(&job->looking);
    struct mien_store_params p = {sizeof p, .inputs = inputs, .manifest = job->manifest, .columns = job->columns,
                                  .embed = &params};
    enum mien_status status = inputs ? MIEN_OK : MIEN_ERR_NOMEM;
    if (status == MIEN_OK && job->embeddings)
        status = mien_store_read(job->use.model, job->embeddings, &before);
    p.skip_bad = job->skip_bad;
    params.flags |= job->raw ? MIEN_RAW : 0;
    params.store = before;
    params.progress = on_progress;
    params.user = &progress;
    progress_begin(&progress, "embed", job->common.quiet);
    if (status == MIEN_OK)
        p.count = list_inputs(job, inputs);
    if (status == MIEN_OK && (p.count || job->manifest))
        status = mien_store_create(job->use.model, &p, &job->store);
    progress_end(&progress);
    mien_store_destroy(&before);
    free(inputs);
    return status;
}

static size_t count_texts(const struct job *job)
{
    return job->texts.count + (job->lines ? job->lines->count : 0);
}

static enum mien_status embed_texts(struct job *job, float **out)
{
    size_t count = count_texts(job);
    const char **all = take(count + 1, sizeof(*all));
    enum mien_status status = MIEN_ERR_NOMEM;
    *out = take(count + 1, job->use.info.embed * sizeof(float));
    if (all && *out) {
        for (size_t i = 0; i < count; i++)
            all[i] = i < job->texts.count ? job->texts.items[i] : job->lines->lines[i - job->texts.count];
        status = mien_model_embed_texts(job->use.model, all, count, job->raw ? MIEN_RAW : 0, *out);
    }
    free(all);
    return status;
}

static struct counts count_all(const struct job *job)
{
    struct counts n = {.texts = count_texts(job)};
    struct mien_store_entry entry = {sizeof entry};
    for (size_t i = 0; job->store && mien_store_at(job->store, i, &entry); i++)
        ++*(!entry.embed ? &n.bad : entry.is_clip ? &n.clips : &n.images);
    return n;
}

static void print_summary(const struct job *job, const struct counts *n)
{
    struct mien_store_entry entry = {sizeof entry};
    bool any = false;
    if (!job->common.json) {
        printf("%s: %zu images, %zu clips, %zu texts of width %u", job->output, n->images, n->clips, n->texts,
               job->use.info.embed);
        if (n->bad)
            printf("; %zu bad files left out", n->bad);
        printf("\n");
        return;
    }
    printf("{\"output\":");
    print_json_string(job->output);
    printf(",\"width\":%u,\"images\":%zu,\"videos\":%zu,\"texts\":%zu,\"bad\":[", job->use.info.embed, n->images,
           n->clips, n->texts);
    for (size_t i = 0; job->store && mien_store_at(job->store, i, &entry); i++) {
        if (entry.embed)
            continue;
        printf("%s", any ? "," : "");
        print_json_string(entry.path);
        any = true;
    }
    printf("]}\n");
}

static int write_all(const struct command *command, const struct job *job, const struct counts *n, const float *texts)
{
    const struct mien_embeds set = {"text_embeds", texts, n->texts, job->use.info.embed};
    if (n->images + n->clips + n->texts == 0)
        return complain(command, 4, "none of the %zu files could be read; %s is not written", n->bad, job->output);
    if (!job->store)
        return mien_status_exit_code(mien_embeds_write(job->output, &set, 1));
    return mien_status_exit_code(mien_store_write(job->store, job->output, &set, n->texts ? 1 : 0));
}

static int embed(const struct command *command, struct job *job)
{
    float *texts = NULL;
    struct ranks ranks;
    enum mien_status status = ranks_open(&ranks, &job->common);
    if (status == MIEN_OK)
        status = use_open(&job->use, &job->common, job->model);
    if (status == MIEN_OK)
        status = embed_inputs(job);
    if (status == MIEN_OK)
        status = embed_texts(job, &texts);
    int result = mien_status_exit_code(status);
    struct counts n = count_all(job);
    if (status == MIEN_OK && ranks_lead(&ranks))
        result = write_all(command, job, &n, texts);
    if (result == 0 && ranks_lead(&ranks) && (!job->common.quiet || job->common.json))
        print_summary(job, &n);
    free(texts);
    mien_store_destroy(&job->store);
    status = use_close(&job->use, status);
    return ranks_close(&ranks, result == 0 ? mien_status_exit_code(status) : result);
}

static int check(const struct command *command, struct job *job)
{
    const char *missing = !job->model ? "--model DIR" : !job->output ? "-o OUT.safetensors" : NULL;
    if (missing)
        return complain(command, 2, "%s is missing; see mien embed --help", missing);
    if (!job->images.count && !job->frames.count && !job->videos.count && !job->texts.count && !job->text_file &&
        !job->manifest)
        return complain(command, 2, "nothing to embed: give --manifest, --image, --frames, --video, --text or --texts");
    if (job->looking.box_text && job->manifest)
        return complain(command, 2,
                        "--box: the rows of a manifest have boxes of their own; embed pictures by themselves");
    int result = looking_check(command, &job->looking);
    if (result == 0)
        result = output_check(command, job->output);
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
        {"--manifest", ARG_TEXT, "FILE", "a collection: all rows of a manifest, after those", &job.manifest},
        {"--column", ARG_TEXT, "KEY=NAME,...", "of a table: image=path,caption=text", &job.columns},
        {"--text", ARG_LIST, "STR", "texts", &job.texts},
        {"--texts", ARG_TEXT, "FILE", "more texts, one a line, after those of --text", &job.text_file},
        {"-o", ARG_TEXT, "FILE", "the safetensors file to write (also --output)", &job.output},
        {"--output", ARG_TEXT, "FILE", "the same", &job.output},
        {"--raw", ARG_FLAG, NULL, "embeddings before normalisation, not of unit length", &job.raw},
        {"--skip-bad", ARG_FLAG, NULL, "leave out files that cannot be read; they are named", &job.skip_bad},
        {"--embeddings", ARG_TEXT, "FILE", STORED_HELP, &job.embeddings},
        {"--frame-count", ARG_NUMBER, "N", LOOKING_FRAMES, &job.looking.frame_count},
        {"--box", ARG_TEXT, "x,y,w,h", "look at this part of every picture", &job.looking.box_text},
        {"--no-exif", ARG_FLAG, NULL, "do not turn pictures as their EXIF orientation says", &job.looking.no_exif},
        {"--jpeg-draft", ARG_FLAG, NULL, LOOKING_DRAFT, &job.looking.jpeg_draft},
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
        "--model DIR [--manifest FILE] [--image FILE ...] [--frames DIR ...] [--video FILE ...] [--text STR ...] "
        "-o OUT.safetensors",
    .summary = "writes embeddings of images, clips and texts",
    .help =
        "Tensors image_embeds [N,E], video_embeds [V,E], text_embeds [M,E], f32, of unit length, in the order given.\n"
        "A clip's embedding is made by the model's temporal transformer; where it has none it is the mean of its\n"
        "frames'. One bad file: exit status 4 and nothing written, unless --skip-bad. The file also says what each\n"
        "row is of (metadata \"mien.embeddings\": path, size, checksum of contents, box, frames, EXIF and draft), so\n"
        "that search and eval use it by --embeddings. It holds no time: equal inputs give equal bytes. --json prints\n"
        "one object: "
        "{\"output\",\"width\",\"images\",\"videos\",\"texts\",\"bad\"}.\n\n" PICTURE_LIMITS,
    .run = run,
    .lacks = LACKS_SEED,
    .traces = true,
    .halves = true,
};
