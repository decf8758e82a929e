/* Tar archives: what is written is read again; every form of header; damage is named with its byte. */
#include "data/tar.h"

#include "io/support.h"

/* An archive under construction. */
static unsigned char archive[64 * TAR_BLOCK];
static size_t used;

static void put_sum(unsigned char *block)
{
    unsigned sum = 0;
    memset(block + 148, ' ', 8);
    for (int i = 0; i < TAR_BLOCK; i++)
        sum += block[i];
    snprintf((char *)block + 148, 7, "%06o", sum);
}

/* A member of a type; its header, to be changed before put_sum is called once more. */
static unsigned char *put(const char *name, char type, const void *data, size_t size)
{
    unsigned char *block = archive + used;
    memset(block, 0, TAR_BLOCK);
    memcpy(block, name, strlen(name));
    snprintf((char *)block + 124, 12, "%011zo", size);
    block[156] = (unsigned char)type;
    put_sum(block);
    used += TAR_BLOCK;
    memset(archive + used, 0, (size_t)base_round_up(size, TAR_BLOCK));
    memcpy(archive + used, data, size);
    used += (size_t)base_round_up(size, TAR_BLOCK);
    return block;
}

/* Reads all of the archive: names and contents, "a.txt=one b.txt=two ". */
static enum mien_status list(char *out, size_t room)
{
    enum mien_status status = MIEN_OK;
    struct base_in *in = NULL;
    struct tar_reader tar = {0};
    struct tar_member m;
    size_t n = 0;
    out[0] = support_last[0] = 0;
    TRY(base_in_memory("t.tar", archive, used, &in));
    TRY(tar_begin(in, "t.tar", 0, 0, &tar));
    for (;;) {
        TRY(tar_next(&tar, &m));
        if (!m.name)
            break;
        n += (size_t)snprintf(out + n, room - n, "%s=%.*s ", m.name, (int)m.size, (const char *)archive + m.data);
        CHECK(m.header < m.data && m.data + m.size <= m.end && m.end <= used && n < room);
    }
fail:
    tar_clear(&tar);
    base_in_close(&in);
    return status;
}

static void check_list(const char *want)
{
    char got[2048];
    CHECK_EQ(list(got, sizeof(got)), MIEN_OK);
    CHECK_STR(got, want);
}

static void check_bad(const char *part)
{
    char got[2048];
    CHECK_EQ(list(got, sizeof(got)), MIEN_ERR_DATA);
    CHECK(strncmp(support_last, "t.tar: ", 7) == 0 && strstr(support_last, part) != NULL);
    if (!strstr(support_last, part))
        fprintf(stderr, "it said: %s\n", support_last);
}

static void test_plain(void)
{
    used = 0;
    put("a.txt", '0', "one", 3);
    put("dir/", '5', "", 0);
    put("dir/b.txt", 0, "two", 3); /* the form of 1979 */
    put("empty", '7', "", 0);
    check_list("a.txt=one dir/b.txt=two empty= "); /* the file's end ends it */
    memset(archive + used, 0, 2 * TAR_BLOCK);
    used += 2 * TAR_BLOCK;
    check_list("a.txt=one dir/b.txt=two empty= ");
    memcpy(archive + used, "rubbish", 7); /* what stands behind the end is nobody's */
    used += 7;
    check_list("a.txt=one dir/b.txt=two empty= ");
    used = 0;
    put("a.txt", '0', "one", 3);
    used -= TAR_BLOCK - 3; /* the last block may be short */
    check_list("a.txt=one ");
}

static void test_names(void)
{
    unsigned char *block;
    char name[201];
    used = 0;
    memset(name, 'n', 200);
    name[200] = 0;
    put("././@LongLink", 'L', name, 201);
    put("short", '0', "gnu", 3);
    put("PaxHeaders/x", 'g', "14 comment=no\n", 14);
    put("PaxHeaders/x", 'x', "17 mtime=1234567\n14 path=p.txt\n", 31);
    put("short", '0', "pax", 3);
    block = put("name", '0', "ustar", 5);
    memcpy(block + 257, "ustar", 6);
    memcpy(block + 263, "00", 2);
    memcpy(block + 345, "some/dir", 8);
    put_sum(block);
    put("after", '0', "x", 1); /* none of the names above is its own */
    char want[512];
    snprintf(want, sizeof(want), "%s=gnu p.txt=pax some/dir/name=ustar after=x ", name);
    check_list(want);
}

