/* data.descriptions: which sentence stands for a row's label, without a device. */
#include "io/support.h"
#include "train/trainer.h"

#include <stdlib.h>

static void put(const char *name, const char *text)
{
    CHECK_EQ(base_file_write(support_file(name), text, strlen(text)), MIEN_OK);
}

/* label_text of all rows of the manifest, NULL as "-". */
static void check_texts(const char *descriptions, const char *const *want, size_t count)
{
    struct data_manifest *m = NULL;
    struct train_config *config = NULL;
    put("d.json", descriptions);
    CHECK_EQ(data_manifest_read(support_file("m.jsonl"), &m), MIEN_OK);
    CHECK_EQ(train_config_default(&config), MIEN_OK);
    if (m && config) {
        config->data.descriptions = support_file("d.json");
        CHECK_EQ(train_describe(config, m), MIEN_OK);
        CHECK_EQ(m->count, count);
        for (size_t i = 0; i < count && i < m->count; i++)
            CHECK_STR(m->rows[i].label_text ? m->rows[i].label_text : "-", want[i]);
    }
    train_config_destroy(&config);
    data_manifest_destroy(&m);
}

int main(void)
{
    static const char *const bare[] = {"-", "fears", "-", "-", "-", "-"};
    support_capture();
    put("m.jsonl", "{\"image\":\"0\",\"label\":\"joy\"}\n{\"image\":\"1\",\"label\":\"fear\"}\n"
                   "{\"image\":\"2\",\"label\":[\"joy\"]}\n{\"image\":\"3\",\"label\":\"\"}\n"
                   "{\"image\":\"4\",\"label\":[\"joy\",\"awe\"]}\n{\"image\":\"5\",\"label\":\"joy\"}\n");
    check_texts("{\"joy\":[\"one\",\"two\"],\"fear\":\"fears\",\"awe and joy\":\"one both\"}",
                (const char *const[]){"one", "fears", "one", "-", "one both", "two"}, 6);
    /* blanks and null in a list are no sentences: the others go round as if they were not there */
    check_texts("{\"joy\":[\"\",\"one\",\" \\t\",null,\"two\"],\"fear\":\"fears\",\"awe and joy\":[\"\",\"one both\"]}",
                (const char *const[]){"one", "fears", "one", "-", "one both", "two"}, 6);
    /* nothing but them is no description */
    check_texts("{\"joy\":[\"\",\" \"],\"fear\":\"fears\",\"awe\":null}", bare, 6);
    support_clean();
    return check_result();
}
