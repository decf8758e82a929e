/* import_questions.c: sets of JSON: descriptions (FABA-Instruct) and multiple-choice questions. */
#include "data/import_read.h"
#include "data/import_rule.h"

#include <string.h>

/* ---- FABA-Instruct ---- */

enum { MOST_UNITS = 64 };

/* "4, 9, 15", or the numbers after "AU" in a text. */
static enum mien_status read_units(struct import *in, const char *text, bool named, struct data_row *row)
{
    enum mien_status status = MIEN_OK;
    struct data_value *values = base_arena_array(&in->row_arena, MOST_UNITS, sizeof(*values));
    bool has[100] = {false};
    FAIL_IF_NULL(values, "an import");
    while (*text) {
        const char *digits = named ? strstr(text, "AU") : text + strcspn(text, "0123456789");
        if (!digits || !*digits)
            break;
        digits += named ? 2 : 0;
        size_t size = strspn(digits, "0123456789");
        unsigned number = size && size < 3 ? (unsigned)(digits[0] - '0') : 0;
        number = size == 2 ? 10 * number + (unsigned)(digits[1] - '0') : number;
        FAIL_IF(!named && number == 0, MIEN_ERR_DATA, "%s: \"label\" is \"%s\"; numbers of action units were expected",
                in->where, text);
        text = digits + size;
        if (number == 0 || has[number] || row->au_count == MOST_UNITS)
            continue;
        has[number] = true;
        values[row->au_count].value = 1;
        values[row->au_count].name = base_arena_printf(&in->row_arena, "AU%u", number);
        FAIL_IF_NULL(values[row->au_count++].name, "an import");
    }
    row->aus = named && row->au_count == 0 ? NULL : values; /* a text that names none does not say that none is there */
fail:
    return status;
}

/* What the machine that annotated said: under "gpt4", or the last part of "conversations". */
static enum mien_status read_said(struct import *in, const cJSON *record, const char **out)
{
    enum mien_status status = MIEN_OK;
    const cJSON *talk = NULL;
    TRY(base_json_string(record, "gpt4", in->where, out));
    TRY(base_json_array(record, "conversations", in->where, &talk));
    const cJSON *last =
        talk && cJSON_GetArraySize(talk) ? cJSON_GetArrayItem(talk, cJSON_GetArraySize(talk) - 1) : NULL;
    if (!*out && last)
        TRY(base_json_string(last, "value", in->where, out));
fail:
    return status;
}

/* "label" as a text, also of a number; NULL: there is none. */
static enum mien_status read_label(struct import *in, const cJSON *record, const char **out)
{
    enum mien_status status = MIEN_OK;
    const cJSON *label = base_json_member(record, "label");
    *out = cJSON_IsString(label) ? label->valuestring : NULL;
    if (!label || *out)
        return MIEN_OK;
    FAIL_IF(!cJSON_IsNumber(label), MIEN_ERR_DATA, "%s: \"label\" must be a text or a number", in->where);
    *out = base_arena_printf(&in->row_arena, "%g", label->valuedouble);
    FAIL_IF_NULL(*out, "an import");
fail:
    return status;
}

static enum mien_status read_emotion(struct import *in, const char *label, struct data_row *row)
{
    enum mien_status status = MIEN_OK;
    TRY(import_labels(in, "happiness sadness surprise anger neutral disgust fear", 0, label, &row->labels,
                      &row->label_count));
    FAIL_IF(row->label_count == 0, MIEN_ERR_DATA,
            "%s: \"label\" is \"%s\"; a number from 0 to 6 or an emotion was expected", in->where, label);
fail:
    return status;
}

