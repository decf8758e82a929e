/* info.c: what a model directory holds, checked. */
#include "command.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static void print_tower(const char *name, const struct mien_tower_info *t)
{
    printf("%-12swidth %u, %u layers, %u heads, mlp %u, %s\n", name, t->width, t->layers, t->heads, t->mlp,
           t->activation);
}

static void print_plan(const struct mien_model_plan *p, enum mien_dtype precision)
{
    const double mib = 1 << 20;
    printf("%-12son %s, %u images and %u texts at a time, weights in %s\n", "plan", p->device, p->images, p->texts,
           mien_dtype_name(precision));
    printf("%-12s%.1f MiB on the device at most: weights %.1f, images %.1f, texts %.1f\n", "",
           (double)p->device_peak / mib, (double)p->weights / mib, (double)p->image_run / mib,
           (double)p->text_run / mib);
    printf("%-12s%.1f MiB on the host at most: %.1f seen by the device, %.1f decoded pixels\n", "",
           (double)(p->host_peak + p->pixels) / mib, (double)p->host_peak / mib, (double)p->pixels / mib);
    printf("%-12s%.4g GFLOP an image, %.4g a text of the full context\n", "", p->image_flops * 1e-9,
           p->text_flops * 1e-9);
}

static void print_plan_json(const struct mien_model_plan *p, enum mien_dtype precision)
{
    printf(",\"plan\":{\"device\":");
    print_json_string(p->device);
    printf(",\"images\":%u,\"texts\":%u,\"weights\":%" PRIu64 ",\"image_run\":%" PRIu64 ",\"text_run\":%" PRIu64
           ",\"device_peak\":%" PRIu64 ",\"host_peak\":%" PRIu64 ",\"pixels\":%" PRIu64 ",\"image_flops\":",
           p->images, p->texts, p->weights, p->image_run, p->text_run, p->device_peak, p->host_peak, p->pixels);
    print_json_number(p->image_flops, 9);
    printf(",\"text_flops\":");
    print_json_number(p->text_flops, 9);
    printf(",\"precision\":\"%s\"}", mien_dtype_name(precision));
}

/* On the device asked for or, without such a wish, the one that would be used; where there is none, a typical one. */
static enum mien_status make_plan(const struct common *common, const char *dir, uint64_t batch,
                                  struct mien_model_plan *plan)
{
    const struct mien_gpu_params wanted = {.size = sizeof wanted, .device = common->device, .caps = common->caps};
    struct mien_gpu *gpu = NULL;
    bool asked = common->device || common->caps;
    if (!asked)
        mien_log_set(NULL, NULL, MIEN_LOG_SILENT);
    enum mien_status status = mien_gpu_create(&wanted, &gpu);
    mien_log_set(NULL, NULL, MIEN_LOG_WARN);
    if (status == MIEN_ERR_NOMEM && !asked)
        complain(NULL, 1, "error: %s", mien_last_error());
    if (status == MIEN_ERR_NOMEM || (status != MIEN_OK && asked))
        return status;
    status = mien_model_plan(
        dir, gpu, &(struct mien_model_params){.size = sizeof(struct mien_model_params), .precision = common->precision},
        (uint32_t)batch, (uint32_t)batch, plan);
    mien_gpu_destroy(&gpu);
    return status;
}

static void print_text(const char *dir, const struct mien_model_report *r, const struct mien_model_plan *plan,
                       enum mien_dtype precision)
{
    uint32_t grid = r->info.image / r->info.patch;
    printf("%-12s%s\n", "model", dir);
    printf("%-12s%s: %u tensors, %s, %.1f MB\n", "weights", r->weights, r->tensors, r->dtypes, (double)r->bytes / 1e6);
    printf("%-12s%" PRIu64 ", embeddings of %u, ", "parameters", r->info.parameters, r->info.embed);
    if (isfinite(r->info.logit_scale))
        printf("logit_scale %.6g (cosine x %.4g)\n", (double)r->info.logit_scale, (double)r->scale);
    else
        printf("logit_scale cannot be read\n");
    printf("%-12s%u pixels in patches of %u: %u tokens\n", "images", r->info.image, r->info.patch, grid * grid + 1);
    print_tower("", &r->image);
    printf("%-12sup to %u tokens of %u\n", "texts", r->info.context, r->info.vocab);
    print_tower("", &r->text);
    if (r->temporal_layers)
        printf("%-12sup to %u: %u layers, %u heads of %u, mlp %u\n", "frames", r->temporal_frames, r->temporal_layers,
               r->temporal_heads, r->temporal_head_dim, r->temporal_mlp);
    if (r->head) {
        printf("%-12s%s from %u units:", "head", r->head, r->head_hidden);
        for (size_t i = 0; i < r->target_count; i++)
            printf("%s %s", i ? "," : "", r->targets[i]);
        printf("\n");
    }
    if (r->tokenizer)
        printf("%-12s%u tokens, start %d, end %d, padding %d\n", "tokenizer", r->tokens, r->start, r->end, r->padding);
    else
        printf("%-12snone: texts cannot be embedded; add vocab.json and merges.txt, or tokenizer.json\n", "tokenizer");
    printf("%-12s%s\n", "preprocess", r->preprocessor ? "as the directory says" : "CLIP's own values");
    if (plan)
        print_plan(plan, precision);
    for (size_t i = 0; i < r->problem_count; i++) {
        printf("%-12s", "problem");
        print_shown(r->problems[i]);
        printf("\n");
    }
}

