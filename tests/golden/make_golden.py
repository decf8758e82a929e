#!/usr/bin/python3
"""Makes the golden files of this folder: tiny CLIP models, what PyTorch computes from them, and a short training run.

    /usr/bin/python3 make_golden.py [OUT_DIR]

Needs Debian's python3-torch and nothing else. Everything is computed in float64 and stored as float32, so a golden is
the truth up to one rounding. Weights are first rounded to the stored type, so that no rounding stands between the two
sides. Output is byte-identical on every run of the same PyTorch.

Each case is a directory:
    config.json          Hugging Face CLIP configuration
    model.safetensors    weights under Hugging Face names (F32, F16 or BF16: all three are read somewhere)
    golden.safetensors   pixels [B,3,R,R], ids [B,L], image_embeds and text_embeds [B,E] (unit rows), loss [1],
                         grad.NAME for every parameter, and train.*: ten AdamW steps on the same batch; where the
                         case says so patches [B,G,E] and probe of the same shape, and the loss is + sum(patches probe);
                         in cases with a temporal transformer pixels are [B*T,3,R,R] and image_embeds those of the clips
"""
import json
import math
import os
import struct
import sys

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
F64 = torch.float64

CASES = {
    # Odd everything: patch 7, head dims 9 and 5, widths that are no multiple of 4, a batch of 5.
    "tiny-quick": {
        "seed": 1, "batch": 5, "dtype": "BF16", "steps": 10,
        "vision": dict(hidden_size=27, intermediate_size=43, num_hidden_layers=2, num_attention_heads=3, image_size=21,
                       patch_size=7, hidden_act="quick_gelu", layer_norm_eps=1e-5),
        "text": dict(hidden_size=20, intermediate_size=36, num_hidden_layers=2, num_attention_heads=4, vocab_size=97,
                     max_position_embeddings=11, hidden_act="quick_gelu", layer_norm_eps=1e-5, bos_token_id=95,
                     eos_token_id=96, pad_token_id=96),
        "projection_dim": 20,
    },
    # Exact GELU, even sizes, and the legacy end token 2: the row's largest id is pooled.
    "tiny-gelu": {
        "seed": 2, "batch": 4, "dtype": "F16", "steps": 0,
        "vision": dict(hidden_size=16, intermediate_size=28, num_hidden_layers=1, num_attention_heads=2, image_size=16,
                       patch_size=8, hidden_act="gelu", layer_norm_eps=1e-5),
        "text": dict(hidden_size=18, intermediate_size=24, num_hidden_layers=1, num_attention_heads=3, vocab_size=61,
                     max_position_embeddings=16, hidden_act="gelu", layer_norm_eps=1e-5, bos_token_id=0,
                     eos_token_id=2, pad_token_id=1),
        "projection_dim": 13,
    },
    # One layer each, one head, and a grid of one patch: the smallest shapes that a tower can have.
    "tiny-one": {
        "seed": 3, "batch": 3, "dtype": "F32", "steps": 0,
        "vision": dict(hidden_size=7, intermediate_size=9, num_hidden_layers=1, num_attention_heads=1, image_size=5,
                       patch_size=5, hidden_act="gelu", layer_norm_eps=1e-5),
        "text": dict(hidden_size=6, intermediate_size=11, num_hidden_layers=1, num_attention_heads=2, vocab_size=17,
                     max_position_embeddings=8, hidden_act="quick_gelu", layer_norm_eps=1e-5, bos_token_id=15,
                     eos_token_id=16, pad_token_id=16),
        "projection_dim": 5,
    },
    # Patch features as well. Patch 3, one image column of them left over (10 = 3 * 3 + 1); head dims 4 and 11.
    "tiny-patches": {
        "seed": 4, "batch": 3, "dtype": "F16", "steps": 0, "patches": True,
        "vision": dict(hidden_size=12, intermediate_size=17, num_hidden_layers=2, num_attention_heads=3, image_size=10,
                       patch_size=3, hidden_act="quick_gelu", layer_norm_eps=1e-6),
        "text": dict(hidden_size=11, intermediate_size=13, num_hidden_layers=1, num_attention_heads=1, vocab_size=31,
                     max_position_embeddings=7, hidden_act="gelu", layer_norm_eps=1e-5, bos_token_id=29,
                     eos_token_id=30, pad_token_id=30),
        "projection_dim": 9,
    },
    # Clips: a temporal transformer with EmoCLIP's head dimension of 2048, and one of odd sizes that fill every frame.
    "tiny-clips": {
        "seed": 5, "batch": 3, "dtype": "BF16", "steps": 0, "frames": 2,
        "vision": dict(hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2, image_size=6,
                       patch_size=3, hidden_act="quick_gelu", layer_norm_eps=1e-5),
        "text": dict(hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2, vocab_size=23,
                     max_position_embeddings=7, hidden_act="quick_gelu", layer_norm_eps=1e-5, bos_token_id=21,
                     eos_token_id=22, pad_token_id=22),
        "projection_dim": 3,
        "temporal": dict(layers=1, heads=1, head_dim=2048, mlp=5, max_frames=6),
    },
    "tiny-clips-odd": {
        "seed": 6, "batch": 4, "dtype": "F32", "steps": 0, "frames": 5,
        "vision": dict(hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2, image_size=6,
                       patch_size=3, hidden_act="quick_gelu", layer_norm_eps=1e-5),
        "text": dict(hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2, vocab_size=23,
                     max_position_embeddings=7, hidden_act="quick_gelu", layer_norm_eps=1e-5, bos_token_id=21,
                     eos_token_id=22, pad_token_id=22),
        "projection_dim": 7,
        "temporal": dict(layers=2, heads=3, head_dim=5, mlp=11, max_frames=6),
    },
}
STORED = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
TRAIN = dict(lr=2e-3, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.2, clip_norm=1.0, warmup=3)


