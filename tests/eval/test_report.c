/* Reports of whatever numbers a log or a result holds: the page ends, is small, and shows numbers only. */
#include "check.h"

#include "base/capture.h"
#include "data/png_write.h"
#include "eval/page.h"
#include "mien/eval.h"

#include <float.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static char root[] = "/tmp/mien-report-XXXXXX";

static const char *in_root(const char *name)
{
    static char path[2][512];
    static int next;
    next = (next + 1) % 2;
    snprintf(path[next], sizeof(path[next]), "%s/%s", root, name);
    return path[next];
}

static void put(const char *name, const char *text)
{
    CHECK_EQ(base_file_write(in_root(name), text, strlen(text)), MIEN_OK);
}

/* The page, when it was written; free with base_free. */
static char *page_of(const char *input, enum mien_status expected)
{
    char *text = NULL, *path = base_path_join(root, input);
    const char *const inputs[] = {path};
    size_t size = 0;
    CHECK_EQ(base_dir_remove(in_root("page.html")), MIEN_OK);
    capture_start();
    CHECK_EQ(mien_report(inputs, 1, in_root("page.html")), expected);
    if (expected == MIEN_OK)
        CHECK_EQ(base_file_read(in_root("page.html"), 1 << 20, &text, &size), MIEN_OK);
    base_free(path);
    return text;
}

static uint32_t count_of(const char *text, const char *part)
{
    uint32_t count = 0;
    for (const char *at = text; at && (at = strstr(at, part)) != NULL; at += strlen(part))
        count++;
    return count;
}

/* ---- runs and results ---- */

static void test_log(void)
{
    static const char row[] = "{\"kind\":\"step\",\"step\":%s,\"loss\":%s,\"lr\":%s}\n";
    static const char *const values[] = {"100000000000000000", "100000000000000016", "-1e308", "1e308",
                                         "4.9e-324",           "\"seven\"",          "7.5",    "0"};
    char log[4096];
    size_t at = 0;
    CHECK_EQ(base_dir_create(in_root("run")), MIEN_OK);
    for (size_t i = 0; i < BASE_COUNT(values); i++)
        at += (size_t)snprintf(log + at, sizeof(log) - at, row, values[i], values[(i + 1) % BASE_COUNT(values)],
                               values[(i + 3) % BASE_COUNT(values)]);
    put("run/log.jsonl", log);
    char *text = page_of("run", MIEN_OK);
    CHECK(text && strstr(text, "loss over steps") && strlen(text) < 60000);
    base_free(text);
    put("run/log.jsonl", "{\"kind\":\"step\"}\n{\"kind\":\"eval\",\"step\":1e300}\n");
    text = page_of("run", MIEN_OK);
    CHECK(text && !strstr(text, "nan"));
    base_free(text);
}

static void test_result(void)
{
    static const char form[] = "{\"task\":\"zero-shot\",\"n\":3,\"classes\":[\"a\",\"b\"],\"confusion\":%s,"
                               "\"recall\":[1e300,-2],\"recall_interval\":[[0,1e300],[0.1,0.2]],"
                               "\"map\":[[0,0,1e300],[1e300,0,0],[0,0,-1],[0.5,0.5,1]]}";
    static const char *const bad[] = {"[[1,2]]",           "[[],[]]",           "[[1,2],[3]]",
                                      "[[1,2],[3,\"x\"]]", "[[1,2],[3,1e300]]", "[1,2]"};
    char json[1024];
    snprintf(json, sizeof(json), form, "[[1,2],[3,4]]");
    put("z.json", json);
    char *text = page_of("z.json", MIEN_OK);
    CHECK(text && count_of(text, "class=\"mark\"") == 1 + 2 /* the legend */ && count_of(text, "class=\"cell\"") == 4);
    base_free(text);
    for (size_t i = 0; i < BASE_COUNT(bad); i++) {
        snprintf(json, sizeof(json), form, bad[i]);
        put("z.json", json);
        CHECK(page_of("z.json", MIEN_ERR_DATA) == NULL);
        CHECK(captured_once("confusion"));
    }
}

