/* Where a caption is split into sentences. */
#include "data/manifest.h"

#include "io/support.h"

/* The sentences of a text, joined by "|". */
static void check(const char *text, const char *want)
{
    struct base_arena arena = {0};
    struct data_caption c;
    struct base_text got = {0};
    CHECK_EQ(data_caption_split(&arena, text, &c), MIEN_OK);
    base_text_print(&got, "%s", c.global ? c.global : "");
    for (uint32_t i = 0; i < c.local_count; i++)
        base_text_print(&got, "|%s", c.local[i]);
    if (c.summary)
        base_text_print(&got, "|%s", c.summary);
    CHECK_STR(got.data, want);
    base_text_clear(&got);
    base_arena_clear(&arena);
}

static void test_stops(void)
{
    check("One. Two! Three? Four", "One.|Two!|Three?|Four");
    check("One?! Two... Three!!! ", "One?!|Two...|Three!!!");
    check("One.Two 3.5 cm 1.000,5", "One.Two 3.5 cm 1.000,5");
    check("AU1.5 is up. AU 12. Next", "AU1.5 is up.|AU 12.|Next");
    check("One.\xC2\xA0Two.\xE3\x80\x80Three.\nFour.\tFive", "One.|Two.|Three.|Four.|Five"); /* blanks of all kinds */
    check("...", "...");
    check("", "");
}

static void test_closing(void)
{
    check("\"One.\" Two. (Three.) Four.] Five", "\"One.\"|Two.|(Three.)|Four.]|Five");
    check("She says \xE2\x80\x9CYes.\xE2\x80\x9D He nods.", "She says \xE2\x80\x9CYes.\xE2\x80\x9D|He nods.");
    check("\xC2\xAB Oui. \xC2\xBB Non.", "\xC2\xAB Oui.|\xC2\xBB Non.");
    check("(\"One!\"). Two", "(\"One!\").|Two");
}

static void test_wide(void)
{
    check("\xE5\xA5\xB9\xE7\xAC\x91\xE3\x80\x82\xE4\xBB\x96\xE5\x93\xAD\xEF\xBC\x81\xE5\x95\x8A",
          "\xE5\xA5\xB9\xE7\xAC\x91\xE3\x80\x82|\xE4\xBB\x96\xE5\x93\xAD\xEF\xBC\x81|\xE5\x95\x8A");
    check("\xE3\x80\x8C\xE7\xAC\x91\xE3\x80\x82\xE3\x80\x8D\xE4\xBB\x96\xEF\xBC\x9F\xEF\xBC\x81\xE5\x93\xAD",
          "\xE3\x80\x8C\xE7\xAC\x91\xE3\x80\x82\xE3\x80\x8D|\xE4\xBB\x96\xEF\xBC\x9F\xEF\xBC\x81|\xE5\x93\xAD");
    check("\xEF\xBC\x93\xEF\xBC\x8E\xEF\xBC\x95 cm\xEF\xBC\x8E"
          "a", /* 3.5 cm.a, of full width */
          "\xEF\xBC\x93\xEF\xBC\x8E\xEF\xBC\x95 cm\xEF\xBC\x8E|a");
    check("\xEF\xBD\xB1\xEF\xBD\xA1\xEF\xBD\xB1", "\xEF\xBD\xB1\xEF\xBD\xA1|\xEF\xBD\xB1"); /* half width */
}

static void test_abbreviations(void)
{
    static const char *const all[] = {"al",     "approx", "ca",   "capt", "cf",   "col", "dept", "dr",   "eq",   "eqs",
                                      "esp",    "etc",    "excl", "fig",  "figs", "gen", "hon",  "incl", "jr",   "lt",
                                      "messrs", "mr",     "mrs",  "ms",   "mt",   "mx",  "no",   "nos",  "nr",   "pp",
                                      "prof",   "resp",   "rev",  "sgt",  "sr",   "st",  "viz",  "vol",  "vols", "vs"};
    char text[128];
    for (size_t i = 0; i < BASE_COUNT(all); i++) {
        snprintf(text, sizeof(text), "See %s. that one.", all[i]);
        check(text, text);
    }
    check("A person approx. 20 years old smiles.", "A person approx. 20 years old smiles.");
    check("Mr. and MRS. Dr. Who smile. They do.", "Mr. and MRS. Dr. Who smile.|They do.");
    check("Happy, e.g. at a party, i.e. smiling. J. R. Smith.", "Happy, e.g. at a party, i.e. smiling.|J. R. Smith.");
    check("Brows, lips (etc.) move. The end (lips etc.). Next.", "Brows, lips (etc.) move.|The end (lips etc.).|Next.");
    check("The U.S. flag. \xC3\x89. Zola.", "The U.S. flag.|\xC3\x89. Zola.");
    /* words that only look like one */
    check("A face isn\xE2\x80\x99t. It isn't. Almost. Fine", "A face isn\xE2\x80\x99t.|It isn't.|Almost.|Fine");
    check("Grade 5C. Unfig. Next", "Grade 5C.|Unfig.|Next");
    check("She can etc... The end", "She can etc...|The end"); /* an ellipsis ends it */
    check("Really, Dr.! Yes", "Really, Dr.!|Yes");
}

int main(void)
{
    support_capture();
    test_stops();
    test_closing();
    test_wide();
    test_abbreviations();
    support_clean();
    return check_result();
}
