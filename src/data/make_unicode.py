#!/usr/bin/env python3
"""Writes unicode_tables.c from Python's own Unicode and HTML data. Usage: make_unicode.py > unicode_tables.c"""
import sys
import unicodedata
from html.entities import html5, name2codepoint

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


def table(name, what, rows):
    print(f"/* {what} */\nconst struct unicode_range unicode_{name}[] = {{")
    wrap(f"{{0x{a:X}, 0x{b:X}}}," for a, b in rows)
    print(f"}};\nconst size_t unicode_{name}_count = {len(rows)};\n")


version = unicodedata.unidata_version
print(f"""/* unicode_tables.c: made by make_unicode.py from Unicode {version}; not edited by hand. */
#include "data/unicode.h"

/* clang-format off */
""")
table("letter", "general categories L*", ranges(lambda c: unicodedata.category(c)[0] == "L"))
table("number", "general categories N*", ranges(lambda c: unicodedata.category(c)[0] == "N"))
table("cased", "Cased and not Case_Ignorable", ranges(cased))
table("case_ignorable", "Case_Ignorable", ranges(case_ignorable))
runs = lower_runs()
print("/* one-to-one lower-casing: every step-th code point from first to last moves by delta */")
print("const struct unicode_run unicode_lower_runs[] = {")
wrap(f"{{0x{a:X}, 0x{b:X}, {s}, {d}}}," for a, b, s, d in runs)
print(f"}};\nconst size_t unicode_lower_runs_count = {len(runs)};\n")
multi = [c for c in range(LAST + 1) if not 0xD800 <= c < 0xE000 and len(chr(c).lower()) > 1]
assert multi == [0x130], multi  # handled in unicode.c

# The character references of HTML 4, and HTML 5's spellings that need no semicolon (marked 1).
names = {n: html5[n + ";"] for n in name2codepoint}
names.update({n.rstrip(";"): v for n, v in html5.items() if not n.endswith(";")})
names["apos"] = "'"
print("/* HTML character references, sorted by bytes; bare: works without a semicolon, by longest prefix */")
print("const struct unicode_entity unicode_entities[] = {")
wrap(f"{{\"{n}\", 0x{ord(v):X}, {1 if n in html5 else 0}}}," for n, v in sorted(names.items()))
print(f"}};\nconst size_t unicode_entities_count = {len(names)};")
sys.exit(0)
