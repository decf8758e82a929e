/* import_read.c: numbers, NumPy's scalars, JSON. */
#include "data/import_read.h"

#include "data/import_lines.h"
#include "data/import_rule.h"

#include <math.h>
#include <string.h>

/* ---- numbers ---- */

enum mien_status import_number(const struct import *in, const char *text, size_t size, double *out)
{
    enum mien_status status = MIEN_OK;
    cJSON *json = NULL;
    *out = 0;
    for (; size && strchr(" \t\r\n", *text); text++)
        size--;
    while (size && strchr(" \t\r\n", text[size - 1]))
        size--;
    enum mien_log_level before = base_log_soften(MIEN_LOG_DEBUG); /* JSON's rule, whatever the locale is */
    status = size ? base_json_parse(text, size, "", &json) : MIEN_ERR_DATA;
    base_log_soften(before);
    FAIL_IF(status == MIEN_ERR_DATA || (status == MIEN_OK && !cJSON_IsNumber(json)), MIEN_ERR_DATA,
            "%s: \"%.*s\" is no number", in->where, (int)size, text);
    TRY(status);
    *out = json->valuedouble;
fail:
    cJSON_Delete(json);
    return status;
}

enum mien_status import_numbers(const struct import *in, const char *line, double *out, size_t most, size_t *count)
{
    enum mien_status status = MIEN_OK;
    static const char between[] = " \t\r,;";
    *count = 0;
    for (size_t size; *(line += strspn(line, between)) && *count < most; line += size) {
        size = strcspn(line, between);
        TRY(import_number(in, line, size, &out[(*count)++]));
    }
fail:
    return status;
}

enum mien_status import_whole(const struct import *in, const char *what, double number, int least, int most, int *out)
{
    *out = least;
    if (!(number >= least && number <= most && number == floor(number))) /* before a conversion that it must fit in */
        return base_fail(MIEN_ERR_DATA, "%s: %s %g; a whole number from %d to %d was expected", in->where, what, number,
                         least, most);
    *out = (int)number;
    return MIEN_OK;
}

/* ---- NumPy ---- */

/* The value of `type` and `size` bytes as text or number; false: of no such type. */
static bool npy_value(char type, size_t size, const unsigned char *data, char text[64], double *out)
{
    uint64_t bits = 0;
    float single;
    size_t step = type == 'U' ? 4 : 1, at = 0;
    if (type == 'U' || type == 'S') {
        for (; at < size && at < 63 && data[at * step]; at++)
            text[at] = (char)data[at * step];
        text[at] = 0;
        return true;
    }
    for (size_t i = 0; i < size && i < 8; i++)
        bits |= (uint64_t)data[i] << 8 * i;
    uint32_t low = (uint32_t)bits;
    memcpy(&single, &low, sizeof(single));
    if (type == 'f' && size == 8)
        memcpy(out, &bits, sizeof(*out));
    else if (type == 'f' && size == 4)
        *out = (double)single;
    else if ((type == 'i' || type == 'u') && size >= 1 && size <= 8)
        *out = type == 'i' && size < 8 && bits >> (8 * size - 1) ? (double)bits - (double)((uint64_t)1 << 8 * size)
               : type == 'i'                                     ? (double)(int64_t)bits
                                                                 : (double)bits;
    else
        return false;
    return true;
}

enum mien_status import_npy(const struct import *in, const char *path, double *out, bool *there)
{
    enum mien_status status = MIEN_OK;
    char *full = NULL, *data = NULL, text[64] = "", type = 0;
    const char *descr = NULL, *shape = NULL;
    size_t size = 0, head = 0, bytes = 0;
    TRY(import_path(in, path, &full));
    *there = base_file_exists(full);
    if (!*there)
        goto fail; /* status is MIEN_OK */
    TRY(base_file_read(full, 1 << 16, &data, &size));
    if (size > 12 && memcmp(data, "\x93NUMPY", 6) == 0) {
        const unsigned char *p = (const unsigned char *)data;
        head = data[6] == 1 ? 10 + p[8] + 256u * p[9] : 12 + p[8] + 256u * p[9];
        descr = strstr(data + 10, "'descr': '");
        shape = strstr(data + 10, "'shape': (");
    }
    bool whole = descr && shape && (shape[10] == ')' || strncmp(shape + 10, "1,)", 3) == 0) &&
                 sscanf(descr + 11, "%c%zu", &type, &bytes) == 2 && descr[10] != '>' && bytes < 1024;
    bytes *= whole && type == 'U' ? 4 : 1;
    FAIL_IF(!whole || head > size || bytes > size - head ||
                !npy_value(type, type == 'U' ? bytes / 4 : bytes, (const unsigned char *)data + head, text, out),
            MIEN_ERR_DATA, "%s: no NumPy array of one number or text", full);
    if (type == 'U' || type == 'S')
        TRY(import_number(&(struct import){.where = full}, text, strlen(text), out));
    FAIL_IF(!isfinite(*out), MIEN_ERR_DATA, "%s: %g is no finite number", full, *out);
fail:
    base_free(full);
    base_free(data);
    return status;
}

/* ---- JSON ---- */

enum mien_status import_json(struct import *in, const char *path, cJSON **json, char **text)
{
    enum mien_status status = MIEN_OK;
    char *full = NULL;
    *json = NULL;
    TRY(import_path(in, path, &full));
    TRY(import_text_read(in, path, text));
    TRY(base_json_parse(*text, strlen(*text), full, json));
fail:
    base_free(full);
    return status;
}

void import_json_next(const struct import *in, const char *path, struct import_json_at *next, char where[1200])
{
    bool quoted = false, found = false;
    for (; *next->at && !found; next->at++) {
        char c = *next->at;
        next->line += c == '\n';
        if (quoted && c == '\\')
            next->at++;
        else if (c == '"')
            quoted = !quoted;
        if (quoted || c == '"')
            continue;
        found = c == '{' && next->depth == 0;
        next->depth -= (c == '{' || c == '[') - (c == '}' || c == ']');
    }
    snprintf(where, 1200, "%s/%s:%u", in->top, path, next->line);
}

/* ---- files ---- */

enum mien_status import_suffix(struct import *in, const char *place, const char *path, struct data_row *row,
                               bool *found)
{
    enum mien_status status = MIEN_OK;
    const char *const places[] = {"", place};
    *found = false;
    for (const char *at = path; at && !*found; at = strchr(at, '/')) {
        at += *at == '/';
        for (size_t i = 0; i < BASE_COUNT(places) && !*found; i++) {
            const char *full = base_arena_printf(&in->row_arena, "%s%s", places[i], at);
            FAIL_IF_NULL(full, "an import");
            TRY(import_source(in, full, row, found));
        }
    }
fail:
    return status;
}
