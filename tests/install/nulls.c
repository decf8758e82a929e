/* nulls.c: every function that libmien exports, with arguments missing: MIEN_ERR_ARG or a harmless value, no crash, a
 * message. A function of src/mien.symbols that is not called here fails.      nulls SYMBOLS MODEL_DIR */
#include <mien/mien.h>

#include <stdlib.h>

#include "check.h"

static char called[512][64];
static size_t called_count;
static int messages;

static void count_messages(void *user, enum mien_log_level level, const char *message)
{
    (void)user, (void)message;
    messages += level == MIEN_LOG_ERROR;
}

/* Keeps the name that a call begins with. */
static void note(const char *call)
{
    size_t length = strcspn(call, "(");
    CHECK(called_count < sizeof called / sizeof called[0] && length < sizeof called[0]);
    if (called_count < sizeof called / sizeof called[0] && length < sizeof called[0])
        memcpy(called[called_count++], call, length);
    messages = 0;
}

static void refused(const char *call, enum mien_status status)
{
    CHECK_EQ(status, MIEN_ERR_ARG);
    CHECK_EQ(messages, 1);
    CHECK(strlen(mien_last_error()) > 10);
    if (status != MIEN_ERR_ARG || messages != 1)
        fprintf(stderr, "  in %s\n", call);
}

