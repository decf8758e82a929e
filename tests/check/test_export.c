/* test_export.c: the pipelines of every variant as a Fossilize database and as SPIR-V files: read back and held against
 * what the ops ask for. */
#include "check/check.h"
#include "check/foz.h"
#include "device.h"

#include <stdlib.h>

enum { FLIPS_FIRST = 260, FLIPS = 300 };

static struct gpu gpu;
static struct check_exported list;

/* ---- the list ---------------------------------------------------------------------------------------------------- */

struct distinct {
    struct vk_kernel *kernels;
    size_t count, capacity, visits, chosen;
};

static bool same(const struct vk_kernel *a, const struct vk_kernel *b)
{
    return a->spirv == b->spirv && a->buffers == b->buffers && a->push_size == b->push_size &&
           a->spec_count == b->spec_count && memcmp(a->spec, b->spec, a->spec_count * sizeof *a->spec) == 0 &&
           a->subgroup_size == b->subgroup_size;
}

static enum mien_status collect(void *user, const struct check_pipeline *p)
{
    struct distinct *d = user;
    d->visits++;
    d->chosen += p->chosen;
    for (size_t i = 0; i < d->count; i++)
        if (same(&d->kernels[i], &p->kernel))
            return MIEN_OK;
    enum mien_status status = base_grow(&d->kernels, &d->capacity, d->count + 1, sizeof *d->kernels);
    if (status == MIEN_OK)
        d->kernels[d->count++] = p->kernel;
    return status;
}

/* Each once, under hashes that differ; some are chosen. */
static void test_gather(void)
{
    struct distinct d = {0};
    struct check_pipeline_counts counts;
    struct check_exported none = {0};
    size_t chosen = 0;
    CHECK_EQ(check_pipelines(vk_device_caps(gpu.device), NULL, collect, &d, &counts), MIEN_OK);
    CHECK_EQ(check_export_gather(gpu.device, NULL, &list), MIEN_OK);
    CHECK_EQ(list.count, d.count);
    CHECK(d.count > 100 && d.visits > d.count && d.chosen > 0 && counts.plans > 0);
    for (size_t i = 0; i < list.count; i++) {
        const struct check_export *e = &list.pipelines[i];
        chosen += e->first.chosen;
        CHECK(e->form.local[0] > 0 && e->form.local[1] > 0 && e->form.local[2] > 0);
        for (size_t k = 0; k < i; k++)
            CHECK(list.pipelines[k].hash != e->hash);
    }
    CHECK(chosen > 0 && chosen < list.count);
    printf("%zu pipelines of %u plans, %zu chosen\n", list.count, counts.plans, chosen);
    CHECK_EQ(check_export_gather(gpu.device, "no such op", &none), MIEN_ERR_ARG);
    CHECK(!none.pipelines && !none.count);
    base_free(d.kernels);
}

/* ---- a Fossilize database ---------------------------------------------------------------------------------------- */

static void check_set(const struct foz *foz, const struct foz_record *layout, const struct vk_kernel *kernel,
                      uint32_t texels)
{
    const cJSON *sets = cJSON_GetObjectItemCaseSensitive(layout->info, "setLayouts"), *b;
    const cJSON *ranges = cJSON_GetObjectItemCaseSensitive(layout->info, "pushConstantRanges");
    CHECK_EQ(cJSON_GetArraySize(sets), 1);
    const struct foz_record *set = foz_find(foz, FOZ_SET, foz_hex(cJSON_GetStringValue(cJSON_GetArrayItem(sets, 0))));
    const cJSON *bindings = set ? cJSON_GetObjectItemCaseSensitive(set->info, "bindings") : NULL;
    uint32_t count = 0;
    cJSON_ArrayForEach(b, bindings)
    {
        CHECK_EQ(foz_number(b, "binding"), count);
        CHECK_EQ(foz_number(b, "descriptorType"), texels >> count & 1 ? 4 : 7); /* a uniform texel or storage buffer */
        count++;
        CHECK_EQ(foz_number(b, "descriptorCount"), 1);
        CHECK_EQ(foz_number(b, "stageFlags"), 32); /* compute */
    }
    CHECK_EQ(count, kernel->buffers);
    CHECK_EQ(cJSON_GetArraySize(ranges), kernel->push_size ? 1 : 0);
    if (kernel->push_size) {
        const cJSON *range = cJSON_GetArrayItem(ranges, 0);
        CHECK_EQ(foz_number(range, "size"), kernel->push_size);
        CHECK_EQ(foz_number(range, "offset"), 0);
        CHECK_EQ(foz_number(range, "stageFlags"), 32);
    }
}

