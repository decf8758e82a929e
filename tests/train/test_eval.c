/* Evaluation during training, the best model, dry runs. */
#include "check.h"

#include "eval/look.h"
#include "train/tiny_run.h"

static uint32_t count_of(const char *text, const char *part)
{
    uint32_t count = 0;
    for (const char *at = text; at && (at = strstr(at, part)) != NULL; at++)
        count++;
    return count;
}

static double best_uar(const char *log, uint64_t *step)
{
    double best = -1, loss, war, uar;
    unsigned long long at;
    for (const char *line = log; line && (line = strstr(line, "{\"kind\":\"eval\"")) != NULL; line++) {
        CHECK_EQ(sscanf(line, "{\"kind\":\"eval\",\"step\":%llu,\"loss\":%lf,\"war\":%lf,\"uar\":%lf", &at, &loss, &war,
                        &uar),
                 4);
        CHECK(loss > 0 && war >= 0 && war <= 1);
        if (uar > best)
            *step = at;
        best = uar > best ? uar : best;
    }
    return best;
}

static void test_scores(void)
{
    const char *const sets[] = {"run.dir=scored", "data.val=t.jsonl", "run.eval_every=10",       "run.steps=60",
                                "optim.lr=0.01",  "loss.text=label",  "run.checkpoint_every=10", "run.keep=9"};
    uint64_t step = 0;
    char name[128];
    CHECK_EQ(train_sets(sets, BASE_COUNT(sets), NULL), MIEN_OK);
    char *log = log_text("scored");
    CHECK_EQ(count_of(log, "\"kind\":\"eval\""), 6);
    double best = best_uar(log, &step);
    printf("best UAR %.3f at step %llu\n", best, (unsigned long long)step);
    CHECK(best > 0.6); /* colours are easy; chance is 0.33 */
    snprintf(name, sizeof(name), "scored/checkpoints/step-%llu/model.safetensors", (unsigned long long)step);
    CHECK(equal_files(name, "scored/best/model.safetensors"));
    base_free(log);
}

/* ---- best/ is chosen by what evaluation gives ---- */

/* Compound labels in either order, rows of the val split and rows without one, one row without a label, one without a
 * picture, a class of the train split alone, a clip. */
static void write_mixed(void)
{
    static const char *const labels[] = {"\"anger\"", "\"joy\"", "[\"joy\",\"anger\"]",
                                         "\"anger\"", "\"joy\"", "[\"anger\",\"joy\"]"}; /* colours: i % 3 */
    char rows[TINY_IMAGES * 200];
    size_t at = 0;
    for (int i = 0; i < TINY_IMAGES; i++) {
        at +=
            (size_t)snprintf(rows + at, sizeof(rows) - at, "{\"image\":\"%d.png\",\"caption\":\"face %d\",", i, i % 5);
        if (i != 7)
            at += (size_t)snprintf(rows + at, sizeof(rows) - at, "\"label\":%s,", labels[i % 6]);
        at += (size_t)snprintf(rows + at, sizeof(rows) - at, "\"split\":%s}\n",
                               i >= 8  ? "\"train\""
                               : i % 3 ? "\"val\""
                                       : "\"\"");
    }
    snprintf(rows + at, sizeof(rows) - at,
             "{\"image\":\"20.png\",\"label\":\"sorrow\",\"caption\":\"s\",\"split\":\"train\"}\n"
             "{\"frames\":[\"21.png\",\"22.png\",\"23.png\"],\"label\":\"joy\",\"split\":\"val\"}\n"
             "{\"image\":\"gone.png\",\"label\":\"anger\",\"caption\":\"g\",\"split\":\"val\"}\n");
    CHECK(tiny_write("mixed.jsonl", rows, strlen(rows)));
}

