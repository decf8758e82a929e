#!/usr/bin/env bash
# test_video_command.sh MIEN: videos from outside: with a failing stand-in for ffmpeg, without one, and, where it is
# installed, with the real one: the same results as from folders of the same frames, odd names, damaged files.
set -u
mien=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
model=$here/../golden/train/start
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
. "$here/../expect.sh"

if ! "$mien" devices >/dev/null 2>&1; then
    echo "skipped: no Vulkan device"
    exit 77
fi
mkdir bin tmp
export TMPDIR=$work/tmp
usual=$PATH
if ! "$mien" synth drawn --count 3 --video --frames 40 --size 24 --quiet >/dev/null 2>err; then
    cat err
    exit 1
fi
clips=(drawn/clips/*)

# ---- an ffmpeg that fails ----
printf '#!/bin/sh\necho "[x @ 0x12ab] it does not work" >&2\nexit 1\n' >bin/ffmpeg
chmod +x bin/ffmpeg
export PATH=$work/bin:$usual
echo no video >x.mp4
expect 4 'x.mp4: no whole, sound video; ffmpeg says: [x] it does not work' \
    embed --quiet --model "$model" --video x.mp4 -o out.safetensors
holds 'nothing is written' [ ! -e out.safetensors ]
expect 0 '"images":0,"videos":1,"texts":0,"bad":["x.mp4"]}' \
    embed --json --skip-bad --model "$model" --video x.mp4 --frames "${clips[0]}" -o out.safetensors
rm out.safetensors
"$mien" embed --quiet --skip-bad --model "$model" --video x.mp4 -o out.safetensors >out 2>err
holds 'nothing but bad files is a failure' [ $? -eq 4 ]
holds 'and says so' grep -q 'none of the 1 files could be read' err
expect 4 'it does not work' classify --quiet --model "$model" --labels joy,fear x.mp4
printf '{"video":"x.mp4"}\n' >m.jsonl
"$mien" search --model "$model" --manifest m.jsonl --text joy >out 2>err
holds 'search of bad videos only fails' [ $? -eq 4 ]
holds 'and names ffmpeg'"'"'s reason' grep -q 'it does not work' err

# what it says of a file without a picture stream, its advice about maps included
cat >bin/ffmpeg <<'end'
#!/bin/sh
echo "Stream map '0:V:0' matches no streams." >&2
echo "To ignore this, add a trailing '?' to the map." >&2
exit 1
end
expect 4 'x.mp4: no pictures in it (sound alone?); give the video itself' \
    classify --quiet --model "$model" --labels joy,fear x.mp4
holds 'without advice about maps' [ "$(grep -c trailing err)" -eq 0 ]

# ---- none: PATH of the command alone ----
printf '#!/bin/sh\nPATH='%s' exec '%s' "$@"\n' "$work/tmp" "$mien" >bin/mien
chmod +x bin/mien
real=$mien mien=$work/bin/mien
export PATH=$usual
expect 4 'x.mp4: a video is decoded by the program ffmpeg, which is not on PATH; install it' \
    embed --quiet --model "$model" --video x.mp4 -o out.safetensors
holds 'nothing is written' [ ! -e out.safetensors ]
mien=$real

if ! command -v ffmpeg >/dev/null; then
    echo "skipped: real videos (no ffmpeg)"
    finish
    exit
fi

# ---- the real one ----
make() { # make CLIP FILE OPTIONS...: a video of a folder's frames, without loss
    local clip=$1 file=$2
    shift 2
    ffmpeg -nostdin -v error -y -framerate 25 -pattern_type glob -i "$clip/*.png" "$@" "file:$file" ||
        echo "ffmpeg failed for $file"
}
numbers() { # the embeddings of a file, to the byte, without the header, which names what they are of
    tail -c +$((9 + $(od -An -tu8 -N8 "$1"))) "$1"
}
same() { # same WHAT VIDEOS... -- DIRS... -- OPTIONS...: the same embeddings
    local what=$1 videos=() dirs=()
    shift
    while [ "$1" != -- ]; do
        videos+=("--video=$1")
        shift
    done
    shift
    while [ "$1" != -- ]; do
        dirs+=("$1")
        shift
    done
    shift
    expect 0 '"bad":[]' embed --quiet --json --model "$model" "${videos[@]}" -o v.safetensors "$@"
    holds 'no message' [ ! -s err ]
    expect 0 '"bad":[]' embed --quiet --json --model "$model" --frames "${dirs[@]}" -o f.safetensors "$@"
    holds "$what" cmp <(numbers v.safetensors) <(numbers f.safetensors)
}
make "${clips[0]}" a.mkv -c:v ffv1 -pix_fmt bgr0
make "${clips[1]}" b.avi -c:v png
make "${clips[2]}" c.mov -c:v png
same 'all of 40 frames are taken' a.mkv b.avi c.mov -- "${clips[@]}" -- --frame-count 0
same 'the same 7 are taken, and cut' a.mkv b.avi -- "${clips[@]:0:2}" -- --frame-count 7 --raw --box 3,4,15,9
expect 4 'a.mkv: box 30,0,10,10 does not lie inside' embed --quiet --model "$model" --video a.mkv --box 30,0,10,10 \
    -o out.safetensors

# names that a program could take for something else
names=(-a.mkv 'a b.mkv' 'Gesicht früh.mkv' '%03d.mkv' 'a:b.mkv' 'http:x.mkv' "a'b\".mkv" 'a*?[1].mkv' '$(ls).mkv')
for name in "${names[@]}"; do cp a.mkv "./$name"; done
same 'odd names' "${names[@]}" -- "${names[@]/*/${clips[0]}}" --
expect 0 '"input":"-a.mkv"' classify --json --model "$model" --labels joy,fear -- "${clips[0]}" -a.mkv
holds 'classified as the folder' [ "$(sed 's/.*"label"//; s/}.*//' out | sort -u | wc -l)" -eq 1 ]

