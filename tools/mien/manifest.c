/* manifest.c: what a manifest may hold; the page of train, eval, search and import. */
#include "command.h"

#include <stdio.h>

static const char text[] =
    "A manifest says what a data set holds: JSON Lines, one object a line for each sample, or a table with a header\n"
    "line (below). The first character tells which, not the file's ending. Text is UTF-8. Paths are relative to the\n"
    "manifest's folder.\n"
    "\n"
    "  {\"image\": \"a.jpg\", \"caption\": \"She smiles. Her eyes are narrow.\", \"label\": \"happiness\", \"split\": "
    "\"train\"}\n"
    "\n"
    "Keys (one of the first three is needed, all others may be left out):\n"
    "  image        the picture: PNG or JPEG, a cropped face\n"
    "  frames       a clip: a folder of pictures, taken in natural order (2.png before 10.png), or a list of paths\n"
    "  video        a clip: a file that ffmpeg decodes\n"
    "  box          [x, y, width, height] in pixels of the picture turned as its EXIF says: only this part is looked\n"
    "               at. Any numbers: rounded outwards, clipped to the picture; nothing left = a bad sample\n"
    "  caption      a text, or {\"global\": text, \"local\": [texts], \"summary\": text}; a level may be missing\n"
    "  label        the emotion; a list is one compound class, [\"surprise\", \"happiness\"] = \"happiness and "
    "surprise\"\n"
    "  va           [valence, arousal]\n"
    "  au           facial action units, {\"AU12\": 0.8, ...}; {} is a face at rest, where none is present\n"
    "  targets      numbers by name, {\"severity\": 1.5}\n"
    "  question     with options, a list of texts, and answer, the index of the right one from 0 on\n"
    "  split        train, val or test. Training takes the rows of train and of none; data.val those of val and of "
    "none;\n"
    "               mien eval those of test, else val, else all\n"
    "  fold         a whole number\n"
    "  subject      who it is, a text or a number\n"
    "Other keys are kept and not read; one that looks like a key above (captions, img, labels) is named once.\n"
    "\n"
    "What is absent: null, \"\", blanks, and lists and objects of nothing else, in JSON Lines and tables alike. Within "
    "a\n"
    "list an absent element is left out. A row without a text that training asks for has weight 0 there.\n"
    "\n"
    "Sentences: a caption that is one text is split. The first sentence is the global level, the last the summary, "
    "the\n"
    "rest are local sentences; a single one is global only. Text that has its levels already is not split.\n"
    "A sentence ends after . ! ? (or several of them) before a blank, and after the full-width stops anywhere, with "
    "the\n"
    "quotes and brackets that close it. It does not end inside a number, after a single letter (J. Smith, e.g.) or "
    "after\n"
    "al approx ca capt cf col dept dr eq eqs esp etc excl fig figs gen hon incl jr lt messrs mr mrs ms mt mx no nos "
    "nr\n"
    "pp prof resp rev sgt sr st viz vol vols vs, in letters of either case.\n"
    "\n"
    "Tables: a header line, then a line for each sample. The separator is that of comma, tab and semicolon which\n"
    "stands most often in the header, or what a first line sep=; says. Fields with separators or line ends in them\n"
    "stand in double quotes; blanks around a field do not count. A byte-order mark, columns without a name and empty\n"
    "lines do no harm. Columns are found by name, in letters of either case:\n"
    "  image        or filepath\n"
    "  caption      or title\n"
    "  video, frames, label, split, fold, subject\n"
    "  box, va      numbers with blanks, commas or semicolons between them, brackets around them or not\n"
    "Other names are given by --column image=path,caption=text of mien eval, embed and search, in a configuration\n"
    "by data.columns: {\"image\": \"path\", \"caption\": \"text\"}.\n"
    "\n"
    "A line that is not JSON or has a value of a wrong type is refused with file and line. A picture that is missing "
    "or\n"
    "cannot be read is a bad sample: named, counted and left out; training ends when there are more than "
    "data.max_bad.\n"
    "Shards: data.train also takes tar files in WebDataset's layout, x-{000000..000012}.tar, as mien import shards,\n"
    "WebDataset and img2dataset write them. Members named alike up to the first dot are a sample: a picture (several\n"
    "are a clip), json with the keys above, but for the first three, txt with a caption, cls with a label.\n"
    "\n"
    "A pack (mien import --pack, FILE.pack) holds the pictures decoded; it remembers size and time of each file and "
    "reads\n"
    "again those that have changed.";

static int run(const struct command *command, int argc, char **argv)
{
    struct common common;
    const struct arg args[] = {{0}};
    int result = args_parse(command, argc, argv, args, &common, NULL);
    if (result == ARGS_RUN)
        printf("%s\n", text);
    return result == ARGS_RUN ? 0 : result;
}

const struct command command_manifest = {
    .name = "manifest",
    .synopsis = "",
    .summary = "says what a manifest may hold: keys, tables, captions, boxes",
    .help = text,
    .run = run,
    .lacks = LACKS_DEVICE | LACKS_SEED | LACKS_JSON | LACKS_QUIET,
};
