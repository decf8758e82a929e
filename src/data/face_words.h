/* face_words.h: inside data: words for emotions and for movements of the face; English, our own. */
#ifndef DATA_FACE_WORDS_H
#define DATA_FACE_WORDS_H

#include <stdbool.h>

enum { FACE_WORDS = 6, FACE_REGIONS = 4 };

struct face_words { /* the plainest first, the strongest last; NULL where there are fewer */
    const char *nouns[FACE_WORDS], *adjectives[FACE_WORDS];
    const char *regions[FACE_REGIONS]; /* what such a face tends to show: eyes, brows, mouth, the rest */
    bool calm;                         /* is not more or less strong, but more or less complete */
};

/* Words for a label: of the emotion that has it among its nouns or adjectives, that word first of its kind. False: it
 * is none of them; then its one noun is the label itself. */
bool face_words_find(const char *label, struct face_words *out);

struct face_unit {
    unsigned number;
    const char *cue;      /* "raised inner brows" */
    const char *forms[3]; /* clauses, with the degree as $d */
};

/* "AU12" or "12"; NULL: there are no words for it. */
const struct face_unit *face_unit_find(const char *name);

#endif
