/* face_words.c: emotions, what faces tend to show with them, and facial action units, in words of our own. No word
 * names a side. */
#include "data/face_words.h"

#include "base/base.h"

#include <string.h>

#define OTHER "an emotion beyond the basic ones"

static const struct face_words all[] = {
    {.nouns = {"neutrality", "calm", "composure"},
     .adjectives = {"neutral", "calm", "composed", "blank", "impassive"},
     .regions = {"the eyes are usually neither wide nor narrow", "the brows usually lie level",
                 "the lips tend to stay closed and at rest", "the cheeks tend to stay smooth"},
     .calm = true},
    {.nouns = {"happiness", "joy", "cheerfulness", "delight"},
     .adjectives = {"happy", "joyful", "cheerful", "glad", "delighted"},
     .regions = {"the eyes tend to narrow above a smile", "the brows usually stay relaxed",
                 "the corners of the mouth tend to rise", "the cheeks tend to lift and round"}},
    {.nouns = {"surprise", "amazement", "astonishment"},
     .adjectives = {"surprised", "amazed", "startled", "astonished"},
     .regions = {"the eyes tend to open wide", "the brows tend to rise in an arch",
                 "the jaw often drops and leaves the mouth open", "lines often run across the forehead"}},
    {.nouns = {"sadness", "sorrow", "grief"},
     .adjectives = {"sad", "sorrowful", "downcast", "gloomy"},
     .regions = {"the upper eyelids tend to droop", "the inner ends of the brows tend to rise",
                 "the corners of the mouth tend to sink", "the chin often puckers"}},
    {.nouns = {"anger", "annoyance", "irritation", "rage"},
     .adjectives = {"angry", "annoyed", "irritated", "furious"},
     .regions = {"the eyes tend to stare from tense lids", "the brows tend to come down and together",
                 "the lips are often pressed tight or bare the teeth", "the nostrils often flare"}},
    {.nouns = {"disgust", "distaste", "revulsion"},
     .adjectives = {"disgusted", "repelled", "revolted"},
     .regions = {"the eyes tend to narrow from below", "the brows tend to lower", "the upper lip tends to curl up",
                 "the nose tends to wrinkle"}},
    {.nouns = {"fear", "fright", "alarm", "dread"},
     .adjectives = {"fearful", "afraid", "scared", "frightened"},
     .regions = {"the eyes tend to widen until white shows above the iris", "the brows tend to rise and draw together",
                 "the lips often stretch sideways", "short lines often mark the middle of the forehead"}},
    {.nouns = {"contempt", "disdain", "scorn"},
     .adjectives = {"contemptuous", "disdainful", "scornful"},
     .regions = {"the gaze often comes from under heavy lids", "one brow may stand above the other",
                 "one corner of the mouth tends to tighten and lift", "the chin often tips up"}},
    {.nouns = {"calm", "serenity", "peace"},
     .adjectives = {"calm", "serene", "peaceful", "relaxed"},
     .regions = {"the eyes tend to rest softly", "the brows tend to lie smooth",
                 "the lips tend to meet without pressure", "the whole face tends to be loose"},
     .calm = true},
    {.nouns = {"anxiety", "worry", "unease"},
     .adjectives = {"anxious", "worried", "uneasy", "tense"},
     .regions = {"the eyes tend to look about from tense lids", "the brows tend to draw together and up in the middle",
                 "the lips are often pressed or bitten", "the jaw tends to be tight"}},
    {.nouns = {"helplessness", "despair", "powerlessness"},
     .adjectives = {"helpless", "lost", "desperate"},
     .regions = {"the eyes tend to look up or away as if for help", "the inner ends of the brows tend to rise",
                 "the mouth tends to hang slack", "the head often sinks"}},
    {.nouns = {"disappointment", "letdown", "frustration"},
     .adjectives = {"disappointed", "let down", "frustrated"},
     .regions = {"the gaze tends to drop", "the brows tend to sink a little and draw together",
                 "the lips are often pressed with their corners down", "a sigh often shows in the cheeks"}},
    {.nouns = {OTHER, "something else than the basic emotions"}},
};

