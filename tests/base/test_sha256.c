/* SHA-256 against the examples of FIPS 180-4, in pieces of every size. */
#include "check.h"

#include "base/sha256.h"

static const char *hex_of(const void *data, size_t size, size_t piece)
{
    static char hex[65];
    unsigned char out[BASE_SHA256_SIZE];
    struct base_sha256 hash = base_sha256_begin();
    for (size_t at = 0; at < size; at += piece)
        base_sha256_add(&hash, (const char *)data + at, size - at < piece ? size - at : piece);
    base_sha256_end(&hash, out);
    for (int i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", out[i]);
    return hex;
}

int main(void)
{
    static char million[1000000];
    static const char two[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    CHECK_STR(hex_of("", 0, 1), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK_STR(hex_of("abc", 3, 3), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    for (size_t piece = 1; piece < 70; piece++)
        CHECK_STR(hex_of(two, 56, piece), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    memset(million, 'a', sizeof(million));
    CHECK_STR(hex_of(million, sizeof(million), 1000000), hex_of(million, sizeof(million), 4099));
    CHECK_STR(hex_of(million, sizeof(million), 63), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    return check_result();
}