/* A grey picture of such a size, as a PNG file. */
static void put_picture(const char *name, uint32_t width, uint32_t height)
{
    unsigned char *rgb = base_alloc((size_t)width * height, 3), *png = NULL;
    size_t size = 0;
    for (size_t i = 0; i < (size_t)width * height * 3; i++)
        rgb[i] = (unsigned char)(i * 2654435761U >> 13); /* does not compress */
    CHECK_EQ(data_png_encode(rgb, width, height, &png, &size), MIEN_OK);
    CHECK_EQ(base_file_write(in_root(name), png, size), MIEN_OK);
    data_png_free(png);
    base_free(rgb);
}

/* ---- what a page says, and of whom ---- */

static const char three[] = "{\"task\":\"zero-shot\",\"n\":40,\"bad\":1,\"split\":\"test\",\"model\":\"runs/a/model\","
                            "\"device\":\"gpu %s\",\"parameters\":1234567,\"manifest\":\"%s\",\"war\":0.75,\"uar\":0.5,"
                            "\"uar_interval\":[0.4,0.6],\"classes\":[\"%s\",\"b\"],\"confusion\":[[20,5],[5,10]],"
                            "\"recall\":[0.8,0.667],\"mistakes\":[{\"image\":\"pictures/%s\",\"truth\":\"%s\","
                            "\"prediction\":\"b\",\"scores\":{\"b\":0.875,\"%s\":0.125}}]}";

static void put_three(const char *name, const char *picture, const char *word)
{
    static char json[262144];
    snprintf(json, sizeof(json), three, word, word, word, picture, word, word);
    put(name, json);
}

/* Its result stands first: figures with intervals, samples, data, model, parameters, device. */
static void test_opening(void)
{
    static const char *const parts[] = {"<h1>a/model</h1>",   "<b>0.500</b>95 % interval 0.400 to 0.600",
                                        "<b>0.750</b>",       "40 of split <bdi>test</bdi>, 1 could not be read",
                                        "<bdi>faces</bdi>",   "<bdi>runs/a/model</bdi>",
                                        "1,234,567",          "<bdi>gpu faces</bdi>",
                                        "<section id=\"c1\">"};
    put_three("z.json", "none.png", "faces");
    char *text = page_of("z.json", MIEN_OK), *at = text;
    CHECK(captured_once("1 of 1 pictures"));
    for (size_t i = 0; i < BASE_COUNT(parts) && at; i++) {
        at = strstr(at, parts[i]);
        CHECK(at != NULL);
        if (!at)
            fprintf(stderr, "not there, or not in this order: %s\n", parts[i]);
    }
    CHECK(at && strstr(at, "<bdi>faces</bdi> taken for <b><bdi>b</bdi></b>") && strstr(at, ">0.875<"));
    CHECK(text && count_of(text, "<h1>") == 1 && strstr(text, "no picture"));
    base_free(text);
}

/* A run gives the page its name, its device and how long it took: 8 samples a step at 4 a second. */
static void test_run_opening(void)
{
    CHECK_EQ(base_dir_create(in_root("my-run/checkpoints/step-9")), MIEN_OK);
    CHECK_EQ(base_dir_create(in_root("my-run/checkpoints/step-10")), MIEN_OK);
    put("my-run/log.jsonl", "{\"kind\":\"step\",\"step\":1,\"loss\":4,\"samples_per_s\":4}\n"
                            "{\"kind\":\"eval\",\"step\":1,\"uar\":0.25}\n"
                            "{\"kind\":\"step\",\"step\":41,\"loss\":2.5,\"samples_per_s\":4}\n"
                            "{\"kind\":\"eval\",\"step\":41,\"uar\":0.125}\n");
    put("my-run/config.json", "{\"data\":{\"train\":\"/x/faces/manifest.jsonl\"},\"run\":{\"batch\":8}}");
    put("my-run/checkpoints/step-9/state.json", "{\"device\":\"old\",\"samples\":1}");
    put("my-run/checkpoints/step-10/state.json", "{\"device\":\"new gpu\",\"samples\":1580}");
    char *text = page_of("my-run", MIEN_OK);
    CHECK(text && strstr(text, "<h1>my-run</h1>") && strstr(text, "<title>my-run</title>"));
    CHECK(text && strstr(text, "<b>0.250</b>at step 1<") && strstr(text, "<b>2.500</b>4 at the first"));
    CHECK(text && strstr(text, "1 min 22 s") && strstr(text, "<bdi>new gpu</bdi>") && strstr(text, ">1,580<"));
    CHECK(text && strstr(text, "<bdi>faces/manifest.jsonl</bdi>") && !strstr(text, ">old<"));
    base_free(text);
}

