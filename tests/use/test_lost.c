/* What a lost device gives back: what mien/gpu.h says of it, by the public calls alone. */
#include "check.h"

#include "base/capture.h"
#include "use/look.h"
#include "use/tiny_model.h"
#include "vk/vk.h"

#include <math.h>

enum { WIDTH = 10 };

static bool open_both(void)
{
    return mien_gpu_create(NULL, &gpu) == MIEN_OK && mien_model_open(gpu, tiny_path("model"), NULL, &model) == MIEN_OK;
}

static void close_both(void)
{
    mien_model_destroy(&model);
    mien_gpu_destroy(&gpu);
}

int main(void)
{
    float before[WIDTH], lost[WIDTH], after[WIDTH];
    const struct mien_label words[] = {{.name = "joy"}, {.name = "sorrow"}};
    struct mien_labels *two = NULL, *more = NULL;
    float scores[2] = {NAN, NAN};
    capture_start();
    if (mien_gpu_create(NULL, &gpu) != MIEN_OK)
        CHECK_SKIP("no Vulkan device: %s", captured);
    if (!tiny_make() || !tiny_model_make(gpu))
        CHECK_SKIP("no temporary directory");
    mien_gpu_destroy(&gpu);
    CHECK(open_both());
    if (!model)
        return check_result();
    CHECK_EQ(embed_file(model, tiny_path("0.png"), 0, before), MIEN_OK);
    CHECK_EQ(mien_labels_create(model, words, 2, NULL, &two), MIEN_OK);
    CHECK(!mien_gpu_lost(gpu));

    /* the call that finds out says why; all later ones return at once and say nothing more */
    vk_device_inject_loss(vk_gpu_device(gpu));
    capture_start();
    CHECK_EQ(embed_file(model, tiny_path("0.png"), 0, lost), MIEN_ERR_DEVICE_LOST);
    CHECK(captured_once("VK_ERROR_DEVICE_LOST") && mien_gpu_lost(gpu));
    CHECK(strstr(mien_gpu_error(gpu), "VK_ERROR_DEVICE_LOST") != NULL);
    CHECK_EQ(mien_status_exit_code(MIEN_ERR_DEVICE_LOST), 3);
    capture_start();
    CHECK_EQ(embed_file(model, tiny_path("1.png"), 0, lost), MIEN_ERR_DEVICE_LOST);
    CHECK_EQ(captured_count, 0);
    CHECK_EQ(mien_labels_create(model, words, 2, NULL, &more), MIEN_ERR_DEVICE_LOST);
    CHECK(more == NULL && mien_gpu_lost(gpu));

    /* what lies on the host is good still */
    mien_labels_scores(two, before, scores);
    CHECK(fabsf(scores[0] + scores[1] - 1) < 1e-5f);
    mien_labels_destroy(&two);

    /* it ends as ever, and a new one gives the same bits */
    close_both();
    CHECK(!gpu && !model && open_both());
    CHECK(!mien_gpu_lost(gpu));
    CHECK_EQ(embed_file(model, tiny_path("0.png"), 0, after), MIEN_OK);
    CHECK(memcmp(before, after, sizeof(before)) == 0);
    CHECK_EQ(mien_gpu_validation_messages(gpu), 0);
    close_both();
    tiny_remove();
    return check_result();
}