/* The line of the log about the best step has the numbers that evaluation gives, to the last digit. */
static void check_line(char *log, const struct mien_result *r)
{
    char begin[64];
    uint64_t step = 0;
    double best = best_uar(log, &step), war = -1, uar = -1;
    snprintf(begin, sizeof(begin), "{\"kind\":\"eval\",\"step\":%llu,", (unsigned long long)step);
    char *line = strstr(log, begin), *at = line ? strstr(line, "\"war\":") : NULL;
    CHECK(at && sscanf(at, "\"war\":%lf,\"uar\":%lf,\"n\":9}", &war, &uar) == 2); /* 9: one has no label */
    CHECK(at && strncmp(strstr(at, "\"n\":"), "\"n\":9}", 6) == 0);
    printf("compound labels, step %llu: war %.17g, uar %.17g\n", (unsigned long long)step, war, uar);
    CHECK(best == uar && uar == look(r, "uar") && war == look(r, "war"));
}

static void test_one_number(void)
{
    const char *const sets[] = {"run.dir=mixed", "data.val=mixed.jsonl", "data.train=mixed.jsonl", "run.eval_every=5",
                                "run.steps=40",  "optim.lr=0.001",       "data.max_bad=0.2",       "loss.text=label"};
    const struct mien_eval_params params = {
        .size = sizeof params, .task = "zero-shot", .manifest = "mixed.jsonl", .split = "val"};
    struct mien_result *r = NULL;
    struct mien_model *model = NULL;
    write_mixed();
    CHECK_EQ(train_sets(sets, BASE_COUNT(sets), NULL), MIEN_OK);
    CHECK_EQ(mien_model_open(gpu, tiny_path("mixed/best"), NULL, &model), MIEN_OK);
    if (model)
        CHECK_EQ(mien_eval(model, &params, &r), MIEN_OK);
    char *log = log_text("mixed");
    if (r && log) {
        CHECK(mien_result_count(r, "classes") == 4 &&
              look(r, "present") == 3); /* anger, "anger and joy", joy; sorrow is in train alone */
        CHECK(look(r, "bad") == 1 && look(r, "n") == 8);
        check_line(log, r);
    }
    mien_result_destroy(&r);
    mien_model_destroy(&model);
    base_free(log);
}

/* Labels that the model cannot tell apart are refused before the run begins. */
static void test_same_labels(void)
{
    static const char rows[] = "{\"image\":\"0.png\",\"caption\":\"a\",\"label\":\"Joy\"}\n"
                               "{\"image\":\"1.png\",\"caption\":\"b\",\"label\":\"joy\"}\n";
    CHECK(tiny_write("same.jsonl", rows, strlen(rows)));
    CHECK_EQ(train("same", "data.val=same.jsonl", "run.eval_every=1", NULL), MIEN_ERR_ARG);
    CHECK(captured_once("\"Joy\"") && !base_file_exists(tiny_path("same")));
}

/* Looking does not touch: the same weights; and a resumed run keeps what was best. */
static void test_neutral(void)
{
    const char *const sets[] = {"run.dir=looked", "data.val=t.jsonl", "run.eval_every=4", "run.checkpoint_every=5",
                                "run.keep=9"};
    CHECK_EQ(train("plain", NULL, NULL, NULL), MIEN_OK);
    CHECK_EQ(train_sets(sets, BASE_COUNT(sets), NULL), MIEN_OK);
    CHECK(equal_files("plain/model/model.safetensors", "looked/model/model.safetensors"));
    char *before = log_text("looked");
    CHECK_EQ(count_of(before, "eval"), 2); /* after 4 and at the end */
    CHECK_EQ(base_dir_remove(tiny_path("looked/checkpoints/step-6")), MIEN_OK);
    struct mien_train_params params = {.size = sizeof params,
                                       .config = tiny_path("c.json"),
                                       .sets = sets,
                                       .set_count = BASE_COUNT(sets),
                                       .resume = true};
    CHECK_EQ(mien_train(gpu, &params, NULL), MIEN_OK);
    char *after = log_text("looked");
    CHECK_STR(before, after);
    base_free(before);
    base_free(after);
}

