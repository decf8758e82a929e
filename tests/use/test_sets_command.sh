#!/usr/bin/env bash
# test_sets_command.sh MIEN WEIGHTS [all]: trees as data sets are published, filled with drawn faces; imported and
# evaluated from end to end. Labels go by names: the weights have seen such faces, and a wrong order of labels would put
# them at chance. Five kinds; all sets with `all`, those of videos where ffmpeg is there.
set -u
mien=$(realpath "$1")
weights=$(realpath "$2")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
. "$here/../expect.sh"
"$mien" devices >/dev/null 2>&1 || { echo "skipped: no Vulkan device"; exit 77; }

"$mien" synth faces --count 160 --size 48 --seed 5 >/dev/null 2>&1 || exit 1
sed -n 's/.*"image":"\([^"]*\)".*"label":"\([a-z]*\)".*"va":\[\([^],]*\),\([^]]*\)\].*/\2 \1 \3 \4/p' \
    faces/manifest.jsonl >list

# face LABEL I [FILE]: drawn face number I (from 1 on) of a label: its name and values in $face, $va; copied to FILE
face() {
    read -r _ face va < <(awk -v l="$1" '$1 == l' list | sed -n "$2p")
    face=faces/$face
    [ -f "$face" ] || { echo "no face $2 of $1"; exit 1; }
    [ -z "${3-}" ] && return
    mkdir -p "$(dirname "$3")" && cp "$face" "$3"
}

# member KEY: a number of the JSON in out
member() { sed -n "s/.*\"$1\":\([-0-9.e]*\).*/\1/p" out | head -n 1; }
above() { awk -v a="$(member "$1")" -v b="$2" 'BEGIN { exit !(a > b) }'; }

# set NAME TREE ROWS TASK KEY LEAST [OPTIONS]: imports TREE, which has so many rows, and evaluates; KEY is above LEAST
set_is() {
    local name=$1 tree=$2 rows=$3 task=$4 key=$5 least=$6
    shift 6
    expect 0 "$rows samples" import "$name" "$tree" -o "$name.jsonl" "$@"
    expect 0 "\"task\":\"$task\"" eval --model "$weights" --manifest "$name.jsonl" --task "$task" --split all --json
    holds "$name: $key $(member "$key") above $least" above "$key" "$least"
}

basic="surprise fear disgust happiness sadness anger neutral"

# ---- pictures with a list of labels ----
number=0 count=0
mkdir -p raf/basic/EmoLabel
for label in $basic; do
    number=$((number + 1))
    for i in 1 2 3 4; do
        count=$((count + 1))
        part=$([ $i -lt 3 ] && printf 'train_%05d' $count || printf 'test_%04d' $count)
        face $label $i "raf/basic/Image/aligned/${part}_aligned.jpg"
        printf '%s.jpg %s\r\n' "$part" $number >>raf/basic/EmoLabel/list_patition_label.txt
    done
done
set_is rafdb raf 28 zero-shot uar 0.5

# ---- clips with folds ----
number=0 count=0
lists=dfew/EmoLabel_DataSplit
mkdir -p "$lists/test(single-labeled)"
for fold in 1 2; do
    printf 'video_name,label\n' >"$lists/test(single-labeled)/set_$fold.csv"
done
for label in happiness sadness neutral anger surprise disgust fear; do
    number=$((number + 1))
    for i in 1 2; do
        count=$((count + 1))
        for frame in 1 2 10; do
            face $label $i "dfew/Clip/clip_224x224_16f/$(printf %05d $count)/$frame.jpg"
        done
        printf '%s,%s\n' $count $number >>"$lists/test(single-labeled)/set_$i.csv"
    done
done
set_is dfew dfew 14 zero-shot uar 0.5

# ---- valence and arousal ----
count=0
annotations=affectnet/Manually_Annotated_file_lists
mkdir -p $annotations
echo 'subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal' \
    >$annotations/training.csv
for label in neutral happiness sadness surprise fear disgust anger; do
    for i in 1 2 3 4 5 6; do
        face $label $i affectnet/Manually_Annotated_Images/1/$label$i.jpg
        printf '1/%s%s.jpg,0,0,48,48,1;2,%s,%s\n' $label $i $count "${va// /,}" \
            >>$annotations/$([ $i -lt 5 ] && echo training || echo validation).csv
    done
    count=$((count + 1))
done
expect 0 '42 samples' import affectnet affectnet -o affectnet.jsonl
expect 0 '"task":"regression"' eval --model "$weights" --manifest affectnet.jsonl --task regression --json
holds "regression: PCC $(member pcc_mean) above 0.4" above pcc_mean 0.4

