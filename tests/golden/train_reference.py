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
NONE, HARD = dict(kind="none", weight=1.0, sentences=1), dict(kind="hard", top_k=8, warmup_steps=0)
AT = {"text": 0.922, "image": 0.91}


def local(kind, sentences=1, weight=1.0):
    return dict(kind=kind, weight=weight, sentences=sentences, pick="first", tau=0.07)


# Three steps with other options: each is a name, the manifest, and what replaces parts of train.json.
OPTIONS = [
    ("soft", "train", dict(local=local("pooled"), mining=dict(HARD, kind="soft", weight=0.3, tau=0.05, threshold=AT))),
    ("soft, texts missing", "missing", dict(local=local("sentence"), mining=dict(
        HARD, kind="soft", weight=0.6, tau=0.2, threshold=0.855, top_k=2))),
    ("ignore", "train", dict(local=NONE, mining=dict(HARD, kind="ignore", threshold=AT, top_k=0))),
    ("ignore, texts missing", "missing", dict(local=local("pooled"), mining=dict(
        HARD, kind="ignore", threshold=0.855, top_k=3))),
    ("guide text", "train", dict(local=local("sentence"), mining=dict(HARD, guide="text", threshold=AT))),
    ("guide image", "train", dict(local=local("pooled"), mining=dict(HARD, guide="image", threshold=AT))),
    ("guide both", "train", dict(local=local("sentence"), mining=dict(HARD, guide="both", threshold=0.902))),
    ("same text positive", "same", dict(local=local("sentence"), mining=dict(
        HARD, kind="none", threshold=AT, same_text="positive"))),
    ("same text positive beside mining", "same", dict(local=NONE, mining=dict(
        HARD, threshold=AT, top_k=0, same_text="positive"))),
    ("same text ignored beside mining", "same", dict(local=local("pooled"), mining=dict(
        HARD, threshold=AT, top_k=0, same_text="ignore"))),
    ("ignore, same text positive", "same", dict(local=NONE, mining=dict(
        HARD, kind="ignore", threshold=AT, top_k=0, same_text="positive"))),
    ("source frozen", "train", dict(local=local("sentence"), mining=dict(HARD, threshold=AT, source="frozen"))),
    ("global text, two sentences", "missing", dict(text="global", local=local("sentence", 2, 0.5), mining=dict(
        HARD, kind="none", threshold=AT))),
    ("summary, two pooled sentences", "train", dict(text="summary", local=local("pooled", 2), mining=dict(
        HARD, threshold=AT))),
    ("filip", "train", dict(local=local("filip"), mining=dict(HARD, threshold=AT))),
    ("siglip", "train", dict(kind="siglip", local=local("pooled"), mining=dict(HARD, kind="none", threshold=AT))),
    ("siglip, mined, texts missing", "missing", dict(kind="siglip", local=local("sentence"), mining=dict(
        HARD, guide="text", threshold=0.855, top_k=0))),
    ("sgd", "train", dict(local=NONE, mining=dict(HARD, kind="none", threshold=AT), steps=5, optim=dict(
        kind="sgd", lr=0.03, momentum=0.9, weight_decay=0.05, clip_norm=2.0, schedule="multistep", milestones=[2, 4],
        gamma=0.3, warmup_steps=1))),
    ("constant, not clipped", "train", dict(local=NONE, mining=dict(HARD, kind="none", threshold=AT), optim=dict(
        kind="adamw", lr=1e-3, betas=[0.8, 0.95], eps=1e-4, weight_decay=0.5, clip_norm=0, schedule="constant",
        warmup_steps=0))),
]
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