static void check_spec(const cJSON *spec, const struct vk_kernel *kernel, uint32_t count)
{
    unsigned char data[4 * VK_MAX_SPEC];
    const cJSON *entry;
    uint32_t id = 0;
    CHECK(!spec == !count);
    if (!spec)
        return;
    CHECK_EQ(foz_number(spec, "dataSize"), 4 * count);
    CHECK_EQ(foz_base64(foz_text(spec, "data"), data, sizeof data), 4 * count);
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(spec, "mapEntries"))
    {
        CHECK_EQ(foz_number(entry, "constantID"), id);
        CHECK_EQ(foz_number(entry, "offset"), 4 * id);
        CHECK_EQ(foz_number(entry, "size"), 4);
        if (id < count)
            CHECK_EQ(foz_u32(data + 4 * id), kernel->spec[id]);
        id++;
    }
    CHECK_EQ(id, count);
}

static void check_words(const struct foz_record *module, const struct check_export *e)
{
    const struct vk_kernel *kernel = &e->first.kernel;
    uint32_t *settled = NULL;
    size_t size = kernel->spirv_size;
    if (e->form.settled)
        CHECK_EQ(vk_kernel_settle(kernel, &settled, &size), MIEN_OK);
    CHECK(module && module->count * 4 == size && memcmp(module->words, settled ? settled : kernel->spirv, size) == 0);
    base_free(settled);
}

static void check_pipeline(const struct foz *foz, const struct foz_record *r, const struct check_export *e)
{
    const cJSON *stage = cJSON_GetObjectItemCaseSensitive(r->info, "stage");
    const cJSON *next = cJSON_GetObjectItemCaseSensitive(stage, "pNext");
    const struct vk_kernel *kernel = &e->first.kernel;
    const struct foz_record *module = foz_find(foz, FOZ_MODULE, foz_hex(foz_text(stage, "module")));
    CHECK_EQ(foz_number(stage, "stage"), 32);
    CHECK_STR(foz_text(stage, "name"), "main");
    CHECK_EQ(foz_number(stage, "flags"), e->form.full_subgroups ? 2 : 0);
    check_words(module, e);
    check_set(foz, foz_find(foz, FOZ_LAYOUT, foz_hex(foz_text(r->info, "layout"))), kernel, e->form.texels);
    check_spec(cJSON_GetObjectItemCaseSensitive(stage, "specializationInfo"), kernel,
               e->form.settled ? 0 : kernel->spec_count);
    CHECK_EQ(cJSON_GetArraySize(next), e->form.subgroup_size ? 1 : 0);
    if (e->form.subgroup_size) {
        CHECK_EQ(foz_number(cJSON_GetArrayItem(next, 0), "sType"), 1000225001);
        CHECK_EQ(foz_number(cJSON_GetArrayItem(next, 0), "requiredSubgroupSize"), e->form.subgroup_size);
    }
}

/* Every pipeline of the list, no other, and nothing that none of them needs. */
static void check_database(const char *data, size_t size)
{
    struct foz foz;
    const char *wrong = foz_read(data, size, &foz);
    CHECK_STR(wrong ? wrong : "", "");
    CHECK_EQ(foz.of_kind[FOZ_PIPELINE], list.count);
    for (size_t i = 0; i < list.count && !wrong; i++) {
        const struct foz_record *r = foz_find(&foz, FOZ_PIPELINE, list.pipelines[i].hash);
        CHECK(r != NULL);
        if (r)
            check_pipeline(&foz, r, &list.pipelines[i]);
    }
    printf("%zu bytes: %zu pipelines, %zu modules, %zu layouts, %zu set layouts\n", size, foz.of_kind[FOZ_PIPELINE],
           foz.of_kind[FOZ_MODULE], foz.of_kind[FOZ_LAYOUT], foz.of_kind[FOZ_SET]);
    foz_clear(&foz);
}

