/* drivers.c: what the loader does not tell: why a driver that is described somewhere is not there. */
#include "vk/vk_internal.h"

#include <string.h>

enum depth { CONTENT, ALL }; /* what stands in a file alone; also whether it and its library are there */

/* One description: {"ICD": {"library_path": "libvulkan_x.so" | "dir/libvulkan_x.so", ...}}. False when it is sound. */
static bool is_bad(const char *path, enum depth depth, char *why, size_t size)
{
    cJSON *json = NULL;
    if (!base_file_exists(path)) {
        snprintf(why, size, "%s: no such file", path);
        return depth == ALL;
    }
    base_log_divert(why, size);
    enum mien_status status = base_json_read(path, &json);
    base_log_divert(NULL, 0);
    if (status == MIEN_OK) {
        const cJSON *icd = cJSON_GetObjectItemCaseSensitive(json, "ICD");
        const char *library = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(icd, "library_path"));
        char *dir = base_path_dir(path), *file = dir && library ? base_path_join(dir, library) : NULL;
        why[0] = 0;
        if (!library)
            snprintf(why, size, "%s: no \"ICD\": {\"library_path\": ...}", path);
        else if (depth == ALL && strchr(library, '/') && file &&
                 !base_file_exists(file)) /* a bare name is looked for elsewhere */
            snprintf(why, size, "%s: its library %s is not there", path, library);
        base_free(dir);
        base_free(file);
    }
    cJSON_Delete(json);
    return why[0] != 0;
}

/* ---- which there are --------------------------------------------------------------------------------------------- */

static bool visit_directory(const char *dir, vk_driver_visit visit, void *user)
{
    static const char *const ending[] = {".json", NULL};
    char **names = NULL;
    size_t count = 0;
    bool found = false;
    if (!base_file_is_dir(dir) || base_dir_list(dir, &names, &count) != MIEN_OK)
        return false;
    for (size_t i = 0; i < count && !found; i++) {
        char *path = base_path_ends(names[i], ending) ? base_path_join(dir, names[i]) : NULL;
        found = path && visit(path, user);
        base_free(path);
    }
    base_dir_list_free(&names, &count);
    return found;
}

/* Files and directories with ':' between, as the loader's variables have them. */
static bool visit_list(const char *list, vk_driver_visit visit, void *user)
{
    bool found = false;
    for (const char *at = list; *at && !found;) {
        size_t length = strcspn(at, ":");
        char path[1024];
        snprintf(path, sizeof(path), "%.*s", (int)length, at);
        if (length)
            found = base_file_is_dir(path) ? visit_directory(path, visit, user) : visit(path, user);
        at += length + (at[length] == ':');
    }
    return found;
}

/* What the variables name, the last of them in *variable; *named: it stands in place of the directories. */
static bool visit_variables(vk_driver_visit visit, void *user, const char **variable, bool *named)
{
    static const char *const variables[] = {"VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_ADD_DRIVER_FILES"};
    *named = false;
    for (size_t i = 0; i < BASE_COUNT(variables); i++) {
        const char *list = base_env(variables[i]);
        if (!list || !*list || (i == 1 && *named)) /* the second is an older name of the first */
            continue;
        *named = *named || i < 2;
        *variable = variables[i];
        if (visit_list(list, visit, user))
            return true;
    }
    return false;
}

static bool visit_directories(vk_driver_visit visit, void *user)
{
    static const char *const dirs[] = {"/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/usr/share/vulkan/icd.d"};
    const char *home = base_env("HOME");
    char own[600];
    snprintf(own, sizeof(own), "%s/.local/share/vulkan/icd.d", home ? home : "");
    bool found = home && visit_directory(own, visit, user);
    for (size_t i = 0; i < BASE_COUNT(dirs) && !found; i++)
        found = visit_directory(dirs[i], visit, user);
    return found;
}

bool vk_driver_find(vk_driver_visit visit, void *user)
{
    const char *variable;
    bool named;
    return visit_variables(visit, user, &variable, &named) || (!named && visit_directories(visit, user));
}

/* ---- what is wrong with one -------------------------------------------------------------------------------------- */

struct search {
    enum depth depth;
    char *why;
    size_t size;
};

static bool visit_bad(const char *path, void *user)
{
    const struct search *s = user;
    return is_bad(path, s->depth, s->why, s->size);
}

static bool in_variables(enum depth depth, char *text, size_t size, bool *named)
{
    char why[600];
    const char *variable;
    struct search s = {depth, why, sizeof(why)};
    if (!visit_variables(visit_bad, &s, &variable, named))
        return false;
    snprintf(text, size, "%s, which %s names as the description of a Vulkan driver; correct it, or unset %s", why,
             variable, variable);
    return true;
}

bool vk_driver_damaged(char *text, size_t size)
{
    bool named;
    return in_variables(CONTENT, text, size, &named);
}

bool vk_driver_problem(char *text, size_t size)
{
    char why[600];
    struct search s = {ALL, why, sizeof(why)};
    bool named;
    if (in_variables(ALL, text, size, &named))
        return true;
    if (named || !visit_directories(visit_bad, &s))
        return false;
    snprintf(text, size, "%s, the description of a Vulkan driver; install that driver again, or remove the file", why);
    return true;
}
