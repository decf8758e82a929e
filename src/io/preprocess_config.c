/* preprocess_config.c: preprocessor_config.json of a Hugging Face CLIP model, or processor_config.json, in which
 * transformers 5 keeps the same. */
#include "io/model_dir.h"

#include <math.h>
#include <string.h>

enum { PIL_BICUBIC = 3 }; /* PIL.Image.BICUBIC */

void io_preprocess_default(uint32_t image, struct io_preprocess *out)
{
    *out = (struct io_preprocess){.size = image,
                                  .crop = image,
                                  .mean = {0.48145466f, 0.4578275f, 0.40821073f},
                                  .std = {0.26862954f, 0.26130258f, 0.27577711f},
                                  .rgb_first = true};
}

/* Three numbers under `key`, when it is there. */
static enum mien_status read_three(const cJSON *json, const char *key, const char *where, float out[3])
{
    enum mien_status status = MIEN_OK;
    const cJSON *list = NULL;
    TRY(base_json_array(json, key, where, &list));
    if (!list)
        return MIEN_OK;
    FAIL_IF(cJSON_GetArraySize(list) != 3, MIEN_ERR_DATA, "%s: \"%s\" needs three numbers", where, key);
    for (int i = 0; i < 3; i++) {
        const cJSON *item = cJSON_GetArrayItem(list, i);
        FAIL_IF(!cJSON_IsNumber(item), MIEN_ERR_DATA, "%s: \"%s\" needs three numbers", where, key);
        out[i] = (float)item->valuedouble;
    }
fail:
    return status;
}

/* "size": n | {"shortest_edge": n}; "crop_size": n | {"height": n, "width": n}. */
static enum mien_status read_size(const cJSON *json, const char *key, const char *where, uint32_t *out)
{
    enum mien_status status = MIEN_OK;
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, key);
    if (cJSON_IsObject(item)) {
        uint32_t edge = 0, height = 0, width = 0;
        TRY(base_json_u32(item, "shortest_edge", where, &edge));
        TRY(base_json_u32(item, "height", where, &height));
        TRY(base_json_u32(item, "width", where, &width));
        FAIL_IF((edge == 0) == (height == 0) || height != width || (strcmp(key, "size") == 0 && edge == 0),
                MIEN_ERR_DATA, "%s: \"%s\" must be {\"shortest_edge\": n} or, for a crop, a square", where, key);
        *out = edge ? edge : height;
    } else {
        TRY(base_json_u32(json, key, where, out));
    }
    FAIL_IF(*out == 0 || *out > 1 << 14, MIEN_ERR_DATA, "%s: \"%s\" of %u pixels is impossible", where, key, *out);
fail:
    return status;
}

/* What Mien does not do is refused rather than done otherwise. */
static enum mien_status check_steps(const cJSON *json, const char *where)
{
    enum mien_status status = MIEN_OK;
    bool resize = true, crop = true, rescale = true, normalize = true;
    double factor = 1.0 / 255, filter = PIL_BICUBIC;
    TRY(base_json_bool(json, "do_resize", where, &resize));
    TRY(base_json_bool(json, "do_center_crop", where, &crop));
    TRY(base_json_bool(json, "do_rescale", where, &rescale));
    TRY(base_json_bool(json, "do_normalize", where, &normalize));
    TRY(base_json_number(json, "rescale_factor", where, &factor));
    TRY(base_json_number(json, "resample", where, &filter));
    FAIL_IF(!resize || !crop || !rescale || !normalize, MIEN_ERR_DATA,
            "%s: do_resize, do_center_crop, do_rescale and do_normalize must be true for a CLIP model", where);
    FAIL_IF(filter != PIL_BICUBIC, MIEN_ERR_DATA, "%s: resample %g is not supported; 3 (bicubic) is", where, filter);
    FAIL_IF(fabs(factor - 1.0 / 255) > 1e-6, MIEN_ERR_DATA, "%s: rescale_factor %g is not supported; 1/255 is", where,
            factor);
fail:
    return status;
}

enum mien_status io_preprocess_check(const struct io_preprocess *p, const char *where)
{
    for (int i = 0; i < 3; i++) {
        if (!(p->mean[i] >= 0 && p->mean[i] <= 1))
            return base_fail(MIEN_ERR_DATA, "%s: image_mean %g is impossible: pixels are divided by 255, so 0 to 1 is",
                             where, (double)p->mean[i]);
        if (!(p->std[i] >= 1e-3f && p->std[i] <= 1e3f))
            return base_fail(MIEN_ERR_DATA, "%s: image_std %g is impossible: 0.001 to 1000 is, CLIP's is near 0.27",
                             where, (double)p->std[i]);
    }
    return MIEN_OK;
}

static enum mien_status parse(const cJSON *json, const char *where, struct io_preprocess *out)
{
    static const char *const resizes[] = {"pil", "torch", NULL};
    enum mien_status status = MIEN_OK;
    uint32_t kind = 0;
    TRY(check_steps(json, where));
    TRY(read_size(json, "size", where, &out->size));
    out->crop = out->size;
    TRY(read_size(json, "crop_size", where, &out->crop));
    FAIL_IF(out->crop > out->size, MIEN_ERR_DATA, "%s: crop_size %u is larger than size %u", where, out->crop,
            out->size);
    TRY(read_three(json, "image_mean", where, out->mean));
    TRY(read_three(json, "image_std", where, out->std));
    TRY(io_preprocess_check(out, where));
    TRY(base_json_bool(json, "do_convert_rgb", where, &out->rgb_first));
    TRY(base_json_choice(json, "mien_resize", where, resizes, &kind));
    out->torch_resize = kind == 1;
fail:
    return status;
}

