/* import_rule.c: imports what a rule tells of. */
#include "data/import_rule.h"

#include "data/frames.h"
#include "data/import_lines.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_DIRS = 64 };

struct rule_run {
    const struct import_rule *rule;
    enum data_split split;                          /* of the list or pattern; NONE: by name or fold */
    int32_t fold;                                   /* of the list; 0 = none */
    const char *dirs[MOST_DIRS], *files[MOST_DIRS]; /* places that are there */
    size_t dir_count;
    bool any; /* a list or a sample was there */
};

/* The place, from 1 on, of a word [size] in a list; 0: it is not there, or there is no list. */
static int32_t place_in(const char *words, const char *word, size_t size)
{
    int32_t place = 1;
    for (const char *at = words; at && *at; at += strspn(at, " "), place++) {
        size_t length = strcspn(at, " ");
        if (length == size && strncmp(at, word, size) == 0)
            return place;
        at += length;
    }
    return 0;
}

/* ---- folds by subject ---- */

/* 0: none. */
static int32_t fold_of(const struct import_rule *rule, const char *subject)
{
    long number = strtol(subject, NULL, 10);
    for (size_t i = 0; rule->last_subject[i]; i++)
        if (number <= rule->last_subject[i])
            return (int32_t)i + 1;
    return place_in(rule->subjects, subject, strlen(subject));
}

/* ---- patterns of paths ---- */

static enum mien_status is_repeated(struct import *in, const struct import_rule *rule, const char *name, bool *repeated)
{
    enum mien_status status = MIEN_OK;
    *repeated = false;
    if (!rule->once)
        return MIEN_OK;
    const char *dot = strrchr(name, '.');
    size_t from = BASE_MIN(rule->key_from, strlen(name)), size = dot ? (size_t)(dot - name) : strlen(name);
    const char *key = base_arena_strndup(&in->row_arena, name + from, size > from ? size - from : 0);
    FAIL_IF_NULL(key, "an import");
    TRY(import_seen(in, key, repeated));
fail:
    return status;
}

static enum mien_status found(struct import *in, const struct import_match *match, void *user)
{
    enum mien_status status = MIEN_OK;
    struct rule_run *run = user;
    const struct import_rule *rule = run->rule;
    const char *slash = strrchr(match->path, '/'), *name = slash ? slash + 1 : match->path;
    struct data_row row = {.split = run->split, .subject = *match->subject ? match->subject : NULL};
    struct data_value level = {"intensity", place_in(rule->levels, match->number, strlen(match->number))};
    bool repeated, is_there;
    char label[IMPORT_WORD];
    snprintf(label, sizeof(label), "%s", match->label);
    TRY(import_labels(in, rule->numbers, rule->base, label, &row.labels, &row.label_count));
    TRY(is_repeated(in, rule, name, &repeated));
    bool broken = place_in(rule->without, name, strcspn(name, "."));
    in->summary->left_out += broken;
    in->summary->passed_over += !broken && (repeated || row.label_count == 0);
    if (broken || repeated || row.label_count == 0)
        goto fail; /* status is MIEN_OK */
    run->any = true;
    if (run->split == DATA_SPLIT_NONE && row.subject)
        import_set_fold(in, fold_of(rule, row.subject), &row);
    const char *path = base_arena_strdup(&in->row_arena, match->path);
    FAIL_IF_NULL(path, "an import");
    TRY(import_source(in, path, &row, &is_there));
    bool other = is_there && row.image && !data_is_frame(row.image); /* '*' fits any file */
    in->summary->missing += !is_there;
    in->summary->passed_over += other;
    row.targets = level.value > 0 ? &level : NULL;
    row.target_count = level.value > 0;
    if (!is_there || other)
        goto fail; /* status is MIEN_OK */
    if (rule->rate)
        TRY(rule->rate(in, name, &row));
    TRY(import_labelled(in, &row, NULL));
fail:
    base_arena_clear(&in->row_arena);
    return status;
}

