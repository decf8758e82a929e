/* keep_loaded.c: preloaded by the preset `asan`. The Vulkan loader unloads drivers before the leak check at the end
 * runs, which then cannot tell a driver's leaks (lsan.supp) from ours; libraries that are never unloaded keep their
 * names. */
__attribute__((visibility("default"))) int dlclose(void *handle);

int dlclose(void *handle)
{
    (void)handle;
    return 0;
}
