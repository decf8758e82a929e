/* box.c: boxes as detectors give them (mien/data.h). */
#include "base/base.h"
#include "mien/data.h"

#include <math.h>

/* Far beyond any picture; the difference of two such numbers is still an int32_t. */
static double bounded(double x)
{
    const double most = 1 << 30;
    return fmin(fmax(x, -most), most - 1);
}

enum mien_status mien_box_round(const double box[4], int32_t out[4])
{
    enum mien_status status = MIEN_OK;
    NEED(out);
    for (int i = 0; i < 4; i++)
        out[i] = 0;
    NEED(box);
    for (int i = 0; i < 4; i++)
        FAIL_IF(!isfinite(box[i]), MIEN_ERR_ARG, "a box needs x, y, width and height, four finite numbers");
    for (int i = 0; i < 2; i++) {
        double first = bounded(floor(box[i])), end = bounded(ceil(box[i] + box[i + 2]));
        out[i] = (int32_t)first;
        out[i + 2] = box[i + 2] > 0 && end > first ? (int32_t)(end - first) : 0;
    }
fail:
    return status;
}