# ---- action units ----
sequence() { # SUBJECT LABEL NUMBER I UNITS...
    local dir=$1/001 stem=$1_001_00000002
    face neutral 1 "ck/cohn-kanade-images/$dir/$1_001_00000001.png"
    face "$2" "$4" "ck/cohn-kanade-images/$dir/$stem.png"
    mkdir -p "ck/Emotion/$dir" "ck/FACS/$dir"
    printf '   %s.0000000e+00\n' "$3" >"ck/Emotion/$dir/${stem}_emotion.txt"
    shift 4
    printf '   %s.0000000e+00   0.0000000e+00\n' "$@" >"ck/FACS/$dir/${stem}_facs.txt"
}
for i in 1 2 3 4 5; do
    sequence S00$i happiness 5 $i 12 6
    sequence S01$i surprise 7 $i 1 2 5
    sequence S02$i anger 1 $i 4 7
done
expect 0 '15 samples' import ckplus ck -o ckplus.jsonl --captions
expect 0 '"task":"au"' eval --model "$weights" --manifest ckplus.jsonl --task au --json
holds "au: F1 $(member f1_mean) above 0.4" above f1_mean 0.4
expect 0 '"task":"retrieval"' eval --model "$weights" --manifest ckplus.jsonl --task retrieval --split all --json

# its captions train all three levels: global, sentences of units, summary
tiny_config 2 0 >tiny.json
expect 0 'tiny/model' train --config tiny.json --set data.train=ckplus.jsonl run.dir=tiny loss.local.kind=sentence
holds 'a loss of local sentences' grep -Eq '"loss_local":(0\.[0-9]*[1-9]|[1-9])' tiny/log.jsonl

# ---- multiple choice ----
count=0
mkdir -p facex/benchmark
{
    echo '{"sub-category":"expression","questions":{'
    for label in happiness anger surprise; do
        for i in 1 2 3; do
            count=$((count + 1))
            face $label $i facex/benchmark/images/affectnet_single_mcq/question_$count.png
            [ $count -gt 1 ] && echo ,
            printf '"%s":{"image_paths":["images/affectnet_single_mcq/question_%s.png"],' $count $count
            printf '"options":["happiness","anger","surprise","sadness"],"correct_answer_option":"%s","answer":"%s"}' \
                "$(case $label in happiness) echo A ;; anger) echo B ;; *) echo C ;; esac)" $label
        done
    done
    echo '}}'
} >facex/benchmark/affectnet_single_mcq.json
set_is facexbench facex 9 choice accuracy 0.5

[ "${3-}" = all ] || { finish; exit; }

# ---- the other sets of pictures ----
code=0
mkdir -p rafc/compound/EmoLabel
for i in 1 2 3 4; do
    face happiness $i "rafc/compound/Image/aligned/test_00${i}_aligned.jpg"
    echo "test_00$i.jpg 1" >>rafc/compound/EmoLabel/list_patition_label.txt
    face anger $i "rafc/compound/Image/aligned/train_000${i}_aligned.jpg"
    echo "train_000$i.jpg 10" >>rafc/compound/EmoLabel/list_patition_label.txt
done
set_is rafdb-compound rafc 8 zero-shot uar 0.5
for i in 1 2 3; do
    for pair in Angry:anger:AN Disgust:disgust:DI Fear:fear:FE Happy:happiness:HA Neutral:neutral:NE Sad:sadness:SA \
        Surprise:surprise:SU; do
        IFS=: read -r word label code <<<"$pair"
        face $label $i "sfew/$([ $i = 1 ] && echo Train/Train || echo Val/Val)_Aligned_Faces/$word/A_0_$i.png"
        face $label $i "jaffe/K$(echo ALM | cut -c$i).$code$i.$i.png"
        face $label $i "ferv/2_ClipsforFaceCrop/Action/$word/000$i/1.jpg"
        face $label $i "afew/AFEW_Face/$([ $i = 1 ] && echo train || echo validation)/$word/$i/1.png"
        mkdir -p ferv/4_setups/All_scenes
        echo "Action/$word/000$i $word" >>ferv/4_setups/All_scenes/$([ $i = 1 ] && echo train || echo test)_All.csv
        face $label $i "wild/cropped_aligned/$label$i/00001.jpg"
        mkdir -p wild/5th_ABAW_Annotations/EXPR_C/Validation_Set
        printf '%s\n0\n' "$word" | sed 's/Angry/Anger/; s/Happy/Happiness/; s/^Sad$/Sadness/' \
            >wild/5th_ABAW_Annotations/EXPR_C/Validation_Set/$label$i.txt
        face $label $i "mafw/data/frames/$code$i/1.png"
        for kind in single compound; do
            mkdir -p "mafw/Train & Test Set/$kind/no_caption/set_$i"
            echo "$code$i.mp4 $label" >>"mafw/Train & Test Set/$kind/no_caption/set_$i/test.txt"
        done
        face $label $i "plain/$label/$i.png"
        face $label $i "captions/$label$i.png"
        echo "A face that shows $label." >"captions/$label$i.txt"
    done
