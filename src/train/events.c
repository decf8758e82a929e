/* events.c: Protocol Buffers' wire form of TensorFlow's Event and Summary, as far as scalars need it, in TFRecords. */
#include "train/events.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Fields of tensorflow/core/util/event.proto and framework/summary.proto, and how they are stored. */
enum { STORED_VARINT = 0, STORED_64 = 1, STORED_BYTES = 2, STORED_32 = 5 };
enum { EVENT_WALL_TIME = 1, EVENT_STEP = 2, EVENT_FILE_VERSION = 3, EVENT_SUMMARY = 5 };
enum { SUMMARY_VALUE = 1 };
enum { VALUE_TAG = 1, VALUE_SIMPLE = 2 };

/* ---- messages ---- */

static void put_varint(struct base_text *to, uint64_t value)
{
    for (; value > 127; value >>= 7) {
        const unsigned char low = (unsigned char)(value | 128);
        base_text_add(to, &low, 1);
    }
    const unsigned char last = (unsigned char)value;
    base_text_add(to, &last, 1);
}

static void put_key(struct base_text *to, unsigned field, unsigned stored)
{
    put_varint(to, field << 3 | stored);
}

/* Little-endian, whatever the machine. */
static void put_fixed(struct base_text *to, uint64_t value, size_t size)
{
    unsigned char bytes[8];
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(value >> 8 * i);
    base_text_add(to, bytes, size);
}

static void put_bytes(struct base_text *to, unsigned field, const void *data, size_t size)
{
    put_key(to, field, STORED_BYTES);
    put_varint(to, size);
    base_text_add(to, data, size);
}

static void put_double(struct base_text *to, unsigned field, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    put_key(to, field, STORED_64);
    put_fixed(to, bits, sizeof(bits));
}

static void put_float(struct base_text *to, unsigned field, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    put_key(to, field, STORED_32);
    put_fixed(to, bits, sizeof(bits));
}

/* ---- records ---- */

/* A checksum of what holds checksums itself: turned and moved, as TFRecord asks for. */
static uint32_t masked(const void *data, size_t size)
{
    uint32_t crc = base_crc32c(0, data, size);
    return (crc >> 15 | crc << 17) + 0xA282EAD8u;
}

/* Length, its checksum, the data, their checksum. */
static enum mien_status write_record(struct base_out *out, const struct base_text *data)
{
    struct base_text record = {0};
    put_fixed(&record, data->size, 8);
    put_fixed(&record, record.data ? masked(record.data, 8) : 0, 4);
    base_text_add(&record, data->data, data->size);
    put_fixed(&record, masked(data->data, data->size), 4);
    enum mien_status status = record.status == MIEN_OK ? base_out_write(out, record.data, record.size) : record.status;
    base_text_clear(&record);
    return status;
}

enum mien_status train_events_begin(struct base_out *out)
{
    static const char version[] = "brain.Event:2";
    struct base_text event = {0};
    put_double(&event, EVENT_WALL_TIME, 0);
    put_bytes(&event, EVENT_FILE_VERSION, version, sizeof(version) - 1);
    enum mien_status status = event.status == MIEN_OK ? write_record(out, &event) : event.status;
    base_text_clear(&event);
    return status;
}

/* ---- rows ---- */

static bool is_left_out(const char *key)
{
    static const char *const keys[] = {"step", "samples_per_s", "n"};
    for (size_t i = 0; i < BASE_COUNT(keys); i++)
        if (strcmp(key, keys[i]) == 0)
            return true;
    return false;
}

/* One value of the summary; what is beyond fp32 is as good as not finite. */
static void put_scalar(struct base_text *summary, const char *before, const char *key, double value)
{
    struct base_text tag = {0}, scalar = {0};
    if (!isfinite(value) || fabs(value) > FLT_MAX)
        return;
    base_text_print(&tag, "%s/%s", before, key);
    if (tag.status == MIEN_OK) {
        put_bytes(&scalar, VALUE_TAG, tag.data, tag.size);
        put_float(&scalar, VALUE_SIMPLE, (float)value);
    }
    if (scalar.status == MIEN_OK && tag.status == MIEN_OK)
        put_bytes(summary, SUMMARY_VALUE, scalar.data, scalar.size);
    else
        summary->status = MIEN_ERR_NOMEM;
    base_text_clear(&tag);
    base_text_clear(&scalar);
}

/* The numbers of an object, and of the objects in it. */
static void put_scalars(struct base_text *summary, const char *before, const cJSON *object)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, object)
    {
        if (cJSON_IsNumber(item) && !is_left_out(item->string))
            put_scalar(summary, before, item->string, item->valuedouble);
        if (!cJSON_IsObject(item))
            continue;
        struct base_text below = {0};
        base_text_print(&below, "%s/%s", before, item->string);
        if (below.status == MIEN_OK)
            put_scalars(summary, below.data, item);
        else
            summary->status = below.status;
        base_text_clear(&below);
    }
}

enum mien_status train_events_row(struct base_out *out, const char *line, size_t size, const char *path)
{
    static const char *const kinds[] = {"step", "eval", NULL}, *const names[] = {"train", "val"};
    enum mien_status status = MIEN_OK;
    struct base_text summary = {0}, event = {0};
    uint32_t kind = 0;
    uint64_t step = 0;
    cJSON *row = NULL;
    TRY(base_json_parse(line, size, path, &row));
    TRY(base_json_choice(row, "kind", path, kinds, &kind));
    TRY(base_json_u64(row, "step", path, &step));
    put_scalars(&summary, names[kind], row);
    TRY(summary.status);
    if (summary.size == 0)
        goto fail; /* status is MIEN_OK */
    put_double(&event, EVENT_WALL_TIME, (double)step);
    put_key(&event, EVENT_STEP, STORED_VARINT);
    put_varint(&event, step);
    put_bytes(&event, EVENT_SUMMARY, summary.data, summary.size);
    TRY(event.status);
    TRY(write_record(out, &event));
fail:
    base_text_clear(&summary);
    base_text_clear(&event);
    cJSON_Delete(row);
    return status;
}