static void test_sizes(void)
{
    unsigned char *block;
    used = 0;
    block = put("binary", '0', "four", 4);
    memset(block + 124, 0, 12);
    block[124] = 0x80;
    block[135] = 4;
    put_sum(block);
    put("PaxHeaders/x", 'x', "9 size=5\n", 9);
    block = put("wide", '0', "wider", 5);
    memset(block + 124, '0', 11); /* as where it does not fit */
    put_sum(block);
    put("after", '0', "x", 1);
    check_list("binary=four wide=wider after=x ");
    block[124] = '9';
    put_sum(block);
    check_bad("byte 2048: the size of a member is no number");
}

static void test_damage(void)
{
    unsigned char *block;
    used = 0;
    put("a.txt", '0', "one", 3);
    block = put("b.txt", '0', "two", 3);
    block[3]++;
    check_bad("byte 1024: no header of a tar archive, or a damaged one");
    block[3]--;
    used -= 510;
    check_bad("byte 1024: a member of 3 bytes begins, of which 2 are there");
    used = 1024 + 100;
    check_bad("byte 1024: the file ends within a header");
    used = 0;
    check_bad("is empty");
    memset(archive, 0, TAR_BLOCK);
    memcpy(archive, "\x1f\x8b\x08", 3);
    used = TAR_BLOCK;
    check_bad("is compressed (gzip); shards are read in place: unpack it by gunzip <t.tar >OTHER.tar");
    used = 0;
    put("PaxHeaders/x", 'x', "99 path=p.txt\n", 14);
    put("short", '0', "pax", 3);
    check_bad("byte 0: a pax header whose records have wrong lengths");
    used = 0;
    put("PaxHeaders/x", 'x', "9 size=x\n", 9);
    put("short", '0', "pax", 3);
    check_bad("byte 0: a pax header whose size is no number");
}

static void test_refused(void)
{
    static const struct {
        char type;
        const char *part;
    } kinds[] = {
        {'1', "is a link"}, {'2', "is a link"}, {'S', "is sparse"}, {'M', "another volume"}, {'3', "type '3'"}};
    for (size_t i = 0; i < BASE_COUNT(kinds); i++) {
        used = 0;
        put("a.txt", '0', "one", 3);
        put("b.txt", kinds[i].type, "", 0);
        check_bad(kinds[i].part);
        CHECK(strstr(support_last, "byte 1024: the member b.txt") != NULL);
    }
    used = 0;
    put("PaxHeaders/x", 'x', "22 GNU.sparse.major=1\n", 22);
    put("b.txt", '0', "x", 1);
    check_bad("a sparse file");
}

/* The writer's bytes, read again; the same twice. */
static void test_written(void)
{
    char *data = NULL;
    size_t size = 0;
    for (int i = 0; i < 2; i++) {
        struct base_out *out = NULL;
        CHECK_EQ(base_out_open(support_file(i ? "b.tar" : "a.tar"), &out), MIEN_OK);
        CHECK_EQ(tar_write(out, "000000000.json", "{}", 2), MIEN_OK);
        CHECK_EQ(tar_write(out, "000000000.txt", "", 0), MIEN_OK);
        CHECK_EQ(tar_write_end(out), MIEN_OK);
        CHECK_EQ(base_out_commit(&out), MIEN_OK);
    }
    CHECK_EQ(base_file_read(support_file("b.tar"), sizeof(archive), &data, &size), MIEN_OK);
    CHECK_EQ(size, 5 * TAR_BLOCK);
    memcpy(archive, data, size);
    base_free(data);
    used = size;
    check_list("000000000.json={} 000000000.txt= ");
    CHECK_EQ(base_file_read(support_file("a.tar"), sizeof(archive), &data, &size), MIEN_OK);
    CHECK(memcmp(archive, data, size) == 0);
    base_free(data);
}

int main(void)
{
    support_capture();
    test_plain();
    test_names();
    test_sizes();
    test_damage();
    test_refused();
    test_written();
    support_clean();
    return check_result();
}
