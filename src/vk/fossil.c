/* fossil.c: pipelines in the format of ValveSoftware/Fossilize, so that its tools can build them on any driver.
 *
 * The file: 16 bytes of head, then records. A record: 40 hexadecimal digits (24 of the kind, 16 of the hash), four
 * little-endian words (stored size, 1 = not compressed, CRC-32 of what is stored, size), the content. Content is JSON;
 * a module's is followed by a zero byte and its words, 7 bits a byte, lowest first. A record stands after those it
 * names. Beside each stands a link to the application info, by which the tools tell applications apart.
 *
 * Hashes are those of Fossilize's own recorder (Hashing:: in its fossilize.cpp): the same pipeline has one name whether
 * its layer recorded it or this file did, and databases of both can be merged. */
#include "vk/vk_internal.h"

#include <inttypes.h>
#include <string.h>

enum { VERSION = 6, NOT_COMPRESSED = 1 };
enum kind { APPLICATION = 0, SET_LAYOUT = 2, PIPELINE_LAYOUT = 3, MODULE = 4, COMPUTE_PIPELINE = 7, LINK = 8 };

struct key {
    uint64_t hash;
    enum kind kind;
};

struct vk_fossil {
    struct base_out *out;
    uint64_t application;
    struct key *keys; /* of the records written */
    size_t count, capacity;
};

/* ---- hashes ------------------------------------------------------------------------------------------------------ */

static void hash_u32(uint64_t *hash, uint32_t value)
{
    *hash = (*hash * 0x100000001b3ull) ^ value;
}

static void hash_u64(uint64_t *hash, uint64_t value)
{
    hash_u32(hash, (uint32_t)value);
    hash_u32(hash, (uint32_t)(value >> 32));
}

static void hash_string(uint64_t *hash, const char *text)
{
    hash_u32(hash, 0xff);
    for (; *text; text++)
        hash_u32(hash, (unsigned char)*text);
}

#define HASH_START 0xcbf29ce484222325ull

/* robustBufferAccess, the one feature that counts there, is off. */
static uint64_t hash_application(void)
{
    const VkApplicationInfo *info = &vk_application;
    uint64_t hash = HASH_START, features = HASH_START, both = HASH_START;
    hash_u32(&hash, info->applicationVersion);
    hash_u32(&hash, info->apiVersion);
    hash_u32(&hash, info->engineVersion);
    hash_string(&hash, info->pApplicationName);
    hash_string(&hash, info->pEngineName);
    hash_u32(&features, VK_FALSE);
    hash_u64(&both, hash);
    hash_u64(&both, features);
    return both;
}

static uint64_t hash_link(uint64_t application, enum kind kind, uint64_t of)
{
    uint64_t hash = HASH_START;
    hash_u64(&hash, application);
    hash_u32(&hash, kind);
    hash_u64(&hash, of);
    return hash;
}

static uint64_t hash_set_layout(const VkDescriptorSetLayoutCreateInfo *info)
{
    uint64_t hash = HASH_START;
    hash_u32(&hash, info->bindingCount);
    hash_u32(&hash, info->flags);
    for (uint32_t i = 0; i < info->bindingCount; i++) {
        hash_u32(&hash, info->pBindings[i].binding);
        hash_u32(&hash, info->pBindings[i].descriptorCount);
        hash_u32(&hash, info->pBindings[i].descriptorType);
        hash_u32(&hash, info->pBindings[i].stageFlags);
    }
    return hash;
}

static uint64_t hash_pipeline_layout(const VkPipelineLayoutCreateInfo *info, uint64_t set)
{
    uint64_t hash = HASH_START;
    hash_u32(&hash, info->setLayoutCount);
    hash_u64(&hash, set);
    hash_u32(&hash, info->pushConstantRangeCount);
    for (uint32_t i = 0; i < info->pushConstantRangeCount; i++) {
        hash_u32(&hash, info->pPushConstantRanges[i].stageFlags);
        hash_u32(&hash, info->pPushConstantRanges[i].size);
        hash_u32(&hash, info->pPushConstantRanges[i].offset);
    }
    hash_u32(&hash, info->flags);
    return hash;
}

static uint64_t hash_module(const VkShaderModuleCreateInfo *info)
{
    uint64_t hash = HASH_START;
    for (size_t i = 0; i < info->codeSize / 4; i++)
        hash_u32(&hash, info->pCode[i]);
    hash_u32(&hash, info->flags);
    return hash;
}