static void print_tower_json(const char *name, const struct mien_tower_info *t)
{
    printf(",\"%s\":{\"width\":%u,\"layers\":%u,\"heads\":%u,\"mlp\":%u,\"activation\":\"%s\"}", name, t->width,
           t->layers, t->heads, t->mlp, t->activation);
}

static void print_json(const char *dir, const struct mien_model_report *r, const struct mien_model_plan *plan,
                       enum mien_dtype precision)
{
    printf("{\"model\":");
    print_json_string(dir);
    printf(",\"weights\":");
    print_json_string(r->weights);
    printf(",\"tensors\":%u,\"dtypes\":\"%s\",\"bytes\":%" PRIu64 ",\"parameters\":%" PRIu64 ",\"embed\":%u",
           r->tensors, r->dtypes, r->bytes, r->info.parameters, r->info.embed);
    printf(",\"logit_scale\":");
    print_json_number((double)r->info.logit_scale, 9);
    printf(",\"image\":%u,\"patch\":%u,\"context\":%u,\"vocab\":%u", r->info.image, r->info.patch, r->info.context,
           r->info.vocab);
    print_tower_json("vision", &r->image);
    print_tower_json("text", &r->text);
    if (r->head) {
        printf(",\"head\":{\"kind\":\"%s\",\"hidden\":%u,\"targets\":[", r->head, r->head_hidden);
        for (size_t i = 0; i < r->target_count; i++) {
            printf("%s", i ? "," : "");
            print_json_string(r->targets[i]);
        }
        printf("]}");
    }
    if (r->temporal_layers)
        printf(",\"temporal\":{\"layers\":%u,\"heads\":%u,\"head_dim\":%u,\"mlp\":%u,\"frames\":%u}",
               r->temporal_layers, r->temporal_heads, r->temporal_head_dim, r->temporal_mlp, r->temporal_frames);
    if (r->tokenizer)
        printf(",\"tokenizer\":{\"tokens\":%u,\"start\":%d,\"end\":%d,\"padding\":%d}", r->tokens, r->start, r->end,
               r->padding);
    else
        printf(",\"tokenizer\":null");
    printf(",\"preprocessor\":%s,\"problems\":[", r->preprocessor ? "true" : "false");
    for (size_t i = 0; i < r->problem_count; i++) {
        printf("%s", i ? "," : "");
        print_json_string(r->problems[i]);
    }
    printf("]");
    if (plan)
        print_plan_json(plan, precision);
    printf("}\n");
}

static int run(const struct command *command, int argc, char **argv)
{
    struct mien_model_report *report = NULL;
    struct arg_list inputs = {0};
    struct common common;
    struct mien_model_plan plan = {sizeof plan};
    bool want_plan = false;
    uint64_t batch = 32;
    const struct arg args[] = {
        {"--plan", ARG_FLAG, NULL, "memory and FLOPs of using it, without loading it", &want_plan},
        {"--batch", ARG_NUMBER, "N", "of --plan: images and texts at a time, 1 to 32 (default: 32)", &batch},
        {0},
    };
    int result = args_parse(command, argc, argv, args, &common, &inputs);
    if (result != ARGS_RUN)
        return result;
    if (inputs.count != 1)
        return complain(command, 2, "one model directory is needed: mien info DIR");
    if (batch < 1 || batch > 32)
        return complain(command, 2, "--batch is 1 to 32");
    enum mien_status status = mien_model_inspect(inputs.items[0], &report);
    if (status == MIEN_OK && want_plan)
        status = make_plan(&common, inputs.items[0], batch, &plan);
    if (status != MIEN_OK) {
        mien_model_report_destroy(&report);
        return mien_status_exit_code(status);
    }
    (common.json ? print_json : print_text)(inputs.items[0], report, want_plan ? &plan : NULL, common.precision);
    if (report->problem_count)
        result = complain(command, 4, "%s: %zu problem%s, the first: %s", inputs.items[0], report->problem_count,
                          report->problem_count > 1 ? "s" : "", report->problems[0]);
    else
        result = 0;
    mien_model_report_destroy(&report);
    return result;
}

const struct command command_info = {
    .name = "info",
    .synopsis = "DIR [--plan] [options]",
    .summary = "says what a model directory holds, and checks it",
    .help = "Sizes, parameters, types, the tokenizer; every tensor against config.json, every value finite.\n"
            "Exit status 4 when there is a problem. Needs no device; --plan is for the device that would be used or, "
            "where\n"
            "there is none, for a discrete one as most are, and with weights stored as --precision says.",
    .run = run,
    .lacks = LACKS_SEED | LACKS_QUIET,
    .halves = true,
};