static void put_run(const char *name, const char *kind, const char *uar)
{
    char path[128], text[512];
    snprintf(path, sizeof(path), "%s", name);
    CHECK_EQ(base_dir_create(in_root(path)), MIEN_OK);
    snprintf(path, sizeof(path), "%s/log.jsonl", name);
    snprintf(text, sizeof(text),
             "{\"kind\":\"step\",\"step\":1,\"loss\":4,\"samples_per_s\":4,\"lr\":0.5}\n"
             "{\"kind\":\"step\",\"step\":9,\"loss\":2,\"samples_per_s\":4,\"lr\":0.5}\n"
             "{\"kind\":\"eval\",\"step\":9,\"uar\":%s,\"war\":0.375}\n",
             uar);
    put(path, text);
    snprintf(path, sizeof(path), "%s/config.json", name);
    snprintf(text, sizeof(text),
             "{\"loss\":{\"kind\":\"clip\",\"local\":{\"kind\":\"%s\"}},"
             "\"run\":{\"dir\":\"/%s\",\"batch\":8}}",
             kind, name);
    put(path, text);
}

/* A page of so many of the runs; free with base_free. */
static char *page_of_runs(const char *const *names, size_t count, enum mien_status expected)
{
    struct mien_page *page = NULL;
    CHECK_EQ(mien_page_create(NULL, &page), MIEN_OK);
    capture_start();
    for (size_t i = 0; i < count; i++)
        CHECK_EQ(mien_page_add_run(page, in_root(names[i])), i + 1 < count ? MIEN_OK : expected);
    const char *html = mien_page_html(page);
    char *copy = html ? base_alloc(strlen(html) + 1, 1) : NULL;
    if (copy)
        strcpy(copy, html);
    mien_page_destroy(&page);
    return copy;
}

/* Runs side by side: their figures, what differs of their settings and nothing else, curves over each other. A run
 * that cannot be read changes nothing. */
static void test_runs(void)
{
    static const char *const names[] = {"one/x", "two/x", "three<b>", "none"};
    put_run("one/x", "none", "0.25");
    put_run("two/x", "sentence", "0.5");
    put_run("three<b>", "<i>", "0.125");
    CHECK_EQ(base_dir_create(in_root("none")), MIEN_OK);
    char *alone = page_of_runs(names, 1, MIEN_OK), *two = page_of_runs(names, 2, MIEN_OK);
    char *whole = page_of_runs(names, 3, MIEN_OK), *failed = page_of_runs(names, 4, MIEN_ERR_DATA);
    CHECK(captured_once("no log.jsonl"));
    CHECK(alone && !strstr(alone, "side by side") && strstr(alone, "Best UAR, validation"));
    CHECK(two && count_of(two, "Training runs side by side</h2>") == 1 && !strstr(two, "Best UAR, validation"));
    CHECK(two && strstr(two, "best UAR, validation</th><td>0.250</td><td><b>0.500</b></td></tr>"));
    CHECK(two && strstr(two, "one/x</bdi></a>") && strstr(two, "two/x</bdi></a>"));
    CHECK(two &&
          strstr(two, "loss.<wbr>local.<wbr>kind<wbr></th><td><bdi>none</bdi></td><td><bdi>sentence</bdi></td>"));
    CHECK(two && count_of(two, "<wbr></th>") == 1);
    CHECK(alone && !strstr(alone, "<nav") && two && strstr(two, "<li><a href=\"#c2\">Training: <bdi>x</bdi></a></li>"));
    CHECK(whole && count_of(strstr(whole, "<nav"), "<li>") == 4 && strstr(whole, "<h2 id=\"runs\">"));
    CHECK(two && strstr(two, ">validation: UAR over steps<br>") && count_of(two, "learning rate over steps: ") == 1);
    CHECK(whole && strstr(whole, "three&lt;b&gt;") && strstr(whole, "<bdi>&lt;i&gt;</bdi>") && !strstr(whole, "<i>"));
    CHECK(whole && failed && strcmp(whole, failed) == 0);
    base_free(alone);
    base_free(two);
    base_free(whole);
    base_free(failed);
}

