/* Boxes as detectors give them, and the order of a clip's frames. */
#include "data/frames.h"
#include "data/manifest.h"
#include "mien/data.h"

#include "io/support.h"

#include <math.h>

static void test_round(void)
{
    static const struct {
        double box[4];
        int32_t want[4];
    } cases[] = {
        {{1, 2, 3, 4}, {1, 2, 3, 4}},
        {{1.5, 2, 20.25, 30}, {1, 2, 21, 30}}, /* 1.5 to 21.75 */
        {{-26, 10, 40, 40}, {-26, 10, 40, 40}},
        {{-0.5, -3.75, 1, 3.75}, {-1, -4, 2, 4}},
        {{0.25, 0.25, 0.5, 0.5}, {0, 0, 1, 1}},
        {{5, 5, 0, 5}, {5, 5, 0, 5}},
        {{5.5, 5, -0.25, 5}, {5, 5, 0, 5}}, /* not from floor to ceil of it: there is nothing */
        {{1e300, -1e300, 2e300, 1e308}, {(1 << 30) - 1, -(1 << 30), 0, 2147483647}},
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        int32_t out[4];
        CHECK_EQ(mien_box_round(cases[i].box, out), MIEN_OK);
        for (int k = 0; k < 4; k++)
            CHECK_EQ(out[k], cases[i].want[k]);
    }
    const double bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < BASE_COUNT(bad); i++)
        for (int k = 0; k < 4; k++) {
            double box[4] = {1, 1, 1, 1};
            int32_t out[4] = {7, 7, 7, 7};
            box[k] = bad[i];
            CHECK_EQ(mien_box_round(box, out), MIEN_ERR_ARG);
            CHECK(out[0] == 0 && out[3] == 0);
        }
}

static void check_order(const char *const *names, size_t count)
{
    struct base_arena arena = {0};
    const char **paths;
    size_t found;
    char dir[256];
    snprintf(dir, sizeof(dir), "%s", support_file("clip"));
    CHECK_EQ(base_dir_create(dir), MIEN_OK);
    for (size_t i = 0; i < count; i++)
        CHECK_EQ(base_file_write(support_path(dir, names[count - 1 - i]), "x", 1), MIEN_OK);
    CHECK_EQ(data_frames_list(&arena, dir, &paths, &found), MIEN_OK);
    CHECK_EQ(found, count);
    for (size_t i = 0; i < count && i < found; i++)
        CHECK_STR(paths[i], support_path(dir, names[i]));
    base_arena_clear(&arena);
    CHECK_EQ(base_dir_remove(dir), MIEN_OK);
}

static void test_frames(void)
{
    static const char *const plain[] = {"1.png", "2.png", "3.png", "9.png", "10.png", "11.png", "100.png"};
    static const char *const mixed[] = {"a1_2.jpg",
                                        "a1_10.jpg",
                                        "a02_1.jpg",
                                        "a2_1.jpg", /* a tie of the numbers, by bytes */
                                        "a10_1.jpg",
                                        "b.png",
                                        "frame 99999999999999999999998.png",
                                        "frame 100000000000000000000000.png"};
    check_order(plain, BASE_COUNT(plain));
    check_order(mixed, BASE_COUNT(mixed));
}

int main(void)
{
    support_capture();
    test_round();
    test_frames();
    support_clean();
    return check_result();
}
