/* train.c: trains by a configuration file. */
#include "command.h"

#include "base/system.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>

struct watch {
    struct progress progress;
    struct mien_train_now now;
    struct ranks *ranks;
};

static bool on_progress(void *user, uint64_t done, uint64_t total)
{
    struct watch *w = user;
    char note[64];
    ranks_speak(w->ranks); /* what concerns all has been told by now */
    snprintf(note, sizeof(note), "loss %.4f, %.0f samples/s", w->now.loss, w->now.samples_per_s);
    progress_show(&w->progress, done, total, "steps", note);
    return true;
}

static void print_json(const struct mien_train_summary *s)
{
    printf("{\"steps\":%" PRIu64 ",\"parameters\":%" PRIu64 ",\"first_loss\":", s->steps, s->parameters);
    print_json_number(s->first_loss, 9);
    printf(",\"last_loss\":");
    print_json_number(s->last_loss, 9);
    printf(",\"seconds\":%.3f,\"stopped\":%s,\"model\":", s->seconds, s->stopped ? "true" : "false");
    print_json_string(s->model);
    printf(",\"checkpoint\":");
    print_json_string(s->checkpoint);
    printf(",\"early\":%s,\"best_step\":%" PRIu64, s->early ? "true" : "false", s->best_step);
    if (s->best_step) {
        printf(",\"best_by\":\"%s\",\"best_score\":", s->best_by);
        print_json_number(s->best_score, 17);
        printf(",\"best\":");
        print_json_string(s->best);
    }
    printf("}\n");
}

static double mib(uint64_t bytes)
{
    return (double)bytes / (1024 * 1024);
}

/* Of several ranks: members of the object. */
static void print_scaling_json(const struct mien_train_scaling *s)
{
    const struct {
        const char *name;
        double value;
    } members[] = {{"ranks", s->ranks},
                   {"share", s->share},
                   {"bandwidth", s->bandwidth},
                   {"latency", s->latency},
                   {"gather_bytes", s->gather_bytes},
                   {"gradient_bytes", s->gradient_bytes},
                   {"compute_seconds", s->compute_seconds},
                   {"gather_seconds", s->gather_seconds},
                   {"sum_seconds", s->sum_seconds},
                   {"exposed_seconds", s->exposed_seconds},
                   {"hidden_ranks", s->hidden_ranks},
                   {"measured_gather_seconds", s->measured_gather_seconds},
                   {"measured_sum_seconds", s->measured_sum_seconds}};
    for (size_t i = 0; s->ranks && i < sizeof(members) / sizeof(members[0]); i++) {
        printf(",\"%s\":", members[i].name);
        print_json_number(members[i].value, 9);
    }
}

static void print_scaling(const struct mien_train_scaling *s)
{
    double exchange = s->gather_seconds + s->sum_seconds;
    if (!s->ranks)
        return;
    printf("ranks       %u, %u images each: %.4f s of computing\n", s->ranks, s->share, s->compute_seconds);
    printf("exchange    %.4f s at %.3g GB/s and %.3g us a message: features %.3f MB a rank, gradients %.3f MB; %.4f s "
           "are not\n            hidden behind the backward pass\n",
           exchange, s->bandwidth / 1e9, s->latency * 1e6, s->gather_bytes / 1e6, s->gradient_bytes / 1e6,
           s->exposed_seconds);
    if (s->measured_sum_seconds > 0)
        printf("            measured: %.4f s\n", s->measured_gather_seconds + s->measured_sum_seconds);
    if (s->hidden_ranks > 1)
        printf(
            "            up to %u ranks of %u images it costs, with the losses over more pairs, less than a tenth of a "
            "step\n",
            s->hidden_ranks, s->share);
    else
        printf("            from 2 ranks of %u images on it costs more than a tenth of a step\n", s->share);
}

