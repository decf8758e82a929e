/* balance.c: whether labels can be drawn equally often: without any, or with one alone, data.balance would do nothing.
 */
#include "train/trainer.h"

#include <string.h>

enum mien_status train_check_balance(const struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    struct base_arena arena = {0};
    size_t bare = 0;
    bool several = false;
    const char *first = "", *label;
    if (t->config->data.balance != TRAIN_BALANCE_LABEL)
        return MIEN_OK;
    for (size_t i = 0; i < t->row_count; i++) {
        label = data_row_class(&arena, &t->manifest->rows[t->rows[i]]);
        FAIL_IF_NULL(label, "labels");
        bare += !*label;
        several = several || (*first && *label && strcmp(first, label) != 0);
        first = *first ? first : label;
    }
    FAIL_IF(bare == t->row_count, MIEN_ERR_DATA,
            "%s: data.balance is label, but no row of the train split has a \"label\"; add labels, or set it to none",
            t->manifest->path);
    if (!several && !bare)
        LOG_WARN("%s: data.balance is label, but all rows of the train split are \"%s\": it changes nothing",
                 t->manifest->path, first);
    if (bare)
        LOG_WARN("%s: data.balance is label; %zu of %zu rows have none and are drawn as one class more",
                 t->manifest->path, bare, t->row_count);
fail:
    base_arena_clear(&arena);
    return status;
}