# turned by its metadata, with sound, with frames at odd times: all the same frames, or those turned
ffmpeg -nostdin -v error -y -i a.mkv -f lavfi -i sine=duration=3 -map 0 -map 1 -c:v copy -c:a pcm_s16le sound.mkv
ffmpeg -nostdin -v error -y -i a.mkv -vf 'setpts=N*N/TB/100' -fps_mode passthrough -c:v ffv1 odd.mkv
same 'sound and odd times change nothing' sound.mkv odd.mkv -- "${clips[0]}" "${clips[0]}" --
ffmpeg -nostdin -v error -y -i c.mov -c copy -metadata:s:v rotate=90 turned.mov 2>/dev/null
ffmpeg -nostdin -v error -y -i turned.mov -c:v ffv1 -pix_fmt bgr0 by-ffmpeg.mkv
expect 0 '"bad":[]' embed --quiet --json --model "$model" --video turned.mov -o v.safetensors
expect 0 '"bad":[]' embed --quiet --json --model "$model" --video by-ffmpeg.mkv -o f.safetensors
holds 'a stated rotation is applied' cmp <(numbers v.safetensors) <(numbers f.safetensors)

# files that are no whole videos
mkdir dir
: >empty.mp4
head -c 3000 /dev/urandom >noise.mp4
echo text >text.mp4
for file in a.mkv b.avi c.mov; do head -c $(($(stat -c %s $file) / 2)) $file >"cut.${file#*.}"; done
ffmpeg -nostdin -v error -y -f lavfi -i sine=duration=1 sound.wav
cp sound.wav sound.mp4
printf '#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n' >list.m3u8
bad=(dir empty.mp4 noise.mp4 text.mp4 cut.mkv cut.avi cut.mov sound.mp4 list.m3u8 none.mp4)
for file in dir cut.mkv sound.mp4; do
    expect 4 "$file: " embed --quiet --model "$model" --video a.mkv "$file" -o bad.safetensors
    holds 'nothing is written' [ ! -e bad.safetensors ]
done
expect 0 '"videos":2,"texts":0,"bad":["dir","empty.mp4","noise.mp4","text.mp4","cut.mkv","cut.avi","cut.mov"' \
    embed --quiet --json --skip-bad --model "$model" --video "${bad[@]}" a.mkv --frames "${clips[1]}" -o out.safetensors
for file in "${bad[@]}"; do holds "$file is named once" [ "$(grep -c "mien: error: $file: " err)" -eq 1 ]; done
holds 'and nothing else said' [ "$(wc -l <err)" -eq ${#bad[@]} ]

# rows of manifests
{
    printf '{"video":"%s","label":"joy","caption":"one","split":"test"}\n' a.mkv b.avi
    printf '{"frames":"%s","label":"fear","caption":"two"}\n' "${clips[2]}"
    echo '{"video":"none.mkv","label":"fear","caption":"two","split":"test"}'
} >m.jsonl
for ((i = 0; i < 3; i++)); do echo "{\"frames\":\"${clips[i]}\",\"label\":\"joy\"}"; done >d.jsonl
expect 0 '1 of 4 rows could not be read' search --json --model "$model" --manifest m.jsonl --text joy
sed 's/.*"score"://;s/,.*//' out >scores
expect 0 '"rank":3' search --json --model "$model" --manifest d.jsonl --text joy
sed 's/.*"score"://;s/,.*//' out >want
holds 'search ranks videos as their frames' cmp scores want
echo '{"video":"a.mkv","box":[3,4,15,9]}' >m2.jsonl
expect 0 '"path":"./a.mkv"' search --quiet --json --model "$model" --manifest m2.jsonl --text joy
expect 0 '"n":2,"bad":1' eval --json --task zero-shot --model "$model" --manifest m.jsonl
expect 0 '"n":3,"bad":1' eval --json --task zero-shot --split all --model "$model" --manifest m.jsonl
expect 0 '"image":"./a.mkv"' eval --json --task retrieval --model "$model" --manifest m.jsonl
holds 'no temporary file is left' [ -z "$(find . -name '*tmp*' ! -path ./tmp)$(ls tmp)" ]
finish
