#!/usr/bin/python3
"""Makes clips/: models to start from, clips of the pictures of train/, and what PyTorch makes of them in 30 steps.

    /usr/bin/python3 clips_reference.py [OUT_DIR]

EmoCLIP's training as `mien train` should do it: three of a clip's four frames at equal spacing through the image tower
to a temporal transformer of head dimension 2048, a sentence as text; towers frozen or tuned at a tenth of the rate;
heads with each of their losses, beside the contrastive loss and alone. In float64. Needs train/ to be there.
"""
import json
import math
import os
import sys

import torch
import torch.nn.functional as F

import train_reference as base
from make_golden import F64, STORED, decays, encode_clip, encode_image, encode_text, make_weights, save

CLIPS, FRAMES, USED = 8, 4, 3
STEPS = 30
HIDDEN = 5
# An eps that keeps gradients near 0 from deciding by their sign, which fp32 could not follow.
OPTIM = dict(base.OPTIM, eps=1e-4)
MODEL = {
    "seed": 21, "dtype": "BF16",
    "vision": dict(hidden_size=12, intermediate_size=20, num_hidden_layers=1, num_attention_heads=2, image_size=24,
                   patch_size=8, hidden_act="quick_gelu", layer_norm_eps=1e-5),
    "text": dict(hidden_size=12, intermediate_size=20, num_hidden_layers=1, num_attention_heads=2,
                 max_position_embeddings=24, hidden_act="gelu", layer_norm_eps=1e-5),
    "projection_dim": 4,
    "temporal": dict(layers=1, heads=1, head_dim=2048, mlp=5, max_frames=6),
}
TOWERS = ("vision_model.", "visual_projection.", "text_model.", "text_projection.")
GROUPS = [{"match": p + "*", "lr_scale": 0.1, "freeze": False} for p in TOWERS]
NAMES = {"regression": ["calm", "tension"], "classes": ["anger", "fear", "joy"]}
# name, where it starts, tuned towers, head loss, weight of it
CASES = [("frozen", "start", False, None, 0), ("tuned", "start", True, None, 0),
         ("mse", "start-regression", False, "mse", 0.5), ("rmse alone", "start-regression", True, "rmse", 0),
         ("ccc", "start-regression", True, "ccc", 2.0), ("ce", "start-classes", False, "ce", 1.0),
         ("ce alone", "start-classes", False, "ce", 0)]


def picks():
    """The middles of equal parts."""
    return [int((i + 0.5) * FRAMES / USED) for i in range(USED)]


def weights(kind):
    w = make_weights(MODEL)
    n = len(NAMES.get(kind, []))
    g = torch.Generator().manual_seed(MODEL["seed"] + 7)
    shapes = [("head.0.weight", (HIDDEN, 4)), ("head.0.bias", (HIDDEN,)), ("head.2.weight", (n, HIDDEN)),
              ("head.2.bias", (n,))]
    for name, shape in shapes if n else []:
        value = torch.randn(*shape, generator=g, dtype=F64) * 0.6
        w[name] = value.to(STORED["BF16"]).to(F64).requires_grad_()
    return w


def manifest(rows):
    out = []
    for i in range(CLIPS):
        frames = [f"../train/{(i + 9 * j) % base.ROWS:02}.png" for j in range(FRAMES)]
        targets = {"calm": round(math.sin(1.7 * i) * 3 + 2, 3), "tension": round(math.cos(0.9 * i * i) - 0.4, 3)}
        out.append({"frames": frames, "caption": {"global": rows[4 * i + i % 4]["caption"]["global"]},
                    "label": NAMES["classes"][i * 2 % 3], "targets": targets})
    return out


def standard(rows):
    t = torch.tensor([[r["targets"][k] for k in NAMES["regression"]] for r in rows], dtype=F64)
    return (t - t.mean(0)) / t.std(0, unbiased=False), t


def head_loss(kind, said, truth):
    if kind == "ce":
        return F.cross_entropy(said, truth)
    if kind == "mse":
        return ((said - truth) ** 2).mean()
    if kind == "rmse":
        return ((said - truth) ** 2).mean().sqrt()
    ma, mb = said.mean(0), truth.mean(0)
    va, vb = ((said - ma) ** 2).mean(0), ((truth - mb) ** 2).mean(0)
    return (1 - 2 * ((said - ma) * (truth - mb)).mean(0) / (va + vb + (ma - mb) ** 2)).mean()