static enum mien_status read_record(struct import *in, const cJSON *record, bool units, enum data_split split)
{
    enum mien_status status = MIEN_OK;
    struct data_row row = {.split = split};
    const char *image = NULL, *label;
    bool found, seen;
    FAIL_IF(!cJSON_IsObject(record), MIEN_ERR_DATA, "%s: an object was expected", in->where);
    TRY(base_json_string(record, "image", in->where, &image));
    FAIL_IF(!image, MIEN_ERR_DATA, "%s: no \"image\"", in->where);
    TRY(read_said(in, record, &row.caption.whole));
    TRY(read_label(in, record, &label));
    const char *said = row.caption.whole ? row.caption.whole : "";
    if (units)
        TRY(read_units(in, label ? label : said, !label, &row));
    else if (label)
        TRY(read_emotion(in, label, &row));
    const char *entry = base_arena_printf(&in->row_arena, "%s\n%s\n%s", image, label ? label : "", said);
    FAIL_IF_NULL(entry, "an import");
    TRY(import_seen(in, entry, &seen));
    in->summary->duplicates += seen;
    if (seen)
        goto fail; /* status is MIEN_OK */
    TRY(import_suffix(in, "", image, &row, &found));
    in->summary->missing += !found;
    if (found)
        TRY(import_row(in, &row, NULL));
fail:
    base_arena_clear(&in->row_arena);
    return status;
}

static enum mien_status read_faba(struct import *in, const struct import_match *match, void *user)
{
    enum mien_status status = MIEN_OK;
    cJSON *json = NULL;
    const cJSON *record;
    char *text = NULL, where[1200];
    import_forget(in);
    TRY(import_json(in, match->path, &json, &text));
    struct import_json_at next = {text, 1, 1};
    FAIL_IF(!cJSON_IsArray(json), MIEN_ERR_DATA, "%s/%s:1: a list of objects was expected", in->top, match->path);
    in->where = where;
    cJSON_ArrayForEach(record, json)
    {
        import_json_next(in, match->path, &next, where);
        TRY(read_record(in, record, strstr(match->path, "_au_") != NULL, *(const enum data_split *)user));
    }
fail:
    in->where = NULL;
    cJSON_Delete(json);
    base_free(text);
    return status;
}

static enum mien_status run_faba(struct import *in)
{
    static const struct {
        const char *pattern;
        enum data_split split;
    } parts[] = {{"train/train_*_anno.json", DATA_SPLIT_TRAIN}, {"eval/eval_*_anno.json", DATA_SPLIT_TEST}};
    enum mien_status status = MIEN_OK;
    for (size_t i = 0; i < BASE_COUNT(parts); i++) {
        enum data_split split = parts[i].split;
        TRY(import_walk(in, parts[i].pattern, false, read_faba, &split));
    }
    if (in->summary->samples + in->summary->missing == 0)
        return import_no_layout(in);
fail:
    return status;
}

const struct import_layout import_faba = {
    .info = {.name = "faba",
             .summary = "FABA-Instruct: descriptions of emotion and of action units; train rows carry the units that "
                        "their description names, eval rows (test) the labels of people",
             .layout = "ROOT/train/train_au_anno.json, train_emotion_anno.json, ROOT/eval/eval_au_anno.json, "
                       "eval_emotion_anno.json, and the images that they name",
             .source = "https://github.com/JackYFL/EmoLA (its link to the data; pictures are AffectNet's)"},
    .marks = {"train", "eval"},
    .options = IMPORT_CAPTIONS,
    .run = run_faba,
};

/* ---- questions ---- */

/* Options, a question and its answer of one picture after another. */
static enum mien_status add_question(struct import *in, struct data_row *row, const cJSON *options, const char *place,
                                     const cJSON *path)
{
    enum mien_status status = MIEN_OK;
    int count = cJSON_GetArraySize(options);
    bool found;
    const char **texts = base_arena_array(&in->row_arena, (size_t)count + 1, sizeof(*texts));
    FAIL_IF_NULL(texts, "an import");
    FAIL_IF(!cJSON_IsString(path), MIEN_ERR_DATA, "%s: the path of a picture was expected", in->where);
    for (int i = 0; i < count; i++) {
        const cJSON *option = cJSON_GetArrayItem(options, i);
        FAIL_IF(!cJSON_IsString(option), MIEN_ERR_DATA, "%s: \"options\" must be texts", in->where);
        texts[i] = option->valuestring;
    }
    FAIL_IF(count < 2 || row->answer < 0 || row->answer >= count, MIEN_ERR_DATA,
            "%s: two options or more, and the answer among them, were expected", in->where);
    row->options = texts;
    row->option_count = (uint32_t)count;
    TRY(import_suffix(in, place, path->valuestring, row, &found));
    in->summary->missing += !found;
    if (found)
        TRY(import_row(in, row, NULL));
fail:
    base_arena_clear(&in->row_arena);
    return status;
}