/* One byte of the little-endian words of a specialisation. */
static uint32_t spec_byte(const VkSpecializationInfo *spec, size_t at)
{
    return ((const uint32_t *)spec->pData)[at / 4] >> (at % 4 * 8) & 0xff;
}

static void hash_spec(uint64_t *hash, const VkSpecializationInfo *spec)
{
    for (size_t i = 0; i < spec->dataSize; i++)
        hash_u32(hash, spec_byte(spec, i));
    hash_u64(hash, spec->dataSize);
    hash_u32(hash, spec->mapEntryCount);
    for (uint32_t i = 0; i < spec->mapEntryCount; i++) {
        hash_u32(hash, spec->pMapEntries[i].offset);
        hash_u64(hash, spec->pMapEntries[i].size);
        hash_u32(hash, spec->pMapEntries[i].constantID);
    }
}

static uint64_t hash_pipeline(const struct vk_pipeline_infos *infos, uint64_t layout, uint64_t module)
{
    const VkComputePipelineCreateInfo *info = &infos->pipeline;
    uint64_t hash = HASH_START;
    hash_u64(&hash, layout);
    hash_u32(&hash, info->flags);
    hash_u32(&hash, 0); /* derived from no other */
    hash_u64(&hash, module);
    hash_string(&hash, info->stage.pName);
    hash_u32(&hash, info->stage.flags);
    hash_u32(&hash, info->stage.stage);
    if (info->stage.pSpecializationInfo)
        hash_spec(&hash, info->stage.pSpecializationInfo);
    else
        hash_u32(&hash, 0);
    if (info->stage.pNext) {
        hash_u32(&hash, infos->required.sType);
        hash_u32(&hash, infos->required.requiredSubgroupSize);
    }
    return hash;
}

/* The four names, in the order of need. */
struct hashes {
    uint64_t set, layout, module, pipeline;
};

static struct hashes hash_all(const struct vk_pipeline_infos *infos)
{
    struct hashes h = {.set = hash_set_layout(&infos->set), .module = hash_module(&infos->code)};
    h.layout = hash_pipeline_layout(&infos->layout, h.set);
    h.pipeline = hash_pipeline(infos, h.layout, h.module);
    return h;
}

enum mien_status vk_fossil_hash(const struct vk_kernel *kernel, const struct vk_pipeline_form *form, uint64_t *out)
{
    struct vk_pipeline_infos infos;
    enum mien_status status = vk_pipeline_describe(kernel, form, &infos);
    *out = status == MIEN_OK ? hash_all(&infos).pipeline : 0;
    vk_pipeline_infos_clear(&infos);
    return status;
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

static void put_u32(unsigned char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(value >> (8 * i));
}

/* Clears the text. */
static enum mien_status write_record(struct vk_fossil *f, enum kind kind, uint64_t hash, struct base_text *content)
{
    enum mien_status status = content->status;
    unsigned char head[16];
    TRY(status);
    FAIL_IF(content->size > UINT32_MAX, MIEN_ERR_UNSUPPORTED, "a record of %zu bytes: Fossilize's have 2^32 at most",
            content->size);
    TRY(base_grow(&f->keys, &f->capacity, f->count + 1, sizeof *f->keys));
    f->keys[f->count++] = (struct key){hash, kind};
    put_u32(head, (uint32_t)content->size);
    put_u32(head + 4, NOT_COMPRESSED);
    put_u32(head + 8, base_crc32(0, content->data, content->size));
    put_u32(head + 12, (uint32_t)content->size);
    TRY(base_out_printf(f->out, "%024x%016" PRIx64, (unsigned)kind, hash));
    TRY(base_out_write(f->out, head, sizeof head));
    TRY(base_out_write(f->out, content->data, content->size));
fail:
    base_text_clear(content);
    return status;
}

static bool is_there(const struct vk_fossil *f, enum kind kind, uint64_t hash)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->keys[i].hash == hash && f->keys[i].kind == kind)
            return true;
    return false;
}

/* The link that belongs to a record, then the record. Clears the text. */
static enum mien_status write_linked(struct vk_fossil *f, enum kind kind, uint64_t hash, struct base_text *content)
{
    struct base_text link = {0};
    base_text_print(
        &link, "{\"version\":%d,\"link\":{\"application\":\"%016" PRIx64 "\",\"tag\":%d,\"hash\":\"%016" PRIx64 "\"}}",
        VERSION, f->application, (int)kind, hash);
    enum mien_status status = write_record(f, LINK, hash_link(f->application, kind, hash), &link);
    if (status == MIEN_OK)
        return write_record(f, kind, hash, content);
    base_text_clear(content);
    return status;
}

