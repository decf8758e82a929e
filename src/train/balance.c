/* balance.c: whether labels can be drawn equally often: without any, or with one alone, data.balance would do nothing.
 */
#include "train/trainer.h"

#include <string.h>

enum mien_status train_check_balance(const struct trainer *t)
{
    enum mien_status status = MIEN_OK;
    size_t bare = 0;
    bool several = false;
    char first[256] = "", label[256];
    if (t->config->data.balance != TRAIN_BALANCE_LABEL)
        return MIEN_OK;
    for (size_t i = 0; i < t->row_count; i++) {
        data_row_label(&t->manifest->rows[t->rows[i]], label, sizeof(label));
        bare += !*label;
        several = several || (*first && *label && strcmp(first, label) != 0);
        if (!*first)
            snprintf(first, sizeof(first), "%s", label);
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
    return status;
}
