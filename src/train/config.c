/* config.c: reading a training configuration by the table of its keys. */
#include "train/config_keys.h"

#include "op/mining.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- values ---- */

enum mien_status train_check_range(const struct train_reader *r, const struct train_key *key, double value)
{
    if (value >= key->low && value <= key->high)
        return MIEN_OK;
    return base_fail(MIEN_ERR_ARG, "%s: \"%s\" is %.9g; it must lie between %.9g and %.9g", r->where,
                     train_key_last(key->name), value, key->low, key->high);
}

static enum mien_status read_number(struct train_reader *r, const cJSON *object, const struct train_key *key)
{
    enum mien_status status = MIEN_OK;
    const char *name = train_key_last(key->name);
    double value = NAN;
    TRY(base_json_number(object, name, r->where, &value));
    TRY(train_check_range(r, key, value));
    FAIL_IF(key->kind != KIND_NUMBER && value != floor(value), MIEN_ERR_ARG, "%s: \"%s\" must be a whole number",
            r->where, name);
    if (key->kind == KIND_NUMBER)
        *(double *)train_member(r, key) = value;
    else if (key->kind == KIND_U32)
        *(uint32_t *)train_member(r, key) = (uint32_t)value;
    else
        *(int32_t *)train_member(r, key) = (int32_t)value;
fail:
    return status;
}

static enum mien_status read_choice(struct train_reader *r, const cJSON *object, const struct train_key *key)
{
    enum { MOST = 31 };
    enum mien_status status = MIEN_OK;
    const char *name = train_key_last(key->name), *words[MOST + 1] = {0};
    uint32_t choice = 0;
    for (uint32_t i = 0; i < MOST && train_key_word(key, i); i++)
        words[i] = train_key_word(key, i)->name;
    TRY(base_json_choice(object, name, r->where, words, &choice));
    *(uint32_t *)train_member(r, key) = choice;
fail:
    return status;
}

static enum mien_status read_pair(struct train_reader *r, const cJSON *item, const struct train_key *key)
{
    enum mien_status status = MIEN_OK;
    FAIL_IF(!cJSON_IsArray(item) || cJSON_GetArraySize(item) != 2, MIEN_ERR_DATA,
            "%s: \"%s\" must be an array of two numbers", r->where, train_key_last(key->name));
    for (int i = 0; i < 2; i++) {
        const cJSON *element = cJSON_GetArrayItem(item, i);
        double value = cJSON_IsNumber(element) ? element->valuedouble : NAN;
        TRY(train_check_range(r, key, value));
        ((double *)train_member(r, key))[i] = value;
    }
fail:
    return status;
}

enum mien_status train_read_path(struct train_reader *r, const cJSON *item, const struct train_key *key,
                                 const char **out)
{
    enum mien_status status = MIEN_OK;
    char *joined = NULL;
    FAIL_IF(!cJSON_IsString(item), MIEN_ERR_DATA, "%s: \"%s\" must be a path, a string%s", r->where,
            train_key_last(key->name), r->set ? "; put it into double quotes" : "");
    FAIL_IF(!*item->valuestring, MIEN_ERR_ARG, "%s: \"%s\" is empty; give a path or leave the key out", r->where,
            train_key_last(key->name));
    if (!r->set && strcmp(r->dir, ".") != 0)
        FAIL_IF_NULL(joined = base_path_join(r->dir, item->valuestring), "a path");
    *out = base_arena_strdup(&r->config->arena, joined ? joined : item->valuestring);
    FAIL_IF_NULL(*out, "a path");
fail:
    base_free(joined);
    return status;
}

static enum mien_status read_text_value(struct train_reader *r, const cJSON *item, const struct train_key *key)
{
    enum mien_status status = MIEN_OK;
    const char **out = train_member(r, key);
    FAIL_IF(!cJSON_IsString(item) || !*item->valuestring, MIEN_ERR_DATA,
            "%s: \"%s\" must be a string that is not empty", r->where, train_key_last(key->name));
    *out = base_arena_strdup(&r->config->arena, item->valuestring);
    FAIL_IF_NULL(*out, "a configuration");
fail:
    return status;
}