static const struct face_unit units[] = {
    {1,
     "raised inner brows",
     {"the inner brows are $d raised", "the inner ends of the brows rise $d", "the inner brow raiser is $d active"}},
    {2,
     "raised outer brows",
     {"the outer brows are $d raised", "the outer ends of the brows rise $d", "the outer brow raiser is $d active"}},
    {4,
     "lowered brows",
     {"the brows are $d lowered and drawn together", "the brows knit $d into a frown",
      "the brow lowerer is $d active"}},
    {5,
     "wide open eyes",
     {"the eyes are $d widened", "the upper lids are raised $d", "the upper lid raiser is $d active"}},
    {6,
     "raised cheeks",
     {"the cheeks are $d raised", "the cheeks push up $d below the eyes", "the cheek raiser is $d active"}},
    {7, "tightened lids", {"the lids are $d tightened", "the eyes narrow $d", "the lid tightener is $d active"}},
    {9,
     "a wrinkled nose",
     {"the nose is $d wrinkled", "wrinkles run $d across the root of the nose", "the nose wrinkler is $d active"}},
    {10,
     "a raised upper lip",
     {"the upper lip is $d raised", "the upper lip curls up $d", "the upper lip raiser is $d active"}},
    {11,
     "deepened folds beside the nose",
     {"the folds beside the nose are $d deepened", "the nasolabial folds show $d",
      "the nasolabial deepener is $d active"}},
    {12,
     "raised lip corners",
     {"the lip corners are pulled up $d", "the mouth curves $d into a smile", "the lip corner puller is $d active"}},
    {13,
     "puffed cheeks",
     {"the lip corners are drawn up $d and puff the cheeks", "the cheeks are $d puffed by the mouth",
      "the sharp lip puller is $d active"}},
    {14,
     "dimpled mouth corners",
     {"the mouth corners are $d dimpled", "the corners of the mouth are pressed in $d", "the dimpler is $d active"}},
    {15,
     "lowered lip corners",
     {"the lip corners are pulled down $d", "the mouth curves $d downward", "the lip corner depressor is $d active"}},
    {16,
     "a lowered lower lip",
     {"the lower lip is pulled down $d", "the lower teeth show $d", "the lower lip depressor is $d active"}},
    {17,
     "a raised chin",
     {"the chin is $d raised", "the chin pushes the lower lip up $d", "the chin raiser is $d active"}},
    {18, "puckered lips", {"the lips are $d puckered", "the mouth is $d pursed", "the lip pucker is $d active"}},
    {20,
     "stretched lips",
     {"the lips are $d stretched sideways", "the mouth is drawn wide $d", "the lip stretcher is $d active"}},
    {22, "funnelled lips", {"the lips are $d funnelled", "the lips turn outwards $d", "the lip funneler is $d active"}},
    {23,
     "tightened lips",
     {"the lips are $d tightened", "the lips are drawn $d narrow", "the lip tightener is $d active"}},
    {24,
     "pressed lips",
     {"the lips are $d pressed together", "the mouth is $d shut tight", "the lip pressor is $d active"}},
    {25, "parted lips", {"the lips are $d parted", "the lips stand $d apart", "the lips part $d"}},
    {26, "a dropped jaw", {"the jaw has dropped $d", "the mouth hangs $d open", "the jaw is $d lowered"}},
    {27,
     "a mouth stretched open",
     {"the mouth is $d stretched open", "the mouth gapes $d", "the mouth stretch is $d active"}},
    {28,
     "sucked in lips",
     {"the lips are $d sucked in", "the lips are drawn $d over the teeth", "the lip suck is $d active"}},
    {38,
     "widened nostrils",
     {"the nostrils are $d widened", "the nostrils flare $d", "the nostril dilator is $d active"}},
    {43, "closed eyes", {"the eyes are $d closed", "the lids fall $d over the eyes", "the upper lids are $d lowered"}},
    {45, "blinking eyes", {"the eyes blink $d", "the lids are caught $d in a blink", "a blink shows $d"}},
};

/* Where a word stands in a list, or -1. */
static int place_of(const char *const list[FACE_WORDS], const char *word)
{
    for (int i = 0; i < FACE_WORDS && list[i]; i++)
        if (strcmp(list[i], word) == 0)
            return i;
    return -1;
}

static void bring_forward(const char *list[FACE_WORDS], int at)
{
    const char *first = list[0];
    if (at > 0) {
        list[0] = list[at];
        list[at] = first;
    }
}

bool face_words_find(const char *label, struct face_words *out)
{
    const char *word = strcmp(label, "neutral") == 0 ? "neutrality" : strcmp(label, "other") == 0 ? OTHER : label;
    for (int plainest = 1; plainest >= 0; plainest--) { /* calm is itself before it is another word for neutrality */
        for (size_t i = 0; i < BASE_COUNT(all); i++) {
            int noun = place_of(all[i].nouns, word), adjective = noun < 0 ? place_of(all[i].adjectives, word) : -1;
            if (plainest ? noun != 0 : noun < 0 && adjective < 0)
                continue;
            *out = all[i];
            bring_forward(out->nouns, noun);
            bring_forward(out->adjectives, adjective);
            return true;
        }
    }
    *out = (struct face_words){.nouns = {label}};
    return false;
}

const struct face_unit *face_unit_find(const char *name)
{
    unsigned number = 0;
    const char *at = name + ((name[0] == 'A' || name[0] == 'a') && (name[1] == 'U' || name[1] == 'u') ? 2 : 0);
    for (; *at >= '0' && *at <= '9' && number < 1000; at++)
        number = 10 * number + (unsigned)(*at - '0');
    for (size_t i = 0; !*at && i < BASE_COUNT(units); i++)
        if (units[i].number == number)
            return &units[i];
    return NULL;
}