done
set_is sfew sfew 21 zero-shot uar 0.5
set_is jaffe jaffe 21 zero-shot uar 0.5
set_is ferv39k ferv 21 zero-shot uar 0.5
set_is afew afew 21 zero-shot uar 0.5
set_is affwild2 wild 21 zero-shot uar 0.5
set_is mafw mafw 21 zero-shot uar 0.5
set_is mafw-compound mafw 21 zero-shot uar 0.5
set_is folder plain 21 zero-shot uar 0.5
set_is captions captions 21 retrieval r10 0.1
mkdir -p faba/eval
{
    echo '['
    for i in 1 2 3 4 5; do
        face happiness $i faba/train/images/h$i.jpg
        face anger $i faba/eval/images/a$i.jpg
        [ $i -gt 1 ] && echo ,
        printf '{"image":"FABAInstruct/eval/images/a%s.jpg","label":"4, 7","gpt4":"A frown."},' $i
        printf '{"image":"FABAInstruct/train/images/h%s.jpg","label":"6, 12","gpt4":"A smile."}' $i
    done
    echo ']'
} >faba/eval/eval_au_anno.json
set_is faba faba 10 au f1_mean 0.4
mkdir -p fhb/test/json/en
{
    echo '{"data":['
    for i in 1 2 3 4; do
        face happiness $i fhb/test/images/$i.png
        [ $i -gt 1 ] && echo ,
        printf '{"QA":{"question":"","options":["happiness","anger","sadness","fear"],"answer":0},'
        printf '"image":{"image_paths":{"cropped":"test/images/%s.png"}}}' $i
    done
    echo ']}'
} >fhb/test/json/en/face_expression_basic.json
set_is face-human-bench fhb 4 choice accuracy 0.5
faces=$here/../../../shared/data/faces
if [ -f "$faces/labels.csv" ]; then
    expect 0 ' samples' import ferplus "$faces" -o ferplus.jsonl
    grep '"split":"val"' ferplus.jsonl | awk 'NR % 25 == 0' >some.jsonl
    expect 0 '"uar"' eval --model "$weights" --manifest some.jsonl --task zero-shot --json
else
    echo "skipped: ferplus (no ../shared/data/faces)"
fi

# ---- the sets of videos ----
command -v ffmpeg >/dev/null || { echo "skipped: sets of videos (no ffmpeg)"; finish; exit; }
film() { # LABEL I FILE
    face "$1" "$2"
    mkdir -p "$(dirname "$3")"
    ffmpeg -nostdin -v error -y -loop 1 -i "$face" -frames:v 3 -r 5 -pix_fmt yuv420p "$3" || exit 1
}
for i in 1 2 3; do
    for pair in ANG:anger:05:an DIS:disgust:07:di FEA:fear:06:fe HAP:happiness:03:ha SAD:sadness:04:sa; do
        IFS=: read -r code label number short <<<"$pair"
        film $label $i crema/VideoFlash/100${i}_DFA_${code}_XX.flv
        film $label $i ravdess/Actor_0$i/02-01-$number-01-01-01-0$i.mp4
        film $label $i "enterface database/subject $i/$label/sentence 1/s${i}_${short}_1.avi"
    done
done
set_is cremad crema 15 zero-shot uar 0.5
set_is ravdess ravdess 15 zero-shot uar 0.5
set_is enterface05 'enterface database' 15 zero-shot uar 0.5

# ---- what must be converted: the command that the refusal names ----
for i in 1 2 3; do
    face happiness $i
    mkdir -p tiff && ffmpeg -nostdin -v error -i "$face" tiff/KA.HA$i.$i.tiff || exit 1
    face anger $i
    ffmpeg -nostdin -v error -i "$face" tiff/KA.AN$i.$i.tiff || exit 1
done
expect 4 'convert all such pictures' import jaffe tiff -o jaffe-tiff.jsonl
holds 'no manifest' [ ! -e jaffe-tiff.jsonl ]
eval "$(sed -n 's/.*the originals: find ROOT/find tiff/p' err)" || failures=$((failures + 1))
set_is jaffe tiff 6 zero-shot uar 0.5
finish
