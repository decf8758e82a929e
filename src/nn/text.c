/* text.c: the host side of the text tower: which row of a text is pooled, how long a batch is. */
#include "nn/internal.h"

/* An end token of 2 stands in older configurations and means: the largest id of the row. */
enum { LEGACY_EOS = 2 };

uint32_t nn_eot_position(const struct io_clip_config *config, const int32_t *ids, uint32_t length)
{
    uint32_t best = 0;
    if (config->text.eos == LEGACY_EOS) {
        for (uint32_t i = 1; i < length; i++) {
            if (ids[i] > ids[best])
                best = i;
        }
        return best;
    }
    while (best + 1 < length && ids[best] != (int32_t)config->text.eos)
        best++;
    return best;
}

void nn_eot_positions(const struct io_clip_config *config, const int32_t *ids, uint32_t batch, uint32_t length,
                      int32_t *positions)
{
    for (uint32_t b = 0; b < batch; b++)
        positions[b] = (int32_t)nn_eot_position(config, ids + (size_t)b * length, length);
}

uint32_t nn_text_length(const struct io_clip_config *config, uint32_t longest)
{
    enum { STEP = 8 };
    uint32_t rounded = (uint32_t)base_round_up(BASE_MAX(longest, 1), STEP);
    return BASE_MIN(rounded, config->text.context);
}
