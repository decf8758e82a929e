/* blocks.c: losses over all pairs in blocks (losses.h: train_split): what each block gives to all, before the losses.
 */
#include "train/branch.h"

bool train_can_split(const struct train_objective *objective, uint32_t part, uint32_t embed)
{
    return objective->loss->block && train_levels(objective) > 0 && !train_needs_patches(objective) &&
           (uint64_t)part * embed % 64 == 0;
}

/* x[0..count) [n,D] one behind another. */
static op_value join(struct graph *graph, const op_value *x, uint32_t count)
{
    enum { AT_ONCE = 4 };
    op_value part[AT_ONCE] = {OP_NONE, OP_NONE, OP_NONE, OP_NONE};
    uint32_t share = 1, n = 0;
    if (count == 1)
        return x[0];
    while (share * AT_ONCE < count)
        share *= AT_ONCE;
    for (uint32_t first = 0; first < count; first += share)
        part[n++] = join(graph, x + first, BASE_MIN(share, count - first));
    return GRAPH_OP(graph, &op_concat, NULL, part[0], part[1], part[2], part[3]);
}

/* Both sides of all levels, [2 * levels] values of the own pairs, to those of all pairs: `both` [levels], the texts'
 * behind the images'. */
static void give_to_all(struct train_branch *b, op_value *sides, uint32_t levels, op_value *both)
{
    if (b->split->gather)
        b->split->gather(b->split->user, sides, 2 * levels);
    for (uint32_t k = 0; k < levels; k++)
        both[k] = sides[2 * k + 1] == OP_NONE
                      ? sides[2 * k]
                      : GRAPH_OP(b->graph, &op_concat, NULL, sides[2 * k], sides[2 * k + 1], OP_NONE, OP_NONE);
}

struct blocks {
    struct train_branch *b;
    uint32_t levels, count;
    op_value *each; /* [2][count]: of the blocks */
};

/* Block i of the own pairs. */
static struct op_attr block_of(const struct train_branch *b, uint32_t i)
{
    uint32_t done = i * b->split->part;
    return (struct op_attr){.mining = b->mining,
                            .first = b->split->first + done,
                            .count = BASE_MIN(b->split->part, b->split->count - done)};
}

static void mine(const struct blocks *s, const struct op_attr *attr, uint32_t k, op_value *out)
{
    const struct train_level level = train_level_of(s->b, k);
    const struct train_term t = train_term_of(s->b, &level);
    op_value image = s->b->objective->frozen ? s->b->features->guide_u : s->b->features->u, made[OP_MAX_OUT];
    const op_value in[] = {t.u,
                           t.v,
                           train_guided(s->b, OP_GUIDE_TEXT) ? level.guide : OP_NONE,
                           train_guided(s->b, OP_GUIDE_IMAGE) ? image : OP_NONE,
                           t.same,
                           t.weights};
    graph_op(s->b->graph, &op_mine_block, attr, in, BASE_COUNT(in), made);
    out[0] = made[0];
    out[1] = made[1];
}

/* Lines of all pairs: where nothing is mined each process makes them, else its own, which it gives to the others. */
static void record_lines(const struct blocks *s)
{
    struct train_branch *b = s->b;
    bool mines = b->mining.kind != OP_MINING_NONE || b->mining.same_text == OP_SAME_TEXT_POSITIVE;
    const struct op_attr all = {.mining = b->mining, .count = b->pairs};
    op_value sides[2 * TRAIN_LEVELS_MAX], made[2];
    for (uint32_t k = 0; k < s->levels; k++) {
        for (uint32_t i = 0; i < s->count && mines; i++) {
            const struct op_attr attr = block_of(b, i);
            mine(s, &attr, k, made);
            s->each[i] = made[0];
            s->each[s->count + i] = made[1];
        }
        if (!mines)
            mine(s, &all, k, sides + 2 * k);
        for (uint32_t side = 0; side < 2 && mines; side++)
            sides[2 * k + side] = join(b->graph, s->each + side * s->count, s->count);
    }
    if (mines)
        give_to_all(b, sides, s->levels, b->lines);
    for (uint32_t k = 0; k < s->levels && !mines; k++)
        b->lines[k] = GRAPH_OP(b->graph, &op_concat, NULL, sides[2 * k], sides[2 * k + 1], OP_NONE, OP_NONE);
}

static void record_sums(const struct blocks *s)
{
    struct train_branch *b = s->b;
    op_value sides[2 * TRAIN_LEVELS_MAX];
    for (uint32_t k = 0; k < s->levels; k++) {
        const struct train_level level = train_level_of(b, k);
        struct train_term t = train_term_of(b, &level);
        t.text_guide = train_guided(b, OP_GUIDE_TEXT) ? level.guide : OP_NONE;
        t.image_guide = !train_guided(b, OP_GUIDE_IMAGE) ? OP_NONE
                        : b->objective->frozen           ? b->features->guide_u
                                                         : b->features->u;
        for (uint32_t side = 0; side < 2; side++) {
            for (uint32_t i = 0; i < s->count; i++) {
                struct op_attr attr = block_of(b, i);
                attr.axis = side;
                s->each[i] = b->objective->loss->block(&t, &attr);
            }
            sides[2 * k + side] = s->each[0] == OP_NONE ? OP_NONE : join(b->graph, s->each, s->count);
        }
    }
    give_to_all(b, sides, s->levels, b->sums);
}

void train_blocks_record(struct train_branch *b)
{
    for (uint32_t k = 0; k < TRAIN_LEVELS_MAX; k++)
        b->lines[k] = b->sums[k] = OP_NONE;
    if (!b->split)
        return;
    struct blocks s = {.b = b, .levels = train_levels(b->objective)};
    s.count = (uint32_t)base_div_up(b->split->count, b->split->part);
    s.each = base_alloc(2 * (size_t)s.count, sizeof(*s.each));
    if (s.each) {
        record_lines(&s);
        record_sums(&s);
    } else {
        graph_stick(b->graph, base_fail(MIEN_ERR_NOMEM, "out of host memory for recording a step"));
    }
    base_free(s.each);
}
