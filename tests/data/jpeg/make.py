"""Makes the JPEG files beside it and what Pillow decodes them to (NAME.png): python3 make.py; needs Pillow and numpy.

Pillow decodes by libjpeg-turbo; tests/data/test_jpeg.c asks for its pixels, to the bit where Mien has that library too.
"""
import io
import os
import numpy as np
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))


def drawn(width, height, channels, seed):
    """Waves and edges: chroma that subsampling smears, blocks that differ."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    planes = [127 + 100 * np.sin(x / rng.uniform(2, 9) + y / rng.uniform(3, 11) + c) for c in range(channels)]
    out = np.stack(planes, -1) + rng.normal(0, 6, (height, width, channels))
    out[height // 3:height // 2, width // 4:width // 2, 0] = 255
    out = out.clip(0, 255).astype(np.uint8)
    return out[:, :, 0] if channels == 1 else out


def encode(width, height, mode, **options):
    channels = {"L": 1, "RGB": 3, "CMYK": 4}[mode]
    out = io.BytesIO()
    Image.fromarray(drawn(width, height, channels, width * 100 + height), mode).save(out, "JPEG", **options)
    return bytearray(out.getvalue())


def without_adobe(data):
    at = data.index(b"\xff\xee")
    return data[:at] + data[at + 2 + int.from_bytes(data[at + 2:at + 4], "big"):]


def with_transform(data, transform):
    data[data.index(b"Adobe") + 11] = transform
    return data


CASES = {
    "grey": encode(33, 17, "L"),
    "grey_progressive": encode(17, 33, "L", progressive=True),
    "444": encode(31, 18, "RGB", subsampling="4:4:4"),
    "422": encode(31, 18, "RGB", subsampling="4:2:2"),
    "420": encode(31, 19, "RGB", subsampling="4:2:0"),
    "420_fine": encode(40, 40, "RGB", subsampling="4:2:0", quality=98),
    "420_coarse": encode(40, 40, "RGB", subsampling="4:2:0", quality=8),
    "420_progressive": encode(35, 29, "RGB", subsampling="4:2:0", progressive=True),
    "422_progressive": encode(30, 21, "RGB", subsampling="4:2:2", progressive=True),
    "444_progressive": encode(30, 21, "RGB", subsampling="4:4:4", progressive=True, optimize=True),
    "restarts": encode(40, 24, "RGB", subsampling="4:2:0", restart_marker_blocks=1),
    "restart_rows": encode(40, 40, "RGB", subsampling="4:2:2", restart_marker_rows=1),
    "rgb": encode(20, 20, "RGB", keep_rgb=True),
    "one": encode(1, 1, "RGB"),
    "one_grey": encode(1, 1, "L"),
    "two": encode(2, 2, "RGB", subsampling="4:2:0"),
    "three": encode(3, 5, "RGB", subsampling="4:2:0"),
    "tall": encode(4, 60, "RGB", subsampling="4:2:0"),
    "wide": encode(60, 3, "RGB", subsampling="4:2:0"),
    "cmyk": encode(24, 20, "CMYK"),
    "cmyk_without_adobe": without_adobe(encode(24, 20, "CMYK")),
    "cmyk_progressive": without_adobe(encode(25, 19, "CMYK", progressive=True)),
    "cmyk_narrow": without_adobe(encode(3, 7, "CMYK")),
    "ycck": with_transform(encode(24, 20, "CMYK", quality=95), 2),
    "ycck_unknown": with_transform(encode(24, 20, "CMYK", quality=95), 1),
}

for name, data in CASES.items():
    with open(f"{HERE}/{name}.jpg", "wb") as out:
        out.write(data)
    Image.open(io.BytesIO(bytes(data))).convert("RGB").save(f"{HERE}/{name}.png", optimize=True)
