/* Files that are neither PNG nor JPEG, under whatever name: the message says what each is and what to do. */
#include "data/image.h"

#include "io/support.h"

static const struct {
    const char *bytes;
    size_t size;
    const char *says, *remedy;
} files[] = {
#define FILE_OF(bytes, says, remedy)                                                                                   \
    {                                                                                                                  \
        bytes, sizeof(bytes) - 1, says, remedy                                                                         \
    }
    FILE_OF("BM\x36\x10\0\0\0\0\0\0", "BMP", "ffmpeg -i"),
    FILE_OF("GIF87a\1\0\1\0", "GIF", "ffmpeg -i"),
    FILE_OF("GIF89a\1\0\1\0", "GIF", "ffmpeg -i"),
    FILE_OF("II*\0\x08\0\0\0", "TIFF", "ffmpeg -i"),
    FILE_OF("MM\0*\0\0\0\x08", "TIFF", "ffmpeg -i"),
    FILE_OF("RIFF\x24\0\0\0WEBPVP8 ", "WebP", "ffmpeg -i"),
    FILE_OF("\0\0\0\x18"
            "ftypheic\0\0\0\0",
            "HEIC", "save it as PNG or JPEG"),
    FILE_OF("\0\0\0\x18"
            "ftypmif1\0\0\0\0",
            "HEIC or AVIF", "save it as PNG or JPEG"),
    FILE_OF("\0\0\0\x1C"
            "ftypavif\0\0\0\0",
            "AVIF", "ffmpeg -i"),
    FILE_OF("\0\0\0\x1C"
            "ftypisom\0\0\0\0",
            "video", "--video"),
    FILE_OF("\xFF\x0A\xFA\x7F", "JPEG XL", "ffmpeg -i"),
    FILE_OF("\0\0\0\x0CJXL \r\n\x87\n", "JPEG XL", "ffmpeg -i"),
    FILE_OF("\0\0\0\x0CjP  \r\n\x87\n", "JPEG 2000", "ffmpeg -i"),
    FILE_OF("8BPS\0\1", "Photoshop", "save it as PNG or JPEG"),
    FILE_OF("P6\n2 2\n255\n", "PNM", "ffmpeg -i"),
    FILE_OF("%PDF-1.7\n", "PDF", "save it as PNG or JPEG"),
    FILE_OF("<?xml version=\"1.0\"?>\n<svg xmlns=\"x\">", "SVG", "save it as PNG or JPEG"),
    FILE_OF("\n <svg width=\"1\">", "SVG", "save it as PNG or JPEG"),
    FILE_OF("<!DOCTYPE HTML>\n<html><body>404", "web page", "fetch it again"),
    FILE_OF("\xEF\xBB\xBF<Html lang=\"en\">", "web page", "fetch it again"),
    FILE_OF("<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code>", "XML", "fetch it again"),
    FILE_OF("{\"error\": \"no access\"}", "JSON", "fetch it again"),
    FILE_OF("Not found\n", "text", "PNG or JPEG"),
    FILE_OF("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "Git LFS", "git lfs pull"),
    FILE_OF("\x1A\x45\xDF\xA3\x01\0\0\0", "video", "--video"),
    FILE_OF("RIFF\x24\0\0\0AVI LIST", "video", "--video"),
    FILE_OF("PK\3\4\x14\0\0\0", "ZIP", "unpack"),
    FILE_OF("\x1F\x8B\x08\0\0\0", "gzip", "unpack"),
    FILE_OF("\x93NUMPY\1\0v\0", "NumPy", "PNG"),
    FILE_OF("\0\0\0\0\0\0\0\0\0", "zero bytes", "fetch it again"),
    FILE_OF("\x81\x02\x03\x04", "not a PNG or JPEG", "save it as PNG or JPEG"),
    FILE_OF("\x81", "not a PNG or JPEG", "save it as PNG or JPEG"),
};

int main(void)
{
    support_capture();
    for (size_t i = 0; i < BASE_COUNT(files); i++) {
        struct data_image image;
        char *exact = malloc(files[i].size); /* reading past the end shows */
        memcpy(exact, files[i].bytes, files[i].size);
        support_last[0] = '\0';
        CHECK_EQ(data_image_decode("face.jpg", exact, files[i].size, NULL, &image), MIEN_ERR_DATA);
        CHECK_SAYS("face.jpg: ");
        CHECK_SAYS(files[i].says);
        CHECK_SAYS(files[i].remedy);
        CHECK(image.pixels == NULL);
        free(exact);
    }
    return check_result();
}