static enum mien_status read_facex(struct import *in, const cJSON *entry)
{
    enum mien_status status = MIEN_OK;
    struct data_row row = {.split = DATA_SPLIT_TEST, .answer = -1};
    const cJSON *paths = NULL, *options = NULL;
    const char *letter = "", *answer = "";
    TRY(base_json_array(entry, "image_paths", in->where, &paths));
    TRY(base_json_array(entry, "options", in->where, &options));
    TRY(base_json_string(entry, "question_text", in->where, &row.question));
    TRY(base_json_string(entry, "correct_answer_option", in->where, &letter));
    TRY(base_json_string(entry, "answer", in->where, &answer));
    FAIL_IF(!paths || !options, MIEN_ERR_DATA, "%s: no \"%s\"", in->where, paths ? "options" : "image_paths");
    in->summary->left_out += cJSON_GetArraySize(paths) != 1;
    if (cJSON_GetArraySize(paths) != 1)
        return MIEN_OK;
    row.answer = letter[0] && !letter[1] ? letter[0] - 'A' : -1;
    TRY(import_labels(in, NULL, 0, answer, &row.labels, &row.label_count));
    TRY(add_question(in, &row, options, "benchmark/", cJSON_GetArrayItem(paths, 0)));
fail:
    return status;
}

static enum mien_status read_facex_file(struct import *in, const struct import_match *match, void *user)
{
    enum mien_status status = MIEN_OK;
    cJSON *json = NULL;
    const cJSON *questions, *entry;
    char *text = NULL, where[1200];
    const char *kind = "";
    TRY(import_json(in, match->path, &json, &text));
    struct import_json_at next = {text, 2, 1};
    snprintf(where, sizeof(where), "%s/%s", in->top, match->path);
    TRY(base_json_string(json, "sub-category", where, &kind));
    questions = base_json_member(json, "questions");
    bool ours = strcmp(kind, "expression") == 0;
    in->summary->passed_over += !ours;
    if (!ours)
        goto fail; /* status is MIEN_OK */
    *(bool *)user = true;
    in->where = where;
    FAIL_IF(!cJSON_IsObject(questions), MIEN_ERR_DATA, "%s: no \"questions\"", where);
    cJSON_ArrayForEach(entry, questions)
    {
        import_json_next(in, match->path, &next, where);
        TRY(read_facex(in, entry));
    }
fail:
    in->where = NULL;
    cJSON_Delete(json);
    base_free(text);
    return status;
}

static enum mien_status run_facex(struct import *in)
{
    enum mien_status status = MIEN_OK;
    bool any = false;
    TRY(import_walk(in, "benchmark/*.json", false, read_facex_file, &any));
    if (!any)
        TRY(import_walk(in, "*.json", false, read_facex_file, &any));
    if (!any)
        return import_no_layout(in);
fail:
    return status;
}

const struct import_layout import_facexbench = {
    .info = {.name = "facexbench",
             .summary =
                 "FaceXBench, expression: multiple-choice questions on one picture; those on several are left out",
             .layout = "ROOT/benchmark/*_mcq*.json and the pictures that they name (or ROOT benchmark itself)",
             .source = "https://github.com/Kartik-3004/facexbench (free to fetch)"},
    .marks = {"benchmark", "*_mcq*.json"},
    .run = run_facex,
};

/* The file has every answer first; a model that always takes the first option must not be right, so that options move
 * on by one from question to question. */
