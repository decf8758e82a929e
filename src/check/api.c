/* api.c: the public half of the room (mien/check.h). */
#include "check/check.h"

#include <stdio.h>
#include <string.h>

const struct check_suite check_library = {.ops = op_list};

const char *mien_check_status_name(enum mien_check_status status)
{
    static const char *const names[MIEN_CHECK_STATUSES] = {"pass", "fail", "skip"};
    return (unsigned)status < MIEN_CHECK_STATUSES ? names[status] : "unknown";
}

static enum mien_status need_op(const char *glob)
{
    for (const struct op_desc *const *op = op_list; *op; op++) {
        if (check_glob(glob, (*op)->name))
            return MIEN_OK;
    }
    return base_fail(MIEN_ERR_ARG, "there is no op %s; mien check --list names them", glob);
}

static enum mien_status options_of(const struct mien_check_params *params, struct check_options *options)
{
    enum mien_status status = MIEN_OK;
    FAIL_IF((unsigned)params->tier > MIEN_CHECK_FULL, MIEN_ERR_ARG, "mien_check: there is no tier %d",
            (int)params->tier);
    FAIL_IF(!(params->timeout >= 0) || params->jobs > 16, MIEN_ERR_ARG,
            "mien_check: a timeout of %g s or %u jobs cannot be; 0 or more seconds, at most 16 jobs", params->timeout,
            params->jobs);
    TRY(need_op(params->op));
    *options = (struct check_options){.op_glob = params->op,
                                      .case_glob = params->case_name,
                                      .mask = params->mask,
                                      .device = params->device,
                                      .caps = params->caps,
                                      .seed = params->seed ? params->seed : 1,
                                      .quick = params->tier == MIEN_CHECK_QUICK,
                                      .full = params->tier == MIEN_CHECK_FULL,
                                      .timeout = params->timeout,
                                      .jobs = 0};
    if (options->timeout <= 0)
        options->timeout = options->full ? 900 : 60;
fail:
    return status;
}

enum mien_status mien_check(const struct mien_check_params *given, struct mien_check_result **out)
{
    enum mien_status status = MIEN_OK;
    struct mien_check_params params;
    struct check_options options;
    NEED(out);
    *out = NULL;
    NEED(given);
    TRY(SIZED_READ(&params, given));
    NEED(params.child);
    TRY(options_of(&params, &options));
    struct check_parent parent = {.suite = &check_library,
                                  .child = params.child,
                                  .command = params.command ? params.command : "mien check",
                                  .line = params.line,
                                  .row = params.row,
                                  .progress = params.progress,
                                  .user = params.user,
                                  .jobs = params.jobs};
    TRY(check_all(&options, &parent, out));
    if ((*out)->count == 0)
        mien_check_destroy(out);
    FAIL_IF(
        !*out, MIEN_ERR_ARG, "there is nothing to check of that name: %s%s%s; mien check --list tells what there is",
        params.op ? params.op : "", params.op && params.case_name ? " " : "", params.case_name ? params.case_name : "");
fail:
    return status;
}

int mien_check_child(const char *const *args, void (*line)(void *user, const char *line), void *user)
{
    enum mien_status status = MIEN_OK;
    struct check_options options;
    NEED(args);
    NEED(line);
    check_options_default(&options);
    const char *wrong = check_options_parse(args, &options);
    FAIL_IF(wrong, MIEN_ERR_ARG, "a child cannot use %s; mien_check starts children", wrong);
    return check_child(&options, &check_library, line, user);
fail:
    return mien_status_exit_code(status);
}

void check_list(const struct check_suite *suite, const char *op_glob, check_line_fn line, void *user)
{
    char text[1024];
    for (const struct op_desc *const *op = suite->ops; *op; op++) {
        if (!check_glob(op_glob, (*op)->name))
            continue;
        snprintf(text, sizeof(text), "%s: %s", (*op)->name, (*op)->summary);
        line(user, text);
        snprintf(text, sizeof(text), "    %s", (*op)->signature);
        line(user, text);
        for (const struct op_variant *v = (*op)->variants; v && v->name; v++) {
            snprintf(text, sizeof(text), "    variant %s", v->name);
            line(user, text);
        }
        for (struct check_case c = {.op = *op}; check_case_next(&c);) {
            snprintf(text, sizeof(text), "    case %s%s%s%s%s%s", c.given->name, c.forward ? ", of " : "",
                     c.forward ? c.forward->name : "", c.given->grad && !c.forward ? ", gradient" : "",
                     c.given->bench ? ", bench" : "", c.given->slow ? ", slow" : "");
            line(user, text);
        }
    }
}

enum mien_status mien_check_list(const char *op, void (*line)(void *user, const char *line), void *user)
{
    enum mien_status status = MIEN_OK;
    NEED(line);
    TRY(need_op(op));
    check_list(&check_library, op, line, user);
fail:
    return status;
}

/* ---- results ----------------------------------------------------------------------------------------------------- */

size_t mien_check_count(const struct mien_check_result *result, enum mien_check_status status)
{
    size_t count = 0;
    for (size_t i = 0; result && i < result->count; i++)
        count += check_row_status(&result->rows[i]) == status;
    return count;
}

bool mien_check_row(const struct mien_check_result *result, size_t index, struct mien_check_row *out)
{
    if (!result || !out || index >= result->count)
        return false;
    struct check_row *row = &result->rows[index];
    struct mien_check_row shown;
    check_row_public(row, row->needs_text, row->reason, &shown);
    return base_sized_write(out, &shown, sizeof(shown), __func__, "row") == MIEN_OK;
}

const char *mien_check_json(const struct mien_check_result *result)
{
    return result && result->json.data ? result->json.data : "";
}

const char *mien_check_csv(const struct mien_check_result *result)
{
    return result && result->csv.data ? result->csv.data : "";
}

const char *mien_check_summary(const struct mien_check_result *result)
{
    return result && result->summary.data ? result->summary.data : "";
}

void mien_check_destroy(struct mien_check_result **result)
{
    if (!result || !*result)
        return;
    struct mien_check_result *r = *result;
    cJSON_Delete(r->head);
    base_free(r->rows);
    base_free(r->repeat);
    base_text_clear(&r->json);
    base_text_clear(&r->csv);
    base_text_clear(&r->summary);
    base_free(r);
    *result = NULL;
}
