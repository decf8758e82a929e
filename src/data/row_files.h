/* row_files.h: whether the files that rows name are there, before anything is decoded. */
#ifndef DATA_ROW_FILES_H
#define DATA_ROW_FILES_H

#include "data/pack.h"

/* Asks for the picture, video, folder or frames of rows [count] (indices into the manifest), on several threads; what
 * the pack (or NULL) holds is there. Names the rows whose files are missing as warnings and sets missing[i] (may be
 * NULL). MIEN_ERR_DATA: they are more than the share `most` of the rows. `what` names the rows: "data.train". */
enum mien_status data_rows_find(const struct data_manifest *manifest, const struct data_pack *pack,
                                const uint32_t *rows, size_t count, double most, const char *what, bool *missing);

#endif
