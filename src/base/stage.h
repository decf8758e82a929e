/* stage.h: directories that appear whole. Like an output file, one is built under a temporary name beside its place and
 * renamed. Whatever Mien makes for a time begins with ".mien-"; nothing else is ever removed or renamed here.
 *
 * For DIR/NAME there are, while it is built, DIR/.mien-new-NAME, DIR/.mien-lock-NAME (who builds it) and, while it is
 * replaced, DIR/.mien-old-NAME (what it was). */
#ifndef BASE_STAGE_H
#define BASE_STAGE_H

#include "mien/common.h"

struct base_stage;

/* An empty directory to build `target` in; its parents are made. What a killed process has left of an earlier try is
 * removed first. MIEN_ERR_ARG: another process builds it now; MIEN_ERR_IO. */
enum mien_status base_stage_open(const char *target, struct base_stage **out);
/* The same for directories that Mien names itself: a link of that name is replaced, never followed. */
enum mien_status base_stage_open_own(const char *target, struct base_stage **out);
const char *base_stage_dir(const struct base_stage *stage);

/* The directory gets its name; clears *stage, also on failure. MIEN_ERR_IO when something has it already, an empty
 * directory apart. */
enum mien_status base_stage_commit(struct base_stage **stage);
/* The same in place of what has the name. A crash between the two renames leaves the old one aside: base_stage_recover
 * puts it back. */
enum mien_status base_stage_replace(struct base_stage **stage);
void base_stage_abandon(struct base_stage **stage); /* removes it; accepts NULL */

/* Removes a directory: its name goes first, so that half of it is never taken for the whole. Of a link, the link. */
enum mien_status base_stage_remove(const char *target);

/* In a directory: removes what killed processes have left there of outputs, stages and removals, and puts back what
 * they have set aside. What a living process holds stays; so do all names that do not begin with ".mien-". A directory
 * that is not there is fine. */
enum mien_status base_stage_recover(const char *dir);

/* The same, without a word where it cannot be done: every output that is begun tidies the directory it is to lie in. */
void base_stage_tidy(const char *dir);

#endif
