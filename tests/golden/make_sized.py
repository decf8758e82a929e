#!/usr/bin/python3
"""Makes sized/: embeddings of models as large as published ones, of which only the embeddings are kept.

    /usr/bin/python3 make_sized.py [OUT_DIR]

Weights, pixels and tokens come from a hash of their name and position, the same here and in tests/nn/test_sized.c:
values are whole numbers times one fp32 factor, so both sides have the same bits. Everything then runs in float64.
Each case is NAME.json, a Hugging Face configuration, and NAME.safetensors, rows of unit length: image_embeds and
text_embeds [2,E], and clip_embeds [2,E] of frames [2,8,E] where there is a temporal transformer. gradients.* is for
tests/nn/test_grads.c: the loss of a batch and some components of every gradient. steps.safetensors is for
tests/train/long_sized.c: two training steps of ViT-B/32. Takes 8 GB of memory and some minutes.
"""
import json
import math
import os
import sys

import torch
import torch.nn.functional as F

from make_golden import F64, decays, encode_clip, encode_image, encode_text, save

GRAD_BATCH, SAMPLES = 16, 64
WORD, RUN = 0xFFFFFFFF, 3000
B_TEXT = dict(hidden_size=512, intermediate_size=2048, num_attention_heads=8)
L_TEXT = dict(hidden_size=768, intermediate_size=3072, num_attention_heads=12)
B_VISION = dict(hidden_size=768, intermediate_size=3072, num_attention_heads=12, image_size=224)
L_VISION = dict(hidden_size=1024, intermediate_size=4096, num_attention_heads=16, patch_size=14)


def case(text, vision, embed, act, layers, vocab=1000):
    """layers: of the text tower and of the image tower."""
    both = dict(hidden_act=act, layer_norm_eps=1e-5)
    return {"projection_dim": embed,
            "text": dict(text, **both, num_hidden_layers=layers[0], vocab_size=vocab, max_position_embeddings=77,
                         bos_token_id=vocab - 2, eos_token_id=vocab - 1, pad_token_id=vocab - 1),
            "vision": dict(vision, **both, num_hidden_layers=layers[1])}


CASES = {
    "vit-b-32": case(B_TEXT, dict(B_VISION, patch_size=32), 512, "quick_gelu", (12, 12), 49408),  # the whole of it
    "vit-b-16": case(B_TEXT, dict(B_VISION, patch_size=16), 512, "gelu", (1, 2)),
    "vit-l-14": case(L_TEXT, dict(L_VISION, image_size=224), 768, "quick_gelu", (1, 2)),
    "emoclip": dict(case(dict(hidden_size=8, intermediate_size=8, num_attention_heads=1),
                         dict(hidden_size=8, intermediate_size=8, num_attention_heads=1, image_size=8, patch_size=4),
                         512, "quick_gelu", (1, 1)),
                    temporal=dict(layers=2, heads=8, head_dim=2048, mlp=512, max_frames=1024)),
    "vit-l-14-336": case(L_TEXT, dict(L_VISION, image_size=336), 768, "gelu", (2, 1)),
}

GRAD_CASE = case(dict(hidden_size=128, intermediate_size=512, num_attention_heads=4),
                 dict(hidden_size=192, intermediate_size=768, num_attention_heads=3, image_size=96, patch_size=16),
                 128, "gelu", (2, 2))


def hashed(name, count):
    """[count] whole numbers of 32 bits: FNV-1a of the name and Murmur3's finaliser of the position."""
    h = 0x811C9DC5
    for byte in name.encode():
        h = (h ^ byte) * 0x01000193 & WORD
    x = (torch.arange(count) * 0x9E3779B1 + h) & WORD
    x = (x ^ x >> 16) * 0x85EBCA6B & WORD
    x = (x ^ x >> 13) * 0xC2B2AE35 & WORD
    return x ^ x >> 16


def values(name, shape, spread, offset=0.0):
    """offset + [-spread, spread), as fp32 makes them."""
    factor = torch.tensor(spread / (1 << 23), dtype=torch.float32)
    whole = (hashed(name, math.prod(shape)) >> 8) - (1 << 23)
    return (whole.to(torch.float32) * factor + offset).view(shape).to(F64)


def weight(name, shape):
    if "norm" in name and name.endswith(".weight"):
        return values(name, shape, 0.2, 1.0)
    if name.endswith(("position_embedding.weight", "token_embedding.weight", "_embedding", "cls_token")):
        return values(name, shape, 0.5)
    if len(shape) == 1:
        return values(name, shape, 0.1)
    return values(name, shape, 1.5 / math.sqrt(math.prod(shape[1:])))