def targets(sim, threshold, mining, there, same, margins):
    """Of each anchor (a row): targets [N,N] that sum to 1, which candidates are left out [N,N], and the number of
    positives, those that `ignore` leaves out counted. Pairs that are not `there` are nobody's candidates."""
    n, kind, rule = sim.shape[0], mining["kind"], mining.get("same_text", "negative")
    q, out, positives = torch.eye(n, dtype=F64), torch.zeros(n, n, dtype=torch.bool), 0
    for i in (i for i in range(n) if there[i]):
        alike = {j for j in range(n) if j != i and there[j] and same[i][j]}
        hidden = alike if rule == "ignore" else set()
        always = alike if rule == "positive" else set()
        near = sorted((-sim[i, j].item(), j) for j in range(n) if j != i and there[j] and j not in hidden)
        near = near if kind != "none" else []
        margins.extend(abs(-s - threshold) for s, _ in near)
        chosen = [(s, j) for s, j in near if -s >= threshold]
        if mining["top_k"] and len(chosen) > mining["top_k"]:
            margins.append(chosen[mining["top_k"]][0] - chosen[mining["top_k"] - 1][0])
            chosen = chosen[:mining["top_k"]]
        chosen = {j for _, j in chosen}
        positives += 1 + len(chosen | always)
        if kind == "ignore":
            hidden, chosen = hidden | (chosen - always), set()
        among = sorted({i} | chosen | always)
        share = torch.full((len(among),), 1 / len(among), dtype=F64)
        if kind == "soft":
            share = mining["weight"] * (sim[i, among] / mining["tau"]).softmax(0)
        q[i] = 0
        q[i, among] = share
        q[i, i] += 1 - mining["weight"] if kind == "soft" else 0
        out[i, sorted(hidden)] = True
    return q, out, positives / sum(there)


def guides(mining, text_sim, image_sim):
    """Similarity and threshold for rows and for columns."""
    at = mining["threshold"]
    at = at if isinstance(at, dict) else {"text": at, "image": at}
    text, image = (text_sim, at["text"]), (image_sim, at["image"])
    both = ((text_sim + image_sim) / 2, at["text"])
    return {"crossmodal": (text, image), "text": (text, text), "image": (image, image), "both": (both, both)}[
        mining.get("guide", "crossmodal")]


def contrast(score, w, there, same, guide, mining, margins):
    """Symmetric InfoNCE with targets, over the pairs that are there. Also the mean number of positives both ways."""
    keep = torch.tensor([i for i in range(len(there)) if there[i]])
    z, loss, counts = w["logit_scale"].exp() * score, 0, []
    for logits, (sim, threshold) in zip((z, z.T), guide):
        q, out, count = targets(sim, threshold, mining, there, same, margins)
        logits = logits.masked_fill(out, -math.inf)[keep][:, keep].log_softmax(1)
        loss = loss - (q[keep][:, keep] * logits.masked_fill(out[keep][:, keep], 0)).sum()
        counts.append(count)
    return loss / (2 * len(keep)), counts


def siglip(score, w, there, same, guide, mining, margins):
    """The sigmoid loss: a pair is positive where either direction mines it."""
    keep = torch.tensor([i for i in range(len(there)) if there[i]])
    rows, columns = (targets(sim, threshold, mining, there, same, margins) for sim, threshold in guide)
    sign = torch.where((rows[0] > 0) | (columns[0].T > 0), 1.0, -1.0).to(F64)[keep][:, keep]
    z = (w["logit_scale"].exp() * score + w["logit_bias"])[keep][:, keep]
    return F.softplus(-sign * z).sum() / len(keep), [rows[2], columns[2]]


def pooled(patches, sentences, tau):
    """Scores [N,M] of images by their patches [N,G,E], pooled as each sentence [M,E] attends to them."""
    out = []
    for p in patches:
        a = ((sentences @ p.T) / tau).softmax(1)          # [M,G]
        out.append((F.normalize(a @ p, dim=1) * sentences).sum(1))
    return torch.stack(out)


def filip(patches, sentences):
    """Scores [N,M] by each sentence's best patch."""
    return torch.stack([(sentences @ p.T).max(1).values for p in patches])


def features(w, batch, levels):
    u, patches = encode_image(w, MODEL["vision"], batch["pixels"])
    texts = {k: F.normalize(encode_text(w, MODEL["text"], batch["ids." + k]), dim=1) for k in levels}
    return F.normalize(u, dim=1), F.normalize(patches, dim=2), texts


