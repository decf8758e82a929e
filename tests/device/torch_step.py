#!/usr/bin/env python3
"""torch_step.py [--small] [--cpu]: PyTorch's eager training step of a CLIP ViT-B/32, and its products of 4096^3, for
tests/device/run to compare with: as JSON, {"torch": ..., "device": ..., "step": {"f32": ms, ...}, "matmul": {...}}.
Exit status 77: there is no PyTorch, or no CUDA device (--cpu goes without one).

The step is that of ../torch_clip.py. f32: no TF32. A time is the median of single steps."""
import argparse
import json
import os
import statistics
import sys
import time

try:
    import torch
except ImportError:
    print("no PyTorch")
    sys.exit(77)
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from torch_clip import TINY, VIT_B32, training_step


def timed(device, run, rounds, most):
    """Median milliseconds of a run, after three that count for nothing; `most` seconds in all."""
    def wait():
        if device == "cuda":
            torch.cuda.synchronize()

    times, end = [], time.monotonic() + most
    for i in range(rounds + 3):
        wait()
        begin = time.perf_counter()
        run()
        wait()
        if i >= 3:
            times.append(1e3 * (time.perf_counter() - begin))
        if times and time.monotonic() > end:
            break
    return statistics.median(times)


def product_of(device, dtype, side):
    a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    return lambda: torch.mm(a, b)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true", help="sizes that a processor does in seconds")
    parser.add_argument("--cpu", action="store_true", help="without a GPU")
    args = parser.parse_args()
    if not args.cpu and not torch.cuda.is_available():
        print(f"PyTorch {torch.__version__} has no CUDA device")
        return 77
    device = "cpu" if args.cpu else "cuda"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    dtypes = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}
    if args.cpu:
        del dtypes["f16"]
    out = {"torch": torch.__version__, "device": "cpu" if args.cpu else torch.cuda.get_device_name(), "step": {},
           "matmul": {}}

    def step(dtype):
        return training_step(device, dtype, TINY if args.small else VIT_B32, 8 if args.small else 64)

    for name, dtype in dtypes.items():
        out["step"][name] = timed(device, step(dtype), 20, 20)
        out["matmul"][name] = timed(device, product_of(device, dtype, 256 if args.small else 4096), 50, 10)
    print(json.dumps(out))
    return 0


sys.exit(main())
