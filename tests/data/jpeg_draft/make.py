"""Makes the JPEG files beside it, as large as test_jpeg_draft.c needs them: python3 make.py; needs Pillow and numpy.

Noise with the spectrum of photographs (amplitude 1/f), a bright disc with a hard edge on it.
"""
import os
import numpy as np
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))


def photo(width, height, channels, seed):
    rng = np.random.default_rng(seed)
    f = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    f[0, 0] = np.inf
    noise = [np.fft.irfft2(np.exp(2j * np.pi * rng.random(f.shape)) / f, (height, width)) for _ in range(channels + 1)]
    planes = [128 + 30 * noise[0] / noise[0].std() + 12 * plane / plane.std() for plane in noise[1:]]
    y, x = np.mgrid[0:height, 0:width]
    out = np.stack(planes, -1)
    out[np.hypot(x - width * 0.4, y - height * 0.55) < height * 0.25] += 60
    out = out.clip(0, 255).astype(np.uint8)
    return Image.fromarray(out[:, :, 0] if channels == 1 else out, {1: "L", 3: "RGB", 4: "CMYK"}[channels])


photo(301, 221, 3, 1).save(f"{HERE}/420.jpg", quality=75)
photo(221, 301, 3, 2).save(f"{HERE}/444_progressive.jpg", quality=60, subsampling=0, progressive=True)
photo(230, 214, 1, 3).save(f"{HERE}/grey.jpg", quality=75)
photo(215, 222, 4, 4).save(f"{HERE}/cmyk.jpg", quality=60)