static enum mien_status write_application(struct vk_fossil *f)
{
    const VkApplicationInfo *info = &vk_application;
    struct base_text text = {0};
    base_text_print(&text,
                    "{\"version\":%d,\"applicationInfo\":{\"applicationName\":\"%s\",\"engineName\":\"%s\","
                    "\"applicationVersion\":%u,\"engineVersion\":%u,\"apiVersion\":%u},"
                    "\"physicalDeviceFeatures\":{\"robustBufferAccess\":0}}",
                    VERSION, info->pApplicationName, info->pEngineName, info->applicationVersion, info->engineVersion,
                    info->apiVersion);
    return write_record(f, APPLICATION, f->application, &text);
}

static enum mien_status write_set_layout(struct vk_fossil *f, const VkDescriptorSetLayoutCreateInfo *info,
                                         uint64_t hash)
{
    struct base_text text = {0};
    if (is_there(f, SET_LAYOUT, hash))
        return MIEN_OK;
    base_text_print(&text, "{\"version\":%d,\"setLayouts\":{\"%016" PRIx64 "\":{\"flags\":%u,\"bindings\":[", VERSION,
                    hash, info->flags);
    for (uint32_t i = 0; i < info->bindingCount; i++) {
        const VkDescriptorSetLayoutBinding *b = &info->pBindings[i];
        base_text_print(&text, "%s{\"descriptorType\":%d,\"descriptorCount\":%u,\"stageFlags\":%u,\"binding\":%u}",
                        i ? "," : "", (int)b->descriptorType, b->descriptorCount, b->stageFlags, b->binding);
    }
    base_text_print(&text, "]}}}");
    return write_linked(f, SET_LAYOUT, hash, &text);
}

static enum mien_status write_pipeline_layout(struct vk_fossil *f, const VkPipelineLayoutCreateInfo *info, uint64_t set,
                                              uint64_t hash)
{
    struct base_text text = {0};
    if (is_there(f, PIPELINE_LAYOUT, hash))
        return MIEN_OK;
    base_text_print(&text,
                    "{\"version\":%d,\"pipelineLayouts\":{\"%016" PRIx64 "\":{\"flags\":%u,\"pushConstantRanges\":[",
                    VERSION, hash, info->flags);
    for (uint32_t i = 0; i < info->pushConstantRangeCount; i++) {
        const VkPushConstantRange *range = &info->pPushConstantRanges[i];
        base_text_print(&text, "%s{\"stageFlags\":%u,\"size\":%u,\"offset\":%u}", i ? "," : "", range->stageFlags,
                        range->size, range->offset);
    }
    base_text_print(&text, "],\"setLayouts\":[\"%016" PRIx64 "\"]}}}", set);
    return write_linked(f, PIPELINE_LAYOUT, hash, &text);
}

static enum mien_status write_module(struct vk_fossil *f, const VkShaderModuleCreateInfo *info, uint64_t hash)
{
    enum mien_status status = MIEN_OK;
    struct base_text words = {0}, text = {0};
    if (is_there(f, MODULE, hash))
        return MIEN_OK;
    for (size_t i = 0; i < info->codeSize / 4; i++) {
        unsigned char bytes[5];
        size_t count = 0;
        for (uint32_t rest = info->pCode[i]; count == 0 || rest; rest >>= 7)
            bytes[count++] = (unsigned char)(rest & 0x7f) | (rest > 0x7f ? 0x80 : 0);
        base_text_add(&words, bytes, count);
    }
    base_text_print(&text,
                    "{\"version\":%d,\"shaderModules\":{\"%016" PRIx64
                    "\":{\"varintOffset\":0,\"varintSize\":%zu,\"codeSize\":%zu,\"flags\":%u}}}",
                    VERSION, hash, words.size, info->codeSize, info->flags);
    base_text_add(&text, "", 1);
    TRY(words.status);
    base_text_add(&text, words.data, words.size);
    status = write_linked(f, MODULE, hash, &text);
fail:
    base_text_clear(&words);
    base_text_clear(&text);
    return status;
}

