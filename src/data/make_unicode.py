#!/usr/bin/env python3
"""Writes unicode_tables.c, nfc_tables.c and html_tables.c beside it from Python's own Unicode and HTML data."""
import os
import sys
import unicodedata
from html.entities import html5

LAST = 0x10FFFF
SIGMA, FINAL_SIGMA = "\u03a3", "\u03c2"


def is_final_after(text):
    return (text + SIGMA).lower().endswith(FINAL_SIGMA)


def case_ignorable(c):
    return is_final_after("A" + c) and not is_final_after("1" + c)


def cased(c):
    return is_final_after("1" + c)


def ranges(test):
    out = []
    for code in range(LAST + 1):
        if 0xD800 <= code < 0xE000 or not test(chr(code)):
            continue
        if out and out[-1][1] == code - 1:
            out[-1][1] = code
        else:
            out.append([code, code])
    return out


def lower_runs():
    """Runs (first, last, step, delta) of code points whose lower case is one other code point."""
    runs = []
    for code in range(LAST + 1):
        if 0xD800 <= code < 0xE000:
            continue
        low = chr(code).lower()
        if len(low) != 1 or ord(low) == code:
            continue
        delta = ord(low) - code
        if runs and runs[-1][3] == delta:
            first, last, step, _ = runs[-1]
            gap = code - last
            if gap in (1, 2) and (first == last or gap == step):
                runs[-1] = [first, code, gap, delta]
                continue
        runs.append([code, code, 1, delta])
    return runs


def wrap(items):
    line = "   "
    for item in items:
        if len(line) + 1 + len(item) > 118:
            print(line)
            line = "   "
        line += " " + item
    print(line)


def wrap_tight(items):
    line = "   "
    for item in items:
        if len(line) + len(item) > 119:
            print(line)
            line = "   "
        line += (" " if line == "   " else "") + item
    print(line)


def table(name, what, rows):
    print(f"/* {what} */\nconst struct unicode_range unicode_{name}[] = {{")
    wrap(f"{{0x{a:X}, 0x{b:X}}}," for a, b in rows)
    print(f"}};\nconst size_t unicode_{name}_count = {len(rows)};\n")


def begin(name, of):
    """What is printed from here on is the file `name`."""
    sys.stdout = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), name), "w", encoding="ascii")
    print(f"""/* {name}: made by make_unicode.py from {of}; not edited by hand. */
#include "data/unicode.h"

/* clang-format off */
""")


version = f"Unicode {unicodedata.unidata_version}"
begin("unicode_tables.c", version)
table("letter", "general categories L*", ranges(lambda c: unicodedata.category(c)[0] == "L"))
table("number", "general categories N*", ranges(lambda c: unicodedata.category(c)[0] == "N"))
CIRCLED = [*range(0x24B6, 0x24EA), *range(0x1F130, 0x1F14A), *range(0x1F150, 0x1F16A), *range(0x1F170, 0x1F18A)]
WORD = {chr(c) for c in CIRCLED} | {"\u200c", "\u200d"}  # alphabetic symbols; joiners
table("word", "word characters: Alphabetic, M*, Nd, Pc, Join_Control",
      ranges(lambda c: unicodedata.category(c) in ("Nd", "Nl", "Pc") or unicodedata.category(c)[0] in "LM"
             or c in WORD))
table("cased", "Cased and not Case_Ignorable", ranges(cased))
table("case_ignorable", "Case_Ignorable", ranges(case_ignorable))
runs = lower_runs()
print("/* one-to-one lower-casing: every step-th code point from first to last moves by delta */")
print("const struct unicode_run unicode_lower_runs[] = {")
wrap(f"{{0x{a:X}, 0x{b:X}, {s}, {d}}}," for a, b, s, d in runs)
print(f"}};\nconst size_t unicode_lower_runs_count = {len(runs)};")
multi = [c for c in range(LAST + 1) if not 0xD800 <= c < 0xE000 and len(chr(c).lower()) > 1]
assert multi == [0x130], multi  # handled in unicode.c


def decomposition(code):
    """The canonical decomposition, one step: one or two code points, or none. Hangul's are worked out in nfc.c."""
    words = unicodedata.decomposition(chr(code)).split()
    return [] if not words or words[0].startswith("<") else [int(w, 16) for w in words]


begin("nfc_tables.c", version)
classes = []
for code in range(LAST + 1):
    order = 0 if 0xD800 <= code < 0xE000 else unicodedata.combining(chr(code))
    if order and classes and classes[-1][1:] == [code - 1, order]:
        classes[-1][1] = code
    elif order:
        classes.append([code, code, order])
print("/* canonical combining classes other than 0 */")
print("const struct unicode_class unicode_classes[] = {")
wrap_tight(f"{{0x{a:X},0x{b:X},{c}}}," for a, b, c in classes)
print(f"}};\nconst size_t unicode_classes_count = {len(classes)};\n")
steps = {code: decomposition(code) for code in range(LAST + 1) if decomposition(code)}
single = sorted((code, to[0]) for code, to in steps.items() if len(to) == 1)
pairs = sorted((code, *to) for code, to in steps.items() if len(to) == 2)
assert len(single) + len(pairs) == len(steps)
assert not any(b in steps for _, _, b in pairs)  # so that only the first half is taken apart further
print("/* canonical decompositions into one code point */")
print("const struct unicode_single unicode_singles[] = {")
wrap_tight(f"{{0x{a:X},0x{b:X}}}," for a, b in single)
print(f"}};\nconst size_t unicode_singles_count = {len(single)};\n")
print("/* canonical decompositions into two */")
print("const struct unicode_pair unicode_pairs[] = {")
wrap_tight(f"{{0x{c:X},0x{a:X},0x{b:X}}}," for c, a, b in pairs)
print(f"}};\nconst size_t unicode_pairs_count = {len(pairs)};\n")
# Those that composition makes again: not the exclusions, which Python's own normaliser knows.
composed = sorted((a, b, i) for i, (c, a, b) in enumerate(pairs)
                  if unicodedata.normalize("NFC", chr(a) + chr(b)) == chr(c))
print("/* places in unicode_pairs of those that are put together again, in the order of their two halves */")
print("const uint16_t unicode_composed[] = {")
wrap_tight(f"{i}," for _, _, i in composed)
print(f"}};\nconst size_t unicode_composed_count = {len(composed)};")

begin("html_tables.c", "the character references of HTML 5")
names = {n[:-1]: v for n, v in html5.items() if n.endswith(";")}
bare = sorted(n for n in html5 if not n.endswith(";"))
assert all(html5[n] == names[n] for n in bare) and max(map(len, bare)) <= 6 and min(map(len, bare)) >= 2
print("/* names that end with a semicolon, sorted by bytes */")
print("const struct unicode_entity unicode_entities[] = {")
wrap_tight(f"{{\"{n}\",0x{ord(v[0]):X},{f'0x{ord(v[1]):X}' if v[1:] else 0}}}," for n, v in sorted(names.items()))
print(f"}};\nconst size_t unicode_entities_count = {len(names)};\n")
print("/* those that need none, by longest prefix */")
print("const char *const unicode_bare_entities[] = {")
wrap(f"\"{n}\"," for n in bare)
print(f"}};\nconst size_t unicode_bare_entities_count = {len(bare)};")
sys.stdout.close()
