/* config.json and preprocessor_config.json: what transformers writes, what it must be given, what is refused. */
#include "io/clip_tensors.h"

#include "io/support.h"

static enum mien_status put(const char *name, const char *text)
{
    return base_file_write(support_file(name), text, strlen(text));
}

static enum mien_status read_config(const char *text, struct io_clip_config *c)
{
    CHECK_EQ(put("config.json", text), MIEN_OK);
    support_last[0] = '\0';
    return io_clip_config_read(support_scratch(), c, NULL);
}

/* The shape of openai/clip-vit-large-patch14's file: null dictionaries, inherited keys, the legacy eos. */
static void test_hub_config(void)
{
    struct io_clip_config c;
    CHECK_EQ(read_config("{\"architectures\":[\"CLIPModel\"],\"model_type\":\"clip\",\"projection_dim\":768,"
                         "\"logit_scale_init_value\":2.6592,\"text_config\":{\"hidden_size\":768,"
                         "\"intermediate_size\":3072,\"num_attention_heads\":12,\"eos_token_id\":2,"
                         "\"pad_token_id\":null,\"top_k\":50,\"hidden_act\":\"gelu\"},\"text_config_dict\":null,"
                         "\"vision_config\":{\"hidden_size\":1024,\"intermediate_size\":4096,"
                         "\"num_hidden_layers\":24,\"num_attention_heads\":16,\"patch_size\":14},"
                         "\"vision_config_dict\":{\"image_size\":336}}",
                         &c),
             MIEN_OK);
    CHECK_EQ(c.embed, 768);
    CHECK_EQ(c.text.tower.width, 768);
    CHECK_EQ(c.text.tower.layers, 12);
    CHECK_EQ(c.text.tower.act, IO_ACT_GELU);
    CHECK_EQ(c.text.eos, 2);
    CHECK_EQ(c.text.context, 77);
    CHECK_EQ(c.vision.tower.layers, 24);
    CHECK_EQ(c.vision.tower.act, IO_ACT_QUICK_GELU);
    CHECK_EQ(c.vision.patch, 14);
    CHECK_EQ(c.vision.image, 336);
}

static void refused(const char *text, const char *says)
{
    struct io_clip_config c;
    CHECK_EQ(read_config(text, &c), MIEN_ERR_DATA);
    CHECK_SAYS(says);
    CHECK_SAYS("config.json");
}

static void test_config_refusals(void)
{
    refused("[]", "object");
    refused("{\"model_type\":\"bert\"}", "bert");
    refused("{\"projection_dim\":\"512\"}", "projection_dim");
    refused("{\"projection_dim\":0}", "projection_dim");
    refused("{\"text_config\":[]}", "text_config");
    refused("{\"text_config\":{\"hidden_act\":\"relu\"}}", "quick_gelu");
    refused("{\"text_config\":{\"num_attention_heads\":7}}", "multiple");
    refused("{\"text_config\":{\"num_attention_heads\":0}}", "text_config");
    refused("{\"text_config\":{\"vocab_size\":100}}", "vocabulary of 100");
    refused("{\"text_config\":{\"layer_norm_eps\":0}}", "layer_norm_eps");
    refused("{\"text_config\":{\"max_position_embeddings\":1}}", "max_position_embeddings");
    refused("{\"vision_config\":{\"num_channels\":1}}", "3 channels");
    refused("{\"vision_config\":{\"patch_size\":0}}", "patch_size");
    refused("{\"vision_config\":{\"image_size\":16}}", "patch_size");
    refused("{\"vision_config\":{\"num_hidden_layers\":100000}}", "layers");
    refused("{\"mien\":7}", "mien");
    refused("{\"mien\":{\"temporal\":{\"head_dims\":4}}}", "head_dim");
    refused("{\"mien\":{\"temporal\":{\"heads\":0}}}", "a size is 0");
    refused("{\"mien\":{\"temporal\":{\"heads\":65536,\"head_dim\":65536}}}", "beyond reason");
    refused("{", "JSON");
    cJSON *json = NULL;
    struct io_clip_config c;
    static const char text[] = "{\"text_config\":{\"hiden_size\":64}}";
    CHECK_EQ(base_json_parse(text, sizeof(text) - 1, "train.json", &json), MIEN_OK);
    CHECK_EQ(io_clip_config_parse(json, "train.json", true, &c), MIEN_ERR_ARG);
    CHECK_SAYS("hidden_size");
    CHECK_EQ(io_clip_config_parse(json, "train.json", false, &c), MIEN_OK);
    cJSON_Delete(json);
    CHECK_EQ(io_clip_config_read(support_file("nowhere"), &c, NULL), MIEN_ERR_DATA);
}

