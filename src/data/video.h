/* video.h: frames of video files, decoded by the program ffmpeg where it is installed. */
#ifndef DATA_VIDEO_H
#define DATA_VIDEO_H

#include "data/image.h"

struct data_video;

/* Begins to read those frames of a file that data_frames_pick takes when there are more than `most` (SIZE_MAX: all).
 * The file is then read twice, since only counting tells how many it has; of its frames one is in memory at a time. A
 * rotation that the file states is applied; params->ignore_exif and keep_alpha mean nothing here. params may be NULL.
 * MIEN_ERR_DATA, with `path`: no ffmpeg on PATH, no regular file, no video, a damaged one (all that ffmpeg calls an
 * error). */
enum mien_status data_video_open(const char *path, size_t most, const struct data_image_params *params,
                                 struct data_video **out);

/* The next frame, 3 channels, for data_image_free; no pixels at the end. Errors as above, also for what ffmpeg finds at
 * the end only: the frames are good when the end has been reached. */
enum mien_status data_video_next(struct data_video *video, struct data_image *out);

void data_video_close(struct data_video **video); /* also before the end; accepts NULL */

#endif
