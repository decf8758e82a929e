/* Where the weights that come with Mien are found. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include "base/base.h"
#include "base/capture.h"
#include "mien/model.h"

#include <stdlib.h>

int main(void)
{
    char path[4096], small[8] = "x";
    CHECK_EQ(mien_default_weights(MIEN_SOURCE_DIR "/weights", path, sizeof(path)), MIEN_OK);
    CHECK_STR(path, MIEN_SOURCE_DIR "/weights/synthetic-faces");
    CHECK_EQ(setenv("MIEN_WEIGHTS_DIR", MIEN_SOURCE_DIR "/weights", 1), 0);
    CHECK_EQ(mien_default_weights(NULL, path, sizeof(path)), MIEN_OK);
    CHECK(base_file_is_dir(path));
    capture_start();
    CHECK_EQ(mien_default_weights(NULL, small, sizeof(small)), MIEN_ERR_DATA); /* longer than the room */
    CHECK_STR(small, "");
    CHECK_EQ(setenv("MIEN_WEIGHTS_DIR", "/nowhere", 1), 0);
    capture_start();
    CHECK_EQ(mien_default_weights("", path, sizeof(path)), MIEN_ERR_DATA);
    CHECK(captured_once("/nowhere") && !*path);
    return check_result();
}
