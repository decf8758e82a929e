#!/usr/bin/env bash
# test_browser.sh MIEN: reports in headless Chromium at 390 and 1280 pixels, light and dark: nothing is wider than the
# window but what scrolls in a box of its own, no figure breaks over two lines, nothing is asked for, and the console
# stays empty. Skipped where no Chromium is installed.
set -u
mien=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
. "$here/../expect.sh"
. "$here/browser.sh"
need_browser

# result CLASSES WORD: a zero-shot result whose labels, paths and device are WORD
result() {
    awk -v n="$1" -v word="$2" 'function list(what, i, s) {
        for (i = 0; i < n; i++) s = s (i ? "," : "") (what == "name" ? "\"" i word "\"" : what)
        return s
    }
    BEGIN {
        printf "{\"task\":\"zero-shot\",\"n\":900,\"bad\":2,\"split\":\"test\",\"parameters\":123456789,"
        printf "\"war\":0.5,\"uar\":0.5,\"model\":\"/%s/%s\",\"device\":\"%s\",", word, word, word
        printf "\"manifest\":\"%s\",\"uar_interval\":[0.4,0.6],", word
        printf "\"war_interval\":[0.4,0.6],\"classes\":[%s],\"recall\":[%s],", list("name"), list("0.5")
        printf "\"recall_interval\":[%s],\"confusion\":[", list("[0.25,0.75]")
        for (t = 0; t < n; t++) printf "%s[%s]", t ? "," : "", list("1234")
        printf "],\"mistakes\":["
        for (i = 0; i < 30; i++)
            printf "%s{\"image\":\"%s.png\",\"truth\":\"0%s\",\"prediction\":\"1%s\",\"scores\":" \
                "{\"1%s\":0.6,\"0%s\":0.4}}", i ? "," : "", word, word, word, word, word
        printf "],\"map\":["
        for (i = 0; i < 600; i++) printf "%s[%f,%f,%d,%d]", i ? "," : "", sin(i), cos(i * i), i % n, (i * i) % n
        printf "],\"timelines\":["
        for (i = 0; i < 7; i++)
            printf "%s{\"image\":\"%s\",\"truth\":\"0%s\",\"prediction\":\"1%s\",\"frames\":48,\"used\":16," \
                "\"at\":[1,9],\"pictures\":[\"%s.png\",\"b.png\"],\"scores\":{\"0%s\":[0,1],\"1%s\":[1,0]}}", \
                i ? "," : "", word, word, word, word, word, word
        print "]}"
    }'
}
wide=$(printf 'W%.0s' {1..3000})
for i in 1 2 3; do # three evaluations of two models
    for model in m "$wide"; do
        result 2 "$wide$i" | sed "s|\"model\":\"[^\"]*|\"model\":\"$model|" >"of-${model:0:1}-$i.json"
    done
done
result 7 '' >seven.json
result 30 "$wide" >thirty.json
result 120 ' a class of several words' >many.json
ranks='{"median":1,"mean":123456.7,"r1":0.5,"r1_interval":[0.4,0.6],"r5":0.5,"r5_interval":[0.4,0.6],"r10":0.5}'
echo "{\"task\":\"retrieval\",\"n\":21,\"chance\":0.0123,\"image_text\":$ranks,\"text_image\":$ranks,
\"examples\":[{\"image\":\"x.mp4\",\"truth\":\"$wide\",
\"texts\":[\"$wide\",\"a face\"],\"scores\":[0.5,0.25]}],
\"gallery\":[{\"text\":\"$wide\",\"rank\":1,
\"pictures\":[{\"image\":\"x.mp4\",\"score\":0.5,\"right\":true},{\"image\":\"$wide\",
\"score\":0.25}]}]}" | tr -d '\n' >retrieval.json
# suite AXES WORD: so many evaluations beside two published models, some figures missing
suite() {
    awk -v n="$1" -v word="$2" 'BEGIN {
        printf "{\"task\":\"suite\",\"model\":\"m\",\"suite\":\"%s.json\",\"skipped\":[{\"name\":\"%s\"},", word, word
        printf "{\"manifest\":\"away.jsonl\"}],\"results\":["
        for (i = 0; i < n; i++) {
            printf "%s{\"task\":\"choice\",\"n\":9,\"accuracy\":%f,", i ? "," : "", i / n
            printf "\"accuracy_interval\":[0.1,0.9],"
            printf "\"name\":\"%d%s\",\"published\":[{\"model\":\"A%s\",\"value\":%f,", i, word, word, 1 - i / n
            printf "\"error\":0.01,\"source\":\"%s\"}", word
            if (i % 3) printf ",{\"model\":\"B\",\"value\":0.5,\"error\":0,\"source\":\"a table\"}"
            printf "]}"
        }
        print "]}"
    }'
}
suite 1 x >one.json
suite 4 x >four.json
suite 20 "$wide" >twenty.json
suite 40 ' a set of several words' >forty.json
row="{\"row\":\"$wide\",\"uar\":{\"mean\":0.5,\"deviation\":0.01},\"war\":{\"mean\":0.5},
\"runs\":[{\"uar\":0.51},{\"uar\":0.49}]}"
echo "{\"ablation\":[{\"data\":\"$wide\",\"settings\":{\"steps\":350,\"recipe\":\"$wide\"},\"rows\":[$row,$row]}]}" |
    tr -d '\n' >ablation.json
mkdir run
awk 'BEGIN { for (i = 1; i < 900; i++) {
    printf "{\"kind\":\"step\",\"step\":%d,\"loss\":%f,\"loss_global\":%f,\"lr\":%g,", i, 5 / i, 4 / i, i * 1e-6
    printf "\"grad_norm\":%g,\"samples_per_s\":%f}\n", 1e5 / i, 30 + sin(i)
    if (i % 90 == 0) printf "{\"kind\":\"eval\",\"step\":%d,\"uar\":%f,\"war\":%f}\n", i, i / 900, i / 1000
} }' >run/log.jsonl
echo "{\"data\":{\"train\":\"/$wide\"},\"run\":{\"batch\":16}}" >run/config.json
expect 0 'report page.html' report run seven.json thirty.json many.json retrieval.json one.json four.json twenty.json \
    forty.json ablation.json of-*.json -o page.html
echo '<!doctype html><body style="margin:0"><div style="width:600px">wide</div><h2 hidden>unseen</h2><h2>seen</h2>
<p style="width:2ch;overflow-wrap:anywhere">0.091</p><img src="data:image/png;base64,x"><i style="color:#999">pale</i>
<script>console.log("said")</script>' >wrong.html
look wrong.html 390 preferredColorScheme=1
holds "what is too wide is seen: $(cat line)" grep -q 'window 390, page 600.*wider DIV' line
holds 'a broken figure is seen' grep -q 'broken 0.091' line
holds 'a picture that is none is seen' grep -q 'pictures 0 of 1' line
holds 'a pale word is seen' grep -q 'contrast 2.[0-9]* of pale' line
holds 'of headings those that are shown' [ "$(cat headings)" = seen ]
holds 'what the console says is seen' grep -q 'said' console
looks page.html 0
finish
