/* describe.c: sentences in place of labels' words (data.descriptions), as texts of rows. */
#include "train/trainer.h"

#include <string.h>

/* Blanks are absent, as in a manifest. */
static bool is_text(const cJSON *item)
{
    return cJSON_IsString(item) && !data_is_blank(item->valuestring);
}

/* The sentence of a name: a list's go round its rows. NULL: there is none. */
static const char *sentence_of(const cJSON *described, const char *name, size_t row)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(described, name), *one;
    size_t count = 0, at = 0;
    if (!cJSON_IsArray(item))
        return is_text(item) ? item->valuestring : NULL;
    cJSON_ArrayForEach(one, item) count += is_text(one);
    cJSON_ArrayForEach(one, item)
    {
        if (is_text(one) && at++ == row % count)
            return one->valuestring;
    }
    return NULL;
}

/* Of a compound its own, or else its parts' sentences one after the other. */
static const char *text_of(struct base_arena *arena, const cJSON *described, const struct data_row *row, size_t index)
{
    char name[256];
    const char *whole = sentence_of(described, data_row_label(row, name, sizeof(name)), index), *text = NULL;
    if (whole)
        return base_arena_strdup(arena, whole);
    for (const char *label = data_row_label_after(row, NULL); label; label = data_row_label_after(row, label)) {
        const char *part = sentence_of(described, label, index);
        if (!part)
            return NULL;
        text = text ? base_arena_printf(arena, "%s %s", text, part) : base_arena_strdup(arena, part);
    }
    return text;
}

enum mien_status train_describe(const struct train_config *config, struct data_manifest *manifest)
{
    enum mien_status status = MIEN_OK;
    cJSON *described = NULL;
    size_t without = 0;
    char name[256] = "";
    if (!config->data.descriptions)
        return MIEN_OK;
    TRY(base_json_read(config->data.descriptions, &described));
    FAIL_IF(!cJSON_IsObject(described), MIEN_ERR_DATA,
            "%s: descriptions are an object: {\"label\": \"text\" or [\"text\", ...]}", config->data.descriptions);
    for (size_t i = 0; i < manifest->count; i++) {
        struct data_row *row = &manifest->rows[i];
        if (row->label_count == 0)
            continue;
        row->label_text = text_of(&manifest->arena, described, row, i);
        if (!row->label_text && without++ == 0)
            data_row_label(row, name, sizeof(name));
    }
    if (without)
        LOG_WARN("%s: no description of \"%s\" and of %zu more samples' labels; their words are used",
                 config->data.descriptions, name, without - 1);
fail:
    cJSON_Delete(described);
    return status;
}
