/* image_format.c: formats by their first bytes. */
#include "data/image_format.h"

#include "base/base.h"

#include <string.h>

#define CONVERT "; convert it to PNG or JPEG, for example: ffmpeg -i FILE NEW.png"
#define OPEN_AND_SAVE "; open it in an image program and save it as PNG or JPEG"
#define VIDEO "; videos are given as such (a name that ends in .mp4 or the like, or mien embed --video)"
#define NOT_HERE "not the picture itself"

struct format {
    size_t at; /* offset of `mark` */
    const char *mark;
    size_t length;
    const char *what;
};

#define MARK(at, mark, what)                                                                                           \
    {                                                                                                                  \
        at, mark, sizeof(mark) - 1, what                                                                               \
    }

static const struct format formats[] = {
    MARK(0, "version https://git-lfs.github.com/", "a pointer of Git LFS, " NOT_HERE "; fetch it with git lfs pull"),
    MARK(0, "BM", "a BMP picture" CONVERT),
    MARK(0, "GIF87a", "a GIF picture" CONVERT),
    MARK(0, "GIF89a", "a GIF picture" CONVERT),
    MARK(0, "II*\0", "a TIFF picture (or a camera's raw file)" CONVERT),
    MARK(0, "MM\0*", "a TIFF picture (or a camera's raw file)" CONVERT),
    MARK(0, "II+\0", "a TIFF picture (BigTIFF)" CONVERT),
    MARK(0, "MM\0+", "a TIFF picture (BigTIFF)" CONVERT),
    MARK(8, "WEBP", "a WebP picture" CONVERT),
    MARK(4, "ftypavif", "an AVIF picture" CONVERT),
    MARK(4, "ftypavis", "an AVIF picture" CONVERT),
    MARK(4, "ftyphei", "a HEIC picture" OPEN_AND_SAVE),
    MARK(4, "ftyphev", "a HEIC picture" OPEN_AND_SAVE),
    MARK(4, "ftypmif1", "a HEIC or AVIF picture" OPEN_AND_SAVE),
    MARK(4, "ftypmsf1", "a HEIC or AVIF picture" OPEN_AND_SAVE),
    MARK(4, "ftypcrx", "a camera's raw picture" OPEN_AND_SAVE),
    MARK(4, "ftyp", "a video (MP4 or QuickTime)" VIDEO),
    MARK(0, "\xFF\x0A", "a JPEG XL picture" CONVERT),
    MARK(0, "\0\0\0\x0CJXL \r\n\x87\n", "a JPEG XL picture" CONVERT),
    MARK(0, "\0\0\0\x0CjP  \r\n\x87\n", "a JPEG 2000 picture" CONVERT),
    MARK(0, "\xFF\x4F\xFF\x51", "a JPEG 2000 picture" CONVERT),
    MARK(0, "II\xBC", "a JPEG XR picture" OPEN_AND_SAVE),
    MARK(0, "\0\0\1\0", "an icon (ICO)" CONVERT),
    MARK(0, "8BPS", "a Photoshop file" OPEN_AND_SAVE),
    MARK(0, "gimp xcf", "a GIMP file" OPEN_AND_SAVE),
    MARK(0, "qoif", "a QOI picture" CONVERT),
    MARK(0, "\x76\x2F\x31\x01", "an OpenEXR picture" CONVERT),
    MARK(0, "#?RADIANCE", "a Radiance HDR picture" CONVERT),
    MARK(0, "#?RGBE", "a Radiance HDR picture" CONVERT),
    MARK(0, "DDS ", "a DDS texture" CONVERT),
    MARK(0, "\xABKTX", "a KTX texture" OPEN_AND_SAVE),
    MARK(0, "\x8AMNG", "an MNG animation" CONVERT),
    MARK(0, "%PDF", "a PDF document" OPEN_AND_SAVE),
    MARK(0, "%!PS", "a PostScript document" OPEN_AND_SAVE),
    MARK(0, "\x1A\x45\xDF\xA3", "a video (Matroska or WebM)" VIDEO),
    MARK(8, "AVI ", "a video (AVI)" VIDEO),
    MARK(0, "PK\3\4", "a ZIP archive; unpack it first"),
    MARK(0, "\x1F\x8B", "a gzip file; unpack it first"),
    MARK(0,
         "\xFD"
         "7zXZ",
         "an xz file; unpack it first"),
    MARK(0, "\x28\xB5\x2F\xFD", "a Zstandard file; unpack it first"),
    MARK(0, "7z\xBC\xAF", "a 7z archive; unpack it first"),
    MARK(0, "Rar!", "a RAR archive; unpack it first"),
    MARK(257, "ustar", "a tar archive; unpack it first"),
    MARK(0, "\x93NUMPY", "a NumPy array; save the picture as PNG"),
};

/* P1 to P7 and a blank. */
static bool is_pnm(const unsigned char *p, size_t size)
{
    return size >= 3 && p[0] == 'P' && p[1] >= '1' && p[1] <= '7' && (p[2] == '\n' || p[2] == ' ' || p[2] == '\r');
}

/* Whether `word` (lower case) is among the first bytes, in any case. */
static bool holds(const unsigned char *p, size_t size, const char *word)
{
    size_t n = strlen(word);
    for (size_t at = 0; at + n <= BASE_MIN(size, 1024); at++) {
        size_t i = 0;
        while (i < n && (p[at + i] >= 'A' && p[at + i] <= 'Z' ? p[at + i] + 32 : p[at + i]) == (unsigned char)word[i])
            i++;
        if (i == n)
            return true;
    }
    return false;
}

/* Text, or something that begins as such. */
static const char *text_format(const unsigned char *p, size_t size)
{
    size_t at = size >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0, plain = at;
    while (at < size && (p[at] == ' ' || p[at] == '\t' || p[at] == '\r' || p[at] == '\n'))
        at++;
    if (at < size && p[at] == '<') {
        if (holds(p, size, "<html") || holds(p, size, "<!doctype html") || holds(p, size, "<head"))
            return "a web page (HTML), " NOT_HERE
                   ": an error or log-in page that was saved in its place? fetch it again";
        if (holds(p, size, "<svg"))
            return "an SVG drawing" OPEN_AND_SAVE;
        return "XML, " NOT_HERE ": an error message that was saved in its place? fetch it again";
    }
    while (plain < BASE_MIN(size, 1024) && ((p[plain] >= 0x20 && p[plain] < 0x7F) || (p[plain] >= 9 && p[plain] <= 13)))
        plain++;
    if (plain < BASE_MIN(size, 1024))
        return NULL;
    return at < size && (p[at] == '{' || p[at] == '[')
               ? "JSON, " NOT_HERE ": an error message that was saved in its place? fetch it again"
               : "text, " NOT_HERE "; give a PNG or JPEG file";
}

static const char *rest_format(const unsigned char *p, size_t size)
{
    size_t zeros = 0;
    const char *text = text_format(p, size);
    if (text)
        return text;
    while (zeros < size && p[zeros] == 0)
        zeros++;
    if (zeros == size)
        return "only zero bytes, " NOT_HERE ": a copy that broke off? fetch it again";
    return "not a PNG or JPEG image" OPEN_AND_SAVE;
}

const char *image_format(const void *data, size_t size)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < BASE_COUNT(formats); i++) {
        const struct format *f = &formats[i];
        if (size >= f->at + f->length && memcmp(p + f->at, f->mark, f->length) == 0)
            return f->what;
    }
    return is_pnm(p, size) ? "a PNM picture (PBM, PGM, PPM)" CONVERT : rest_format(p, size);
}