def save(path, tensors):
    """A safetensors file: sorted names, 8-aligned header."""
    header, blobs, at = {}, [], 0
    for name in sorted(tensors):
        t = tensors[name].detach().contiguous()
        kind = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int32: "I32"}[t.dtype]
        raw = t.view(torch.int16) if t.dtype == torch.bfloat16 else t
        blob = raw.numpy().tobytes()
        header[name] = {"dtype": kind, "shape": list(t.shape), "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def make_weights(case):
    """Random weights of sizes that make every part matter: no tensor is zero or one."""
    g = torch.Generator().manual_seed(case["seed"])
    weights = {}

    def put(name, *shape, std, mean=0.0):
        value = torch.randn(*shape, generator=g, dtype=F64) * std + mean
        weights[name] = value.to(STORED[case["dtype"]]).to(F64).requires_grad_()

    def linear(name, out, inside, bias=True):
        put(name + ".weight", out, inside, std=1.2 / math.sqrt(inside))
        if bias:
            put(name + ".bias", out, std=0.1)

    def norm(name, width):
        put(name + ".weight", width, std=0.2, mean=1.0)
        put(name + ".bias", width, std=0.1)

    def blocks(prefix, c):
        d = c["hidden_size"]
        for i in range(c["num_hidden_layers"]):
            p = f"{prefix}.encoder.layers.{i}"
            norm(p + ".layer_norm1", d)
            for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
                linear(f"{p}.self_attn.{part}", d, d)
            norm(p + ".layer_norm2", d)
            linear(p + ".mlp.fc1", c["intermediate_size"], d)
            linear(p + ".mlp.fc2", d, c["intermediate_size"])

    v, t, e = case["vision"], case["text"], case["projection_dim"]
    d, patch, tokens = v["hidden_size"], v["patch_size"], (v["image_size"] // v["patch_size"]) ** 2 + 1
    put("vision_model.embeddings.class_embedding", d, std=0.5)
    put("vision_model.embeddings.patch_embedding.weight", d, 3, patch, patch, std=1.0 / math.sqrt(3 * patch * patch))
    put("vision_model.embeddings.position_embedding.weight", tokens, d, std=0.3)
    norm("vision_model.pre_layrnorm", d)
    blocks("vision_model", v)
    norm("vision_model.post_layernorm", d)
    linear("visual_projection", e, d, bias=False)
    put("text_model.embeddings.token_embedding.weight", t["vocab_size"], t["hidden_size"], std=0.5)
    put("text_model.embeddings.position_embedding.weight", t["max_position_embeddings"], t["hidden_size"], std=0.3)
    blocks("text_model", t)
    norm("text_model.final_layer_norm", t["hidden_size"])
    linear("text_projection", e, t["hidden_size"], bias=False)
    if "temporal" in case:
        c = case["temporal"]
        inner = c["heads"] * c["head_dim"]
        put("temporal.cls_token", 1, 1, e, std=1.0)
        put("temporal.pos_embedding", 1, c["max_frames"], e, std=1.0)
        for i in range(c["layers"]):
            p = f"temporal.temporal_transformer.layers.{i}"
            norm(p + ".0.fn.norm", e)
            linear(p + ".0.fn.fn.to_qkv", 3 * inner, e, bias=False)
            linear(p + ".0.fn.fn.to_out.0", e, inner)
            norm(p + ".1.fn.norm", e)
            linear(p + ".1.fn.fn.net.0", c["mlp"], e)
            linear(p + ".1.fn.fn.net.3", e, c["mlp"])
    weights["logit_scale"] = torch.tensor(2.5, dtype=F64).requires_grad_()
    return weights


def tower(w, prefix, c, x, mask):
    """Pre-LN residual blocks; x [B,T,D]."""
    heads, d = c["num_attention_heads"], c["hidden_size"]
    act = (lambda a: a * torch.sigmoid(1.702 * a)) if c["hidden_act"] == "quick_gelu" else F.gelu

    def lin(name, a):
        return F.linear(a, w[name + ".weight"], w[name + ".bias"])

    def norm(name, a):
        return F.layer_norm(a, (d,), w[name + ".weight"], w[name + ".bias"], c["layer_norm_eps"])

    def split(a):
        return a.view(a.shape[0], a.shape[1], heads, d // heads).transpose(1, 2)

    for i in range(c["num_hidden_layers"]):
        p = f"{prefix}.encoder.layers.{i}"
        h = norm(p + ".layer_norm1", x)
        q, k, v = (split(lin(f"{p}.self_attn.{n}_proj", h)) for n in "qkv")
        scores = q @ k.transpose(2, 3) / math.sqrt(d // heads)
        if mask is not None:
            scores = scores + mask
        h = (scores.softmax(-1) @ v).transpose(1, 2).reshape(x.shape)
        x = x + lin(p + ".self_attn.out_proj", h)
        x = x + lin(p + ".mlp.fc2", act(lin(p + ".mlp.fc1", norm(p + ".layer_norm2", x))))
    return x


def encode_image(w, c, pixels):
    """Embeddings [B,E] and patches in the same space [B,G,E]."""
    d, eps = c["hidden_size"], c["layer_norm_eps"]
    x = F.conv2d(pixels, w["vision_model.embeddings.patch_embedding.weight"], stride=c["patch_size"])
    x = x.flatten(2).transpose(1, 2)
    first = w["vision_model.embeddings.class_embedding"].expand(x.shape[0], 1, d)
    x = torch.cat([first, x], 1) + w["vision_model.embeddings.position_embedding.weight"]
    x = F.layer_norm(x, (d,), w["vision_model.pre_layrnorm.weight"], w["vision_model.pre_layrnorm.bias"], eps)
    x = tower(w, "vision_model", c, x, None)
    x = F.layer_norm(x, (d,), w["vision_model.post_layernorm.weight"], w["vision_model.post_layernorm.bias"], eps)
    x = F.linear(x, w["visual_projection.weight"])
    return x[:, 0], x[:, 1:]


def encode_clip(w, c, x):
    """EmoCLIP's transformer over the frames' embeddings x [B,T,E]: the class token's row [B,E]."""
    batch, count, e = x.shape
    x = torch.cat([w["temporal.cls_token"].expand(batch, 1, e), x], 1) + w["temporal.pos_embedding"][:, :count + 1]
    for i in range(c["layers"]):
        p = f"temporal.temporal_transformer.layers.{i}"
        h = F.layer_norm(x, (e,), w[p + ".0.fn.norm.weight"], w[p + ".0.fn.norm.bias"])
        q, k, v = (a.view(batch, count + 1, c["heads"], c["head_dim"]).transpose(1, 2)
                   for a in F.linear(h, w[p + ".0.fn.fn.to_qkv.weight"]).chunk(3, dim=-1))
        h = ((q @ k.transpose(2, 3) * c["head_dim"] ** -0.5).softmax(-1) @ v).transpose(1, 2).flatten(2)
        x = x + F.linear(h, w[p + ".0.fn.fn.to_out.0.weight"], w[p + ".0.fn.fn.to_out.0.bias"])
        h = F.layer_norm(x, (e,), w[p + ".1.fn.norm.weight"], w[p + ".1.fn.norm.bias"])
        h = F.gelu(F.linear(h, w[p + ".1.fn.fn.net.0.weight"], w[p + ".1.fn.fn.net.0.bias"]), approximate="tanh")
        x = x + F.linear(h, w[p + ".1.fn.fn.net.3.weight"], w[p + ".1.fn.fn.net.3.bias"])
    return x[:, 0]


def encode_text(w, c, ids):
    d, length = c["hidden_size"], ids.shape[1]
    x = w["text_model.embeddings.token_embedding.weight"][ids]
    x = x + w["text_model.embeddings.position_embedding.weight"][:length]
    mask = torch.full((length, length), -math.inf, dtype=F64).triu(1)
    x = tower(w, "text_model", c, x, mask)
    x = F.layer_norm(x, (d,), w["text_model.final_layer_norm.weight"], w["text_model.final_layer_norm.bias"],
                     c["layer_norm_eps"])
    if c["eos_token_id"] == 2:
        at = ids.argmax(1)
    else:
        at = (ids == c["eos_token_id"]).int().argmax(1)
    return F.linear(x[torch.arange(ids.shape[0]), at], w["text_projection.weight"])


def forward(w, case, pixels, ids):
    if "temporal" in case:
        frames = encode_image(w, case["vision"], pixels.flatten(0, 1))[0]
        u = encode_clip(w, case["temporal"], frames.unflatten(0, pixels.shape[:2]))
    else:
        u = encode_image(w, case["vision"], pixels)[0]
    u = F.normalize(u, dim=1)
    v = F.normalize(encode_text(w, case["text"], ids), dim=1)
    z = w["logit_scale"].exp() * u @ v.T
    same = torch.arange(z.shape[0])
    return u, v, (F.cross_entropy(z, same) + F.cross_entropy(z.T, same)) / 2


def make_ids(case, g):
    """Rows of different lengths up to the context: start, words, end, padding. The row that fills the context too."""
    t, batch = case["text"], case["batch"]
    context = t["max_position_embeddings"]
    legacy = t["eos_token_id"] == 2
    end = t["vocab_size"] - 1 if legacy else t["eos_token_id"]
    ids = torch.full((batch, context), 1 if legacy else t["pad_token_id"], dtype=torch.int64)
    for row in range(batch):
        words = context - 2 - (row * 2) % (context - 3)
        ids[row, 0] = t["bos_token_id"]
        ids[row, 1:1 + words] = torch.randint(3, t["vocab_size"] - 3, (words,), generator=g)
        ids[row, 1 + words] = end
    return ids


def decays(name, p):
    skipped = "position_embedding" in name or "class_embedding" in name or name == "logit_scale"
    return p.dim() > 1 and not skipped


def train(case, pixels, ids, out):
    """AdamW on one batch: open_clip's schedule, global-norm clipping, logit_scale clamped after each step."""
    w = make_weights(case)
    groups = [{"params": [p for n, p in w.items() if decays(n, p)], "weight_decay": TRAIN["weight_decay"]},
              {"params": [p for n, p in w.items() if not decays(n, p)], "weight_decay": 0.0}]
    opt = torch.optim.AdamW(groups, lr=TRAIN["lr"], betas=TRAIN["betas"], eps=TRAIN["eps"])
    steps, warm, rows = case["steps"], TRAIN["warmup"], []
    for step in range(steps):
        if step < warm:
            lr = TRAIN["lr"] * (step + 1) / warm
        else:
            lr = 0.5 * (1 + math.cos(math.pi * (step - warm) / (steps - warm))) * TRAIN["lr"]
        for group in opt.param_groups:
            group["lr"] = lr
        loss = forward(w, case, pixels, ids)[2]
        opt.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(w.values(), TRAIN["clip_norm"])
        before = w["logit_scale"].item()
        opt.step()
        with torch.no_grad():
            w["logit_scale"].clamp_(0, math.log(100))
        rows.append([loss.item(), lr, norm.item(), before])
    # columns: loss, lr, gradient norm before clipping, logit_scale, each before that step's update
    out["train.steps"] = torch.tensor(rows, dtype=F64).float()
    for name in ("visual_projection.weight", "text_model.encoder.layers.1.mlp.fc1.weight",
                 "text_model.embeddings.position_embedding.weight", "vision_model.pre_layrnorm.weight", "logit_scale"):
        out["train." + name] = w[name].detach().float()


def make(case, path):
    g = torch.Generator().manual_seed(case["seed"] + 1000)
    w = make_weights(case)
    size = case["vision"]["image_size"]
    images = [case["batch"], case["frames"]] if "temporal" in case else [case["batch"]]
    pixels = torch.randn(*images, 3, size, size, generator=g, dtype=F64).half().to(F64)
    ids = make_ids(case, g)
    u, v, loss = forward(w, case, pixels, ids)
    out = {"pixels": pixels.flatten(0, -4).half(), "ids": ids.int(), "image_embeds": u.float(),
           "text_embeds": v.float()}
    if case.get("patches"):
        patches = encode_image(w, case["vision"], pixels)[1]
        probe = torch.randn(patches.shape, generator=g, dtype=F64).half().to(F64) / 8
        loss = loss + (patches * probe).sum()
        out.update(patches=patches.float(), probe=probe.float())
    loss.backward()
    out["loss"] = loss.detach().reshape(1).float()
    for name, p in w.items():
        out["grad." + name] = p.grad.float()
    if case["steps"]:
        train(case, pixels, ids, out)
    os.makedirs(path, exist_ok=True)
    save(os.path.join(path, "golden.safetensors"), out)
    save(os.path.join(path, "model.safetensors"), {n: p.detach().to(STORED[case["dtype"]]) for n, p in w.items()})
    config = {"architectures": ["CLIPModel"], "model_type": "clip", "projection_dim": case["projection_dim"],
              "logit_scale_init_value": 2.6592, "text_config": case["text"],
              "vision_config": dict(case["vision"], num_channels=3)}
    if "temporal" in case:
        config["mien"] = {"temporal": case["temporal"]}
    with open(os.path.join(path, "config.json"), "w") as f:
        json.dump(config, f, indent=2, sort_keys=True)
        f.write("\n")
    print(f"{path}: loss {loss.item():.6f}, {sum(p.numel() for p in w.values())} parameters")


if __name__ == "__main__":
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    for case_name, case_data in CASES.items():
        make(case_data, os.path.join(root, case_name))
