/* frames.h: which files of a directory are a clip's frames, and which of them are used. */
#ifndef DATA_FRAMES_H
#define DATA_FRAMES_H

#include "base/base.h"

/* Whether a name, or a path, ends as a PNG or JPEG file does, in any case, and is not hidden. */
bool data_is_frame(const char *name);

/* Paths of a directory's PNG and JPEG files (by their names' ending, in any case), in the natural order of their names,
 * in the arena; hidden files are passed over. MIEN_ERR_DATA when it is no directory or has no such file. */
enum mien_status data_frames_list(struct base_arena *arena, const char *dir, const char ***paths, size_t *count);

/* The natural order of names, as strcmp: runs of digits compare as numbers, all else as bytes, ties by bytes. */
int data_natural_order(const char *a, const char *b);

/* Index of frame i of `want` out of `total` at equal spacing: the middle one of the i-th of `want` equal parts; i
 * itself when total <= want. */
size_t data_frames_pick(size_t total, size_t want, size_t i);

#endif
