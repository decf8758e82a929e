/* wording.h: what a caption must be, whoever wrote it: it names its emotion, and is a sentence. */
#ifndef TESTS_WORDING_H
#define TESTS_WORDING_H

#include "data/ferplus.h"

#include <string.h>
#include <strings.h>

static const char *const stems[FERPLUS_EMOTIONS][10] = {
    {"neutral", "calm", "compos", "blank", "impassive"},
    {"happ", "joy", "cheer", "glad", "delight"},
    {"surpris", "amaz", "startl", "astonish"},
    {"sad", "sorrow", "grief", "downcast", "gloomy"},
    {"ang", "annoy", "irritat", "rage", "furious"},
    {"disgust", "distaste", "revuls", "repelled", "revolted"},
    {"fear", "fright", "alarm", "dread", "afraid", "scared"},
    {"contempt", "disdain", "scorn"},
};

static inline bool names_emotion(const char *text, int emotion)
{
    for (int i = 0; i < 10 && stems[emotion][i]; i++) {
        size_t n = strlen(stems[emotion][i]);
        for (const char *p = text; *p; p++)
            if ((p == text || p[-1] == ' ') && strncasecmp(p, stems[emotion][i], n) == 0)
                return true;
    }
    return false;
}

/* A sentence: capital first, full stop last, no field left over, no doubled space, the right article. */
static inline bool well_formed(const char *text)
{
    size_t n = strlen(text);
    static const char *const wrong[] = {"$",    "  ",   " ,",    " .",    "..",    " a a",  " a e", " a i",
                                        " a o", " a u", " an c", " an m", " an n", " an s", "NULL"};
    for (size_t i = 0; i < BASE_COUNT(wrong); i++)
        if (strstr(text, wrong[i]))
            return false;
    return n > 8 && text[0] >= 'A' && text[0] <= 'Z' && text[n - 1] == '.' && strncmp(text, "A a", 3) != 0;
}

#endif