static enum mien_status read_value(struct train_reader *r, const cJSON *object, const struct train_key *key)
{
    const char *name = train_key_last(key->name);
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    switch (key->kind) {
    case KIND_PATH:
        return train_read_path(r, item, key, train_member(r, key));
    case KIND_U32:
    case KIND_I32:
    case KIND_NUMBER:
        return read_number(r, object, key);
    case KIND_BOOL:
        return base_json_bool(object, name, r->where, train_member(r, key));
    case KIND_CHOICE:
        return read_choice(r, object, key);
    case KIND_PAIR:
        return read_pair(r, item, key);
    case KIND_OWN:
        return key->form->read(r, item, key);
    case KIND_TEXT:
        break;
    }
    return read_text_value(r, item, key);
}

/* ---- defaults ---- */

static enum mien_status read_text(struct train_reader *r, const struct train_key *key, const char *text)
{
    enum mien_status status = MIEN_OK;
    cJSON *object = cJSON_CreateObject(), *value = NULL;
    TRY(train_value_parse(text, key->name, &value));
    FAIL_IF(!cJSON_AddItemToObject(object, train_key_last(key->name), value), MIEN_ERR_NOMEM,
            "out of host memory for a configuration");
    status = read_value(r, object, key);
fail:
    cJSON_Delete(object);
    return status;
}

/* A section that is exactly what it names: what it leaves out is not the default. */
static enum mien_status read_left(struct train_reader *r, const char *section)
{
    enum mien_status status = MIEN_OK;
    size_t length = strlen(section);
    for (const struct train_key *key = train_keys; key->name; key++) {
        bool inside = strncmp(key->name, section, length) == 0 && train_key_last(key->name) == key->name + length + 1;
        if (inside && key->left)
            TRY(read_text(r, key, key->left));
    }
fail:
    return status;
}

/* ---- the tree ---- */

/* Where the value of a name comes from, for messages; `section` as in "optim". */
static void set_where(struct train_reader *r, const char *name, const char *section)
{
    const char *set = train_set_of(r->sets, r->set_count, name);
    unsigned number = r->text ? base_json_line(r->text, name) : 0;
    char line[16] = "";
    r->set = set != NULL;
    if (number)
        snprintf(line, sizeof(line), ":%u", number);
    if (set)
        snprintf(r->where, sizeof(r->where), "--set %s", set);
    else
        snprintf(r->where, sizeof(r->where), "%s%s%s%s", r->path, line, *section ? ": " : "", section);
}

/* What a user types is wrong usage whatever is wrong with it; what a file holds is bad data. */
static enum mien_status blame(const struct train_reader *r, enum mien_status status)
{
    return r->set && status == MIEN_ERR_DATA ? MIEN_ERR_ARG : status;
}

static enum mien_status read_section(struct train_reader *r, const cJSON *object, const char *section)
{
    enum mien_status status = MIEN_OK;
    const cJSON *item;
    cJSON_ArrayForEach(item, object)
    {
        char name[256];
        snprintf(name, sizeof(name), "%s%s%.100s", section, *section ? "." : "", item->string);
        const struct train_key *key = train_key_find(name);
        set_where(r, name, section);
        if (cJSON_IsNull(item) && (key || train_key_is_section(name))) {
            continue; /* as if it were not there */
        } else if (key) {
            TRY(blame(r, read_value(r, object, key)));
        } else if (train_key_is_section(name)) {
            FAIL_IF(!cJSON_IsObject(item), r->set ? MIEN_ERR_ARG : MIEN_ERR_DATA, "%s: \"%s\" must be an object",
                    r->where, name);
            TRY(read_left(r, name));
            TRY(read_section(r, item, name));
        } else {
            TRY(train_key_unknown(r->where, name));
        }
    }
fail:
    return status;
}

cJSON *train_object_of(cJSON *root, const char *name, bool make)
{
    char part[128];
    for (const char *dot; root && (dot = strchr(name, '.')); name = dot + 1) {
        snprintf(part, sizeof(part), "%.*s", (int)(dot - name), name);
        cJSON *child = cJSON_GetObjectItemCaseSensitive(root, part);
        root = child || !make ? child : cJSON_AddObjectToObject(root, part);
    }
    return cJSON_IsObject(root) ? root : NULL;
}

