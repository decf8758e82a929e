/* import_tree.h: small trees as data sets have them, imported, and the manifest held against what it must be. */
#ifndef TESTS_IMPORT_TREE_H
#define TESTS_IMPORT_TREE_H

#include "mien/data.h"

#include "io/support.h"

#include <unistd.h>

static struct mien_import_summary tree_summary;

static inline void tree_put_bytes(const char *name, const char *bytes, size_t size)
{
    char *dir = base_path_dir(support_file(name));
    CHECK(dir && base_dir_create(dir) == MIEN_OK);
    CHECK_EQ(base_file_write(support_file(name), bytes, size), MIEN_OK);
    base_free(dir);
}

static inline void tree_put(const char *name, const char *text)
{
    tree_put_bytes(name, text, strlen(text));
}

/* Files without a list: names separated by blanks... of pictures or clips below `root`, each of which begins as its
 * ending says. Names may hold '~' for a blank. */
static inline void tree_files(const char *root, const char *names)
{
    char name[256], file[512];
    for (const char *at = names; *at; at += strspn(at, " ")) {
        size_t size = strcspn(at, " ");
        snprintf(name, sizeof(name), "%.*s", (int)size, at);
        for (char *p = name; *p; p++)
            *p = *p == '~' ? ' ' : *p;
        snprintf(file, sizeof(file), "%s/%s", root, name);
        const char *dot = strrchr(name, '.');
        bool tiff = dot && strncmp(dot, ".tif", 4) == 0;
        if (tiff)
            tree_put_bytes(file, "II*\0 and so on", 14);
        else
            tree_put(file, dot && strcmp(dot, ".jpg") == 0 ? "\xff\xd8\xff\xe0" : "\x89PNG\r\n\x1a\n");
        at += size;
    }
}

/* Imports root with these parameters; the manifest stands in the root. */
static inline enum mien_status tree_import(struct mien_import_params p, const char *root)
{
    static char manifest[1024];
    snprintf(manifest, sizeof(manifest), "%s/out.jsonl", support_file(root));
    p.size = sizeof(p);
    p.root = support_file(root);
    p.manifest = manifest;
    tree_summary = (struct mien_import_summary){sizeof(tree_summary)};
    unlink(manifest);
    support_last[0] = '\0';
    enum mien_status status = mien_import(&p, &tree_summary);
    CHECK_EQ(status == MIEN_OK, base_file_exists(manifest)); /* whole or nothing */
    return status;
}

/* Its rows are these lines; of them so many missing, duplicates, left out. */
static inline void tree_expect(struct mien_import_params p, const char *root, const char *rows, uint64_t missing,
                               uint64_t duplicates, uint64_t left_out)
{
    char name[256], *text = NULL;
    size_t size = 0;
    CHECK_EQ(tree_import(p, root), MIEN_OK);
    snprintf(name, sizeof(name), "%s/out.jsonl", root);
    if (support_last[0])
        fprintf(stderr, "%s: %s\n", p.name, support_last);
    if (!base_file_exists(support_file(name)) || base_file_read(support_file(name), 0, &text, &size) != MIEN_OK)
        return;
    CHECK_STR(text, rows);
    CHECK_EQ(tree_summary.missing, missing);
    CHECK_EQ(tree_summary.duplicates, duplicates);
    CHECK_EQ(tree_summary.left_out, left_out);
    base_free(text);
}

static inline void tree_refuse(struct mien_import_params p, const char *root, enum mien_status status, const char *says)
{
    CHECK_EQ(tree_import(p, root), status);
    CHECK_SAYS(says);
}

#endif