static void add_score(struct mien_page *page, const char *model, const char *data, double uar)
{
    char json[512];
    struct mien_result *result = NULL;
    snprintf(json, sizeof(json),
             "{\"task\":\"zero-shot\",\"n\":4,\"model\":\"%s\",\"manifest\":\"%s\",\"split\":\"test\",\"uar\":%g,"
             "\"uar_interval\":[0,1],\"classes\":[\"a\"],\"confusion\":[[4]],\"recall\":[1]}",
             model, data, uar);
    put("m.json", json);
    CHECK_EQ(mien_result_read(in_root("m.json"), &result), MIEN_OK);
    CHECK_EQ(mien_page_add_result(page, result), MIEN_OK);
    mien_result_destroy(&result);
}

/* Models side by side where they were evaluated on the same data, from three such data on as a radar, too. */
static void test_models(void)
{
    struct mien_page *page = NULL;
    CHECK_EQ(mien_page_create(NULL, &page), MIEN_OK);
    add_score(page, "x/m", "faces", 0.25);
    add_score(page, "x/m", "faces", 0.5); /* the same again: the later counts */
    add_score(page, "x/m", "alone", 0.5);
    CHECK(!strstr(mien_page_html(page), "Models side by side"));
    add_score(page, "<b>", "faces", 0.75);
    const char *html = mien_page_html(page);
    CHECK(strstr(html, "Models side by side</h2>") && !strstr(html, "class=\"radar\""));
    CHECK(strstr(html, "<th scope=\"col\"><bdi>m</bdi></th><th scope=\"col\"><bdi>&lt;b&gt;</bdi></th>"));
    CHECK(strstr(html, "<bdi>faces, test</bdi><br><span class=\"soft\">UAR, zero-shot</span></th>"
                       "<td><a href=\"#c2\">0.500</a><br><span class=\"soft\">0.000\xe2\x80\x93"
                       "1.000</span></td>"
                       "<td><a href=\"#c4\"><b>0.750</b></a>"));
    CHECK(!strstr(html, "<bdi>alone, test</bdi><br>"));
    add_score(page, "y/m", "b", 0.5);
    add_score(page, "x/m", "b", 0.5);
    add_score(page, "y/m", "c", 0.5);
    add_score(page, "x/m", "c", 0.5);
    html = mien_page_html(page);
    CHECK(count_of(html, "class=\"radar\"") == 1 && strstr(html, "<td></td>"));
    CHECK(strstr(html, "<bdi>x/m</bdi></th>") && strstr(html, "<bdi>y/m</bdi></th>")); /* two models named m */
    mien_page_destroy(&page);
}

/* What tools/recipes/ablation writes: means, deviations where there are several seeds, the best, the gain, each run. */
static void test_ablation(void)
{
    static const char form[] =
        "{\"ablation\":[{\"data\":\"%s\",\"settings\":{\"steps\":1350,\"faces\":5000,\"recipe\":\"demo.json\",\"set\":["
        "]},"
        "\"rows\":[{\"row\":\"global loss alone\",\"uar\":{\"mean\":0.25,\"deviation\":0.0625},\"war\":{\"mean\":0.5},"
        "\"positives\":{\"mean\":1},\"runs\":[{\"uar\":0.1875},{\"uar\":0.3125},{\"uar\":1e300}]},"
        "{\"row\":\"<b>\",\"uar\":{\"mean\":0.375,\"deviation\":null},\"war\":{\"mean\":1e300},\"runs\":[{\"uar\":0."
        "375}]}]}]}";
    static const char *const bad[] = {"{\"ablation\":3}", "{\"ablation\":[]}", "{\"ablation\":[{\"data\":\"x\"}]}",
                                      "{\"ablation\":[{\"data\":\"x\",\"rows\":[{\"row\":\"y\"}]}]}"};
    static const char *const parts[] = {
        "<h1>Ablation</h1>",
        "Best UAR, drawn",
        "<b>0.375</b>&lt;b&gt;; 0.250 with global loss alone",
        "1,350 steps each on 5,000 faces, recipe <bdi>demo.json</bdi>",
        "runs, from 0.188 to 0.375",
        "<td>0.250 <span class=\"soft\">\xc2\xb1"
        "0.062</span></td><td></td>",
        "<u style=\"left:33.3%\"></u><i style=\"left:0.0%\"></i><i style=\"left:66.7%\"></i></div></td><td>0.500</td>"
        "<td>1.00</td><td>3</td>",
        "<bdi>&lt;b&gt;</bdi></th><td><b>0.375</b></td><td>+0.125</td>",
        "</div></td><td>\xe2\x80\x93</td>"};
    char json[1024];
    snprintf(json, sizeof(json), form, "drawn");
    put("ablation.json", json);
    char *text = page_of("ablation.json", MIEN_OK), *at = text;
    for (size_t i = 0; i < BASE_COUNT(parts) && at; i++) {
        at = strstr(at, parts[i]);
        CHECK(at != NULL);
        if (!at)
            fprintf(stderr, "not there, or not in this order: %s\n", parts[i]);
    }
    base_free(text);
    for (size_t i = 0; i < BASE_COUNT(bad); i++) {
        put("ablation.json", bad[i]);
        CHECK(page_of("ablation.json", MIEN_ERR_DATA) == NULL);
        CHECK(captured_once("ablation.json: "));
    }
}

