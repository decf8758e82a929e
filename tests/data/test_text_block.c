/* Texts as a block of tokens: its length, what is cut, ends and padding. */
#include "check.h"
#include "data/loader.h"

static struct data_tokenizer *tokenizer;

static void test_text_blocks(void)
{
    struct data_text_block block;
    const char *texts[] = {"face", "", "happy happy happy happy happy happy happy happy happy happy"};
    CHECK_EQ(data_texts_encode(tokenizer, texts, 3, 77, &block), MIEN_OK);
    CHECK(block.length == 16 && block.cut == 0 && block.eot[0] == 2 && block.eot[1] == 1 && block.eot[2] == 11);
    data_texts_free(&block);
    CHECK_EQ(data_texts_encode(tokenizer, texts, 3, 6, &block), MIEN_OK);
    CHECK(block.length == 6 && block.cut == 1 && block.eot[2] == 5);
    CHECK_EQ(block.tokens[2 * 6 + 5], data_tokenizer_eos(tokenizer));
    CHECK_EQ(block.tokens[3], data_tokenizer_pad(tokenizer));
    data_texts_free(&block);
    CHECK_EQ(data_texts_encode(tokenizer, texts, 3, 1, &block), MIEN_ERR_ARG);
    CHECK_EQ(data_texts_encode(tokenizer, NULL, 0, 8, &block), MIEN_OK);
    data_texts_free(&block);
}

int main(void)
{
    const char *texts[] = {"face number happy sad very sum turned left", "face number happy sad very"};
    CHECK_EQ(data_bpe_train(texts, 2, 560, &tokenizer), MIEN_OK);
    if (tokenizer)
        test_text_blocks();
    data_tokenizer_destroy(&tokenizer);
    return check_result();
}