static void print_plan(const struct common *common, const struct mien_train_summary *s)
{
    const struct mien_train_plan *p = &s->plan;
    uint64_t memory = p->weight_bytes + p->optimizer_bytes + p->activation_bytes + p->batch_bytes;
    double seconds = p->seconds_per_step * (double)p->steps;
    if (common->json) {
        printf("{\"parameters\":%" PRIu64 ",\"trained\":%" PRIu64 ",\"steps\":%" PRIu64 ",\"flops_per_step\":",
               s->parameters, p->trained, p->steps);
        print_json_number(p->flops_per_step, 6);
        printf(",\"memory_bytes\":%" PRIu64 ",\"activation_bytes\":%" PRIu64 ",\"seconds_per_step\":", memory,
               p->activation_bytes);
        print_json_number(p->seconds_per_step, 6);
        printf(",\"seconds\":");
        print_json_number(seconds, 6);
        print_scaling_json(&s->scaling);
        printf("}\n");
        return;
    }
    printf("parameters  %" PRIu64 ", of which %" PRIu64 " are trained\n", s->parameters, p->trained);
    if (p->seconds_per_step > 0)
        printf("per step    %.3f GFLOP, %.3f s on this device (%.1f GFLOP/s)\n", p->flops_per_step / 1e9,
               p->seconds_per_step, p->flops_per_step / p->seconds_per_step / 1e9);
    else
        printf("per step    %.3f GFLOP; not timed: it would take minutes on a software driver\n",
               p->flops_per_step / 1e9);
    print_scaling(&s->scaling);
    printf("memory      %.1f MiB: weights %.1f, optimiser %.1f, activations and gradients %.1f, batch %.1f\n",
           mib(memory), mib(p->weight_bytes), mib(p->optimizer_bytes), mib(p->activation_bytes), mib(p->batch_bytes));
    if (!(seconds > 0))
        printf("the run     %" PRIu64 " steps\n", p->steps);
    else
        printf("the run     %" PRIu64 " steps, about %d:%02d:%02d\n", p->steps, (int)(seconds / 3600),
               (int)(seconds / 60) % 60, (int)seconds % 60);
}

/* As a shell reads it back. */
static void print_quoted(const char *text)
{
    putchar('\'');
    for (; *text; text++)
        *text == '\'' ? (void)fputs("'\\''", stdout) : (void)putchar(*text);
    putchar('\'');
}

static void print_best(const struct mien_train_summary *s)
{
    bool loss = strcmp(s->best_by, "loss") == 0;
    if (s->best_step)
        printf("best %s (step %" PRIu64 ", %s %.4f on data.val)\n", s->best, s->best_step,
               strcmp(s->best_by, "uar") == 0 ? "UAR" : s->best_by, loss ? -s->best_score : s->best_score);
}

static void print_summary(const struct mien_train_summary *s)
{
    if (s->stopped) {
        printf("stopped after step %" PRIu64 "; to go on: mien train --resume ", s->steps);
        print_quoted(s->run_dir);
        printf("\n");
        if (*s->checkpoint)
            printf("checkpoint %s\n", s->checkpoint);
        print_best(s);
        return;
    }
    if (s->fresh > 0)
        printf("trained %" PRIu64 " steps in %.0f s, loss %.4f -> %.4f\n", s->steps, s->seconds, s->first_loss,
               s->last_loss);
    else
        printf("nothing left to train: all %" PRIu64 " steps are done\n", s->steps);
    if (s->early)
        printf("ended early: run.patience evaluations without a better one\n");
    print_best(s);
    printf("model %s\n", s->model);
}

static enum mien_status train(const struct common *common, struct mien_train_params *params, struct ranks *ranks,
                              struct mien_train_summary *summary)
{
    struct mien_gpu *gpu = NULL;
    struct mien_training *training = NULL;
    struct watch watch = {.ranks = ranks};
    params->progress = on_progress;
    params->user = &watch;
    params->now = &watch.now;
    params->stop = base_stop_flag();
    enum mien_status status = mien_training_open(params, &training);
    if (status == MIEN_OK)
        status = gpu_open(common, &gpu);
    if (status == MIEN_OK) {
        progress_begin(&watch.progress, "train", common->quiet);
        base_stop_watch();
        status = mien_training_run(training, gpu, summary);
        progress_end(&watch.progress);
    }
    mien_training_close(&training);
    return gpu ? gpu_close(&gpu, status) : status;
}

