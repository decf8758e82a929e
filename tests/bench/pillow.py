"""What bench_pictures measures, by Pillow, with and without Image.draft: pillow.py ROUNDS FILE...; least of the rounds.
draft 448 keeps at least twice the size, as Mien does; 224 at least once."""
import io
import sys
import time
from PIL import Image

SIDE = 224


def once(data, draft):
    start = time.process_time()
    image = Image.open(io.BytesIO(data))
    if draft:
        image.draft("RGB", (draft, draft))
    image = image.convert("RGB")
    decoded = time.process_time()
    w, h = image.size
    w, h = (SIDE, SIDE * h // w) if w <= h else (SIDE * w // h, SIDE)
    x, y = round((w - SIDE) / 2), round((h - SIDE) / 2)
    image.resize((w, h), Image.BICUBIC).crop((x, y, x + SIDE, y + SIDE))
    return 1e3 * (decoded - start), 1e3 * (time.process_time() - decoded)


for path in sys.argv[2:]:
    with open(path, "rb") as file:
        data = file.read()
    for draft in (0, 2 * SIDE, SIDE):
        rounds = [once(data, draft) for _ in range(int(sys.argv[1]))]
        decode, resize = min(r[0] for r in rounds), min(r[1] for r in rounds)
        print(f"{path} draft {draft}: decode {decode:.2f}, resize {resize:.2f}, both {decode + resize:.2f} ms")
