/* import_rule.h: inside data: layouts that are told by rules: where lists of samples stand, where the files that they
 * name are, or patterns of paths that say all; and what labels are called. */
#ifndef DATA_IMPORT_RULE_H
#define DATA_IMPORT_RULE_H

#include "data/import.h"

/* ---- patterns of paths ---- */

/* Parts are separated by '/'; letters count in either case. '*' is any run of characters, '?' any one, '#' one digit or
 * more; <label>, <subject> and <number> are runs of at least one that are kept, as short as the rest allows. */
enum { IMPORT_WORD = 128 };

struct import_match {
    const char *path;                                                   /* below the top, as it stands on the disk */
    char label[IMPORT_WORD], subject[IMPORT_WORD], number[IMPORT_WORD]; /* "" = none */
};

typedef enum mien_status (*import_found_fn)(struct import *in, const struct import_match *match, void *user);

/* Whether a name is as a pattern of one part says; match keeps what it names. */
bool import_name_fits(const char *pattern, const char *name, struct import_match *match);

/* All paths below the top that fit, in natural order of their parts. What stands beside the last part and does not fit
 * is counted as passed over when `count_rest`. */
enum mien_status import_walk(struct import *in, const char *pattern, bool count_rest, import_found_fn fn, void *user);

/* The first of `patterns` (ended by NULL) that something fits, as a path in the import's arena; NULL: none. */
enum mien_status import_first(struct import *in, const char *const *patterns, const char **out);

/* ---- labels ---- */

/* The nouns of a label, in the row's arena: of a number in the order `numbers` (separated by blanks, "a+b" a compound),
 * which begins at `base`; or of a word, by any of the names that data sets have for an emotion, compounds joined by '_'
 * or '+'. *count 0: it is none. numbers may be NULL. */
enum mien_status import_labels(struct import *in, const char *numbers, int base, const char *text,
                               const char *const **out, uint32_t *count);

/* ---- samples ---- */

/* Whether an entry has been seen since the last import_forget; it is kept. */
enum mien_status import_seen(struct import *in, const char *entry, bool *seen);
void import_forget(struct import *in);

/* Makes the path (in the row's arena) the source of the row: a directory of pictures its frames, a file of video its
 * video, all else its image. *found: false where nothing is there, or a directory without a picture. A picture of a
 * format that Mien does not read is taken from PATH.png beside it. MIEN_ERR_DATA: there is none, or Git LFS. */
enum mien_status import_source(struct import *in, const char *path, struct data_row *row, bool *found);

/* Which split a row has that is tested by fold `fold`: by the fold that was asked for, else none, and it carries its
 * fold. */
void import_set_fold(const struct import *in, int32_t fold, struct data_row *row);

/* import_row, unless the label is one that fewer classes leave out; that is counted. */
enum mien_status import_labelled(struct import *in, const struct data_row *row, cJSON *more);

/* Nothing of the layout is there: MIEN_ERR_DATA with what it is. */
enum mien_status import_no_layout(const struct import *in);

/* ---- rules ---- */

struct import_rule {
    const char *numbers; /* of labels, as import_labels has them */
    int base;
    /* lists of samples, "NAME LABEL" a line, or a table with the columns video_name and label; %d in the pattern is the
     * fold. Each list is the first pattern that something fits, of those with one split. */
    struct {
        const char *pattern;
        enum data_split split;
    } lists[8];
    bool split_by_name;  /* names begin with train or test */
    const char *sibling; /* the directory of another set of the same layout, whose numbers mean something else */
    /* where a list's files are: directories by pattern; file with <name>, <stem> (without its ending) or <five> (as
     * five digits). The first that is there counts. */
    struct {
        const char *dir, *file;
    } places[6];
    /* where no list is there, or without lists: patterns that tell samples */
    struct {
        const char *pattern;
        enum data_split split;
    } tree[8];
    bool once;               /* of files that differ in their endings, or in the first `key_from` letters, one counts */
    size_t key_from;         /* the first in order of the patterns, then of names */
    const char *without;     /* names (separated by blanks) that are left out: broken in the original */
    int32_t last_subject[8]; /* folds by the subject's number: the last one of each; 0 ends */
    const char *subjects;    /* or by its place among these, separated by blanks */
    const char *levels; /* of intensity, the least first: what <number> says becomes the target "intensity", from 1 */
    /* What else is known of a sample, by its name; NULL: nothing. What it adds is in the row's arena. */
    enum mien_status (*rate)(struct import *in, const char *name, struct data_row *row);
};

/* run of a layout that has a rule. */
enum mien_status import_by_rule(struct import *in);

#endif
