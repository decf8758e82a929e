/* convert.c: weights of other projects, or other sizes, to a model directory. */
#include "command.h"

#include <inttypes.h>
#include <stdio.h>

static void print_summary(const struct common *common, const char *dir, const struct mien_convert_summary *s)
{
    if (common->json) {
        printf("{\"model\":");
        print_json_string(dir);
        printf(",\"naming\":\"%s\",\"activation\":\"%s\",\"parameters\":%" PRIu64 ",\"tensors\":%u,\"image\":%u,"
               "\"patch\":%u,\"context\":%u,\"temporal\":%s,\"tokenizer\":%s}\n",
               s->naming, s->activation, s->parameters, s->tensors, s->image, s->patch, s->context,
               s->temporal ? "true" : "false", s->tokenizer ? "true" : "false");
        return;
    }
    printf("%s names, %u tensors, %" PRIu64 " parameters, %s; images of %u pixels in patches of %u, texts of %u "
           "tokens%s%s\nmodel %s\n",
           s->naming, s->tensors, s->parameters, s->activation, s->image, s->patch, s->context,
           s->temporal ? "; with a transformer over frames" : "", s->tokenizer ? "" : "; without a tokenizer", dir);
}

/* A size given as an option, or 0 = the source's where it was not given; false when it cannot be one. */
static bool size_of(uint64_t given, uint32_t *out)
{
    *out = given == UINT64_MAX ? 0 : (uint32_t)given;
    return given == UINT64_MAX || (given >= 1 && given <= 65536);
}

static int run(const struct command *command, int argc, char **argv)
{
    struct mien_convert_params params = {sizeof params};
    struct mien_convert_summary summary = {sizeof summary};
    struct arg_list inputs = {0};
    struct common common;
    uint64_t context = UINT64_MAX, image = UINT64_MAX; /* not given */
    const struct arg args[] = {
        {"--context", ARG_NUMBER, "N", "tokens of a text (248: stretched as Long-CLIP does it)", &context},
        {"--image-size", ARG_NUMBER, "R", "pixels of an image; its position embedding is resized", &image},
        {"--act", ARG_TEXT, "WORD", "quick_gelu or gelu, where the source does not say", &params.activation},
        {"--tokenizer", ARG_TEXT, "DIR", "where the tokenizer's files are (default: beside SRC)", &params.tokenizer},
        {"--dtype", ARG_TEXT, "TYPE", "f32, f16 or bf16: how weights are stored (default: f32)", &params.dtype},
        {0},
    };
    int result = args_parse(command, argc, argv, args, &common, &inputs);
    if (result != ARGS_RUN)
        return result;
    if (inputs.count != 2)
        return complain(command, 2, "weights and a directory to make are needed: mien convert SRC DIR");
    if (!size_of(context, &params.context))
        return complain(command, 2, "--context %" PRIu64 ": a number from 3 to 65536 is wanted", context);
    if (!size_of(image, &params.image))
        return complain(command, 2, "--image-size %" PRIu64 ": a number from 1 to 65536 is wanted", image);
    params.source = inputs.items[0];
    params.directory = inputs.items[1];
    if (common.quiet)
        mien_log_set(NULL, NULL, MIEN_LOG_ERROR);
    enum mien_status status = mien_convert(&params, &summary);
    if (status == MIEN_OK)
        print_summary(&common, params.directory, &summary);
    return mien_status_exit_code(status);
}

const struct command command_convert = {
    .name = "convert",
    .synopsis = "SRC DIR [options]",
    .summary = "turns CLIP weights of OpenAI, open_clip, EmoCLIP or Hugging Face into a model directory",
    .help = "SRC is a file (safetensors, or PyTorch's .pt and .bin, of which nothing is run) or a directory with one.\n"
            "DIR is made; it appears whole or not at all. The tokenizer's files are vocab.json and merges.txt,\n"
            "tokenizer.json, or\n"
            "bpe_simple_vocab_16e6.txt.gz. Weights of open_clip need open_clip_config.json beside them, or --act.\n"
            "What a checkpoint holds beside its weights is passed over. Of two models in it the trained one is taken\n"
            "before its moving average (names with ema or averaged), \"state_dict\" before others, and that is said.",
    .run = run,
    .lacks = LACKS_DEVICE | LACKS_SEED,
};
