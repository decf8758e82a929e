#!/usr/bin/python3
"""Makes train/: a data set, a model to start from, a configuration, and what PyTorch makes of them in 30 steps.

    /usr/bin/python3 train_reference.py [OUT_DIR]

An implementation of its own of what `mien train` does: global and summary captions, pooled local branch, mined
positives, AdamW with warm-up and cosine, clipping; in float64, in plain matrices. Output is byte-identical on every
run of the same PyTorch. README.md says what each file holds.

fp32 cannot decide a comparison that float64 nearly ties. So the similarities of every step must keep a distance from
the threshold, and from each other where the best k are cut: MARGIN, checked here.
"""
import json
import math
import os
import random
import struct
import sys
import zlib

import torch
import torch.nn.functional as F

from make_golden import F64, decays, encode_image, encode_text, make_weights, save

MARGIN = 1e-4
SEED = 11
MODEL = {
    "seed": SEED, "dtype": "BF16",
    "vision": dict(hidden_size=24, intermediate_size=52, num_hidden_layers=2, num_attention_heads=3, image_size=24,
                   patch_size=8, hidden_act="quick_gelu", layer_norm_eps=1e-5),
    "text": dict(hidden_size=24, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2,
                 max_position_embeddings=24, hidden_act="gelu", layer_norm_eps=1e-5),
    "projection_dim": 20,
}
ROWS, MERGES = 32, 60
OPTIM = dict(kind="adamw", lr=2e-3, betas=[0.9, 0.98], eps=1e-6, weight_decay=0.2, clip_norm=1.0, schedule="cosine",
             warmup_steps=3)
RUNS = {
    # The main course: every text there, mining from the first step.
    "train": dict(steps=30, local=dict(kind="pooled", weight=0.7, sentences=1, pick="first", tau=0.07),
                  mining=dict(kind="hard", guide="crossmodal", threshold={"text": 0.922, "image": 0.91}, top_k=8,
                              warmup_steps=0)),
    # Rows without a summary, without local sentences, with neither; mining begins later and is cut to the best two.
    "missing": dict(steps=10, local=dict(kind="pooled", weight=1.0, sentences=1, pick="first", tau=0.1),
                    mining=dict(kind="hard", guide="crossmodal", threshold={"text": 0.853, "image": 0.889}, top_k=2,
                                warmup_steps=4)),
}
BATCH = 16
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)

# ---- the data set ----------------------------------------------------------------------------------------------------

MOODS = {"joy": ("bright", "up"), "fear": ("wide", "tense"), "anger": ("hard", "low"), "calm": ("soft", "even")}
PARTS = ("eyes", "brows", "lips", "cheeks")
DEGREES = ("faint", "plain", "strong")


def caption(rng, index):
    mood = sorted(MOODS)[index % len(MOODS)]
    words = MOODS[mood]
    degree, part, other, first, second = (rng.choice(c) for c in (DEGREES, PARTS, PARTS, words, words))
    return {"global": f"a face of {degree} {mood}, {part} {first}.",
            "local": [f"the {part} are {rng.choice(DEGREES)} and {second}.", f"the {other} are {first}."],
            "summary": f"so it is {mood}, by {second} {other} and {degree} {part}."}


def captions(rng):
    """No two equal ones on a level: equal texts would tie."""
    out, seen = [], set()
    while len(out) < ROWS:
        c = caption(rng, len(out))
        levels = {c["global"], c["local"][0], c["summary"]}
        if not levels & seen:
            seen |= levels
            out.append(c)
    return out


def picture(g, index):
    """[3,24,24] bytes: waves whose direction and colour follow the mood, with some of their own."""
    y, x = torch.meshgrid(torch.arange(24.0), torch.arange(24.0), indexing="ij")
    own, mood = torch.rand(9, generator=g), index % len(MOODS)
    out = torch.empty(3, 24, 24)
    for c in range(3):
        angle = mood * 0.8 + own[c] * 1.2
        wave = torch.sin((x * math.cos(angle) + y * math.sin(angle)) * (0.25 + 0.3 * own[3 + c]) + 6.3 * own[6 + c])
        out[c] = 128 + 70 * wave + 50 * math.cos(mood * 1.57 + c * 2.1)
    return out.round().clamp(0, 255).to(torch.uint8)


