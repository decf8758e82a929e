#!/usr/bin/python3
"""Makes texts/cleaning.json: texts with what Python makes of them as CLIP cleans (references of HTML resolved twice,
normalisation form C, straight quotes, white space, lower case), and checksums over all characters.

    python3 make_texts.py

Needs Python 3.11 (Unicode 14, as src/data's tables). Output is the same on every run.
"""
import html
import json
import os
import random
import re
import sys
import unicodedata
import zlib
from html.entities import html5

assert unicodedata.unidata_version == "14.0.0", "another Unicode gives other checksums"
QUOTES = {**dict.fromkeys(range(0x2018, 0x201C), "'"), **dict.fromkeys(range(0x201C, 0x2020), '"')}
BLANKS = re.compile("[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
SCALARS = [c for c in range(1, 0x110000) if not 0xD800 <= c < 0xE000]


def clean(text):
    text = unicodedata.normalize("NFC", html.unescape(html.unescape(text))).translate(QUOTES)
    return BLANKS.sub(" ", text.strip()).lower()


def checksum(texts):
    """CRC-32 of all of them, each ended by a newline."""
    crc = 0
    for text in texts:
        crc = zlib.crc32((text + "\n").encode(), crc)
    return crc


def pools():
    marks = [chr(c) for c in SCALARS if unicodedata.combining(chr(c))]
    apart = [chr(c) for c in SCALARS if unicodedata.decomposition(chr(c))[:1] not in ("", "<")]
    halves = sorted({h for c in apart for h in unicodedata.normalize("NFD", c)})
    jamo = [chr(c) for c in (*range(0x1100, 0x1113), *range(0x1161, 0x1176), *range(0x11A7, 0x11C3), 0xAC00, 0xAC01)]
    names = ["&" + n for n in html5]
    pieces = ["&", "#", "x", ";", "&#", "&#x", "1", "82", "d8", "0", "110000", "amp", "&amp;", "&amp;amp;", "not", "lt"]
    quotes = [*map(chr, QUOTES), "'", '"', "\u2039", " ", "\u3000", "\t", "\x1c", "A", "\u03a3", "\u0130"]
    return [marks, apart, halves + marks, jamo, names + pieces, pieces, quotes, list("aeioucnAEIOUCN") + marks[:80]]


def main():
    rng = random.Random(11)
    all_pools = pools()
    texts = ["caf\u0065\u0301", "A\u030a\u0327", "\u1100\u1161\u11a8", "\uac00\u11a7", "\u0958", "\u2126", "\u0344",
             "&NotEqualTilde;", "&notit; &notin; &ampamp;lt;", "&rsquo;&ldquo;", "&#x92;&#128;&#0;&#xD800;&#x110000;",
             "&CounterClockwiseContourIntegral;", "a" + "\u0301\u0323" * 40, "\u0bc6\u0bbe \u0bc6\u0301\u0bbe"]
    for _ in range(400):
        pool = rng.choice(all_pools)
        texts.append("".join(rng.choice(rng.choice(all_pools) if rng.random() < 0.1 else pool)
                             for _ in range(rng.randint(1, 12))))
    texts = [t for t in texts if "\0" not in t]
    out = {
        "nfc_each": checksum(unicodedata.normalize("NFC", chr(c)) for c in SCALARS),
        "nfc_marks": checksum(unicodedata.normalize("NFC", chr(c) + "\u0301\u0323\u0345\u05b0") for c in SCALARS),
        "nfc_behind": checksum(unicodedata.normalize("NFC", "a\u0308\u1100" + chr(c)) for c in SCALARS),
        "numbers": checksum(html.unescape(f"&#{c};&#x{c:x}") for c in range(1, 0x30000) if 13 != c != 10),
        "names": checksum(n + html5[n] for n in sorted((n for n in html5 if n[-1] == ";"), key=lambda n: n[:-1])),
        "bare": checksum(n + html5[n] for n in sorted(n for n in html5 if not n.endswith(";"))),
        "cases": [[t, clean(t)] for t in texts],
    }
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "texts", "cleaning.json")
    with open(path, "w", encoding="ascii") as f:
        f.write(json.dumps(out, separators=(",", ":")).replace('],["', '],\n["') + "\n")


if __name__ == "__main__":
    sys.exit(main())
