#!/usr/bin/env python3
"""Makes texts/added/: a tokenizer with added tokens of all flags as transformers 5 saves it (tokenizer.json alone), and
texts with the ids that transformers gives them.

    python3 make_added.py         (needs pip's transformers 5 and tokenizers; no network)

The texts keep to what transformers and CLIP's own code tokenise alike: no references of HTML, no typographic quotes.
"""
import json
import os
import random
import sys

from transformers import AddedToken, CLIPTokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
TOKENS = [
    AddedToken("<my-face>", normalized=True),
    AddedToken("<My-Raw>", normalized=False),
    AddedToken("duchenne", normalized=True, single_word=True),
    AddedToken("Zygo", normalized=False, single_word=True),
    AddedToken("ab", normalized=False),
    AddedToken("abcd", normalized=False, lstrip=True),
    AddedToken("x y", normalized=True, rstrip=True),
    AddedToken("E\u0301t", normalized=True),
    AddedToken("happy", normalized=True),
    AddedToken("<pad>", special=True),
]
PIECES = [*"abcdehinopstuvw'.,!?-_<>[]09", " ", " ", "<my-face>", "<My-Face>", "<My-Raw>", "<my-raw>", "duchenne",
          "Duchenne", "Zygo", "zygo", " smile", " happy", "happy", "'s", "'ll", "\u00e9", "e\u0301", "\u00e9t",
          "\u00c9T", "\u00b2", "\u3000", "\t", "\u0301", "_", "\u4e2d", "\U0001f642", "ab", "abc", "abcd", "x y",
          "x  y", "<pad>"]


def main():
    tokenizer = CLIPTokenizer.from_pretrained(os.path.join(HERE, "../../weights/synthetic-faces"))
    for token in TOKENS:
        tokenizer.add_tokens([token], special_tokens=token.special)
    out = os.path.join(HERE, "texts", "added")
    tokenizer.save_pretrained(out)
    path = os.path.join(out, "tokenizer.json")
    with open(path, encoding="utf-8") as f:
        compact = json.load(f)
    with open(path, "w", encoding="utf-8") as f:
        json.dump(compact, f, separators=(",", ":"))
    rng = random.Random(3)
    texts = ["a photo of <my-face> smiling", "a duchenne smile", "duchennes Zygo zygo", "abcd abc ab"]
    texts += ["".join(rng.choice(PIECES) for _ in range(rng.randint(1, 12))) for _ in range(150)]
    cases = [[t, tokenizer(t)["input_ids"]] for t in texts]
    with open(os.path.join(out, "cases.json"), "w", encoding="ascii") as f:
        f.write(json.dumps(cases, separators=(",", ":")).replace(']],[', ']],\n[') + "\n")


if __name__ == "__main__":
    sys.exit(main())