static void print_spec(struct base_text *text, const VkSpecializationInfo *spec)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    base_text_print(text, ",\"specializationInfo\":{\"dataSize\":%zu,\"data\":\"", spec->dataSize);
    for (size_t i = 0; i < spec->dataSize; i += 3) {
        size_t left = spec->dataSize - i;
        uint32_t three = spec_byte(spec, i) << 16 | (left > 1 ? spec_byte(spec, i + 1) << 8 : 0) |
                         (left > 2 ? spec_byte(spec, i + 2) : 0);
        base_text_print(text, "%c%c%c%c", digits[three >> 18], digits[three >> 12 & 63],
                        left > 1 ? digits[three >> 6 & 63] : '=', left > 2 ? digits[three & 63] : '=');
    }
    base_text_print(text, "\",\"mapEntries\":[");
    for (uint32_t i = 0; i < spec->mapEntryCount; i++) {
        const VkSpecializationMapEntry *entry = &spec->pMapEntries[i];
        base_text_print(text, "%s{\"offset\":%u,\"size\":%zu,\"constantID\":%u}", i ? "," : "", entry->offset,
                        entry->size, entry->constantID);
    }
    base_text_print(text, "]}");
}

static enum mien_status write_pipeline(struct vk_fossil *f, const struct vk_pipeline_infos *infos, uint64_t layout,
                                       uint64_t module, uint64_t hash)
{
    const VkPipelineShaderStageCreateInfo *stage = &infos->pipeline.stage;
    struct base_text text = {0};
    if (is_there(f, COMPUTE_PIPELINE, hash))
        return MIEN_OK;
    base_text_print(&text,
                    "{\"version\":%d,\"computePipelines\":{\"%016" PRIx64 "\":{\"flags\":%u,\"layout\":\"%016" PRIx64
                    "\",\"basePipelineHandle\":\"%016x\",\"basePipelineIndex\":0,\"stage\":{\"flags\":%u,\"stage\":%d,"
                    "\"module\":\"%016" PRIx64 "\",\"name\":\"%s\"",
                    VERSION, hash, infos->pipeline.flags, layout, 0, stage->flags, (int)stage->stage, module,
                    stage->pName);
    if (stage->pSpecializationInfo)
        print_spec(&text, stage->pSpecializationInfo);
    if (stage->pNext)
        base_text_print(&text, ",\"pNext\":[{\"sType\":%d,\"requiredSubgroupSize\":%u}]", (int)infos->required.sType,
                        infos->required.requiredSubgroupSize);
    base_text_print(&text, "}}}}");
    return write_linked(f, COMPUTE_PIPELINE, hash, &text);
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

enum mien_status vk_fossil_open(const char *path, struct vk_fossil **out)
{
    enum mien_status status = MIEN_OK;
    static const unsigned char head[16] = {0x81, 'F', 'O', 'S', 'S', 'I', 'L', 'I',
                                           'Z',  'E', 'D', 'B', 0,   0,   0,   VERSION};
    struct vk_fossil *f = base_alloc(1, sizeof *f);
    *out = NULL;
    FAIL_IF_NULL(f, "a Fossilize database");
    f->application = hash_application();
    TRY(base_out_open(path, &f->out));
    TRY(base_out_write(f->out, head, sizeof head));
    TRY(write_application(f));
    *out = f;
    return MIEN_OK;
fail:
    vk_fossil_abandon(&f);
    return status;
}

enum mien_status vk_fossil_add(struct vk_fossil *f, const struct vk_kernel *kernel, const struct vk_pipeline_form *form)
{
    enum mien_status status = MIEN_OK;
    struct vk_pipeline_infos infos;
    struct hashes h;
    TRY(vk_pipeline_describe(kernel, form, &infos));
    h = hash_all(&infos);
    TRY(write_set_layout(f, &infos.set, h.set));
    TRY(write_pipeline_layout(f, &infos.layout, h.set, h.layout));
    TRY(write_module(f, &infos.code, h.module));
    TRY(write_pipeline(f, &infos, h.layout, h.module, h.pipeline));
fail:
    vk_pipeline_infos_clear(&infos);
    return status;
}

enum mien_status vk_fossil_commit(struct vk_fossil **fossil)
{
    enum mien_status status = base_out_commit(&(*fossil)->out);
    vk_fossil_abandon(fossil);
    return status;
}

void vk_fossil_abandon(struct vk_fossil **fossil)
{
    struct vk_fossil *f = *fossil;
    *fossil = NULL;
    if (!f)
        return;
    base_out_abandon(&f->out);
    base_free(f->keys);
    base_free(f);
}