/* Timelines: a line a class, of the class's colour wherever it stands, between 0 and 1; frames of the clip. */
static void test_timelines(void)
{
    static const char form[] =
        "{\"task\":\"zero-shot\",\"n\":2,\"classes\":[\"a\",\"<b>\"],\"confusion\":[[1,0],[1,0]],\"recall\":[1,0],"
        "\"timelines\":[{\"image\":\"c/"
        "1\",\"truth\":\"a\",\"prediction\":\"a\",\"frames\":1200,\"used\":32,\"at\":[1,2,3],"
        "\"pictures\":[\"pictures/f.png\"],\"scores\":{\"a\":[0.5,1,1e300],\"<b>\":[0.5,0,\"x\"]}},"
        "{\"image\":\"<i>.mp4\",\"truth\":\"<b>\",\"prediction\":\"a\",\"at\":[1,2],\"scores\":{\"<b>\":[0.25,0.5],"
        "\"a\":7}},"
        "{},3]}";
    CHECK_EQ(base_dir_create(in_root("pictures")), MIEN_OK);
    put_picture("pictures/f.png", 120, 120);
    put("z.json", form);
    char *text = page_of("z.json", MIEN_OK);
    const char *clips = text ? strstr(text, "Clips from beginning to end") : NULL;
    CHECK(clips && strstr(clips, "<bdi>a</bdi>, <span class=\"hit\">recognised") &&
          strstr(clips, "1,200 frames, 32 of"));
    CHECK(clips && strstr(clips, "<bdi>&lt;b&gt;</bdi> taken for <b><bdi>a</bdi></b>") && !strstr(clips, "<i>"));
    CHECK(clips && count_of(clips, "role=\"img\"") == 2 && count_of(clips, "<div class=\"strip\"><img alt") == 1);
    /* a from 0.5 to the top, b to the bottom; in the second clip b is the first line, and of its own colour */
    CHECK(clips && strstr(clips, "var(--c0)\" d=\"M56.0 88.0L302.0 10.0\"") && !strstr(clips, "nan"));
    CHECK(clips && strstr(clips, "var(--c1)\" d=\"M56.0 88.0L302.0 166.0\""));
    CHECK(clips && count_of(strstr(clips, "taken for <b>"), "var(--c0)") == 0);
    base_free(text);
}

/* Words of users are shown, never obeyed; no page grows with them. */
static void test_words(void)
{
    static char long_word[20001];
    put_three("z.json", "<b>.png", "<script>&amp;'\\u0001\\u202e");
    char *text = page_of("z.json", MIEN_OK);
    CHECK(text && !strstr(text, "<script") && !strstr(text, "<b>.png") && strstr(text, "&lt;b&gt;.png"));
    CHECK(text && strstr(text, "<bdi>&lt;script&gt;&amp;amp;&#39;\xef\xbf\xbd\xef\xbf\xbd</bdi>"));
    base_free(text);
    memset(long_word, 'w', sizeof(long_word) - 1);
    put_three("z.json", "x.png", long_word);
    text = page_of("z.json", MIEN_OK);
    CHECK(text && strlen(text) < 30000);
    base_free(text);
}

static void test_letters(void)
{
    struct mien_page page = {0};
    page_words(&page,
               "a\xff\xc3"
               "b\x7f\xc2\x85\"\t\xc3\xa9",
               80);
    page_words(&page, "\xc3\xa9\xc3\xa9\xc3\xa9", 2);
    CHECK_STR(page.text.data, "<bdi>a\xef\xbf\xbd\xef\xbf\xbd"
                              "b\xef\xbf\xbd\xef\xbf\xbd&quot;\t\xc3\xa9</bdi>"
                              "<bdi>\xc3\xa9\xc3\xa9\xe2\x80\xa6</bdi>");
    base_text_clear(&page.text);
}