def tower_shapes(prefix, c, out):
    d, m = c["hidden_size"], c["intermediate_size"]
    for i in range(c["num_hidden_layers"]):
        p = f"{prefix}.encoder.layers.{i}"
        for part in ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj"):
            out[f"{p}.{part}.weight"], out[f"{p}.{part}.bias"] = (d, d), (d,)
        for part in ("layer_norm1", "layer_norm2"):
            out[f"{p}.{part}.weight"] = out[f"{p}.{part}.bias"] = (d,)
        out[p + ".mlp.fc1.weight"], out[p + ".mlp.fc1.bias"] = (m, d), (m,)
        out[p + ".mlp.fc2.weight"], out[p + ".mlp.fc2.bias"] = (d, m), (d,)


def temporal_shapes(c, e, out):
    inner, m = c["heads"] * c["head_dim"], c["mlp"]
    out["temporal.cls_token"], out["temporal.pos_embedding"] = (1, 1, e), (1, c["max_frames"], e)
    for i in range(c["layers"]):
        p = f"temporal.temporal_transformer.layers.{i}"
        for part in ("0.fn.norm", "1.fn.norm"):
            out[f"{p}.{part}.weight"] = out[f"{p}.{part}.bias"] = (e,)
        out[p + ".0.fn.fn.to_qkv.weight"] = (3 * inner, e)
        out[p + ".0.fn.fn.to_out.0.weight"], out[p + ".0.fn.fn.to_out.0.bias"] = (e, inner), (e,)
        out[p + ".1.fn.fn.net.0.weight"], out[p + ".1.fn.fn.net.0.bias"] = (m, e), (m,)
        out[p + ".1.fn.fn.net.3.weight"], out[p + ".1.fn.fn.net.3.bias"] = (e, m), (e,)