static void test_refusals(void)
{
    static const char only_train[] = "{\"image\":\"0.png\",\"caption\":\"one\",\"split\":\"train\"}\n";
    CHECK_EQ(train("r1", "run.eval_every=1", NULL, NULL), MIEN_ERR_ARG);
    CHECK(captured_once("data.val"));
    CHECK(tiny_write("only.jsonl", only_train, strlen(only_train)));
    CHECK_EQ(train("r2", "run.eval_every=1", "data.val=only.jsonl", NULL), MIEN_ERR_DATA);
    CHECK(captured_once("only.jsonl"));
    CHECK(!base_file_exists(tiny_path("r2")));
}

/* Texts that are too long are said to be once, however often the model is evaluated. */
static void test_long_texts(void)
{
    const char *const sets[] = {"run.dir=cut", "data.val=long.jsonl", "run.eval_every=2", "run.steps=6"};
    char rows[4000], text[600] = "";
    size_t at = 0;
    for (int i = 0; i < 100; i++)
        strcat(text, "joy ");
    for (int i = 0; i < 6; i++)
        at += (size_t)snprintf(rows + at, sizeof(rows) - at, "{\"image\":\"%d.png\",\"caption\":\"%s\"}\n", i,
                               i < 2 ? text : "joy");
    CHECK(tiny_write("long.jsonl", rows, at));
    CHECK_EQ(train_sets(sets, BASE_COUNT(sets), NULL), MIEN_OK);
    CHECK(captured_once("long.jsonl: 2 texts of the val split are longer than the model's 16 tokens"));
    char *log = log_text("cut");
    CHECK_EQ(count_of(log, "\"kind\":\"eval\""), 3);
    base_free(log);
}

static void test_dry_run(void)
{
    const char *const sets[] = {"run.dir=dry", "run.steps=1000"};
    struct mien_train_params params = {.size = sizeof params,
                                       .config = tiny_path("c.json"),
                                       .sets = sets,
                                       .set_count = BASE_COUNT(sets),
                                       .dry_run = true};
    struct mien_train_summary s = {sizeof s};
    CHECK_EQ(mien_train(gpu, &params, &s), MIEN_OK);
    CHECK_EQ(s.plan.steps, 1000);
    CHECK(s.parameters > 1000 && s.plan.trained == s.parameters);
    CHECK_EQ(s.plan.weight_bytes, 4 * s.parameters);
    CHECK_EQ(s.plan.optimizer_bytes, 8 * s.parameters);
    CHECK(s.plan.flops_per_step > 1e6 && s.plan.activation_bytes > 1000 && s.plan.seconds_per_step > 0);
    CHECK(!base_file_exists(tiny_path("dry")));
    /* a run that is shorter than the timing, with a warm-up that is longer and rates that would end it at once */
    const char *const one[] = {"run.dir=dry", "run.steps=1", "optim.warmup_steps=9", "optim.lr=100",
                               "optim.clip_norm=0"};
    params = (struct mien_train_params){.size = sizeof params,
                                        .config = tiny_path("c.json"),
                                        .sets = one,
                                        .set_count = BASE_COUNT(one),
                                        .dry_run = true};
    CHECK_EQ(mien_train(gpu, &params, &s), MIEN_OK);
    CHECK(s.plan.steps == 1 && s.plan.seconds_per_step > 0 && s.plan.flops_per_step > 0);
    CHECK(s.plan.weight_bytes > 0 && s.plan.activation_bytes > 0 && s.plan.batch_bytes > 0);
}

int main(void)
{
    capture_start();
    if (mien_gpu_create(NULL, &gpu) != MIEN_OK)
        CHECK_SKIP("no Vulkan device: %s", captured);
    if (!tiny_make())
        CHECK_SKIP("no temporary directory");
    test_scores();
    test_one_number();
    test_same_labels();
    test_neutral();
    test_refusals();
    test_long_texts();
    test_dry_run();
    CHECK_EQ(mien_gpu_validation_messages(gpu), 0);
    mien_gpu_destroy(&gpu);
    tiny_remove();
    return check_result();
}