static enum mien_status read_tree(struct import *in, struct rule_run *run)
{
    enum mien_status status = MIEN_OK;
    const struct import_rule *rule = run->rule;
    for (size_t i = 0; i < BASE_COUNT(rule->tree) && rule->tree[i].pattern; i++) {
        run->split = rule->tree[i].split;
        TRY(import_walk(in, rule->tree[i].pattern, !rule->once, found, run));
    }
fail:
    return status;
}

/* ---- lists ---- */

struct add_dir {
    struct rule_run *run;
    const char *file;
};

static enum mien_status keep_dir(struct import *in, const struct import_match *match, void *user)
{
    enum mien_status status = MIEN_OK;
    struct add_dir *add = user;
    struct rule_run *run = add->run;
    bool is_dir;
    TRY(import_is_dir(in, match->path, &is_dir));
    if (!is_dir)
        return MIEN_OK;
    FAIL_IF(run->dir_count == MOST_DIRS, MIEN_ERR_DATA,
            "%s/%s: more than %d directories that files may be in; move their contents into one", in->top, match->path,
            MOST_DIRS);
    run->files[run->dir_count] = add->file;
    run->dirs[run->dir_count] = base_arena_strdup(&in->arena, match->path);
    FAIL_IF_NULL(run->dirs[run->dir_count], "an import");
    run->dir_count++;
fail:
    return status;
}

/* "<stem>_aligned.jpg" of a list's name; NULL when out of memory. */
static const char *file_of(struct import *in, const char *form, const char *name)
{
    const char *dot = strrchr(name, '.'), *open = strchr(form, '<'), *close = strchr(form, '>');
    int before = (int)(open - form), stem = dot ? (int)(dot - name) : (int)strlen(name);
    if (strncmp(open, "<five>", 6) == 0)
        return base_arena_printf(&in->row_arena, "%.*s%05ld%s", before, form, strtol(name, NULL, 10), close + 1);
    bool whole = strncmp(open, "<name>", 6) == 0;
    return base_arena_printf(&in->row_arena, "%.*s%.*s%s", before, form, whole ? (int)strlen(name) : stem, name,
                             close + 1);
}

static enum mien_status find_file(struct import *in, const struct rule_run *run, const char *name, struct data_row *row,
                                  bool *is_there)
{
    enum mien_status status = MIEN_OK;
    *is_there = false;
    bool number = strspn(name, "0123456789") == strlen(name) && strlen(name) < 9;
    for (size_t i = 0; i < run->dir_count && !*is_there; i++) {
        FAIL_IF(strstr(run->files[i], "<five>") && !number, MIEN_ERR_DATA, "%s: \"%s\" is no number of a clip",
                in->where, name);
        const char *file = file_of(in, run->files[i], name);
        const char *path = file ? base_arena_printf(&in->row_arena, "%s/%s", run->dirs[i], file) : NULL;
        FAIL_IF_NULL(path, "an import");
        TRY(import_source(in, path, row, is_there));
    }
fail:
    return status;
}

static enum data_split split_of(const struct rule_run *run, const char *name)
{
    if (!run->rule->split_by_name)
        return run->split;
    return strncmp(name, "train", 5) == 0 ? DATA_SPLIT_TRAIN : DATA_SPLIT_TEST;
}