def write_png(path, image):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = image.permute(1, 2, 0).to(torch.int16)
    ups = (rows - torch.cat([rows.new_zeros(1, 24, 3), rows[:-1]])) % 256  # filter 2: the difference to the row above
    raw = b"".join(b"\2" + bytes(row.flatten().tolist()) for row in ups)
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 24, 24, 8, 2, 0, 0, 0)) +
                chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b""))


# ---- the tokenizer: CLIP's, for letters, commas and points -----------------------------------------------------------

def pieces(text):
    return text.replace(",", " ,").replace(".", " .").split()


def merge(symbols, pair):
    out = []
    for s in symbols:
        if out and (out[-1], s) == pair:
            out[-1] = pair[0] + s
        else:
            out.append(s)
    return out


def symbols_of(piece, merges):
    symbols = list(piece[:-1]) + [piece[-1] + "</w>"]
    for pair in merges:
        symbols = merge(symbols, pair)
    return symbols


def learn(texts):
    words = [symbols_of(p, []) for text in texts for p in pieces(text)]
    letters = sorted({s for w in words for s in w} | {s.replace("</w>", "") for w in words for s in w})
    merges = []
    for _ in range(MERGES):
        count = {}
        for w in words:
            for pair in zip(w, w[1:]):
                count[pair] = count.get(pair, 0) + 1
        best = max(sorted(count), key=count.get)
        merges.append(best)
        words = [merge(w, best) for w in words]
    vocab = letters + [a + b for a, b in merges] + ["<|startoftext|>", "<|endoftext|>"]
    return {s: i for i, s in enumerate(vocab)}, merges


def encode(text, vocab, merges, context):
    """The row of ids, padded with the end token."""
    end = vocab["<|endoftext|>"]
    ids = [vocab["<|startoftext|>"]] + [vocab[s] for p in pieces(text) for s in symbols_of(p, merges)]
    ids = ids[:context - 1] + [end]
    return ids + [end] * (context - len(ids))


# ---- the loss --------------------------------------------------------------------------------------------------------

def mined(sim, there, threshold, top_k, margins):
    """Targets [N,N], a row for each anchor: itself and those at or above the threshold, at most top_k of them, all
    alike. Pairs that are not `there` are nobody's target."""
    n = sim.shape[0]
    q = torch.eye(n, dtype=F64)
    for i in range(n):
        if not there[i]:
            continue
        near = sorted((-sim[i, j].item(), j) for j in range(n) if j != i and there[j])
        margins.extend(abs(-s - threshold) for s, _ in near)
        chosen = [(s, j) for s, j in near if -s >= threshold]
        if top_k and len(chosen) > top_k:
            margins.append(chosen[top_k][0] - chosen[top_k - 1][0])
            chosen = chosen[:top_k]
        for _, j in chosen:
            q[i, j] = 1
        q[i] /= q[i].sum()
    return q


def contrast(score, scale, there, text_sim, image_sim, mining, margins):
    """Symmetric InfoNCE with targets, over the pairs that are there. Also the mean number of positives both ways."""
    n = score.shape[0]
    rows = columns = torch.eye(n, dtype=F64)
    if mining:
        rows = mined(text_sim, there, mining["threshold"]["text"], mining["top_k"], margins)
        columns = mined(image_sim, there, mining["threshold"]["image"], mining["top_k"], margins).T
    keep = torch.tensor([i for i in range(n) if there[i]])
    z = (scale.exp() * score)[keep][:, keep]
    rows, columns = rows[keep][:, keep], columns[keep][:, keep]
    loss = -(rows * z.log_softmax(1)).sum() - (columns * z.log_softmax(0)).sum()
    counts = [(rows > 0).sum().item() / len(keep), (columns > 0).sum().item() / len(keep)]
    return loss / (2 * len(keep)), counts


