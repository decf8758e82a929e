#!/usr/bin/python3
"""Makes positions.safetensors, what test_convert.c compares resized position embeddings with: torch's interpolate, as
open_clip calls it, and Long-CLIP's rule written out row by row.

    /usr/bin/python3 make_positions.py

Needs Debian's python3-torch and nothing else.
"""
import os
import sys

import torch
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "golden"))
from make_golden import save  # noqa: E402

WIDTH = 3


def grid(rows, side):
    old = int((rows.shape[0] - 1) ** 0.5)
    image = rows[1:].reshape(1, old, old, WIDTH).permute(0, 3, 1, 2)
    image = F.interpolate(image, size=(side, side), mode="bicubic", antialias=True, align_corners=False)
    return torch.cat([rows[:1], image.permute(0, 2, 3, 1).reshape(side * side, WIDTH)])


def linear(rows, count):
    return F.interpolate(rows.t()[None], size=count, mode="linear", align_corners=False)[0].t()


def stretched(p):
    new = [p[i] for i in range(20)]
    for i in range(p.shape[0] - 21):
        new += [((4 - k) * p[20 + i] + k * p[21 + i]) / 4 for k in range(4)]
    new += [p[-1] + k * (p[-1] - p[-2]) / 4 for k in range(4)]
    return torch.stack(new)


def main():
    g = torch.Generator().manual_seed(5)
    out = {}
    for old, sides in {7: (4, 7, 12), 1: (3,), 16: (5, 24)}.items():
        rows = torch.randn(1 + old * old, WIDTH, generator=g, dtype=torch.float64)
        rows = rows.float().double()
        out[f"grid.{old}"] = rows.float()
        for side in sides:
            out[f"grid.{old}.{side}"] = grid(rows, side).float()
    rows = torch.randn(77, WIDTH, generator=g).double()
    out["text.77"] = rows.float()
    out["text.77.248"] = stretched(rows).float()
    for count in (40, 77, 100, 154):
        out[f"text.77.{count}"] = linear(rows, count).float()
    save(os.path.join(HERE, "positions.safetensors"), out)


if __name__ == "__main__":
    main()
