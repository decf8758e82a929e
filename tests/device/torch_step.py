#!/usr/bin/env python3
"""torch_step.py [--small] [--cpu]: PyTorch's eager training step of a CLIP ViT-B/32, and its products of 4096^3, for
tests/device/run to compare with: as JSON, {"torch": ..., "device": ..., "step": {"f32": ms, ...}, "matmul": {...}}.
Exit status 77: there is no PyTorch, or no CUDA device (--cpu goes without one).

The step is Mien's (src/bench/program.c): both towers, symmetric InfoNCE, AdamW, the gradient's norm clipped to 1.
bf16, f16: autocast, weights in f32; f16 with its loss scaled. f32: no TF32. A time is the median of single steps."""
import argparse
import json
import statistics
import sys
import time

try:
    import torch
    import torch.nn.functional as F
    from torch import nn
except ImportError:
    print("no PyTorch")
    sys.exit(77)


class Block(nn.Module):
    def __init__(self, width, heads, causal):
        super().__init__()
        self.heads, self.causal = heads, causal
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        x = x + self.out(a.transpose(1, 2).reshape(b, t, d))
        h = self.fc1(self.norm2(x))
        return x + self.fc2(h * torch.sigmoid(1.702 * h))


class Clip(nn.Module):
    def __init__(self, image, patch, vision, text, vocab, context, layers, embed):
        super().__init__()
        tokens = (image // patch) ** 2 + 1
        self.patches = nn.Conv2d(3, vision, patch, patch, bias=False)
        self.class_token = nn.Parameter(torch.randn(vision) * vision**-0.5)
        self.vision_pos = nn.Parameter(torch.randn(tokens, vision) * vision**-0.5)
        self.pre, self.post = nn.LayerNorm(vision), nn.LayerNorm(vision)
        self.vision = nn.Sequential(*[Block(vision, vision // 64, False) for _ in range(layers)])
        self.vision_out = nn.Linear(vision, embed, bias=False)
        self.table = nn.Embedding(vocab, text)
        self.text_pos = nn.Parameter(torch.randn(context, text) * 0.01)
        self.text = nn.Sequential(*[Block(text, text // 64, True) for _ in range(layers)])
        self.final = nn.LayerNorm(text)
        self.text_out = nn.Linear(text, embed, bias=False)
        self.scale = nn.Parameter(torch.tensor(2.6592))
        nn.init.normal_(self.table.weight, std=0.02)

    def forward(self, pixels, ids):
        x = self.patches(pixels).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_token.to(x.dtype).expand(len(x), 1, -1), x], 1) + self.vision_pos
        u = self.vision_out(self.post(self.vision(self.pre(x))[:, 0]))
        y = self.text(self.table(ids) + self.text_pos)
        v = self.text_out(self.final(y[:, -1]))
        u, v = F.normalize(u.float(), dim=-1), F.normalize(v.float(), dim=-1)
        with torch.autocast(u.device.type, enabled=False):
            scores = self.scale.exp() * u @ v.t()
            rows = torch.arange(len(u), device=u.device)
            return (F.cross_entropy(scores, rows) + F.cross_entropy(scores.t(), rows)) / 2


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


def step_of(device, dtype, small):
    torch.manual_seed(1)
    size = (32, 8, 64, 64, 512, 24, 2, 64) if small else (224, 32, 768, 512, 49408, 77, 12, 512)
    batch = 8 if small else 64
    model = Clip(*size).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.1)
    scaler = torch.amp.GradScaler(device, enabled=dtype == torch.float16)
    pixels = torch.randn(batch, 3, size[0], size[0], device=device)
    ids = torch.randint(0, size[4], (batch, size[5]), device=device)

    def run():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device, dtype=dtype, enabled=dtype != torch.float32):
            loss = model(pixels, ids)
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()

    return run


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
    for name, dtype in dtypes.items():
        out["step"][name] = timed(device, step_of(device, dtype, args.small), 20, 20)
        out["matmul"][name] = timed(device, product_of(device, dtype, 256 if args.small else 4096), 50, 10)
    print(json.dumps(out))
    return 0


sys.exit(main())