/* The temporal transformer lies beside what else is under "mien", and goes when the model has none. */
static void test_temporal(void)
{
    struct io_clip_config c, back;
    cJSON *extra = cJSON_CreateObject(), *extra_back = NULL;
    cJSON_AddNumberToObject(extra, "steps", 7);
    io_clip_config_default(&c);
    CHECK_EQ(c.temporal.layers, 0);
    io_temporal_config_default(&c.temporal);
    c.temporal.head_dim = 65;
    CHECK_EQ(io_clip_config_write(support_scratch(), &c, extra), MIEN_OK);
    CHECK_EQ(io_clip_config_read(support_scratch(), &back, &extra_back), MIEN_OK);
    CHECK(memcmp(&c, &back, sizeof(c)) == 0);
    CHECK_EQ(cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(extra_back, "steps")), 7);
    c.temporal.layers = 0;
    CHECK_EQ(io_clip_config_write(support_scratch(), &c, extra_back), MIEN_OK);
    CHECK_EQ(io_clip_config_read(support_scratch(), &back, NULL), MIEN_OK);
    CHECK_EQ(back.temporal.layers, 0);
    cJSON_Delete(extra_back);
    cJSON_Delete(extra);
    CHECK_EQ(read_config("{\"mien\":{\"temporal\":{}}}", &c), MIEN_OK); /* EmoCLIP's */
    CHECK_EQ(c.temporal.head_dim, 2048);
    CHECK_EQ(c.temporal.max_frames, 1024);
}

/* Scalars of losses: any number's name that begins with logit_, kept beside what else is under "mien". */
static void test_scalars(void)
{
    static const struct io_scalar margin[] = {{"logit_margin", 0.5}, {"logit_bias", -10}, {"", 0}};
    struct io_clip_config c, back;
    struct io_clip_tensors list;
    CHECK_EQ(read_config("{\"mien\":{\"logit_bias\":true,\"logit_off\":false,\"logit_scale\":true,\"x\":1}}", &c),
             MIEN_OK);
    CHECK_EQ(c.scalars, 1);
    CHECK(io_clip_scalar(&c, "logit_bias") && !io_clip_scalar(&c, "logit_off"));
    CHECK_EQ(io_clip_scalars_add(&c, margin), MIEN_OK);
    CHECK_EQ(c.scalars, 2);
    CHECK_EQ(io_clip_tensors_list(&c, &list), MIEN_OK);
    const struct io_clip_tensor *bias = io_clip_tensors_find(&list, "logit_bias");
    CHECK(bias && bias->rank == 0 && bias->count == 1 && bias->init == IO_INIT_CONSTANT && bias->spread == -10);
    CHECK(io_clip_tensors_find(&list, "logit_margin") != NULL);
    io_clip_tensors_clear(&list);
    CHECK_EQ(io_clip_config_write(support_scratch(), &c, NULL), MIEN_OK);
    CHECK_EQ(io_clip_config_read(support_scratch(), &back, NULL), MIEN_OK);
    CHECK(back.scalars == 2 && io_clip_scalar(&back, "logit_margin"));
    refused("{\"mien\":{\"logit_bias\":1}}", "logit_bias");
    refused("{\"mien\":{\"logit_a_name_that_does_not_end_in_time\":true}}", "too long");
    refused("{\"mien\":{\"logit_a\":true,\"logit_b\":true,\"logit_c\":true,\"logit_d\":true,\"logit_e\":true}}",
            "logit_e");
}