/* Hundreds of classes: no matrix, the lowest recalls; 24 faces at most. */
static void test_many(void)
{
    struct base_text json = {0};
    base_text_print(&json, "{\"task\":\"zero-shot\",\"n\":1000,\"classes\":[\"c0\"");
    for (int i = 1; i < 300; i++)
        base_text_print(&json, ",\"c%d\"", i);
    base_text_print(&json, "],\"recall\":[0.5");
    for (int i = 1; i < 300; i++)
        base_text_print(&json, ",%s", i == 250 ? "0.125" : "0.5");
    base_text_print(&json, "],\"confusion\":[");
    for (int t = 0; t < 300; t++) {
        base_text_print(&json, "%s[", t ? "," : "");
        for (int p = 0; p < 300; p++)
            base_text_print(&json, "%s%d", p ? "," : "", t == 7 && p == 9 ? 99 : t == p ? 3 : 1);
        base_text_print(&json, "]");
    }
    base_text_print(&json, "],\"mistakes\":[{\"image\":\"x.png\"}");
    for (int i = 0; i < 100; i++)
        base_text_print(&json, ",{\"image\":\"x.png\"}");
    base_text_print(&json, "]}");
    put("z.json", json.data);
    base_text_clear(&json);
    char *text = page_of("z.json", MIEN_OK);
    CHECK(text && !strstr(text, "class=\"matrix\"") && strlen(text) < 100000);
    CHECK(text && strstr(text, "<bdi>c7</bdi></th><td class=\"l\"><bdi>c9</bdi></td><td>99</td>"));
    CHECK(text && count_of(text, "class=\"bar\"") == 200 && count_of(text, "<li class=\"face\">") == 24);
    const char *bars = text ? strstr(text, "Recall of each class") : NULL;
    const char *lowest = bars ? strstr(bars, "<bdi>c250</bdi>") : NULL,
               *other = bars ? strstr(bars, "<bdi>c0</bdi>") : NULL;
    CHECK(lowest && other && lowest < other);
    base_free(text);
}

/* ---- pictures ---- */

/* Paths are relative to the folder of the evaluation, or one above its file, wherever the report is asked for; large
 * pictures come small. */
static void test_pictures(void)
{
    CHECK_EQ(base_dir_create(in_root("pictures")), MIEN_OK);
    CHECK_EQ(base_dir_create(in_root("results/today")), MIEN_OK);
    put_picture("pictures/large.png", 700, 300);
    put_three("z.json", "large.png", "faces");
    put_three("results/today/z.json", "large.png", "faces");
    char *text = page_of("z.json", MIEN_OK), *below = page_of("results/today/z.json", MIEN_OK);
    const char *image = text ? strstr(text, "<img alt=\"large.png\" src=\"data:image/png;base64,iVBORw0KGgo") : NULL;
    CHECK(image && strlen(text) < 60000 && captured[0] == 0);
    /* the header's sides: 96 x 41 */
    CHECK(image && strncmp(strstr(image, "base64,") + 7, "iVBORw0KGgoAAAANSUhEUgAAAGAAAAApCA", 34) == 0);
    CHECK(text && below && strcmp(text, below) == 0);
    base_free(text);
    CHECK_EQ(base_dir_create(in_root("pictures/clip")), MIEN_OK);
    put_picture("pictures/clip/9.png", 32, 96);
    put_picture("pictures/clip/10.png", 64, 96); /* the middle one */
    put_picture("pictures/clip/11.png", 96, 96);
    put_three("z.json", "clip", "faces");
    text = page_of("z.json", MIEN_OK);
    CHECK(text && strstr(text, "<img alt=\"clip\" src=\"data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAEAAAABg"));
    base_free(below);
    base_free(text);
}

int main(void)
{
    const struct rlimit most = {16 << 20, 16 << 20}; /* one that does not end fills no disk */
    if (!mkdtemp(root)) {
        perror(root);
        return 1;
    }
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &most), 0);
    alarm(60);
    test_log();
    test_result();
    test_opening();
    test_run_opening();
    test_runs();
    test_models();
    test_ablation();
    test_timelines();
    test_words();
    test_letters();
    test_many();
    test_pictures();
    CHECK_EQ(base_dir_remove(root), MIEN_OK);
    return check_result();
}