def perform(case, rows, pixels, ids):
    _, start, tuned, kind, share = case
    w = weights(start.partition("-")[2])
    truth = torch.tensor([NAMES["classes"].index(r["label"]) for r in rows]) if kind == "ce" else standard(rows)[0]
    trained = {n: p for n, p in w.items() if tuned or not n.startswith(TOWERS)}
    alone = kind and share == 0
    groups = []
    for name, p in trained.items():
        skip = name in ("temporal.cls_token", "temporal.pos_embedding") or not decays(name, p)
        groups.append({"params": [p], "weight_decay": 0.0 if skip else OPTIM["weight_decay"],
                       "scale": 0.1 if name.startswith(TOWERS) else 1.0})
    optimizer = torch.optim.AdamW(groups, lr=1.0, betas=OPTIM["betas"], eps=OPTIM["eps"])
    table, grads = [], {}
    for step in range(STEPS):
        optimizer.zero_grad()
        frames = encode_image(w, MODEL["vision"], pixels.flatten(0, 1))[0].unflatten(0, pixels.shape[:2])
        raw = encode_clip(w, MODEL["temporal"], frames)
        loss_global, loss_head = torch.zeros((), dtype=F64), torch.zeros((), dtype=F64)
        if not alone:
            v = F.normalize(encode_text(w, MODEL["text"], ids), dim=1)
            z = w["logit_scale"].exp() * F.normalize(raw, dim=1) @ v.T
            own = torch.arange(CLIPS)
            loss_global = (F.cross_entropy(z, own) + F.cross_entropy(z.T, own)) / 2
        if kind:
            h = F.linear(raw, w["head.0.weight"], w["head.0.bias"]).relu()
            loss_head = head_loss(kind, F.linear(h, w["head.2.weight"], w["head.2.bias"]), truth)
        loss = loss_head if alone else loss_global + share * loss_head
        loss.backward()
        with_grad = [p for p in trained.values() if p.grad is not None]
        if step == 0:
            grads = {n: p.grad.float().clone() for n, p in trained.items()
                     if p.grad is not None and (case[0] == "tuned" or p.numel() < 1000)}
        norm = torch.nn.utils.clip_grad_norm_(with_grad, OPTIM["clip_norm"])
        lr = base.rate(OPTIM, step, STEPS)
        for group in optimizer.param_groups:
            group["lr"] = lr * group["scale"]
        optimizer.step()
        with torch.no_grad():
            w["logit_scale"].clamp_(0, math.log(100))
        table.append([loss.item(), loss_global.item(), loss_head.item(), lr, norm.item()])
    return table, grads


def write_start(root, start, rows):
    kind = start.partition("-")[2]
    vocab, merges = write_start.words
    base.MODEL, kept = MODEL, base.MODEL
    base.write_model(os.path.join(root, start), vocab, merges)
    base.MODEL = kept
    save(os.path.join(root, start, "model.safetensors"),
         {n: p.detach().to(torch.bfloat16) for n, p in weights(kind).items()})
    path = os.path.join(root, start, "config.json")
    with open(path) as f:
        config = json.load(f)
    config["mien"] = {"temporal": MODEL["temporal"]}
    if kind:
        config["mien"]["head"] = {"kind": kind, "hidden": HIDDEN, "targets": NAMES[kind]}
    base.write_json(path, config, indent=2, sort_keys=True)


def main(root):
    rows, _, pixels, vocab, merges = base.prepare()
    for key in ("vocab_size", "bos_token_id", "eos_token_id", "pad_token_id"):
        MODEL["text"][key] = base.MODEL["text"][key]
    clips = manifest(rows)
    at = [[int(name[9:11]) for name in c["frames"]] for c in clips]
    frames = torch.stack([torch.stack([pixels[a[k]] for k in picks()]) for a in at])
    ids = torch.tensor([base.encode(c["caption"]["global"], vocab, merges, 24) for c in clips])
    write_start.words = (vocab, merges)
    os.makedirs(root, exist_ok=True)
    for start in ("start", "start-regression", "start-classes"):
        write_start(root, start, clips)
    base.write_rows(root, "clips", clips)
    tensors = {}
    for case in CASES:
        name, start, tuned, kind, share = case
        table, grads = perform(case, clips, frames, ids)
        head = {"kind": start.partition("-")[2], "hidden": HIDDEN, "loss": kind, "weight": share,
                "targets": NAMES[start.partition("-")[2]]} if kind else None
        config = {"model": {"init": start, **({"head": head} if head else {})},
                  "data": {"train": "clips.jsonl", "shuffle": False, "augment": {}, "frames": {"count": USED}},
                  "loss": {"text": "global"}, "optim": dict(OPTIM, groups=GROUPS if tuned else []),
                  "run": {"dir": "run", "steps": STEPS, "batch": CLIPS}}
        file = name.replace(" ", "-")
        base.write_json(os.path.join(root, file + ".json"), config, indent=2)
        tensors.update({f"{file}.grad.{n}": g for n, g in grads.items()})
        tensors[file + ".steps"] = torch.tensor(table, dtype=F64).float()
        print(f"{name}: loss {table[0][0]:.6f} to {table[-1][0]:.6f}")
    save(os.path.join(root, "clips.safetensors"), tensors)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "clips"))
