/* The event file for TensorBoard: its form byte for byte, read here by other code; what log.jsonl holds stands in it;
 * equal runs, stopped ones and those that asked for it late give equal bytes; what a kill leaves does not stay. */
#include "check.h"
#include "device.h"

#include "train/events.h"
#include "train/log.h"
#include "train/tiny_run.h"

enum { MOST = 32 };

struct scalar {
    char tag[64];
    float value;
};
struct event {
    double time;
    uint64_t step;
    char version[32];
    struct scalar scalars[MOST];
    uint32_t count;
};
struct bytes {
    const unsigned char *at, *end;
    bool bad;
};

/* ---- a reader ---- */

static uint32_t crc_by_bits(const unsigned char *data, size_t size)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
    }
    return ~crc;
}

static uint64_t take(struct bytes *from, size_t size)
{
    uint64_t value = 0;
    if (from->bad || (size_t)(from->end - from->at) < size) {
        from->bad = true;
        return 0;
    }
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)from->at[i] << 8 * i;
    from->at += size;
    return value;
}

static uint64_t take_varint(struct bytes *from)
{
    uint64_t value = 0, byte = 128;
    for (unsigned shift = 0; byte & 128 && !from->bad; shift += 7) {
        byte = take(from, 1);
        value |= (byte & 127) << shift;
    }
    return value;
}

static struct bytes take_part(struct bytes *from, uint64_t size)
{
    struct bytes part = {from->at, from->at + size, false};
    if (from->bad || (uint64_t)(from->end - from->at) < size)
        return (struct bytes){from->at, from->at, from->bad = true};
    from->at += size;
    return part;
}

static void copy_text(struct bytes from, char *to, size_t room)
{
    size_t size = BASE_MIN((size_t)(from.end - from.at), room - 1);
    memcpy(to, from.at, size);
    to[size] = 0;
}

static bool read_value(struct bytes from, struct scalar *out)
{
    while (from.at < from.end && !from.bad) {
        switch (take_varint(&from)) {
        case 1 << 3 | 2:
            copy_text(take_part(&from, take_varint(&from)), out->tag, sizeof(out->tag));
            break;
        case 2 << 3 | 5: {
            uint32_t bits = (uint32_t)take(&from, 4);
            memcpy(&out->value, &bits, sizeof(bits));
            break;
        }
        default:
            return false;
        }
    }
    return !from.bad;
}

static bool read_summary(struct bytes from, struct event *out)
{
    while (from.at < from.end && !from.bad && out->count < MOST) {
        if (take_varint(&from) != (1 << 3 | 2) ||
            !read_value(take_part(&from, take_varint(&from)), &out->scalars[out->count++]))
            return false;
    }
    return !from.bad && from.at == from.end;
}

static bool read_event(struct bytes from, struct event *out)
{
    memset(out, 0, sizeof(*out));
    while (from.at < from.end && !from.bad) {
        switch (take_varint(&from)) {
        case 1 << 3 | 1: {
            uint64_t bits = take(&from, 8);
            memcpy(&out->time, &bits, sizeof(bits));
            break;
        }
        case 2 << 3 | 0:
            out->step = take_varint(&from);
            break;
        case 3 << 3 | 2:
            copy_text(take_part(&from, take_varint(&from)), out->version, sizeof(out->version));
            break;
        case 5 << 3 | 2:
            if (!read_summary(take_part(&from, take_varint(&from)), out))
                return false;
            break;
        default:
            return false;
        }
    }
    return !from.bad;
}

/* The next record, whose checksums must be right. */
static bool read_record(struct bytes *from, struct event *out)
{
    const unsigned char *head = from->at;
    uint64_t size = take(from, 8), sum = take(from, 4);
    struct bytes data = take_part(from, size);
    uint64_t after = take(from, 4);
    if (from->bad)
        return false;
    uint32_t crc = crc_by_bits(head, 8), crc_data = crc_by_bits(data.at, size);
    return sum == (uint32_t)((crc >> 15 | crc << 17) + 0xA282EAD8u) &&
           after == (uint32_t)((crc_data >> 15 | crc_data << 17) + 0xA282EAD8u) && read_event(data, out);
}

static char *events_of(const char *run, size_t *size)
{
    char name[128], *data = NULL;
    *size = 0;
    snprintf(name, sizeof(name), "%s/" TRAIN_EVENTS_NAME, run);
    return base_file_read(tiny_path(name), 0, &data, size) == MIEN_OK ? data : NULL;
}

