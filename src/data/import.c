/* import.c: the list of importers. */
#include "mien/data.h"

#include "data/ferplus.h"
#include "data/pack.h"

#include <string.h>

static const char *const names[] = {"ferplus", NULL};

const char *const *mien_import_names(void)
{
    return names;
}

static enum mien_status pack(const char *path, struct mien_import_summary *summary)
{
    enum mien_status status = MIEN_OK;
    struct data_manifest *manifest = NULL;
    struct data_pack_summary s;
    TRY(data_manifest_read(path, &manifest));
    TRY(data_pack_write(manifest, &s));
    summary->packed = s.pictures;
    summary->pack_bytes = s.bytes;
fail:
    data_manifest_destroy(&manifest);
    return status;
}

enum mien_status mien_import(const struct mien_import_params *params, struct mien_import_summary *summary)
{
    enum mien_status status = MIEN_OK;
    struct mien_import_summary own;
    struct mien_import_summary *s = summary ? summary : &own;
    *s = (struct mien_import_summary){0};
    FAIL_IF(!params || !params->name || !params->root || !params->manifest, MIEN_ERR_ARG,
            "import needs a name, a root directory and a manifest to write");
    const char *nearest = base_nearest(params->name, names);
    FAIL_IF(strcmp(params->name, "ferplus") != 0, MIEN_ERR_ARG, "no importer is named \"%s\"; did you mean \"%s\"?",
            params->name, nearest ? nearest : names[0]);
    TRY(ferplus_import(params, s));
    if (params->pack)
        TRY(pack(params->manifest, s));
fail:
    if (status != MIEN_OK)
        *s = (struct mien_import_summary){0};
    return status;
}