/* A reader that takes anything would prove nothing. */
static void check_reader(char *data, size_t size)
{
    struct foz foz;
    size_t caught = 0;
    for (size_t i = 0; i < FLIPS; i++) { /* each byte of the first records, and some of the others */
        size_t at = i < FLIPS_FIRST ? i : size / (FLIPS - FLIPS_FIRST) * (i - FLIPS_FIRST + 1) - 1;
        data[at] ^= 1;
        const char *wrong = foz_read(data, size, &foz);
        caught += wrong != NULL;
        if (!wrong)
            fprintf(stderr, "a change of byte %zu is not seen\n", at);
        foz_clear(&foz);
        data[at] ^= 1;
    }
    CHECK_EQ(caught, FLIPS);
    CHECK(foz_read(data, size - 1, &foz) != NULL);
    foz_clear(&foz);
}

static void test_fossil(void)
{
    char *first = NULL, *again = NULL;
    size_t size = 0, size_again = 0;
    CHECK_EQ(check_export_fossil(&list, "export.foz"), MIEN_OK);
    CHECK_EQ(base_file_read("export.foz", 0, &first, &size), MIEN_OK);
    CHECK_EQ(check_export_fossil(&list, "export.foz"), MIEN_OK); /* over the first */
    CHECK_EQ(base_file_read("export.foz", 0, &again, &size_again), MIEN_OK);
    CHECK(first && again && size == size_again && memcmp(first, again, size) == 0);
    if (first) {
        check_database(first, size);
        check_reader(first, size);
    }
    CHECK_EQ(check_export_fossil(&list, "no such directory/export.foz"), MIEN_ERR_IO);
    base_free(first);
    base_free(again);
}

/* Devices that do not specialise get modules with the constants' values, and so does the file. */
static void test_settled(void)
{
    check_export_clear(&list);
    CHECK_EQ(vk_device_clamp(gpu.device, "-specialisation"), MIEN_OK);
    CHECK_EQ(check_export_gather(gpu.device, "softmax*", &list), MIEN_OK);
    for (size_t i = 0; i < list.count; i++)
        CHECK(list.pipelines[i].form.settled && strncmp(list.pipelines[i].first.op, "softmax", 7) == 0);
    CHECK(list.count > 0);
    test_fossil();
    CHECK_EQ(vk_device_clamp(gpu.device, NULL), MIEN_OK);
}

/* A required subgroup size, whether or not this device lets one be required. */
static void test_subgroup(void)
{
    char *data = NULL;
    size_t size = 0;
    struct foz foz = {0};
    struct vk_fossil *fossil = NULL;
    struct vk_pipeline_form form = {.local = {64, 1, 1}, .subgroup_size = 32, .full_subgroups = true};
    const struct check_export *e = &list.pipelines[0];
    CHECK_EQ(vk_fossil_open("subgroup.foz", &fossil), MIEN_OK);
    CHECK_EQ(vk_fossil_add(fossil, &e->first.kernel, &form), MIEN_OK);
    CHECK_EQ(vk_fossil_commit(&fossil), MIEN_OK);
    CHECK(!fossil);
    CHECK_EQ(base_file_read("subgroup.foz", 0, &data, &size), MIEN_OK);
    const char *wrong = foz_read(data, size, &foz);
    CHECK_STR(wrong ? wrong : "", "");
    uint64_t hash;
    CHECK_EQ(vk_fossil_hash(&e->first.kernel, &form, &hash), MIEN_OK);
    const struct foz_record *r = foz_find(&foz, FOZ_PIPELINE, hash);
    CHECK(r != NULL && foz.of_kind[FOZ_PIPELINE] == 1 && hash != e->hash);
    if (r)
        check_pipeline(&foz, r, &(struct check_export){e->first, form, hash});
    foz_clear(&foz);
    base_free(data);
}

/* ---- SPIR-V ------------------------------------------------------------------------------------------------------ */

/* No word of specialisation is left where it could be resolved. */
static void check_plain(const uint32_t *words, size_t count)
{
    size_t left = 0;
    for (size_t at = 5; at < count && words[at] >> 16; at += words[at] >> 16) {
        uint32_t op = words[at] & 0xffff;
        left += op >= 48 && op <= 50;           /* OpSpecConstantTrue, False, OpSpecConstant */
        left += op == 71 && words[at + 2] == 1; /* OpDecorate SpecId */
    }
    CHECK_EQ(left, 0);
}