def objective(w, run, batch, step, margins, keep=None, frozen=None):
    """Total, global and local loss, and the positives: by texts and by images, on each level."""
    whole = {"both": ["global", "summary"]}.get(run.get("text", "both"), [run.get("text")])
    kind = run["local"]["kind"]
    local = ["local", "local2"][:run["local"]["sentences"]] if kind != "none" else []
    u, patches, texts = features(w, batch, whole + local)
    mining = dict(run["mining"], kind=run["mining"]["kind"] if step >= run["mining"]["warmup_steps"] else "none")
    with torch.no_grad():
        guide_u, _, guide_texts = features(frozen, batch, whole + local) if frozen else (u, patches, texts)
    losses, counts, embeds = {}, [], {"image_embeds": u}
    for level in whole + local:
        t, g = texts[level], guide_texts[level].detach()
        score = u @ t.T
        if level in local and kind == "pooled":
            score = pooled(patches, t, run["local"]["tau"])
        elif level in local and kind == "filip":
            score = filip(patches, t)
        there, ids = batch["there." + level], batch["ids." + level].tolist()
        same = [[a == b for b in ids] for a in ids]
        guide = guides(mining, g @ g.T, (guide_u @ guide_u.T).detach())
        loss = siglip if "logit_bias" in w else contrast
        losses[level], count = loss(score, w, there, same, guide, mining, margins)
        counts += count
        embeds[level + "_embeds"] = t
        if level == "local":
            embeds["local_scores"] = score
    if keep is not None:
        keep.update({k: v.detach().float() for k, v in embeds.items()})
    loss_global = sum(losses[k] for k in whole) / len(whole)
    loss_local = sum(losses[k] for k in local) / len(local) if local else torch.zeros((), dtype=F64)
    return loss_global + run["local"]["weight"] * loss_local, loss_global, loss_local, counts


# ---- the run ---------------------------------------------------------------------------------------------------------

def rate(optim, step, steps):
    warm, lr = optim["warmup_steps"], optim["lr"]
    if step < warm:
        return lr * (step + 1) / warm
    if optim["schedule"] == "cosine":
        return 0.5 * (1 + math.cos(math.pi * (step - warm) / (steps - warm))) * lr
    return lr * optim.get("gamma", 1) ** sum(step >= m for m in optim.get("milestones", []))


def make_optimizer(w, optim):
    groups = [{"params": [p for n, p in w.items() if decays(n, p)], "weight_decay": optim["weight_decay"]},
              {"params": [p for n, p in w.items() if not decays(n, p)], "weight_decay": 0.0}]
    if optim["kind"] == "sgd":
        return torch.optim.SGD(groups, lr=optim["lr"], momentum=optim["momentum"])
    return torch.optim.AdamW(groups, lr=optim["lr"], betas=optim["betas"], eps=optim["eps"])


def perform(run, rows, pixels, ids):
    """Columns of `steps`, see README.md. The batches are the rows in order, again and again."""
    w = make_weights(MODEL)
    if run.get("kind") == "siglip":
        w["logit_bias"] = torch.tensor(-10.0, dtype=F64).requires_grad_()
    frozen = {n: p.detach().clone() for n, p in w.items()} if run["mining"].get("source") == "frozen" else None
    optim = run.get("optim", OPTIM)
    optimizer = make_optimizer(w, optim)
    out, table, margins = {}, [], []
    for step in range(run["steps"]):
        at = [(step * BATCH + i) % ROWS for i in range(BATCH)]
        batch = {"pixels": pixels[at]}
        for level in ids:
            batch["ids." + level] = ids[level][at]
            batch["there." + level] = [level_text(rows[i], level) is not None for i in at]
        optimizer.zero_grad()
        loss, loss_global, loss_local, counts = objective(w, run, batch, step, margins, None if step else out,
                                                          frozen)
        loss.backward()
        if step == 0:
            out.update({"ids." + level: batch["ids." + level].int() for level in ("global", "summary", "local")})
            out.update({"grad." + n: p.grad.float().clone() for n, p in w.items()})
        trained = [p for p in w.values() if p.grad is not None]
        norm = torch.nn.utils.clip_grad_norm_(trained, optim["clip_norm"] or math.inf)
        lr, scale = rate(optim, step, run["steps"]), w["logit_scale"].item()
        for group in optimizer.param_groups:
            group["lr"] = lr
        optimizer.step()
        with torch.no_grad():
            w["logit_scale"].clamp_(0, math.log(100))
        table.append([loss.item(), loss_global.item(), loss_local.item(), lr, norm.item(), scale] + counts)
    out["steps"] = torch.tensor(table, dtype=F64).float()
    out.update({"final." + n: p.detach().float() for n, p in w.items()})
    return out, min(margins, default=1.0)


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