static bool equal_events(const char *a, const char *b)
{
    char name[2][128];
    snprintf(name[0], sizeof(name[0]), "%s/" TRAIN_EVENTS_NAME, a);
    snprintf(name[1], sizeof(name[1]), "%s/" TRAIN_EVENTS_NAME, b);
    return equal_files(name[0], name[1]);
}

/* ---- against the log ---- */

static bool has(const struct event *event, const char *tag, const cJSON *number)
{
    for (uint32_t i = 0; i < event->count; i++)
        if (strcmp(event->scalars[i].tag, tag) == 0)
            return number && event->scalars[i].value == (float)number->valuedouble;
    return false;
}

static void check_step(const struct event *event, const cJSON *row)
{
    static const char *const keys[] = {"loss", "loss_global", "loss_local", "lr", "grad_norm", "logit_scale"};
    char tag[64];
    for (size_t i = 0; i < BASE_COUNT(keys); i++) {
        snprintf(tag, sizeof(tag), "train/%s", keys[i]);
        CHECK(has(event, tag, cJSON_GetObjectItem(row, keys[i])));
    }
    const cJSON *positives = cJSON_GetObjectItem(row, "positives");
    CHECK(has(event, "train/positives/text", cJSON_GetObjectItem(positives, "text")));
    CHECK(has(event, "train/positives/image", cJSON_GetObjectItem(positives, "image")));
    CHECK_EQ(event->count, BASE_COUNT(keys) + 2);
}

static void check_eval(const struct event *event, const cJSON *row)
{
    CHECK(has(event, "val/loss", cJSON_GetObjectItem(row, "loss")));
    CHECK(has(event, "val/war", cJSON_GetObjectItem(row, "war")));
    CHECK(has(event, "val/uar", cJSON_GetObjectItem(row, "uar")));
    CHECK_EQ(event->count, 3);
}

/* Record by record, line by line. */
static void check_against_log(const char *run, uint32_t steps, uint32_t evaluations)
{
    struct event event;
    size_t size = 0;
    char *data = events_of(run, &size), *log = log_text(run);
    struct bytes from = {(unsigned char *)data, (unsigned char *)data + size, false};
    CHECK(data && log && read_record(&from, &event));
    CHECK_STR(event.version, "brain.Event:2");
    CHECK(event.time == 0 && event.step == 0 && event.count == 0);
    for (char *line = log; line && *line && check_failures == 0; line = strchr(line, '\n') + 1) {
        cJSON *row = cJSON_Parse(line);
        bool is_step = strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(row, "kind")), "step") == 0;
        CHECK(read_record(&from, &event));
        CHECK(event.step == (uint64_t)cJSON_GetObjectItem(row, "step")->valuedouble);
        CHECK(event.time == (double)event.step && !*event.version);
        if (is_step)
            check_step(&event, row);
        else
            check_eval(&event, row);
        *(is_step ? &steps : &evaluations) -= 1;
        cJSON_Delete(row);
    }
    CHECK(from.at == from.end && steps == 0 && evaluations == 0);
    base_free(data);
    base_free(log);
}

/* ---- runs ---- */

static const char *const asked[] = {"run.tensorboard=true", "data.val=t.jsonl", "run.eval_every=2"};

static enum mien_status resume(const char *run)
{
    char dir[128];
    const char *sets[] = {dir, asked[0], asked[1], asked[2]};
    struct mien_train_params params = {
        .size = sizeof params, .config = tiny_path("c.json"), .sets = sets, .set_count = 4, .resume = true};
    snprintf(dir, sizeof(dir), "run.dir=%s", run);
    capture_start();
    return mien_train(gpu, &params, NULL);
}

static void test_runs(void)
{
    const char *const whole[] = {"run.dir=whole", asked[0], asked[1], asked[2]};
    const char *const again[] = {"run.dir=again", asked[0], asked[1], asked[2]};
    CHECK_EQ(train_sets(whole, 4, NULL), MIEN_OK);
    check_against_log("whole", 6, 3);
    CHECK_EQ(train_sets(again, 4, NULL), MIEN_OK);
    CHECK(equal_events("whole", "again"));
    stopped_run("stop", 3, asked, 3);
    CHECK_EQ(resume("stop"), MIEN_OK);
    CHECK(equal_events("whole", "stop"));
    CHECK_EQ(resume("stop"), MIEN_OK); /* nothing is left to do */
    CHECK(equal_events("whole", "stop"));
    stopped_run("late", 3, asked + 1, 2);
    CHECK(!base_file_exists(tiny_path("late/" TRAIN_EVENTS_NAME)));
    CHECK_EQ(resume("late"), MIEN_OK);
    CHECK(equal_events("whole", "late"));
}

