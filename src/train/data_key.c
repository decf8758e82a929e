/* data_key.c: what a run learns from, as a few letters: a run that goes on with other texts, labels or numbers is
 * neither the one that was begun nor another. */
#include "train/trainer.h"

#include <stdio.h>
#include <string.h>

static void add_text(struct base_sha256 *hash, const char *text)
{
    base_sha256_add(hash, text ? "+" : "-", 1);
    if (text)
        base_sha256_add(hash, text, strlen(text) + 1);
}

static void add_values(struct base_sha256 *hash, const struct data_value *values, uint32_t count)
{
    base_sha256_add(hash, &count, sizeof(count));
    for (uint32_t i = 0; i < count; i++) {
        add_text(hash, values[i].name);
        base_sha256_add(hash, &values[i].value, sizeof(values[i].value));
    }
}

void train_data_key_add(struct base_sha256 *hash, const struct data_row *row)
{
    const uint32_t counts[] = {row->frame_count, row->has_box, row->has_va, row->label_count, row->caption.local_count};
    base_sha256_add(hash, counts, sizeof(counts));
    if (row->has_box)
        base_sha256_add(hash, row->box, sizeof(row->box));
    if (row->has_va)
        base_sha256_add(hash, row->va, sizeof(row->va));
    add_text(hash, row->caption.whole);
    add_text(hash, row->caption.global);
    add_text(hash, row->caption.summary);
    for (uint32_t i = 0; i < row->caption.local_count; i++)
        add_text(hash, row->caption.local[i]);
    for (uint32_t i = 0; i < row->label_count; i++)
        add_text(hash, row->labels[i]);
    add_text(hash, row->label_text);
    add_values(hash, row->aus, row->au_count);
    add_values(hash, row->targets, row->target_count);
}

void train_data_key_end(struct base_sha256 *hash, char out[TRAIN_DATA_KEY])
{
    unsigned char sum[BASE_SHA256_SIZE];
    base_sha256_end(hash, sum);
    for (size_t i = 0; i < TRAIN_DATA_KEY / 2; i++)
        snprintf(out + 2 * i, 3, "%02x", sum[i]);
}