static void test_config_round_trip(void)
{
    struct io_clip_config c, back;
    cJSON *extra = cJSON_CreateObject(), *extra_back = NULL;
    cJSON_AddStringToObject(extra, "note", "a \"quoted\" word");
    io_clip_config_default(&c);
    c.text.tower = (struct io_tower_config){48, 100, 2, 3, IO_ACT_GELU, 1e-6};
    c.vision.tower.act = IO_ACT_GELU;
    c.text.vocab = 600;
    c.text.bos = 598;
    c.text.eos = c.text.pad = 599;
    c.text.context = 24;
    c.vision.image = 45;
    c.vision.patch = 7;
    c.embed = 33;
    c.logit_scale_init = 2.6592600;
    CHECK_EQ(io_clip_config_write(support_scratch(), &c, extra), MIEN_OK);
    CHECK_EQ(io_clip_config_read(support_scratch(), &back, &extra_back), MIEN_OK);
    CHECK(memcmp(&c, &back, sizeof(c)) == 0);
    CHECK(extra_back && cJSON_Compare(extra, extra_back, true));
    cJSON_Delete(extra_back);
    cJSON_Delete(extra);
    cJSON *json = NULL;
    CHECK_EQ(base_json_read(support_file("config.json"), &json), MIEN_OK);
    CHECK_EQ(io_clip_config_parse(json, "itself", true, &back), MIEN_OK); /* writes no key that it does not know */
    const cJSON *vision = cJSON_GetObjectItemCaseSensitive(json, "vision_config");
    CHECK_STR(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(vision, "model_type")), "clip_vision_model");
    cJSON_Delete(json);
    c.logit_scale_init = 3;
    char *text = NULL;
    size_t size;
    CHECK_EQ(io_clip_config_write(support_scratch(), &c, NULL), MIEN_OK);
    CHECK_EQ(base_file_read(support_file("config.json"), 0, &text, &size), MIEN_OK);
    CHECK(text && strstr(text, "\"logit_scale_init_value\": 3.0,")); /* transformers 5 refuses an integer here */
    CHECK(text && strstr(text, "\"attention_dropout\": 0.0,") && strstr(text, "\"projection_dim\": 33,"));
    base_free(text);
    c.embed = 0;
    CHECK(io_clip_config_write(support_scratch(), &c, NULL) != MIEN_OK);
    c.embed = 33;
    CHECK(io_clip_config_write(support_file("no/where"), &c, NULL) != MIEN_OK);
}

static enum mien_status read_preprocess(const char *text, struct io_preprocess *p)
{
    CHECK_EQ(put("preprocessor_config.json", text), MIEN_OK);
    support_last[0] = '\0';
    return io_preprocess_read(support_scratch(), 224, p);
}

static bool same(const struct io_preprocess *a, const struct io_preprocess *b)
{
    return a->size == b->size && a->crop == b->crop && memcmp(a->mean, b->mean, sizeof(a->mean)) == 0 &&
           memcmp(a->std, b->std, sizeof(a->std)) == 0 && a->rgb_first == b->rgb_first &&
           a->torch_resize == b->torch_resize;
}

static void preprocess_refused(const char *text, const char *says)
{
    struct io_preprocess p;
    CHECK_EQ(read_preprocess(text, &p), MIEN_ERR_DATA);
    CHECK_SAYS(says);
}