def level_text(row, level):
    if not level.startswith("local"):
        return row["caption"].get(level)
    return dict(enumerate(row["caption"].get("local", []))).get(1 if level == "local2" else 0)


def tokenise(rows, vocab, merges):
    context = MODEL["text"]["max_position_embeddings"]
    return {level: torch.tensor([encode(level_text(r, level) or "", vocab, merges, context) for r in rows])
            for level in ("global", "summary", "local", "local2")}


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


def repeated(rows):
    """The same rows, some with the captions of others."""
    return [dict(row, caption=rows[i - 4]["caption"]) if i % 8 in (4, 5) else row for i, row in enumerate(rows)]


def write_rows(root, name, rows):
    with open(os.path.join(root, name + ".jsonl"), "w") as f:
        f.writelines(json.dumps(r) + "\n" for r in rows)


def raised(mining):
    """With thresholds a little higher."""
    at = mining["threshold"]
    if isinstance(at, dict):
        return dict(mining, threshold={k: round(v + 0.0007, 4) for k, v in at.items()})
    return dict(mining, threshold=round(at + 0.0007, 4))


def option_case(name, data, parts, rows, pixels, ids):
    run = dict(steps=3, **parts) if "steps" not in parts else parts
    for _ in range(30):
        out, margin = perform(run, rows, pixels, ids)
        if margin >= MARGIN:
            break
        run["mining"] = raised(run["mining"])
    else:
        sys.exit(f"{name}: a similarity lies within {margin:.1e} of a decision; choose another top_k")
    sets = [f"run.steps={run['steps']}", f"loss.text={run.get('text', 'both')}",
            f"loss.kind={run.get('kind', 'clip')}"]
    sets += [f"{key}={json.dumps(run[part])}" for key, part in (("loss.local", "local"), ("loss.mining", "mining"),
                                                                ("optim", "optim")) if part in run]
    levels = 2 if run.get("text", "both") == "both" else 1
    steps = [row[:6] + [sum(row[6 + i:6 + 2 * levels:2]) / levels for i in (0, 1)] for row in out["steps"].tolist()]
    print(f"{name}: loss {steps[0][0]:.6f} to {steps[-1][0]:.6f}, positives {steps[0][6:]}, margin {margin:.1e}")
    steps = [[float(f"{v:.8g}") for v in row] for row in steps]
    return {"name": name, "data": data + ".jsonl", "set": sets, "steps": steps}


def main(root):
    rows, images, pixels, vocab, merges = prepare()
    data = {"train": rows, "missing": without(rows), "same": repeated(rows)}
    ids = {name: tokenise(some, vocab, merges) for name, some in data.items()}
    os.makedirs(root, exist_ok=True)
    write_model(os.path.join(root, "start"), vocab, merges)
    for row, image in zip(rows, images):
        write_png(os.path.join(root, row["image"]), image)
    for name, some in data.items():
        write_rows(root, name, some)
    for name, run in RUNS.items():
        out, margin = perform(run, data[name], pixels, ids[name])
        if margin < MARGIN:
            sys.exit(f"{name}: a similarity lies within {margin:.1e} of a decision; choose other thresholds")
        out = {k: v for k, v in out.items() if name == "train" or not k.startswith(("final.", "grad."))}
        write_json(os.path.join(root, name + ".json"), configuration(name, run), indent=2)
        save(os.path.join(root, name + ".safetensors"), out)
        print(f"{name}: loss {out['steps'][0, 0]:.6f} to {out['steps'][-1, 0]:.6f}, margin {margin:.1e}")
    cases = [option_case(name, some, parts, data[some], pixels, ids[some]) for name, some, parts in OPTIONS]
    with open(os.path.join(root, "options.json"), "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "train"))