static bool is_given(cJSON *root, const char *name)
{
    return base_json_member(train_object_of(root, name, false), train_key_last(name)) != NULL;
}

/* ---- keys that depend on each other ---- */

enum mien_status train_check_local(const struct train_config *c)
{
    if (!train_locals[c->loss.local.kind]->patches || c->run.batch <= TRAIN_MATRIX_MOST)
        return MIEN_OK;
    return base_fail(MIEN_ERR_ARG,
                     "run.batch is %u; with loss.local.kind %s at most %d are possible: use sentence or none",
                     c->run.batch, train_locals[c->loss.local.kind]->word.name, TRAIN_MATRIX_MOST);
}

/* The file, or the --set that a key's value comes from. */
static const char *place(struct train_reader *r, const char *name)
{
    set_where(r, name, "");
    return r->where;
}

static enum mien_status check_model(struct train_reader *r, cJSON *root)
{
    static const char *const keys[] = {"model.config", "model.tokenizer"};
    for (size_t i = 0; r->config->model.init && i < BASE_COUNT(keys); i++) {
        if (is_given(root, keys[i]))
            return base_fail(
                MIEN_ERR_ARG,
                "%s: %s belongs to \"init\": \"scratch\"; a directory brings its own: leave it out, or say "
                "--set %s=null",
                place(r, keys[i]), keys[i], keys[i]);
    }
    return MIEN_OK;
}

bool train_head_alone(const struct train_config *c)
{
    return c->model.head.kind != IO_HEAD_NONE && c->model.head.weight == 0;
}

static enum mien_status check_head(struct train_reader *r)
{
    enum mien_status status = MIEN_OK;
    const struct train_config *c = r->config;
    bool classes = c->model.head.kind == IO_HEAD_CLASSES;
    if (c->model.head.kind == IO_HEAD_NONE)
        return MIEN_OK;
    FAIL_IF(classes != (c->model.head.loss == TRAIN_HEAD_CE), MIEN_ERR_ARG, "%s: model.head.kind %s takes the loss %s",
            place(r, "model.head.loss"), classes ? "classes" : "regression", classes ? "ce" : "mse, rmse or ccc");
    FAIL_IF(c->model.head.loss == TRAIN_HEAD_CCC && c->run.batch < 2, MIEN_ERR_ARG,
            "%s: run.batch is %u; model.head.loss ccc compares columns of at least 2", place(r, "run.batch"),
            c->run.batch);
fail:
    return status;
}

static enum mien_status check(struct train_reader *r, cJSON *root)
{
    enum mien_status status = MIEN_OK;
    struct train_config *c = r->config;
    const struct train_loss *loss = train_losses[c->loss.kind];
    FAIL_IF(!c->data.train, MIEN_ERR_ARG, "%s: \"data.train\" is missing; name the manifest to train on", r->path);
    FAIL_IF(!c->run.dir, MIEN_ERR_ARG, "%s: \"run.dir\" is missing; name the directory for the results", r->path);
    FAIL_IF(c->run.steps == 0 && c->run.epochs == 0, MIEN_ERR_ARG, "%s: run.steps and run.epochs are both 0",
            place(r, "run.epochs"));
    FAIL_IF(c->data.augment.crop_scale[0] > c->data.augment.crop_scale[1], MIEN_ERR_ARG,
            "%s: data.augment.crop_scale must be [smallest, largest]", place(r, "data.augment.crop_scale"));
    TRY(check_model(r, root));
    TRY(check_head(r));
    FAIL_IF(c->run.batch < loss->least_batch && !train_head_alone(c), MIEN_ERR_ARG,
            "%s: run.batch is %u; with loss.kind %s an image must be told from others: at least %u",
            place(r, "run.batch"), c->run.batch, loss->word.name, loss->least_batch);
    if (c->chosen.local) /* else the data decide, and it is checked then */
        TRY(train_check_local(c));
    FAIL_IF(c->run.eval_every > 0 && !c->data.val, MIEN_ERR_ARG,
            "%s: run.eval_every needs data.val, a manifest to evaluate on", place(r, "run.eval_every"));
    FAIL_IF(c->run.patience && (!c->data.val || c->run.eval_every < 0), MIEN_ERR_ARG,
            "%s: run.patience counts evaluations: it needs data.val, and run.eval_every from 0 on",
            place(r, "run.patience"));
    FAIL_IF(c->model.temporal.layers && c->data.frames.count >= c->model.temporal.max_frames, MIEN_ERR_ARG,
            "%s: data.frames.count is %u; the position embedding of model.temporal holds max_frames - 1 = %u frames",
            place(r, "data.frames.count"), c->data.frames.count, c->model.temporal.max_frames - 1);
    FAIL_IF(c->optim.schedule == TRAIN_MULTISTEP && c->optim.milestones == 0, MIEN_ERR_ARG,
            "%s: optim.schedule multistep needs optim.milestones", place(r, "optim.schedule"));
fail:
    return status;
}