def pooled(patches, sentences, tau):
    """Scores [N,M] of images by their patches [N,G,E], pooled as each sentence [M,E] attends to them."""
    out = []
    for p in patches:
        a = ((sentences @ p.T) / tau).softmax(1)          # [M,G]
        out.append((F.normalize(a @ p, dim=1) * sentences).sum(1))
    return torch.stack(out)


def objective(w, run, batch, step, margins, keep=None):
    def text(ids):
        return F.normalize(encode_text(w, MODEL["text"], ids), dim=1)

    u, patches = encode_image(w, MODEL["vision"], batch["pixels"])
    u, patches = F.normalize(u, dim=1), F.normalize(patches, dim=2)
    mining = run["mining"] if step >= run["mining"]["warmup_steps"] else None
    image_sim = (u @ u.T).detach()
    parts, counts, embeds = {}, [], {"image_embeds": u}
    for level in ("global", "summary", "local"):
        t = text(batch["ids." + level])
        score = pooled(patches, t, run["local"]["tau"]) if level == "local" else u @ t.T
        parts[level], count = contrast(score, w["logit_scale"], batch["there." + level], (t @ t.T).detach(), image_sim,
                                       mining, margins)
        counts += count
        embeds[level + "_embeds"] = t
        if level == "local":
            embeds["local_scores"] = score
    loss_global = (parts["global"] + parts["summary"]) / 2
    if keep is not None:
        keep.update({k: v.detach().float() for k, v in embeds.items()})
    return loss_global + run["local"]["weight"] * parts["local"], loss_global, parts["local"], counts


# ---- the run ---------------------------------------------------------------------------------------------------------

def rate(step, steps):
    warm = OPTIM["warmup_steps"]
    if step < warm:
        return OPTIM["lr"] * (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / (steps - warm))) * OPTIM["lr"]