static void print_result(const struct common *common, bool dry_run, const struct mien_train_summary *summary)
{
    if (dry_run)
        print_plan(common, summary);
    else if (common->json)
        print_json(summary);
    else
        print_summary(summary);
}

/* Planned ranks beside those that are there, or what is between none: 0, or the exit status after a message. */
static int check_plan(const struct command *command, const struct mien_train_params *params, const struct ranks *ranks)
{
    bool several = ranks->ranks, lead = ranks_lead(ranks);
    if (several && params->planned_ranks && params->planned_ranks != ranks->info.count)
        return lead ? complain(command, 2, "--ranks %u, and mpirun has started %u; leave --ranks out, or mpirun",
                               params->planned_ranks, ranks->info.count)
                    : 2;
    if (!several && !params->planned_ranks && params->bandwidth > 0)
        return complain(command, 2, "--bandwidth and --latency lie between ranks, and there is one; add --ranks N");
    return 0;
}

/* As one of the ranks that there are. */
static int train_as_rank(const struct command *command, struct common *common, struct mien_train_params *params)
{
    struct mien_train_summary summary = {sizeof summary};
    struct ranks ranks;
    enum mien_status status = ranks_open(&ranks, common);
    params->ranks = ranks.ranks;
    int refused = status == MIEN_OK ? check_plan(command, params, &ranks) : 0;
    if (refused)
        return ranks_close(&ranks, refused);
    if (status == MIEN_OK)
        status = train(common, params, &ranks, &summary);
    if (status == MIEN_OK && ranks_lead(&ranks))
        print_result(common, params->dry_run, &summary);
    int signal = *base_stop_flag() ? *base_stop_flag() : 2; /* another rank's */
    return ranks_close(&ranks, status == MIEN_OK && summary.stopped ? 128 + signal : mien_status_exit_code(status));
}

/* What --ranks, --bandwidth and --latency say. */
struct planned {
    uint64_t ranks;
    const char *bandwidth, *latency;
};

static bool number_of(const char *text, double least, double *out)
{
    char *end = NULL;
    *out = strtod(text, &end);
    return *text && !*end && *out >= least && *out < 1e9;
}

/* 0, or the exit status after a message. */
static int plan_ranks(const struct command *command, const struct planned *p, struct mien_train_params *params)
{
    double bandwidth = 0, latency = 0;
    if (!p->ranks && !p->bandwidth && !p->latency)
        return 0;
    if (!params->dry_run)
        return complain(command, 2,
                        "--ranks, --bandwidth and --latency plan a run: they go with --dry-run; ranks are "
                        "started by mpirun -n N mien train ...");
    if (p->ranks > 65536 || p->ranks == 1)
        return complain(command, 2, "--ranks %" PRIu64 ": 2 to 65536 ranks can be planned", p->ranks);
    if (!p->bandwidth != !p->latency || (p->ranks && !p->bandwidth))
        return complain(command, 2,
                        "--ranks N needs both --bandwidth GB/s and --latency us: what is between the ranks");
    if (!number_of(p->bandwidth, 1e-6, &bandwidth))
        return complain(command, 2, "--bandwidth %s: GB/s between ranks, above 0", p->bandwidth);
    if (!number_of(p->latency, 0, &latency))
        return complain(command, 2, "--latency %s: microseconds a message, 0 or more", p->latency);
    params->planned_ranks = (uint32_t)p->ranks;
    params->bandwidth = bandwidth * 1e9;
    params->latency = latency * 1e-6;
    return 0;
}