enum mien_status io_preprocess_read(const char *dir, uint32_t image, struct io_preprocess *out)
{
    return io_preprocess_read_from(&(struct base_source){.dir = dir}, image, out);
}

/* One file, when it is there; `nested`: under "image_processor", and of no interest without it. */
static enum mien_status read_file(const struct base_source *source, const char *name, bool nested, uint32_t image,
                                  struct io_preprocess *out, bool *found)
{
    enum mien_status status = MIEN_OK;
    cJSON *json = NULL;
    const cJSON *part = NULL;
    char *path = base_source_path(source, name);
    FAIL_IF_NULL(path, name);
    *found = false;
    io_preprocess_default(image, out);
    if (!base_source_has(source, path))
        goto fail; /* status is MIEN_OK */
    TRY(base_source_json(source, path, &json));
    part = json;
    if (nested) {
        part = NULL;
        TRY(base_json_object(json, "image_processor", path, &part));
    }
    if (!part)
        goto fail;
    status = parse(part, path, out);
    if (status == MIEN_ERR_ARG) /* a word that is no choice: here the file is at fault, not the user */
        status = MIEN_ERR_DATA;
    TRY(status);
    FAIL_IF(out->crop != image, MIEN_ERR_DATA, "%s: crop_size %u differs from config.json's image_size %u", path,
            out->crop, image);
    *found = true;
fail:
    cJSON_Delete(json);
    base_free(path);
    return status;
}

static bool same(const struct io_preprocess *a, const struct io_preprocess *b)
{
    return a->size == b->size && a->rgb_first == b->rgb_first && memcmp(a->mean, b->mean, sizeof(a->mean)) == 0 &&
           memcmp(a->std, b->std, sizeof(a->std)) == 0;
}

enum mien_status io_preprocess_read_from(const struct base_source *source, uint32_t image, struct io_preprocess *out)
{
    enum mien_status status = MIEN_OK;
    struct io_preprocess nested;
    bool found, found_nested;
    TRY(read_file(source, "preprocessor_config.json", false, image, out, &found));
    TRY(read_file(source, "processor_config.json", true, image, &nested, &found_nested));
    FAIL_IF(found && found_nested && !same(out, &nested), MIEN_ERR_DATA,
            "%s: preprocessor_config.json and processor_config.json prepare pictures in two ways; remove one of them",
            base_source_name(source));
    if (!found && found_nested)
        *out = nested;
    if (!found && !found_nested)
        LOG_WARN("%s: preprocessor_config.json is missing; CLIP's own mean, std and bicubic resize to %u are used",
                 base_source_name(source), image);
fail:
    return status;
}

static enum mien_status add_size(cJSON *json, const char *key, const char *a, const char *b, uint32_t value)
{
    cJSON *size = cJSON_AddObjectToObject(json, key);
    bool ok = size && cJSON_AddNumberToObject(size, a, value) && (!b || cJSON_AddNumberToObject(size, b, value));
    return ok ? MIEN_OK : base_fail(MIEN_ERR_NOMEM, "out of host memory for preprocessor_config.json");
}

static enum mien_status build(const struct io_preprocess *p, cJSON *json)
{
    enum mien_status status = MIEN_OK;
    static const char *const steps[] = {"do_center_crop", "do_normalize", "do_rescale", "do_resize"};
    for (size_t i = 0; i < BASE_COUNT(steps); i++)
        FAIL_IF_NULL(cJSON_AddTrueToObject(json, steps[i]), "preprocessor_config.json");
    FAIL_IF_NULL(cJSON_AddBoolToObject(json, "do_convert_rgb", p->rgb_first), "preprocessor_config.json");
    TRY(add_size(json, "crop_size", "height", "width", p->crop));
    TRY(add_size(json, "size", "shortest_edge", NULL, p->size));
    cJSON *mean = cJSON_AddItemToObject(json, "image_mean", cJSON_CreateFloatArray(p->mean, 3)) ? json : NULL;
    cJSON *std = cJSON_AddItemToObject(json, "image_std", cJSON_CreateFloatArray(p->std, 3)) ? json : NULL;
    FAIL_IF(!mean || !std || !cJSON_AddStringToObject(json, "image_processor_type", "CLIPImageProcessor") ||
                !cJSON_AddNumberToObject(json, "resample", PIL_BICUBIC) ||
                !cJSON_AddNumberToObject(json, "rescale_factor", 1.0 / 255) ||
                (p->torch_resize && !cJSON_AddStringToObject(json, "mien_resize", "torch")),
            MIEN_ERR_NOMEM, "out of host memory for preprocessor_config.json");
fail:
    return status;
}

enum mien_status io_preprocess_write(const char *dir, const struct io_preprocess *preprocess)
{
    enum mien_status status = MIEN_OK;
    cJSON *json = cJSON_CreateObject();
    FAIL_IF_NULL(json, "preprocessor_config.json");
    TRY(build(preprocess, json));
    TRY(io_write_json(dir, "preprocessor_config.json", json));
fail:
    cJSON_Delete(json);
    return status;
}