def shapes(c):
    v, t, e = c["vision"], c["text"], c["projection_dim"]
    d, patch = v["hidden_size"], v["patch_size"]
    out = {"vision_model.embeddings.class_embedding": (d,),
           "vision_model.embeddings.patch_embedding.weight": (d, 3, patch, patch),
           "vision_model.embeddings.position_embedding.weight": ((v["image_size"] // patch) ** 2 + 1, d),
           "visual_projection.weight": (e, d),
           "text_model.embeddings.token_embedding.weight": (t["vocab_size"], t["hidden_size"]),
           "text_model.embeddings.position_embedding.weight": (t["max_position_embeddings"], t["hidden_size"]),
           "text_projection.weight": (e, t["hidden_size"])}
    for name, width in (("vision_model.pre_layrnorm", d), ("vision_model.post_layernorm", d),
                        ("text_model.final_layer_norm", t["hidden_size"])):
        out[name + ".weight"] = out[name + ".bias"] = (width,)
    tower_shapes("vision_model", v, out)
    tower_shapes("text_model", t, out)
    if "temporal" in c:
        temporal_shapes(c["temporal"], e, out)
    return out


class Weights(dict):
    """Made when asked for, kept no longer than one call."""

    def __init__(self, c):
        self.shapes = shapes(c)

    def __missing__(self, name):
        return weight(name, self.shapes[name])


def make_pixels(size, batch=2):
    """[batch,3,size,size] in runs of one value: noise without runs averages out in attention."""
    count = batch * 3 * size * size
    return values("pixels", (count // RUN + 1,), 2.0).repeat_interleave(RUN)[:count].view(batch, 3, size, size)


def make_ids(t, lengths=(77, 9)):
    """Texts of so many tokens, start and end among them."""
    context, end = t["max_position_embeddings"], t["eos_token_id"]
    ids = torch.full((len(lengths), context), end)
    for row, length in enumerate(lengths):
        words = hashed(f"text {row}", length) % (t["vocab_size"] - 2)
        words[0] = t["bos_token_id"]
        ids[row, :length - 1] = words[:length - 1]
    return ids


def gradients(c):
    """Loss of a batch, and of every parameter's gradient up to SAMPLES components and the sum of squares."""
    w = {name: weight(name, shape).requires_grad_() for name, shape in shapes(c).items()}
    w["logit_scale"] = torch.tensor(2.5, dtype=F64).requires_grad_()
    u = F.normalize(encode_image(w, c["vision"], make_pixels(c["vision"]["image_size"], GRAD_BATCH))[0], dim=1)
    v = F.normalize(encode_text(w, c["text"], make_ids(c["text"], [77 - 4 * i for i in range(GRAD_BATCH)])), dim=1)
    z, same = w["logit_scale"].exp() * u @ v.T, torch.arange(GRAD_BATCH)
    loss = (F.cross_entropy(z, same) + F.cross_entropy(z.T, same)) / 2
    loss.backward()
    out = {"loss": loss.detach().reshape(1).float()}
    for name, p in w.items():
        g = p.grad.flatten()
        at = torch.arange(len(g)) if len(g) <= SAMPLES else hashed(name, SAMPLES) % len(g)
        out["grad." + name], out["squares." + name] = g[at].float(), (g @ g).reshape(1).float()
    return out


STEP_BATCH, STEPS = 8, 2
STEP_OPTIM = dict(lr=1e-4, betas=(0.9, 0.98), eps=1e-6)
STEP_GRADS = ("visual_projection.weight", "vision_model.embeddings.patch_embedding.weight",
              "vision_model.encoder.layers.6.mlp.fc1.weight", "text_model.encoder.layers.11.self_attn.q_proj.weight",
              "text_model.embeddings.token_embedding.weight")


def training_steps(c):
    """Losses of two AdamW steps of the whole model, each before its update, and of the first one's five gradients up to
    SAMPLES components and the sum of squares; gradients are clipped to norm 1. Takes 8 GB."""
    w = {name: weight(name, shape).requires_grad_() for name, shape in shapes(c).items()}
    w["logit_scale"] = torch.tensor(2.5, dtype=F64).requires_grad_()
    groups = [{"params": [p for n, p in w.items() if decays(n, p)], "weight_decay": 0.2},
              {"params": [p for n, p in w.items() if not decays(n, p)], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, **STEP_OPTIM)
    pixels = make_pixels(c["vision"]["image_size"], STEP_BATCH)
    ids, same = make_ids(c["text"], [77 - 8 * i for i in range(STEP_BATCH)]), torch.arange(STEP_BATCH)
    out, losses = {}, []
    for step in range(STEPS):
        optimizer.zero_grad()
        u = F.normalize(encode_image(w, c["vision"], pixels)[0], dim=1)
        v = F.normalize(encode_text(w, c["text"], ids), dim=1)
        z = w["logit_scale"].exp() * u @ v.T
        loss = (F.cross_entropy(z, same) + F.cross_entropy(z.T, same)) / 2
        loss.backward()
        losses.append(loss.item())
        for name in STEP_GRADS if step == 0 else ():
            g = w[name].grad.flatten()
            out["grad." + name] = g[hashed(name, SAMPLES) % len(g)].float()
            out["squares." + name] = (g @ g).reshape(1).float()
        torch.nn.utils.clip_grad_norm_(w.values(), 1.0)
        optimizer.step()
    out["loss"] = torch.tensor(losses, dtype=F64).float()
    return out


def write_config(path, c, **more):
    with open(path, "w") as f:
        json.dump({"model_type": "clip", "projection_dim": c["projection_dim"], "text_config": c["text"],
                   "vision_config": c["vision"], **more}, f, indent=2, sort_keys=True)
        f.write("\n")


def main(root):
    os.makedirs(root, exist_ok=True)
    for name, c in CASES.items():
        w, size = Weights(c), c["vision"]["image_size"]
        with torch.no_grad():
            u = F.normalize(encode_image(w, c["vision"], make_pixels(size))[0], dim=1)
            v = F.normalize(encode_text(w, c["text"], make_ids(c["text"])), dim=1)
        out = {"image_embeds": u.float(), "text_embeds": v.float()}
        more = {}
        if "temporal" in c:
            frames = values("frames", (2, 8, c["projection_dim"]), 2.0)
            out["clip_embeds"] = F.normalize(encode_clip(w, c["temporal"], frames), dim=1).float()
            more = {"mien": {"temporal": c["temporal"]}}
        save(os.path.join(root, name + ".safetensors"), out)
        write_config(os.path.join(root, name + ".json"), c, **more)
        print(f"{name}: cosines {(u[0] @ u[1]).item():.4f} {(v[0] @ v[1]).item():.4f}")
    save(os.path.join(root, "gradients.safetensors"), gradients(GRAD_CASE))
    write_config(os.path.join(root, "gradients.json"), GRAD_CASE)
    save(os.path.join(root, "steps.safetensors"), training_steps(CASES["vit-b-32"]))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "sized"))