static int run(const struct command *command, int argc, char **argv)
{
    struct planned planned = {0};
    struct mien_train_params params = {sizeof params};
    struct arg_list sets = {0};
    struct arg_maybe resume = {0};
    struct common common;
    char seed[40];
    const struct arg args[] = {
        {"--config", ARG_TEXT, "FILE", "the training configuration, JSON", &params.config},
        {"--set", ARG_LIST, "key=value", "changes the configuration: run.steps=100 data.balance=label", &sets},
        {"--resume", ARG_MAYBE, "[RUN_DIR]", "go on from the newest checkpoint of run.dir, or of RUN_DIR", &resume},
        {"--dry-run", ARG_FLAG, NULL, "parameters, FLOPs, memory and time, from a few steps; writes nothing",
         &params.dry_run},
        {"--ranks", ARG_NUMBER, "N", "with --dry-run: plan for N ranks, by what one of them takes here",
         &planned.ranks},
        {"--bandwidth", ARG_TEXT, "GB/s", "between ranks (under mpirun: measured, where it is not given)",
         &planned.bandwidth},
        {"--latency", ARG_TEXT, "us", "microseconds a message between ranks", &planned.latency},
        {0},
    };
    int result = args_parse(command, argc, argv, args, &common, NULL);
    if (result != ARGS_RUN)
        return result;
    params.resume = resume.given;
    params.run_dir = resume.value;
    if (!params.config && !params.run_dir)
        return complain(command, 2, "--config FILE, or --resume RUN_DIR, is missing; see mien train --help");
    if (params.config && params.run_dir)
        return complain(command, 2, "--resume %s goes on by that run's own configuration; leave --config out",
                        params.run_dir);
    if (common.seed_given) {
        snprintf(seed, sizeof(seed), "run.seed=%" PRIu64, common.seed);
        sets.items[sets.count++] = seed;
    }
    result = plan_ranks(command, &planned, &params);
    if (result != 0)
        return result;
    params.sets = sets.items;
    params.set_count = sets.count;
    if (!common.quiet)
        mien_log_set(NULL, NULL, MIEN_LOG_INFO);
    return train_as_rank(command, &common, &params);
}

static void print_line(void *user, const char *line)
{
    (void)user;
    printf("%s\n", line);
}

/* The configuration's keys: one, those of an object, or all. */
static enum mien_status explain_keys(const char *key)
{
    if (!key)
        printf("Keys of the configuration with their defaults; those with * may change on --resume. mien train --help "
               "KEY says\nmore of one, or lists those of an object:\n\n");
    return mien_train_help(key, print_line, NULL);
}

const struct command command_train = {
    .name = "train",
    .synopsis = "--config FILE | --resume RUN_DIR [--set key=value ...] [options]",
    .summary = "trains a model by image-caption contrastive learning",
    .help =
        "The run directory (run.dir) receives config.json, log.jsonl, checkpoints/step-N/ and model/, the last one.\n"
        "With data.val the model is evaluated once an epoch (run.eval_every), and the best one so far is in best/:\n"
        "the highest UAR, or the lowest loss where data.val has no labels; of equal ones the earliest; best/eval.json\n"
        "has its step and scores. run.patience N ends the run after N evaluations without a better one. Paths in the\n"
        "configuration are relative to its file, those in --set to the working directory. A value in --set is JSON,\n"
        "or a plain word; the last one of a key counts. --seed S is short for --set run.seed=S. Ctrl-C (also SIGTERM,\n"
        "SIGHUP) ends after the present step with a checkpoint and exit status 130 (143, 129), so that in\n"
        "`mien train ... && mien eval ...` nothing follows; --resume goes on from the newest whole one, or from the\n"
        "beginning when there is none, and gives the weights that an unbroken run gives; with RUN_DIR by that run's\n"
        "own configuration. One process at a time owns a run directory.\n"
        "mpirun -n N mien train ... (also srun) trains on N devices, each with its share of run.batch: the same\n"
        "bits as one with run.micro_batch = run.batch / N; run.shares=[2,1] gives devices that are not equally fast\n"
        "unequal shares, and promises no bits. --dry-run --ranks N says what N ranks would take.\n"
        "Training keeps weights in f32, and --precision bf16 and f16 are refused: run.precision says how activations\n"
        "are stored.",
    .explain = explain_keys,
    .run = run,
    .traces = true,
};