static enum mien_status read_fhb(struct import *in, const cJSON *entry, size_t index, enum data_split split)
{
    static const char *const views[] = {"original", "cropped"};
    enum mien_status status = MIEN_OK;
    const cJSON *qa = NULL, *image = NULL, *paths = NULL, *options = NULL;
    uint32_t answer = 0;
    cJSON *turned = cJSON_CreateArray();
    FAIL_IF_NULL(turned, "an import");
    TRY(base_json_object(entry, "QA", in->where, &qa));
    TRY(base_json_object(entry, "image", in->where, &image));
    if (image)
        TRY(base_json_object(image, "image_paths", in->where, &paths));
    FAIL_IF(!qa || !paths, MIEN_ERR_DATA, "%s: no \"%s\"", in->where, qa ? "image_paths" : "QA");
    TRY(base_json_array(qa, "options", in->where, &options));
    TRY(base_json_u32(qa, "answer", in->where, &answer));
    uint32_t count = (uint32_t)cJSON_GetArraySize(options), by = count ? (uint32_t)(index % count) : 0;
    for (uint32_t i = 0; i < count; i++)
        FAIL_IF(!cJSON_AddItemReferenceToArray(turned, cJSON_GetArrayItem(options, (int)((i + count - by) % count))),
                MIEN_ERR_NOMEM, "out of host memory for an import");
    for (size_t v = 0; v < BASE_COUNT(views); v++) {
        struct data_row row = {.split = split, .answer = answer < count ? (int32_t)((answer + by) % count) : -1};
        const cJSON *path = base_json_member(paths, views[v]);
        TRY(base_json_string(qa, "question", in->where, &row.question));
        if (path)
            TRY(add_question(in, &row, turned, "data/Face-Human-Bench/", path));
    }
fail:
    cJSON_Delete(turned);
    return status;
}

static enum mien_status read_fhb_file(struct import *in, const struct import_match *match, void *user)
{
    enum mien_status status = MIEN_OK;
    cJSON *json = NULL;
    const cJSON *data = NULL, *entry;
    char *text = NULL, where[1200];
    size_t index = 0;
    bool dev = strstr(match->path, "dev/json") != NULL;
    *(bool *)user = true;
    TRY(import_json(in, match->path, &json, &text));
    struct import_json_at next = {text, 2, 1};
    snprintf(where, sizeof(where), "%s/%s", in->top, match->path);
    in->where = where;
    TRY(base_json_array(json, "data", where, &data));
    FAIL_IF(!data, MIEN_ERR_DATA, "%s: no \"data\"", where);
    cJSON_ArrayForEach(entry, data)
    {
        import_json_next(in, match->path, &next, where);
        TRY(read_fhb(in, entry, index++, dev ? DATA_SPLIT_VAL : DATA_SPLIT_TEST));
    }
fail:
    in->where = NULL;
    cJSON_Delete(json);
    base_free(text);
    return status;
}

static enum mien_status run_fhb(struct import *in)
{
    static const char *const places[] = {"", "Face-Human-Bench/", "data/Face-Human-Bench/"};
    static const char *const parts[] = {"dev", "test"};
    enum mien_status status = MIEN_OK;
    bool any = false;
    for (size_t i = 0; i < BASE_COUNT(places) && !any; i++) {
        for (size_t k = 0; k < BASE_COUNT(parts); k++) {
            const char *pattern =
                base_arena_printf(&in->arena, "%s%s/json/en/face_expression_*.json", places[i], parts[k]);
            FAIL_IF_NULL(pattern, "an import");
            TRY(import_walk(in, pattern, false, read_fhb_file, &any));
        }
    }
    if (!any)
        return import_no_layout(in);
fail:
    return status;
}

const struct import_layout import_face_human_bench = {
    .info = {.name = "face-human-bench",
             .summary =
                 "Face-Human-Bench, expression: multiple-choice questions, basic ones on the original and on the "
                 "cropped picture; dev is val. Answers, all first in the files, are moved among the options",
             .layout =
                 "ROOT/data/Face-Human-Bench/dev|test/json/en/face_expression_basic.json, "
                 "face_expression_compound.json and the pictures that they name, as its prepare_data.py cuts them",
             .source = "https://github.com/lxq1000/Face-Human-Bench (questions; pictures are RAF-DB's)"},
    .marks = {"data", "Face-Human-Bench", "dev", "test"},
    .run = run_fhb,
};
