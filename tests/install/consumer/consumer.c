/* consumer.c: what an application sees of an installed Mien: headers, one library, its version. */
#include <mien/common.h>

#include <stdio.h>

int main(void)
{
    printf("%s: %s\n", mien_version(), mien_status_text(MIEN_OK));
    return mien_status_exit_code(MIEN_OK);
}