static enum mien_status read_entry(struct import *in, const struct import_line *line, void *user)
{
    enum mien_status status = MIEN_OK;
    struct rule_run *run = user;
    const struct import_rule *rule = run->rule;
    struct data_row row = {.fold = in->params->fold ? 0 : run->fold, .split = split_of(run, line->name)};
    bool seen, is_there;
    TRY(import_labels(in, rule->numbers, rule->base, line->label, &row.labels, &row.label_count));
    FAIL_IF(row.label_count == 0, MIEN_ERR_DATA, "%s: label \"%s\" is none of the set's", in->where, line->label);
    FAIL_IF(rule->split_by_name && strncmp(line->name, "train", 5) != 0 && strncmp(line->name, "test", 4) != 0,
            MIEN_ERR_DATA, "%s: \"%s\" begins neither with train nor with test", in->where, line->name);
    const char *entry = base_arena_printf(&in->row_arena, "%s %s", line->name, line->label);
    FAIL_IF_NULL(entry, "an import");
    TRY(import_seen(in, entry, &seen));
    in->summary->duplicates += seen;
    if (seen)
        goto fail; /* status is MIEN_OK */
    TRY(find_file(in, run, line->name, &row, &is_there));
    in->summary->missing += !is_there;
    if (line->text && strcmp(line->text, "-") != 0)
        row.caption.whole = line->text;
    if (is_there)
        TRY(import_labelled(in, &row, NULL));
fail:
    base_arena_clear(&in->row_arena);
    return status;
}

/* The first pattern of that split that something fits. */
static enum mien_status read_list(struct import *in, struct rule_run *run, enum data_split split, int fold)
{
    enum mien_status status = MIEN_OK;
    const struct import_rule *rule = run->rule;
    const char *path = NULL;
    run->split = in->params->fold || !in->layout->folds ? split : DATA_SPLIT_NONE;
    run->fold = fold;
    for (size_t i = 0; i < BASE_COUNT(rule->lists) && rule->lists[i].pattern && !path; i++) {
        const char *percent = strstr(rule->lists[i].pattern, "%d");
        const char *pattern = rule->lists[i].pattern;
        if (percent)
            pattern = base_arena_printf(&in->arena, "%.*s%d%s", (int)(percent - pattern), pattern, fold, percent + 2);
        FAIL_IF_NULL(pattern, "an import");
        if (rule->lists[i].split == split)
            TRY(import_first(in, (const char *const[]){pattern, NULL}, &path));
    }
    if (path) {
        run->any = true;
        import_forget(in);
        TRY(import_lines_read(in, path, read_entry, run));
    }
fail:
    return status;
}

static enum mien_status read_lists(struct import *in, struct rule_run *run)
{
    enum mien_status status = MIEN_OK;
    const struct import_rule *rule = run->rule;
    int folds = (int)in->layout->folds, asked = (int)in->params->fold;
    for (size_t i = 0; i < BASE_COUNT(rule->places) && rule->places[i].dir; i++)
        TRY(import_walk(in, rule->places[i].dir, false, keep_dir, &(struct add_dir){run, rule->places[i].file}));
    for (int fold = 1; folds && !asked && fold <= folds; fold++)
        TRY(read_list(in, run, DATA_SPLIT_TEST, fold));
    for (int split = DATA_SPLIT_NONE; (!folds || asked) && split <= DATA_SPLIT_TEST; split++)
        TRY(read_list(in, run, (enum data_split)split, asked));
fail:
    return status;
}

/* Labels would be read, and wrong. */
static enum mien_status check_sibling(const struct import *in)
{
    enum mien_status status = MIEN_OK;
    const char *sibling = in->layout->rule->sibling;
    char *top = NULL;
    if (!sibling)
        return MIEN_OK;
    TRY(base_path_absolute(in->top, &top));
    const char *name = strrchr(top, '/');
    FAIL_IF(name && strcmp(name + 1, sibling) == 0, MIEN_ERR_DATA,
            "%s: this is another set, whose labels have other numbers; \"%s\" is imported from the directory beside it",
            in->top, in->layout->info.name);
fail:
    base_free(top);
    return status;
}

enum mien_status import_by_rule(struct import *in)
{
    enum mien_status status = MIEN_OK;
    struct rule_run run = {.rule = in->layout->rule};
    TRY(check_sibling(in));
    if (run.rule->lists[0].pattern)
        TRY(read_lists(in, &run));
    if (!run.any)
        TRY(read_tree(in, &run));
    if (!run.any)
        return import_no_layout(in);
fail:
    return status;
}
