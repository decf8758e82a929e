/* Whether a tokenizer and a model belong together, to the row. */
#include "check.h"

#include "base/capture.h"
#include "use/parts.h"

#include <unistd.h>

static struct data_tokenizer *tokenizer; /* 514 tokens: bytes, start 512, end 513 */

static size_t problems(uint32_t rows, uint32_t end, const char *says)
{
    char text[USE_FIT_MOST][USE_FIT_TEXT] = {"", ""};
    struct io_clip_config config;
    io_clip_config_default(&config);
    config.text.vocab = rows;
    config.text.eos = end;
    size_t count = use_tokenizer_problems(tokenizer, &config, text);
    capture_start();
    CHECK_EQ(use_tokenizer_check(tokenizer, &config, "a model"), count ? MIEN_ERR_DATA : MIEN_OK);
    CHECK(count == 0 || (captured_once("a model: ") && captured_once(says)));
    return count;
}

static void test_rows(void)
{
    CHECK_EQ(data_tokenizer_vocab(tokenizer), 514);
    CHECK_EQ(problems(514, 513, ""), 0);
    CHECK_EQ(problems(514 + 63, 513, ""), 0); /* rounded up to a multiple of 64 */
    CHECK_EQ(problems(514 + 64, 513, "rows for 578 tokens, the tokenizer 514 of them"), 1);
    CHECK_EQ(problems(513, 513, "gives \"<|endoftext|>\" the id 513, for which there is no row"), 1);
    CHECK_EQ(problems(514, 512, "ends texts with id 513, config.json says 512"), 1);
    CHECK_EQ(problems(514, 2, ""), 0); /* the legacy value: arg-max */
    CHECK_EQ(problems(49408, 49407, "rows for 49408 tokens"), 2);
    CHECK_EQ(problems(49408, 2, "rows for 49408 tokens"), 1);
}

/* The file is named that gives the id, and rows that added tokens fill count. */
static void test_added(const char *dir)
{
    char path[128];
    static const char added[] = "{\"<my-face>\": 577}";
    CHECK_EQ(base_dir_create(dir), MIEN_OK);
    CHECK_EQ(data_tokenizer_save(tokenizer, dir, 77), MIEN_OK);
    snprintf(path, sizeof(path), "%s/added_tokens.json", dir);
    CHECK_EQ(base_file_write(path, added, sizeof(added) - 1), MIEN_OK);
    data_tokenizer_destroy(&tokenizer);
    CHECK_EQ(data_tokenizer_load(dir, &tokenizer), MIEN_OK);
    if (!tokenizer)
        return;
    CHECK_EQ(problems(514 + 64, 513, ""), 0); /* 63 rows without a token */
    CHECK_EQ(captured_count, 0);
    CHECK_EQ(problems(514 + 64, 2, ""), 0);
    CHECK(captured_once("eos_token_id 2 pools a text at its largest id, which is \"<my-face>\" (577)"));
    CHECK_EQ(problems(514 + 63, 513, "added_tokens.json gives \"<my-face>\" the id 577"), 1);
    base_dir_remove(dir);
}

static void test_none(void)
{
    capture_start();
    CHECK_EQ(use_tokenizer_needed(NULL, "a/dir"), MIEN_ERR_DATA);
    CHECK(captured_once("a/dir: no tokenizer here, so that it serves pictures alone; for texts put vocab.json"));
    CHECK_EQ(use_tokenizer_needed(tokenizer, "a/dir"), MIEN_OK);
}

int main(void)
{
    char dir[64];
    snprintf(dir, sizeof(dir), "test_fit.%d", (int)getpid());
    CHECK_EQ(data_bpe_train(NULL, 0, 514, &tokenizer), MIEN_OK);
    if (tokenizer) {
        test_rows();
        test_none();
        test_added(dir);
    }
    data_tokenizer_destroy(&tokenizer);
    return check_result();
}