#define REFUSED(call) (note(#call), refused(#call, call))
#define GIVES(call, value)                                                                                             \
    note(#call);                                                                                                       \
    CHECK((call) == (value))
#define SAYS(call, text)                                                                                               \
    note(#call);                                                                                                       \
    CHECK_STR(call, text)
#define NOTHING(call) (note(#call), (void)(call))

#define ZEROED(type) (&(struct type){sizeof(struct type)})
#define UNSIZED(type) (&(struct type){0})

static void print_nothing(void *user, const char *line)
{
    (void)user, (void)line;
}

static const struct mien_input no_image;
static float room[4096];
static int32_t ids[256];

static void without_device(void)
{
    struct mien_gpu *gpu = NULL;
    struct mien_gpu_info info = {sizeof info};
    uint32_t n = 0;
    SAYS(mien_status_text((enum mien_status) - 1), "unknown status");
    GIVES(mien_status_exit_code((enum mien_status) - 1), 1);
    NOTHING(mien_log_set(count_messages, NULL, MIEN_LOG_ERROR));
    CHECK_EQ(mien_version()[1], '.');
    note("mien_version(");
    SAYS(mien_last_error(), "");
    SAYS(mien_dtype_name(MIEN_DTYPE_COUNT), "unknown");
    CHECK(strncmp(mien_picture_decoders(), "PNG by stb_image, JPEG by ", 26) == 0);
    note("mien_picture_decoders(");
    GIVES(mien_dtype_size(MIEN_DTYPE_COUNT), 0);
    note("mien_gpu_prepare");
    mien_gpu_prepare(); /* takes nothing, gives nothing */
    REFUSED(mien_gpu_list(NULL, NULL, 0, NULL));
    REFUSED(mien_gpu_list(NULL, NULL, 1, &n));
    REFUSED(mien_gpu_list(NULL, UNSIZED(mien_gpu_info), 1, &n));
    if (mien_gpu_list(NULL, NULL, 0, &n) == MIEN_OK && n > 0)
        REFUSED(mien_gpu_list("-nonsense", NULL, 0, &n));
    REFUSED(mien_gpu_find(NULL, NULL));
    REFUSED(mien_gpu_create(NULL, NULL));
    REFUSED(mien_gpu_create(UNSIZED(mien_gpu_params), &gpu));
    REFUSED(mien_gpu_adopt(NULL, NULL, NULL));
    REFUSED(mien_gpu_adopt(NULL, NULL, &gpu));
    REFUSED(mien_gpu_adopt(ZEROED(mien_vulkan), NULL, &gpu));
    NOTHING((mien_gpu_destroy(NULL), mien_gpu_destroy(&gpu)));
    note("mien_gpu_destroy(");
    GIVES(mien_gpu_trace_end(NULL), MIEN_OK);
    SAYS(mien_gpu_name(NULL), "");
    SAYS(mien_gpu_error(NULL), "");
    REFUSED(mien_gpu_describe(NULL, &info));
    GIVES(mien_gpu_lost(NULL), false);
    GIVES(mien_gpu_validation_messages(NULL), 0);
}

static void check_without_device(void)
{
    struct mien_check_result *result = NULL;
    struct mien_check_difference *difference = NULL;
    struct mien_check_row row = {sizeof row};
    const char *const child[] = {NULL}, *const nonsense[] = {"--nonsense", NULL};
    struct mien_check_params params = {sizeof params, .child = child, .op = "nonsense"};
    struct mien_check_export_params export = {sizeof export, .fossil = "nulls.txt"};
    struct mien_check_export_summary summary = {sizeof summary};
    SAYS(mien_check_status_name(MIEN_CHECK_STATUSES), "unknown");
    REFUSED(mien_check_export(NULL, NULL));
    REFUSED(mien_check_export(NULL, &summary));
    REFUSED(mien_check_export(ZEROED(mien_check_export_params), NULL));
    REFUSED(mien_check_export(UNSIZED(mien_check_export_params), &summary));
    REFUSED(mien_check_export(&export, &summary));
    REFUSED(mien_check(NULL, NULL));
    REFUSED(mien_check(NULL, &result));
    REFUSED(mien_check(ZEROED(mien_check_params), &result));
    REFUSED(mien_check(UNSIZED(mien_check_params), &result));
    REFUSED(mien_check(&params, &result));
    GIVES(mien_check_child(NULL, NULL, NULL), 2);
    GIVES(mien_check_child(nonsense, print_nothing, NULL), 2);
    REFUSED(mien_check_list(NULL, NULL, NULL));
    GIVES(mien_check_count(NULL, MIEN_CHECK_PASS), 0);
    GIVES(mien_check_row(NULL, 0, &row), false);
    SAYS(mien_check_json(NULL), "");
    SAYS(mien_check_csv(NULL), "");
    SAYS(mien_check_summary(NULL), "");
    REFUSED(mien_check_read(NULL, NULL));
    REFUSED(mien_check_read(NULL, &result));
    REFUSED(mien_check_compare(NULL, NULL, NULL, NULL));
    REFUSED(mien_check_compare(NULL, NULL, NULL, &difference));
    GIVES(mien_check_regressions(NULL), 0);
    SAYS(mien_check_difference_json(NULL), "");
    SAYS(mien_check_difference_text(NULL), "");
    NOTHING((mien_check_difference_destroy(NULL), mien_check_difference_destroy(&difference)));
    note("mien_check_difference_destroy(");
    NOTHING((mien_check_destroy(NULL), mien_check_destroy(&result)));
    note("mien_check_destroy(");
}

static void benchmarks(void)
{
    struct mien_bench *bench = NULL;
    REFUSED(mien_bench_run(NULL, NULL, NULL));
    REFUSED(mien_bench_run(NULL, NULL, &bench));
    NOTHING((mien_bench_destroy(NULL), mien_bench_destroy(&bench)));
    note("mien_bench_destroy(");
    REFUSED(mien_bench_describe(NULL, NULL));
    REFUSED(mien_bench_describe(NULL, ZEROED(mien_bench_head)));
    REFUSED(mien_bench_describe(NULL, UNSIZED(mien_bench_head)));
    GIVES(mien_bench_count(NULL), 0);
    REFUSED(mien_bench_row_at(NULL, 0, NULL));
    REFUSED(mien_bench_row_at(NULL, 0, ZEROED(mien_bench_row)));
    SAYS(mien_bench_json(NULL), "");
    SAYS(mien_bench_csv(NULL), "");
    SAYS(mien_bench_text(NULL), "");
    REFUSED(mien_bench_read(NULL, NULL));
    REFUSED(mien_bench_read(NULL, &bench));
    REFUSED(mien_bench_compare(NULL, NULL, NULL));
}

static void tuning(void)
{
    struct mien_tune_result *result = NULL;
    REFUSED(mien_tune(NULL, NULL));
    REFUSED(mien_tune(NULL, &result));
    REFUSED(mien_tune(ZEROED(mien_tune_params), &result));
    REFUSED(mien_tune(UNSIZED(mien_tune_params), &result));
    GIVES(mien_tune_child(NULL, print_nothing, NULL), 2);
    GIVES(mien_tune_child((const char *[]){NULL}, NULL, NULL), 2);
    REFUSED(mien_tune_read(NULL, NULL));
    REFUSED(mien_tune_read(UNSIZED(mien_gpu_params), &result));
    REFUSED(mien_tune_clear(UNSIZED(mien_gpu_params)));
    GIVES(mien_tune_count(NULL), 0);
    REFUSED(mien_tune_row_at(NULL, 0, NULL));
    REFUSED(mien_tune_row_at(NULL, 0, ZEROED(mien_tune_row)));
    SAYS(mien_tune_json(NULL), "");
    SAYS(mien_tune_text(NULL), "");
    NOTHING((mien_tune_destroy(NULL), mien_tune_destroy(&result)));
    note("mien_tune_destroy(");
}

static void data_and_training(void)
{
    struct mien_texts *texts = NULL;
    struct mien_tokenizer *tokenizer = NULL;
    struct mien_model_report *report = NULL;
    struct mien_training *training = NULL;
    size_t count = 0;
    REFUSED(mien_import(NULL, NULL));
    REFUSED(mien_import(UNSIZED(mien_import_params), NULL));
    REFUSED(mien_import(ZEROED(mien_import_params), NULL));
    GIVES(mien_import_describe((size_t)-1), NULL);
    REFUSED(mien_tokenizer_open(NULL, NULL, NULL));
    REFUSED(mien_tokenizer_open(NULL, NULL, &tokenizer));
    REFUSED(mien_tokenizer_open(NULL, ZEROED(mien_tokenizer_params), &tokenizer));
    REFUSED(mien_tokenizer_open("nowhere", UNSIZED(mien_tokenizer_params), &tokenizer));
    REFUSED(mien_box_round(NULL, NULL));
    REFUSED(mien_box_round(NULL, ids));
    REFUSED(mien_texts_read(NULL, 0, NULL));
    REFUSED(mien_texts_read(NULL, 0, &texts));
    REFUSED(mien_texts_read("x.txt", 2, &texts));
    NOTHING((mien_texts_destroy(NULL), mien_texts_destroy(&texts)));
    note("mien_texts_destroy(");
    REFUSED(mien_default_weights(NULL, NULL, 0));
    NOTHING((mien_tokenizer_destroy(NULL), mien_tokenizer_destroy(&tokenizer)));
    note("mien_tokenizer_destroy(");
    GIVES(mien_tokenizer_context(NULL), 0);
    REFUSED(mien_tokenizer_encode(NULL, "a", ids, NULL, NULL));
    REFUSED(mien_tokenizer_encode(NULL, "a", ids, &count, NULL));
    REFUSED(mien_synth_draw(NULL, 64, (unsigned char *)room));
    REFUSED(mien_synth_draw(ZEROED(mien_synth_face), 64, NULL));
    REFUSED(mien_synth_draw(UNSIZED(mien_synth_face), 16, (unsigned char *)room));
    REFUSED(mien_synth_express(MIEN_FEAR, 0.5, 0, 0, NULL));
    GIVES(mien_emotion_name(MIEN_EMOTION_COUNT), NULL);
    REFUSED(mien_synth(NULL, NULL));
    REFUSED(mien_synth(ZEROED(mien_synth_params), NULL));
    REFUSED(mien_synth(ZEROED(mien_synth_params), UNSIZED(mien_synth_summary)));
    REFUSED(mien_convert(NULL, NULL));
    REFUSED(mien_convert(ZEROED(mien_convert_params), NULL));
    REFUSED(mien_convert(ZEROED(mien_convert_params), UNSIZED(mien_convert_summary)));
    REFUSED(mien_embeds_write(NULL, NULL, 0));
    REFUSED(mien_embeds_write("x.safetensors", NULL, 1));
    REFUSED(mien_model_inspect(NULL, NULL));
    REFUSED(mien_model_inspect(NULL, &report));
    NOTHING((mien_model_report_destroy(NULL), mien_model_report_destroy(&report)));
    note("mien_model_report_destroy(");
    REFUSED(mien_model_plan(NULL, NULL, NULL, 1, 1, NULL));
    REFUSED(mien_model_plan(NULL, NULL, NULL, 1, 1, ZEROED(mien_model_plan)));
    REFUSED(mien_training_open(NULL, NULL));
    REFUSED(mien_training_open(ZEROED(mien_train_params), &training));
    REFUSED(mien_training_run(NULL, NULL, NULL));
    NOTHING((mien_training_close(NULL), mien_training_close(&training)));
    note("mien_training_close(");
    REFUSED(mien_train_help(NULL, NULL, NULL));
    REFUSED(mien_train(NULL, NULL, NULL));
    REFUSED(mien_train(NULL, ZEROED(mien_train_params), UNSIZED(mien_train_summary)));
}

/* `model` is NULL, or a model: then the other arguments are missing. */
static void with_model(struct mien_model *model)
{
    const char *const none[1] = {NULL};
    struct mien_labels *labels = NULL;
    struct mien_search *search = NULL;
    struct mien_result *result = NULL;
    size_t count = 0;
    NOTHING(mien_model_error(model));
    REFUSED(mien_model_describe(model, NULL));
    REFUSED(mien_model_describe(model, UNSIZED(mien_model_info)));
    REFUSED(mien_model_expect(NULL, 1));
    REFUSED(mien_model_embed(model, NULL, 1, NULL, room));
    REFUSED(mien_model_embed(model, &no_image, 1, NULL, NULL));
    REFUSED(mien_model_embed(model, &no_image, 1, UNSIZED(mien_embed_params), room));
    REFUSED(mien_model_embed_texts(model, NULL, 1, 0, room));
    REFUSED(mien_model_embed_texts(model, none, 1, 0, room));
    REFUSED(mien_model_tokenize(model, "a", ids, 256, NULL));
    REFUSED(mien_model_tokenize(model, NULL, ids, 256, &count));
    REFUSED(mien_model_embed_labels(model, NULL, 1, NULL, 0, room));
    REFUSED(mien_model_embed_labels(model, none, 1, NULL, 0, room));
    REFUSED(mien_model_scores(model, NULL, room, 1, room));
    REFUSED(mien_labels_create(model, NULL, 1, NULL, &labels));
    REFUSED(mien_labels_create(model, &(struct mien_label){0}, 1, NULL, NULL));
    REFUSED(mien_labels_create(model, &(struct mien_label){0}, 1, NULL, &labels));
    REFUSED(mien_labels_scores(NULL, room, room));
    NOTHING((mien_labels_destroy(NULL), mien_labels_destroy(&labels)));
    note("mien_labels_destroy(");
    REFUSED(mien_search(model, NULL, &search));
    REFUSED(mien_search(model, ZEROED(mien_search_params), &search));
    struct mien_store *store = NULL;
    REFUSED(mien_store_create(NULL, NULL, NULL));
    REFUSED(mien_store_create(NULL, NULL, &store));
    REFUSED(mien_store_write(NULL, "x.safetensors", NULL, 0));
    REFUSED(mien_store_read(NULL, "x.safetensors", NULL));
    REFUSED(mien_store_read(NULL, "x.safetensors", &store));
    GIVES(mien_store_at(NULL, 0, NULL), false);
    NOTHING((mien_store_destroy(NULL), mien_store_destroy(&store)));
    note("mien_store_destroy(");
    NOTHING((mien_search_destroy(NULL), mien_search_destroy(&search)));
    note("mien_search_destroy(");
    REFUSED(mien_eval(model, NULL, &result));
    REFUSED(mien_eval(model, UNSIZED(mien_eval_params), &result));
    REFUSED(mien_eval(model, ZEROED(mien_eval_params), &result));
    REFUSED(mien_eval(model, ZEROED(mien_eval_params), NULL));
    REFUSED(mien_eval_suite(model, NULL, NULL, &result));
    REFUSED(mien_eval_suite(model, "x.json", UNSIZED(mien_eval_params), &result));
    REFUSED(mien_eval_suite(model, "x.json", NULL, NULL));
    if (model)
        CHECK(strlen(mien_model_error(model)) > 10);
}

/* What would be taken for something else, or read beyond what is there: flags that nobody knows, counts without their
 * arrays, strides that lead out of memory. */
static void misused(struct mien_model *model)
{
    static const unsigned char pixels[3 * 4 * 4];
    const struct mien_input good = {.pixels = pixels, .width = 4, .height = 4};
    const struct mien_input bad[] = {
        {.pixels = pixels, .width = 4, .height = 4, .byte_count = 9},
        {.pixels = pixels, .width = 4, .height = 4, .frame_count = 9},
        {.pixels = pixels, .width = 4, .height = 4, .format = (enum mien_pixel_format)9},
        {.pixels = pixels, .width = 4, .height = 4, .stride = SIZE_MAX},
        {.pixels = pixels, .width = 4, .height = 4, .stride = (size_t)-12},
        {.pixels = pixels, .width = 4, .height = 4, .stride = SIZE_MAX / 8 + 1},
        {.pixels = pixels, .width = 65537, .height = 4},
    };
    const char *const a[] = {"a", "b"}, *const hole[] = {"a", NULL};
    struct mien_embed_params embed = {.size = sizeof embed, .flags = 8};
    struct mien_labels *labels = NULL;
    struct mien_search *search = NULL;
    struct mien_result *result = NULL;
    CHECK_EQ(mien_model_embed(model, &good, 1, NULL, room), MIEN_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        REFUSED(mien_model_embed(model, &bad[i], 1, NULL, room));
    REFUSED(mien_model_embed(model, &good, 1, &embed, room));
    embed.flags = 0;
    embed.size = sizeof(size_t) + 4; /* ends within a member: nobody's struct */
    REFUSED(mien_model_embed(model, &good, 1, &embed, room));
    embed = (struct mien_embed_params){.size = sizeof embed, .flags = 0x80000000};
    REFUSED(mien_model_predict(model, room, 1, room)); /* without a head */
    GIVES(mien_model_target(model, 0), NULL);
    GIVES(mien_model_target(NULL, 0), NULL);
    REFUSED(mien_model_predict(NULL, room, 1, room));
    REFUSED(mien_model_embed_texts(model, a, 1, 8, room));
    REFUSED(mien_model_embed_labels(model, a, 2, NULL, 1, room));
    REFUSED(mien_labels_create(model, &(struct mien_label){.name = ""}, 1, NULL, &labels));
    REFUSED(mien_labels_create(model, &(struct mien_label){.name = "a", .text_count = 1}, 1, NULL, &labels));
    REFUSED(mien_labels_create(
        model, &(struct mien_label){.name = "a"}, 1,
        &(struct mien_labels_params){.size = sizeof(struct mien_labels_params), .template_count = 1}, &labels));
    REFUSED(mien_search(
        model, &(struct mien_search_params){sizeof(struct mien_search_params), "x.jsonl", a, 1, .embed = &embed},
        &search));
    REFUSED(mien_eval(
        model, &(struct mien_eval_params){sizeof(struct mien_eval_params), "zero-shot", "x.jsonl", .class_count = 2},
        &result));
    REFUSED(mien_embeds_write("x.safetensors", &(struct mien_embeds){"__metadata__", room, 1, 1}, 1));
    REFUSED(mien_embeds_write("x.safetensors", &(struct mien_embeds){"a\xff", room, 1, 1}, 1));
    REFUSED(mien_train(NULL, &(struct mien_train_params){.size = sizeof(struct mien_train_params)}, NULL));
    for (size_t i = 0; i < 2; i++) {
        struct mien_training *training = NULL;
        struct mien_train_params params = {
            .size = sizeof params, .config = "x.json", .sets = i ? hole : NULL, .set_count = 2};
        REFUSED(mien_training_open(&params, &training));
    }
}

static void results_and_pages(void)
{
    struct mien_result *result = NULL;
    struct mien_page *page = NULL;
    double value;
    REFUSED(mien_eval(NULL, ZEROED(mien_eval_params), NULL));
    REFUSED(mien_eval_check(NULL));
    REFUSED(mien_eval_check(ZEROED(mien_eval_params)));
    REFUSED(mien_eval_suite(NULL, "x.json", NULL, NULL));
    REFUSED(mien_eval_suite_check(NULL, NULL));
    REFUSED(mien_eval_suite_check("x.json", UNSIZED(mien_eval_params)));
    GIVES(mien_eval_describe((size_t)-1), NULL);
    SAYS(mien_result_json(NULL), "");
    SAYS(mien_result_summary(NULL), "");
    GIVES(mien_result_number(NULL, NULL, NULL), false);
    GIVES(mien_result_number(NULL, "n", &value), false);
    GIVES(mien_result_text(NULL, NULL), NULL);
    GIVES(mien_result_count(NULL, NULL), 0);
    REFUSED(mien_result_write(NULL, NULL));
    REFUSED(mien_result_read(NULL, NULL));
    REFUSED(mien_result_read(NULL, &result));
    NOTHING((mien_result_destroy(NULL), mien_result_destroy(&result)));
    note("mien_result_destroy(");
    REFUSED(mien_page_create(NULL, NULL));
    REFUSED(mien_page_add_run(NULL, NULL));
    REFUSED(mien_page_add_result(NULL, NULL));
    REFUSED(mien_page_add_file(NULL, NULL));
    GIVES(mien_page_html(NULL), NULL);
    REFUSED(mien_page_write(NULL, NULL));
    NOTHING((mien_page_destroy(NULL), mien_page_destroy(&page)));
    note("mien_page_destroy(");
    REFUSED(mien_report(NULL, 0, NULL));
    REFUSED(mien_report(NULL, 1, "report.html"));
}

static void ranks(void)
{
    struct mien_ranks *none = NULL;
    REFUSED(mien_ranks_open(NULL));
    REFUSED(mien_ranks_device(NULL, NULL, NULL));
    NOTHING(mien_ranks_describe(NULL, NULL));
    NOTHING(mien_ranks_abort(NULL, 1));
    NOTHING((mien_ranks_close(NULL), mien_ranks_close(&none)));
    note("mien_ranks_close(");
}

static void all_called(const char *path)
{
    char line[256];
    FILE *list = fopen(path, "r");
    CHECK(list != NULL);
    while (list && fgets(line, sizeof line, list)) {
        line[strcspn(line, "\n")] = 0;
        size_t i = 0;
        while (i < called_count && strcmp(called[i], line) != 0)
            i++;
        CHECK(line[0] == '#' || i < called_count);
        if (line[0] != '#' && i == called_count)
            fprintf(stderr, "  %s is not called here\n", line);
    }
    if (list)
        fclose(list);
}

int main(int argc, char **argv)
{
    struct mien_gpu *gpu = NULL;
    struct mien_model *model = NULL;
    size_t count = 0;
    if (argc != 3)
        return 2;
    without_device();
    check_without_device();
    benchmarks();
    tuning();
    data_and_training();
    results_and_pages();
    ranks();
    NOTHING(mien_default_templates(NULL));
    CHECK(mien_default_templates(&count) != NULL && count > 0);
    REFUSED(mien_model_open(NULL, NULL, NULL, NULL));
    REFUSED(mien_model_open(NULL, argv[2], NULL, &model));
    NOTHING((mien_model_destroy(NULL), mien_model_destroy(&model)));
    note("mien_model_destroy(");
    with_model(NULL);
    mien_log_set(NULL, NULL, MIEN_LOG_SILENT);
    enum mien_status status = mien_gpu_create(NULL, &gpu);
    if (status != MIEN_OK)
        printf("skipped: missing arguments beside a model (no device: %s)\n", mien_last_error());
    mien_log_set(count_messages, NULL, MIEN_LOG_ERROR);
    if (status == MIEN_OK) {
        REFUSED(mien_model_open(gpu, NULL, NULL, &model));
        REFUSED(mien_model_open(gpu, argv[2], UNSIZED(mien_model_params), &model));
        CHECK_STR(mien_gpu_error(gpu), mien_last_error());
        CHECK_EQ(mien_model_open(gpu, argv[2], NULL, &model), MIEN_OK);
        with_model(model);
        misused(model);
        CHECK_EQ(mien_model_embed(model, &(struct mien_input){.path = "gone.png"}, 1, NULL, room), MIEN_ERR_DATA);
        CHECK(strstr(mien_model_error(model), "gone.png") != NULL);
        CHECK_STR(mien_gpu_error(gpu), mien_model_error(model));
        mien_model_destroy(&model);
    }
    mien_gpu_destroy(&gpu);
    all_called(argv[1]);
    return check_result();
}
