/* Sets of synthetic faces keep their bytes from version to version: every file and the manifest, for each set of
 * options. */
#include "data/manifest.h"
#include "data/synth_set.h"
#include "io/support.h"

enum { FACES = 64, CLIPS = 16 };

static uint32_t crc_file(uint32_t crc, const char *path)
{
    char *bytes = NULL;
    size_t size = 0;
    CHECK_EQ(base_file_read(path, 0, &bytes, &size), MIEN_OK);
    crc = bytes ? base_crc32(crc, bytes, size) : 0;
    base_free(bytes);
    return crc;
}

static uint32_t crc_row(uint32_t crc, const struct data_row *row)
{
    char **names = NULL;
    size_t count = 0;
    if (row->image)
        return crc_file(crc, row->image);
    CHECK_EQ(base_dir_list(row->frames_dir, &names, &count), MIEN_OK);
    CHECK_EQ(count, 16);
    for (size_t i = 0; i < count; i++) {
        char *path = base_path_join(row->frames_dir, names[i]);
        crc = crc_file(crc, path);
        base_free(path);
    }
    base_dir_list_free(&names, &count);
    return crc;
}

/* The manifest, then the pictures in its order. */
static uint32_t crc_set(const char *name, const struct mien_synth_params *options)
{
    struct mien_synth_params p = *options;
    struct data_manifest *m = NULL;
    char manifest[64];
    p.size = sizeof(p);
    p.out = support_file(name);
    CHECK_EQ(mien_synth(&p, NULL), MIEN_OK);
    snprintf(manifest, sizeof(manifest), "%s/manifest.jsonl", name);
    uint32_t crc = crc_file(0, support_file(manifest));
    CHECK_EQ(data_manifest_read(support_file(manifest), &m), MIEN_OK);
    for (size_t i = 0; m && i < m->count; i++)
        crc = crc_row(crc, &m->rows[i]);
    CHECK(m && m->count == p.count);
    data_manifest_destroy(&m);
    return crc;
}

/* Numbers of the first version; none of them may change. New content comes with new options. */
static void test_bytes(void)
{
    static const struct {
        const char *name;
        struct mien_synth_params p;
        uint32_t crc;
    } sets[] = {
        {"faces-48", {.count = FACES, .side = 48, .seed = 7}, 2172840208},
        {"faces-64", {.count = FACES, .side = 64, .seed = 7}, 2793538780},
        {"single-48", {.count = FACES, .side = 48, .seed = 7, .single = true}, 3799430262},
        {"single-64", {.count = FACES, .side = 64, .seed = 7, .single = true}, 1293711616},
        {"contempt-48", {.count = FACES, .side = 48, .seed = 7, .contempt = true}, 1113181761},
        {"contempt-64", {.count = FACES, .side = 64, .seed = 7, .contempt = true}, 2057076957},
        {"clips-48", {.count = CLIPS, .side = 48, .seed = 7, .video = true}, 2358444017},
        {"clips-64", {.count = CLIPS, .side = 64, .seed = 7, .video = true}, 3500150125},
        {"clips-single-48", {.count = CLIPS, .side = 48, .seed = 7, .video = true, .single = true}, 974013854},
        {"clips-single-64", {.count = CLIPS, .side = 64, .seed = 7, .video = true, .single = true}, 2215355500},
    };
    for (size_t i = 0; i < BASE_COUNT(sets); i++) {
        uint32_t crc = crc_set(sets[i].name, &sets[i].p);
        if (crc != sets[i].crc)
            fprintf(stderr, "%s: %u\n", sets[i].name, crc);
        CHECK_EQ(crc, sets[i].crc);
    }
}

int main(void)
{
    support_capture();
    test_bytes();
    support_clean();
    return check_result();
}