/* The file's module, without specialisation, is to the device what the kernel's is with it. */
static void check_module(const char *dir, const cJSON *line, const struct check_export *e)
{
    char *path = base_path_join(dir, foz_text(line, "file")), *data = NULL;
    size_t size = 0;
    struct vk_kernel frozen = e->first.kernel;
    struct vk_pipeline_form form = {0};
    CHECK_EQ(base_file_read(path, 0, &data, &size), MIEN_OK);
    if (data) {
        frozen.spirv = (const uint32_t *)(void *)data;
        frozen.spirv_size = size;
        frozen.spec_count = 0;
        check_plain(frozen.spirv, size / 4);
        CHECK_EQ(vk_pipeline_form(gpu.device, &frozen, &form), MIEN_OK);
        CHECK(memcmp(form.local, e->form.local, sizeof form.local) == 0 && form.features == e->form.features &&
              form.subgroup_size == e->form.subgroup_size && form.full_subgroups == e->form.full_subgroups);
    }
    base_free(data);
    base_free(path);
}

static void check_numbers(const cJSON *array, const uint32_t *want, uint32_t count)
{
    CHECK_EQ(cJSON_GetArraySize(array), count);
    for (uint32_t i = 0; i < count; i++)
        CHECK_EQ(cJSON_GetNumberValue(cJSON_GetArrayItem(array, (int)i)), want[i]);
}

static void check_line(const char *dir, const char *text, size_t size, const struct check_export *e)
{
    cJSON *line = NULL;
    CHECK_EQ(base_json_parse(text, size, "index.jsonl", &line), MIEN_OK);
    CHECK(foz_hex(foz_text(line, "pipeline")) == e->hash);
    CHECK_STR(foz_text(line, "op"), e->first.op);
    CHECK_STR(foz_text(line, "variant"), e->first.variant);
    CHECK_STR(foz_text(line, "case"), e->first.case_name);
    CHECK_STR(foz_text(line, "shader"), e->first.kernel.name);
    CHECK_EQ(cJSON_IsTrue(cJSON_GetObjectItem(line, "chosen")), e->first.chosen);
    CHECK_EQ(cJSON_IsTrue(cJSON_GetObjectItem(line, "full_subgroups")), e->form.full_subgroups);
    CHECK_EQ(foz_number(line, "subgroup_size"), e->form.subgroup_size);
    CHECK_EQ(foz_number(line, "buffers"), e->first.kernel.buffers);
    CHECK_EQ(foz_number(line, "push_size"), e->first.kernel.push_size);
    check_numbers(cJSON_GetObjectItem(line, "local_size"), e->form.local, 3);
    check_numbers(cJSON_GetObjectItem(line, "spec"), e->first.kernel.spec, e->first.kernel.spec_count);
    check_module(dir, line, e);
    cJSON_Delete(line);
}

static void test_shaders(void)
{
    static const char dir[] = "export_shaders";
    char **names = NULL, *index = NULL;
    size_t count = 0, size = 0, lines = 0;
    CHECK_EQ(base_dir_remove(dir), MIEN_OK);
    CHECK_EQ(base_dir_create(dir), MIEN_OK); /* empty: fine */
    CHECK_EQ(check_export_shaders(&list, dir), MIEN_OK);
    CHECK_EQ(base_dir_list(dir, &names, &count), MIEN_OK);
    CHECK_EQ(count, list.count + 1);
    CHECK_EQ(base_file_read("export_shaders/index.jsonl", 0, &index, &size), MIEN_OK);
    for (char *at = index, *end; at && (end = strchr(at, '\n')); at = end + 1, lines++)
        if (lines < list.count)
            check_line(dir, at, (size_t)(end - at), &list.pipelines[lines]);
    CHECK_EQ(lines, list.count);
    CHECK_EQ(check_export_shaders(&list, dir), MIEN_ERR_ARG); /* it holds something now */
    CHECK_EQ(check_export_shaders(&list, "export_shaders/index.jsonl"), MIEN_ERR_ARG);
    base_dir_list_free(&names, &count);
    base_free(index);
}

int main(void)
{
    setenv("MIEN_PIPELINE_CACHE", "off", 1);
    mien_log_set(NULL, NULL, MIEN_LOG_SILENT);
    if (!gpu_open(&gpu))
        GPU_SKIP();
    test_gather();
    if (list.count) {
        test_fossil();
        test_subgroup();
        test_shaders();
        test_settled();
    }
    check_export_clear(&list);
    gpu_close(&gpu);
    return check_result();
}