/* A directory that holds nothing but such a file is somebody's. */
static void test_not_ours(void)
{
    CHECK_EQ(base_dir_create(tiny_path("own")), MIEN_OK);
    CHECK(tiny_write("own/" TRAIN_EVENTS_NAME, "x", 1));
    CHECK_EQ(train("own", asked[0], NULL, NULL), MIEN_ERR_ARG);
    CHECK(captured_once(TRAIN_EVENTS_NAME));
}

/* ---- what a kill leaves ---- */

/* The length of the records of the first `steps` steps. */
static size_t length_until(const char *data, size_t size, uint64_t steps)
{
    struct event event;
    struct bytes from = {(const unsigned char *)data, (const unsigned char *)data + size, false};
    size_t length = 0;
    while (from.at < from.end && read_record(&from, &event) && event.step <= steps)
        length = (size_t)(from.at - (const unsigned char *)data);
    return length;
}

static void test_cut(void)
{
    size_t size = 0, now = 0;
    char *whole = events_of("again", &size), *data = NULL, *torn = base_alloc(size + 9, 1);
    struct train_log *log = NULL;
    CHECK(whole && torn && size > 100);
    if (!whole || !torn)
        return;
    for (uint32_t i = 0; i < 3; i++) { /* half a record, bytes behind the last, a changed bit: before step 4 ends */
        size_t left = i == 0 ? size - 7 : i == 1 ? size + 9 : size;
        memcpy(torn, whole, size);
        if (i == 2)
            torn[60] = (char)(torn[60] ^ 1);
        CHECK(tiny_write("again/" TRAIN_EVENTS_NAME, torn, left));
        CHECK_EQ(train_log_open(tiny_path("again"), i == 2 ? 2 : 4, true, &log), MIEN_OK);
        train_log_close(&log);
        data = events_of("again", &now);
        CHECK_EQ(now, length_until(whole, size, i == 2 ? 2 : 4));
        CHECK(data && now < size && memcmp(data, whole, now) == 0);
        base_free(data);
    }
    CHECK_EQ(train_log_open(tiny_path("again"), 0, true, &log), MIEN_OK);
    train_log_close(&log);
    data = events_of("again", &now);
    CHECK(data && now == length_until(whole, size, 0) && memcmp(data, whole, now) == 0);
    base_free(data);
    base_free(whole);
    base_free(torn);
}

/* A step that is left out has no finite norm; the largest step number takes ten bytes. */
static void test_odd_numbers(void)
{
    struct train_log_step row = {.step = (uint64_t)1 << 53, .loss = 2, .grad_norm = INFINITY, .loss_scale = 65536};
    struct train_log *log = NULL;
    struct event event;
    size_t size = 0;
    CHECK_EQ(base_dir_create(tiny_path("odd")), MIEN_OK);
    CHECK_EQ(train_log_open(tiny_path("odd"), 0, true, &log), MIEN_OK);
    CHECK(log && train_log_write(log, &row) == MIEN_OK);
    train_log_close(&log);
    char *data = events_of("odd", &size);
    struct bytes from = {(unsigned char *)data, (unsigned char *)data + size, false};
    CHECK(data && read_record(&from, &event) && read_record(&from, &event) && from.at == from.end);
    CHECK(event.step == row.step && event.time == 9007199254740992.0);
    const cJSON one = {.type = cJSON_Number, .valuedouble = 65536};
    CHECK(has(&event, "train/loss_scale", &one) && event.count == 9); /* all of test_runs but the norm, and two more */
    base_free(data);
}

int main(void)
{
    CHECK_EQ(base_crc32c(0, "123456789", 9), 0xE3069283); /* the published check value */
    CHECK_EQ(base_crc32c(base_crc32c(0, "1234", 4), "56789", 5), 0xE3069283);
    capture_start();
    if (!gpu_open_public(&gpu))
        CHECK_SKIP("no Vulkan device: %s", captured);
    if (!tiny_make())
        CHECK_SKIP("no temporary directory");
    test_runs();
    test_not_ours();
    test_cut();
    test_odd_numbers();
    gpu_close_public(&gpu);
    tiny_remove();
    return check_result();
}
