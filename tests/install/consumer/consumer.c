/* consumer.c: what an application sees of an installed Mien: headers, one library, its version. A function here has the
 * name of an inner one of Mien's, which must not meet it. */
#include <mien/mien.h>

#include <stdio.h>

enum mien_status base_fail(void);

enum mien_status base_fail(void)
{
    return MIEN_STATUS_COUNT;
}

int main(void)
{
    char headers[32];
    uint32_t index;
    snprintf(headers, sizeof headers, "%d.%d.%d", MIEN_VERSION_MAJOR, MIEN_VERSION_MINOR, MIEN_VERSION_PATCH);
    enum mien_status refused = mien_gpu_list(NULL, NULL, 1, &index); /* reaches Mien's base_fail */
    printf("%s, headers %s: %s\n", mien_version(), headers, mien_status_text(MIEN_OK));
    return refused == MIEN_ERR_ARG ? mien_status_exit_code(MIEN_OK) : 1;
}