/* Defaults that other keys decide. */
static void set_dependent(struct train_config *c, cJSON *root)
{
    c->chosen = (struct train_chosen){.local = is_given(root, "loss.local.kind"),
                                      .same_text = is_given(root, "loss.mining.same_text"),
                                      .resize = is_given(root, "data.resize"),
                                      .augment = is_given(root, "data.augment"),
                                      .lr = is_given(root, "optim.lr"),
                                      .head_loss = is_given(root, "model.head.loss")};
    if (c->model.init && !c->chosen.lr) /* given weights are tuned gently, new ones are not */
        c->optim.lr = c->model.temporal.layers || c->model.head.kind ? TRAIN_LR_NEW : 1e-5;
    if (!c->chosen.head_loss && c->model.head.kind == IO_HEAD_CLASSES)
        c->model.head.loss = TRAIN_HEAD_CE;
    if (!c->chosen.same_text && c->loss.text == TRAIN_TEXT_LABEL) /* a label is the same text for all its images */
        c->loss.mining.same_text = OP_SAME_TEXT_POSITIVE;
}

enum mien_status train_config_default(struct train_config **out)
{
    enum mien_status status = MIEN_OK;
    struct train_reader r = {.where = "the default", .dir = "."};
    *out = NULL;
    r.config = base_alloc(1, sizeof(*r.config));
    FAIL_IF_NULL(r.config, "a configuration");
    for (const struct train_key *key = train_keys; key->name; key++) {
        if (key->value)
            TRY(read_text(&r, key, key->value));
    }
    *out = r.config;
    r.config = NULL;
fail:
    train_config_destroy(&r.config);
    return status;
}

enum mien_status train_config_read(const char *path, const char *const *sets, size_t count, struct train_config **out)
{
    enum mien_status status = MIEN_OK;
    struct train_reader r = {.path = path, .sets = sets, .set_count = count};
    cJSON *root = NULL;
    char *dir = NULL, *text = NULL;
    size_t size = 0;
    *out = NULL;
    TRY(train_config_default(&r.config));
    FAIL_IF_NULL(dir = base_path_dir(path), "a configuration");
    r.dir = dir;
    TRY(base_json_read(path, &root));
    TRY(base_file_read(path, 0, &text, &size)); /* for lines */
    r.text = text;
    FAIL_IF(!cJSON_IsObject(root), MIEN_ERR_DATA, "%s: a configuration is a JSON object", path);
    TRY(train_sets_apply(root, sets, count));
    TRY(read_section(&r, root, ""));
    set_dependent(r.config, root);
    TRY(check(&r, root));
    TRY(train_config_resolve(r.config));
    *out = r.config;
    r.config = NULL;
fail:
    train_config_destroy(&r.config);
    base_free(dir);
    base_free(text);
    cJSON_Delete(root);
    return status;
}

void train_config_destroy(struct train_config **config)
{
    if (!config || !*config)
        return;
    base_arena_clear(&(*config)->arena);
    cJSON_Delete((*config)->json);
    cJSON_Delete((*config)->model.clip_json);
    base_free(*config);
    *config = NULL;
}