static void test_preprocess(void)
{
    struct io_preprocess p, back, plain;
    io_preprocess_default(224, &plain);
    CHECK_EQ(read_preprocess("{\"crop_size\":224,\"do_center_crop\":true,\"do_normalize\":true,\"do_resize\":true,"
                             "\"feature_extractor_type\":\"CLIPFeatureExtractor\",\"image_mean\":[0.48145466,"
                             "0.4578275,0.40821073],\"image_std\":[0.26862954,0.26130258,0.27577711],\"resample\":3,"
                             "\"size\":224}",
                             &p),
             MIEN_OK);
    CHECK(same(&p, &plain));
    CHECK_EQ(read_preprocess("{\"crop_size\":{\"height\":224,\"width\":224},\"size\":{\"shortest_edge\":256},"
                             "\"image_mean\":[0.5,0.5,0.25],\"do_convert_rgb\":false,\"mien_resize\":\"torch\"}",
                             &p),
             MIEN_OK);
    CHECK(p.size == 256 && p.crop == 224 && p.mean[2] == 0.25f && !p.rgb_first && p.torch_resize);
    CHECK_EQ(io_preprocess_write(support_scratch(), &p), MIEN_OK);
    CHECK_EQ(io_preprocess_read(support_scratch(), 224, &back), MIEN_OK);
    CHECK(same(&p, &back));
    preprocess_refused("{\"crop_size\":{\"height\":224,\"width\":200}}", "square");
    preprocess_refused("{\"size\":{\"height\":224,\"width\":224}}", "shortest_edge");
    preprocess_refused("{\"size\":0}", "size");
    preprocess_refused("{\"size\":100}", "image_size");
    preprocess_refused("{\"size\":300,\"crop_size\":299}", "image_size");
    preprocess_refused("{\"crop_size\":300}", "larger");
    preprocess_refused("{\"resample\":2}", "bicubic");
    preprocess_refused("{\"do_resize\":false}", "do_resize");
    preprocess_refused("{\"rescale_factor\":1}", "1/255");
    preprocess_refused("{\"image_std\":[1,0,1]}", "image_std");
    preprocess_refused("{\"image_mean\":[1,0]}", "three numbers");
    preprocess_refused("{\"image_mean\":[1,0,\"x\"]}", "three numbers");
    preprocess_refused("{\"mien_resize\":\"box\"}", "pil");
    unlink(support_file("preprocessor_config.json"));
    int warnings = support_warnings;
    CHECK_EQ(io_preprocess_read(support_scratch(), 224, &p), MIEN_OK);
    CHECK(same(&p, &plain));
    CHECK_EQ(support_warnings, warnings + 1);
}

static enum mien_status read_nested(const char *text, struct io_preprocess *p)
{
    CHECK_EQ(put("processor_config.json", text), MIEN_OK);
    support_last[0] = '\0';
    return io_preprocess_read(support_scratch(), 224, p);
}

#define HALF "{\"size\":{\"shortest_edge\":224},\"image_mean\":[0.5,0.5,0.5],\"image_std\":[0.5,0.5,0.25]}"

/* transformers 5: the same in processor_config.json, under "image_processor". */
static void test_processor(void)
{
    struct io_preprocess p, plain;
    io_preprocess_default(224, &plain);
    unlink(support_file("preprocessor_config.json"));
    int warnings = support_warnings;
    CHECK_EQ(read_nested("{\"image_processor\":" HALF ",\"processor_class\":\"CLIPProcessor\"}", &p), MIEN_OK);
    CHECK(p.mean[0] == 0.5f && p.std[2] == 0.25f && p.size == 224);
    CHECK_EQ(support_warnings, warnings);
    CHECK_EQ(read_nested("{\"image_processor\":{\"resample\":2}}", &p), MIEN_ERR_DATA);
    CHECK_SAYS("processor_config.json: resample 2");
    CHECK_EQ(read_nested("{\"image_processor\":3}", &p), MIEN_ERR_DATA);
    CHECK_SAYS("image_processor");
    CHECK_EQ(read_nested("{\"processor_class\":\"CLIPProcessor\"}", &p),
             MIEN_OK); /* older: it says nothing of pictures */
    CHECK(same(&p, &plain));
    CHECK_EQ(support_warnings, warnings + 1);
    CHECK_EQ(read_nested("{\"image_processor\":" HALF "}", &p), MIEN_OK);
    CHECK_EQ(read_preprocess(HALF, &p), MIEN_OK); /* both, and they agree */
    CHECK(p.std[2] == 0.25f);
    preprocess_refused("{\"size\":224}", "in two ways");
    unlink(support_file("processor_config.json"));
    unlink(support_file("preprocessor_config.json"));
}

int main(void)
{
    support_capture();
    test_hub_config();
    test_config_refusals();
    test_config_round_trip();
    test_temporal();
    test_scalars();
    test_preprocess();
    test_processor();
    support_clean();
    return check_result();
}
