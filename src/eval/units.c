/* units.c: action units in words. */
#include "eval/units.h"

#include <string.h>

static const struct eval_unit units[] = {
    {1, "The inner ends of the eyebrows are raised.", "The inner ends of the eyebrows are not raised."},
    {2, "The outer ends of the eyebrows are raised.", "The outer ends of the eyebrows are not raised."},
    {4, "The eyebrows are lowered and drawn together.", "The eyebrows are not lowered or drawn together."},
    {5, "The upper eyelids are raised and the eyes look wide.", "The upper eyelids are not raised."},
    {6, "The cheeks are raised and the skin beside the eyes is creased.", "The cheeks are not raised."},
    {7, "The eyelids are tightened and the eyes are narrow.", "The eyelids are relaxed."},
    {9, "The nose is wrinkled.", "The nose is smooth, without wrinkles."},
    {10, "The upper lip is raised.", "The upper lip is not raised."},
    {11, "The folds beside the nose are deepened in their upper part.", "The folds beside the nose are shallow."},
    {12, "The corners of the lips are pulled up in a smile.", "The corners of the lips are not pulled up."},
    {13, "The corners of the lips are drawn up sharply and the cheeks are puffed.",
     "The corners of the lips are not drawn up sharply."},
    {14, "The corners of the mouth are tightened into dimples.", "There are no dimples at the corners of the mouth."},
    {15, "The corners of the lips are pulled down.", "The corners of the lips are not pulled down."},
    {16, "The lower lip is pulled down.", "The lower lip is not pulled down."},
    {17, "The chin is raised and pushes the lower lip up.", "The chin is not raised."},
    {18, "The lips are puckered.", "The lips are not puckered."},
    {20, "The lips are stretched sideways.", "The lips are not stretched sideways."},
    {22, "The lips are funnelled outwards.", "The lips are not funnelled."},
    {23, "The lips are tightened and narrow.", "The lips are not tightened."},
    {24, "The lips are pressed together.", "The lips are not pressed together."},
    {25, "The lips are parted.", "The lips are closed."},
    {26, "The jaw has dropped and the mouth is open.", "The jaw is closed."},
    {27, "The mouth is stretched wide open.", "The mouth is not stretched open."},
    {28, "The lips are sucked into the mouth.", "The lips are not sucked into the mouth."},
    {38, "The nostrils are widened.", "The nostrils are not widened."},
    {43, "The eyes are closed.", "The eyes are open."},
    {45, "The eyes are blinking.", "The eyes are not blinking."},
};

uint32_t eval_unit_number(const char *name)
{
    uint32_t number = 0;
    const char *at = name;
    if ((at[0] == 'A' || at[0] == 'a') && (at[1] == 'U' || at[1] == 'u'))
        at += 2;
    for (; *at >= '0' && *at <= '9' && number < 1000; at++)
        number = 10 * number + (uint32_t)(*at - '0');
    return *at ? 0 : number;
}

const struct eval_unit *eval_unit_find(const char *name)
{
    uint32_t number = eval_unit_number(name);
    for (size_t i = 0; number && i < BASE_COUNT(units); i++)
        if (units[i].number == number)
            return &units[i];
    return NULL;
}

int eval_unit_order(const void *a, const void *b)
{
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    uint32_t i = eval_unit_number(x) - 1, k = eval_unit_number(y) - 1; /* none becomes the largest */
    return i != k ? (i > k) - (i < k) : strcmp(x, y);
}
