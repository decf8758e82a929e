/* groups.c: parameter groups by patterns of names. */
#include "train/groups.h"

#include <string.h>

bool train_matches(const char *pattern, const char *name)
{
    const char *star = NULL, *retry = name;
    while (*name) {
        if (*pattern == '*') {
            star = pattern++;
            retry = name;
        } else if (*pattern == '?' || *pattern == *name) {
            pattern++;
            name++;
        } else if (star) { /* the last star takes one character more */
            pattern = star + 1;
            name = ++retry;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

bool train_decays(const struct nn_param *param)
{
    static const char *const without[] = {"logit_scale", "*position_embedding*", "*class_embedding*",
                                          "temporal.cls_token", "temporal.pos_embedding"};
    for (size_t i = 0; i < BASE_COUNT(without); i++) {
        if (train_matches(without[i], param->name))
            return false;
    }
    return param->value.shape.rank > 1;
}

static enum mien_status check_patterns(const struct nn_model *model, const struct train_config *config)
{
    for (uint32_t g = 0; g < config->optim.groups; g++) {
        uint32_t matched = 0;
        for (uint32_t i = 0; i < model->count; i++)
            matched += train_matches(config->optim.group[g].match, model->params[i].name);
        if (matched == 0)
            return base_fail(MIEN_ERR_ARG,
                             "optim.groups[%u]: \"%s\" matches no parameter of the model; names are such as %s (\"*\" "
                             "stands for any characters)",
                             g, config->optim.group[g].match, model->params[model->count - 1].name);
    }
    return MIEN_OK;
}

/* ---- stacks ---- */

bool train_stack_trained(const struct nn_model *model, const struct train_param *rules, uint32_t stack)
{
    const struct nn_stack *s = &model->stacks[stack];
    for (uint32_t i = 0; i < s->count; i++) {
        if (!rules[model->order[s->begin + i]].frozen)
            return true;
    }
    return false;
}

/* Whether one rule holds for all of the stack. */
static bool alike(const struct nn_model *model, const struct train_param *rules, const struct nn_stack *stack)
{
    const struct train_param *first = &rules[model->order[stack->begin]];
    for (uint32_t i = 1; i < stack->count; i++) {
        const struct train_param *rule = &rules[model->order[stack->begin + i]];
        if (rule->frozen != first->frozen || rule->lr_scale != first->lr_scale || rule->decays != first->decays)
            return false;
    }
    return true;
}

uint32_t train_trained_list(const struct nn_model *model, const struct train_param *rules, struct train_trained *out)
{
    uint32_t count = 0;
    for (uint32_t s = 0; s < model->stack_count; s++) {
        const struct nn_stack *stack = &model->stacks[s];
        bool whole = alike(model, rules, stack);
        for (uint32_t i = 0; i < (whole ? 1 : stack->count); i++) {
            uint32_t index = model->order[stack->begin + i];
            const struct nn_param *param = &model->params[index];
            const struct tensor_shape *shape = whole ? &stack->value.shape : &param->value.shape;
            if (!rules[index].frozen)
                out[count++] = (struct train_trained){.stack = s,
                                                      .param = index,
                                                      .first = param->first,
                                                      .elements = tensor_shape_count(shape),
                                                      .name = whole ? stack->name : param->name};
        }
    }
    return count;
}

/* The update takes four elements at a time: what is trained by itself begins at a multiple of them. */
static enum mien_status check_stacks(const struct nn_model *model, const struct train_param *rules)
{
    for (uint32_t s = 0; s < model->stack_count; s++) {
        const struct nn_stack *stack = &model->stacks[s];
        uint64_t elements = tensor_shape_count(&stack->value.shape) / stack->count;
        if (elements % 4 != 0 && !alike(model, rules, stack))
            return base_fail(MIEN_ERR_ARG,
                             "optim.groups: q_proj, k_proj and v_proj of %s have %llu elements each, no multiple of 4: "
                             "they can only be trained alike; let the groups match all three",
                             stack->name, (unsigned long long)elements);
    }
    return MIEN_OK;
}

/* ---- rules ---- */

/* What CLIP has itself, but for the losses' scalars. */
static bool is_of_tower(const char *name)
{
    return !train_matches("temporal.*", name) && !train_matches("head.*", name) && !train_matches("logit_*", name);
}

enum mien_status train_groups_resolve(const struct nn_model *model, const struct train_config *config,
                                      bool frozen_towers, struct train_param *rules)
{
    uint32_t frozen = 0, idle = 0; /* idle: scalars of the loss, which no embedding depends on */
    enum mien_status status = check_patterns(model, config);
    for (uint32_t i = 0; i < model->count; i++) {
        bool kept = frozen_towers && is_of_tower(model->params[i].name);
        rules[i] = (struct train_param){.lr_scale = 1, .frozen = kept, .decays = train_decays(&model->params[i])};
        for (uint32_t g = config->optim.groups; g-- > 0;) { /* the first has the last word */
            if (!train_matches(config->optim.group[g].match, model->params[i].name))
                continue;
            rules[i].lr_scale = (float)config->optim.group[g].lr_scale;
            rules[i].frozen = config->optim.group[g].freeze || (kept && !config->optim.group[g].thaw);
        }
        frozen += rules[i].frozen;
        idle += !rules[i].frozen && strncmp(model->params[i].name, "logit_", 6) == 0;
    }
    if (status == MIEN_OK && frozen == model->count)
        return base_fail(MIEN_ERR_ARG, "optim.groups: all parameters are frozen; nothing is left to train");
    if (status == MIEN_OK && frozen + idle == model->count)
        return base_fail(MIEN_ERR_ARG,
                         "optim.groups: all towers and projections are frozen: what is left (logit_scale) "
                         "changes no embedding; freeze less");
    return status == MIEN_OK ? check_stacks(model, rules) : status;
}