def perform(run, rows, pixels, ids):
    """Columns of `steps`, see README.md. The batches are the rows in order, again and again."""
    w = make_weights(MODEL)
    groups = [{"params": [p for n, p in w.items() if decays(n, p)], "weight_decay": OPTIM["weight_decay"]},
              {"params": [p for n, p in w.items() if not decays(n, p)], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=OPTIM["lr"], betas=OPTIM["betas"], eps=OPTIM["eps"])
    out, table, margins = {}, [], []
    for step in range(run["steps"]):
        at = [(step * BATCH + i) % ROWS for i in range(BATCH)]
        batch = {"pixels": pixels[at]}
        for level in ("global", "summary", "local"):
            batch["ids." + level] = ids[level][at]
            batch["there." + level] = [bool(rows[i]["caption"].get(level)) for i in at]
        optimizer.zero_grad()
        loss, loss_global, loss_local, counts = objective(w, run, batch, step, margins, None if step else out)
        loss.backward()
        if step == 0:
            out.update({"ids." + level: batch["ids." + level].int() for level in ("global", "summary", "local")})
            out.update({"grad." + n: p.grad.float().clone() for n, p in w.items()})
        norm = torch.nn.utils.clip_grad_norm_(w.values(), OPTIM["clip_norm"])
        lr, scale = rate(step, run["steps"]), w["logit_scale"].item()
        for group in optimizer.param_groups:
            group["lr"] = lr
        optimizer.step()
        with torch.no_grad():
            w["logit_scale"].clamp_(0, math.log(100))
        table.append([loss.item(), loss_global.item(), loss_local.item(), lr, norm.item(), scale] + counts)
    out["steps"] = torch.tensor(table, dtype=F64).float()
    out.update({"final." + n: p.detach().float() for n, p in w.items()})
    return out, min(margins)


def make_data():
    rng, g = random.Random(SEED), torch.Generator().manual_seed(SEED)
    rows = [{"image": f"{i:02}.png", "caption": c} for i, c in enumerate(captions(rng))]
    images = torch.stack([picture(g, i) for i in range(ROWS)])
    return rows, images


def without(rows):
    """The same rows, some of which lack texts."""
    out = []
    for i, row in enumerate(rows):
        drop = {2: ["summary"], 5: ["local"], 7: ["summary", "local"], 9: ["local"]}.get(i % 11, [])
        out.append(dict(row, caption={k: v for k, v in row["caption"].items() if k not in drop}))
    return out


def tokenise(rows, vocab, merges):
    def row_ids(row, level):
        text = row["caption"].get(level, "")
        text = text[0] if level == "local" and text else text
        return encode(text, vocab, merges, MODEL["text"]["max_position_embeddings"])

    return {level: torch.tensor([row_ids(r, level) for r in rows]) for level in ("global", "summary", "local")}


def prepare():
    rows, images = make_data()
    texts = [t for r in rows for c in [r["caption"]] for t in [c["global"], *c["local"], c["summary"]]]
    vocab, merges = learn(texts)
    end = vocab["<|endoftext|>"]
    MODEL["text"].update(vocab_size=len(vocab), bos_token_id=end - 1, eos_token_id=end, pad_token_id=end)
    mean, std = (torch.tensor(v, dtype=F64).view(3, 1, 1) for v in (MEAN, STD))
    return rows, images, (images.to(F64) / 255 - mean) / std, vocab, merges


def write_json(path, value, **how):
    with open(path, "w") as f:
        json.dump(value, f, **how)
        f.write("\n")


def write_model(path, vocab, merges):
    os.makedirs(path, exist_ok=True)
    save(os.path.join(path, "model.safetensors"),
         {n: p.detach().to(torch.bfloat16) for n, p in make_weights(MODEL).items()})
    write_json(os.path.join(path, "config.json"),
               {"architectures": ["CLIPModel"], "model_type": "clip", "projection_dim": MODEL["projection_dim"],
                "logit_scale_init_value": 2.6592, "text_config": MODEL["text"],
                "vision_config": dict(MODEL["vision"], num_channels=3)}, indent=2, sort_keys=True)
    write_json(os.path.join(path, "vocab.json"), vocab)
    with open(os.path.join(path, "merges.txt"), "w") as f:
        f.write("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    write_json(os.path.join(path, "special_tokens_map.json"),
               {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>",
                "unk_token": "<|endoftext|>"}, indent=2)
    size = MODEL["vision"]["image_size"]
    write_json(os.path.join(path, "preprocessor_config.json"),
               {"do_resize": True, "size": {"shortest_edge": size}, "resample": 3, "do_center_crop": True,
                "crop_size": {"height": size, "width": size}, "do_rescale": True, "rescale_factor": 1 / 255,
                "do_normalize": True, "image_mean": MEAN, "image_std": STD, "do_convert_rgb": True}, indent=2)


def configuration(name, run):
    return {"model": {"init": "start"},
            "data": {"train": f"{name}.jsonl", "shuffle": False, "augment": {}},
            "loss": {"kind": "clip", "text": "both", "local": run["local"], "mining": run["mining"]},
            "optim": OPTIM,
            "run": {"dir": f"run-{name}", "steps": run["steps"], "batch": BATCH,
                    "dump_grads": f"{name}-grads.safetensors"}}


def main(root):
    rows, images, pixels, vocab, merges = prepare()
    os.makedirs(root, exist_ok=True)
    write_model(os.path.join(root, "start"), vocab, merges)
    for row, image in zip(rows, images):
        write_png(os.path.join(root, row["image"]), image)
    for name, run in RUNS.items():
        some = rows if name == "train" else without(rows)
        out, margin = perform(run, some, pixels, tokenise(some, vocab, merges))
        if margin < MARGIN:
            sys.exit(f"{name}: a similarity lies within {margin:.1e} of a decision; choose other thresholds")
        if name != "train":
            out = {k: v for k, v in out.items() if not k.startswith(("final.", "grad."))}
        with open(os.path.join(root, name + ".jsonl"), "w") as f:
            f.writelines(json.dumps(r) + "\n" for r in some)
        write_json(os.path.join(root, name + ".json"), configuration(name, run), indent=2)
        save(os.path.join(root, name + ".safetensors"), out)
        print(f"{name}: loss {out['steps'][0, 0]:.6f} to {out['steps'][-1, 0]:.6f}, margin {margin:.1e}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "train"))
