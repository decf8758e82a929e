"""roundtrip.py MIEN ROUNDTRIP_EMBED WORK: model directories between Mien and transformers (README.md)."""
import collections
import json
import math
import os
import re
import subprocess
import sys

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer

MIEN, EMBED, WORK, SHARED = sys.argv[1:5]
TEXTS = ["a photo of a happy face", "Two people, 37 years apart; they're laughing!", "A caf\u00e9 in M\u00fcnchen",
         "a face that shows fear and surprise at once, with raised brows and an open mouth, and then some more words",
         "!", "x"]
TOLERANCE = 1e-5  # of unit rows: fp32 on both sides, sums in different orders
failures = 0


def check(ok, what):
    global failures
    if not ok:
        failures += 1
        print("FAILED:", what)


def mien(*args, status=0):
    done = subprocess.run([MIEN, *args], capture_output=True, text=True)
    if done.returncode != status:
        print(done.stdout, done.stderr)
        check(False, f"mien {' '.join(args)}: exit status {done.returncode}, not {status}")
    return done.stderr


# ---- a small tokenizer in CLIP's form ----

def byte_symbols():
    own = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    others = [b for b in range(256) if b not in own]
    return {b: chr(b) for b in own} | {b: chr(256 + i) for i, b in enumerate(others)}


def write_tokenizer(folder, merges_wanted=60):
    """A few merges learnt from TEXTS; ids as CLIP numbers them."""
    symbols = byte_symbols()
    words = collections.Counter(w for t in TEXTS for w in re.findall(r"[a-z]+", t.lower()))
    split = {w: [symbols[b] for b in w.encode()][:-1] + [symbols[w.encode()[-1]] + "</w>"] for w in words}
    merges = []
    for _ in range(merges_wanted):
        pairs = collections.Counter()
        for w, n in words.items():
            for pair in zip(split[w], split[w][1:]):
                pairs[pair] += n
        if not pairs:
            break
        a, b = max(sorted(pairs), key=lambda p: pairs[p])
        merges.append((a, b))
        for w, s in split.items():
            i = 0
            while i + 1 < len(s):
                if (s[i], s[i + 1]) == (a, b):
                    s[i:i + 2] = [a + b]
                i += 1
    vocab = list(symbols.values()) + [s + "</w>" for s in symbols.values()] + [a + b for a, b in merges]
    vocab += ["<|startoftext|>", "<|endoftext|>"]
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "vocab.json"), "w") as f:
        json.dump({s: i for i, s in enumerate(vocab)}, f)
    with open(os.path.join(folder, "merges.txt"), "w") as f:
        f.write("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    return len(vocab)


# ---- comparing the two sides ----

def from_mien(folder, pixels):
    """What Mien makes of a directory: unit rows, and token ids as lists."""
    given, out = os.path.join(WORK, "in.safetensors"), os.path.join(WORK, "out.safetensors")
    texts = os.path.join(WORK, "texts.txt")
    save_file({"pixels": pixels.contiguous()}, given)
    with open(texts, "w") as f:
        f.write("".join(t + "\n" for t in TEXTS))
    done = subprocess.run([EMBED, folder, given, texts, out], capture_output=True, text=True)
    if done.returncode == 77:
        print("skipped: no Vulkan device for Mien's side")
        sys.exit(77)
    check(done.returncode == 0, f"{folder} in Mien: {done.stderr}")
    if done.returncode:
        return None
    result = load_file(out)
    ids = [[i for i in row if i >= 0] for row in result["ids"].tolist()]
    unit = torch.nn.functional.normalize
    return unit(result["image_embeds"]), unit(result["text_embeds"]), ids


def from_transformers(model, tokenizer, pixels):
    model = model.float().eval()
    context = model.config.text_config.max_position_embeddings
    batch = tokenizer(TEXTS, padding=True, truncation=True, max_length=context, return_tensors="pt")
    ids = [[i for i, m in zip(row, mask) if m]
           for row, mask in zip(batch["input_ids"].tolist(), batch["attention_mask"].tolist())]
    with torch.no_grad():
        image = model.get_image_features(pixel_values=pixels)
        text = model.get_text_features(**batch)
    unit = torch.nn.functional.normalize
    return unit(image), unit(text), ids


def compare(name, ours, theirs):
    if ours is None:
        return
    image = (ours[0] - theirs[0]).abs().max().item()
    text = (ours[1] - theirs[1]).abs().max().item()
    check(image <= TOLERANCE and text <= TOLERANCE, f"{name}: embeddings differ by {image:.1e}, {text:.1e}")
    check(ours[2] == theirs[2], f"{name}: token ids {ours[2]} and {theirs[2]}")
    spread = (theirs[1][0] - theirs[1][1]).abs().max().item()
    check(spread > 1e-3, f"{name}: texts that differ have one embedding")  # the comparison says something
    print(f"{name}: image {image:.1e}, text {text:.1e}, {sum(map(len, ours[2]))} token ids equal")


def load_exactly(folder):
    """CLIPModel from a directory that Mien wrote: no key missing, left over or misshapen; config keys all known."""
    model, info = CLIPModel.from_pretrained(folder, output_loading_info=True)
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"):
        left = [k for k in info[kind] if not str(k).startswith("temporal.")]  # transformers passes over these
        check(not left, f"{folder}: {kind}: {left}")
    stored = load_file(os.path.join(folder, "model.safetensors"))
    expected = {k: tuple(v.shape) for k, v in CLIPModel(model.config).state_dict().items() if "position_ids" not in k}
    extra = {k for k in stored if k.startswith("temporal.")}
    check({k: tuple(v.shape) for k, v in stored.items() if k not in extra} == expected, f"{folder}: keys or shapes")
    written = json.load(open(os.path.join(folder, "config.json")))
    reference = CLIPConfig().to_dict()
    for part in ("", "text_config", "vision_config"):
        have, known = (written[part], reference[part]) if part else (written, reference)
        strange = set(have) - set(known) - {"architectures", "torch_dtype", "model_type", "mien", "projection_dim"}
        check(not strange, f"{folder}: config.json {part}: keys that CLIPConfig has not: {strange}")
    return model, stored


# ---- OpenAI's names, written down independently of Mien's map ----

def to_openai(state):
    out, halves = {}, {}
    plain = [("vision_model.embeddings.patch_embedding.", "visual.conv1."),
             ("vision_model.embeddings.class_embedding", "visual.class_embedding"),
             ("vision_model.embeddings.position_embedding.weight", "visual.positional_embedding"),
             ("vision_model.pre_layrnorm.", "visual.ln_pre."), ("vision_model.post_layernorm.", "visual.ln_post."),
             ("text_model.embeddings.token_embedding.", "token_embedding."),
             ("text_model.embeddings.position_embedding.weight", "positional_embedding"),
             ("text_model.final_layer_norm.", "ln_final."),
             ("vision_model.encoder.layers.", "visual.transformer.resblocks."),
             ("text_model.encoder.layers.", "transformer.resblocks."), (".layer_norm1.", ".ln_1."),
             (".layer_norm2.", ".ln_2."), (".mlp.fc1.", ".mlp.c_fc."), (".mlp.fc2.", ".mlp.c_proj."),
             (".self_attn.out_proj.", ".attn.out_proj.")]
    for name, value in state.items():
        if name.endswith("position_ids"):
            continue
        new = name
        for a, b in plain:
            new = new.replace(a, b)
        split = re.match(r"(.*)\.self_attn\.([qkv])_proj\.(weight|bias)", new)
        if split:
            halves.setdefault(f"{split[1]}.attn.in_proj_{split[3]}", {})[split[2]] = value
        else:
            out[new] = value
    out["visual.proj"] = out.pop("visual_projection.weight").t()
    out["text_projection"] = out.pop("text_projection.weight").t()
    for name, parts in halves.items():
        out[name] = torch.cat([parts["q"], parts["k"], parts["v"]])
    return out


class Holder(torch.nn.Module):
    """A module for each dot of a name: TorchScript then has the names that OpenAI's archives have."""

    def __init__(self):
        super().__init__()


def scripted(state, scalars):
    root = Holder()
    for name, value in {**state, **scalars}.items():
        at, parts = root, name.split(".")
        for part in parts[:-1]:
            if part not in at._modules:
                at.add_module(part, Holder())
            at = at._modules[part]
        if value.is_floating_point():
            at.register_parameter(parts[-1], torch.nn.Parameter(value.clone(), requires_grad=False))
        else:
            at.register_buffer(parts[-1], value)
    return torch.jit.script(root)


def random_model(config, seed):
    torch.manual_seed(seed)
    model = CLIPModel(config).eval()
    with torch.no_grad():
        for name, p in model.named_parameters():  # norms and biases that matter, and values that f16 holds exactly
            if p.dim() < 2 and name != "logit_scale":
                p.add_(torch.randn_like(p) * 0.1)
            p.copy_(p.half().float())
    return model


def openai_config(vocab, act):
    tower = dict(num_hidden_layers=2, hidden_act=act)
    return CLIPConfig(projection_dim=40,
                      text_config=dict(tower, hidden_size=64, num_attention_heads=1, intermediate_size=256,
                                       vocab_size=vocab, max_position_embeddings=24, bos_token_id=vocab - 2,
                                       eos_token_id=vocab - 1),
                      vision_config=dict(tower, hidden_size=128, num_attention_heads=2, intermediate_size=512,
                                         image_size=24, patch_size=8))


def temporal_tensors(width, g):
    p, inner = "temporal.temporal_transformer.layers.0.", 8 * 16
    shapes = {"temporal.cls_token": (1, 1, width), "temporal.pos_embedding": (1, 9, width),
              p + "0.fn.norm.weight": (width,), p + "0.fn.norm.bias": (width,),
              p + "0.fn.fn.to_qkv.weight": (3 * inner, width), p + "0.fn.fn.to_out.0.weight": (width, inner),
              p + "0.fn.fn.to_out.0.bias": (width,), p + "1.fn.norm.weight": (width,), p + "1.fn.norm.bias": (width,),
              p + "1.fn.fn.net.0.weight": (width, width), p + "1.fn.fn.net.0.bias": (width,),
              p + "1.fn.fn.net.3.weight": (width, width), p + "1.fn.fn.net.3.bias": (width,)}
    return {n: torch.randn(s, generator=g) for n, s in shapes.items()}


def mien_writes(tokenizer, vocab):
    g = torch.Generator().manual_seed(1)
    for act in ("quick_gelu", "gelu"):
        model = random_model(openai_config(vocab, act), 2)
        state = to_openai(model.state_dict())
        half = {n: v.half() if v.dim() > 1 else v for n, v in state.items()}
        scalars = {n: torch.tensor(v) for n, v in (("input_resolution", 24), ("context_length", 24),
                                                   ("vocab_size", vocab))}
        pixels = torch.randn(3, 3, 24, 24, generator=g)
        theirs = from_transformers(model, CLIPTokenizer.from_pretrained(tokenizer), pixels)
        files = {}
        if act == "quick_gelu":
            files["openai.safetensors"] = []
            save_file({n: v.contiguous() for n, v in {**half, **scalars}.items()},
                      os.path.join(WORK, "openai.safetensors"))
            files["openai-script.pt"] = []
            torch.jit.save(scripted(half, scalars), os.path.join(WORK, "openai-script.pt"))
            files["emoclip.pt"] = []
            emoclip = {"module.backbone." + n: v for n, v in half.items()}
            emoclip.update(("module." + n, v) for n, v in temporal_tensors(40, g).items())
            torch.save(dict(emoclip, **{"module.logit_scale": torch.tensor(2.0)}), os.path.join(WORK, "emoclip.pt"))
        else:
            files["open_clip.pt"] = ["--act", "gelu"]
            torch.save({"epoch": 3, "name": "run", "state_dict": {"module." + n: v for n, v in state.items()},
                        "optimizer": {"state": {0: {"step": torch.tensor(7.0)}}, "param_groups": [{"lr": 1e-3}]}},
                       os.path.join(WORK, "open_clip.pt"))
            files["custom_text.pt"] = ["--act", "gelu"]
            texts = {n if n.startswith("visual") or n == "logit_scale" else "text." + n: v for n, v in half.items()}
            torch.save(texts, os.path.join(WORK, "custom_text.pt"))
        for file, options in files.items():
            folder = os.path.join(WORK, file + ".dir")
            mien("convert", os.path.join(WORK, file), folder, "--tokenizer", tokenizer, *options)
            loaded, stored = load_exactly(folder)
            check(all(torch.equal(stored[n], v) for n, v in model.state_dict().items()
                      if "position_ids" not in n and not (n == "logit_scale" and "emoclip" in file)),
                  f"{file}: tensors changed on the way")
            check(("temporal.cls_token" in stored) == ("emoclip" in file), f"{file}: temporal tensors")
            compare(f"mien wrote, from {file}", from_mien(folder, pixels), theirs)
            read = from_transformers(loaded, CLIPTokenizer.from_pretrained(folder), pixels)
            compare("  the same, read by transformers", from_mien(folder, pixels), read)
    mien("convert", os.path.join(WORK, "open_clip.pt"), os.path.join(WORK, "no"), status=2)  # no activation told
    check(not os.path.exists(os.path.join(WORK, "no")), "a refused conversion left something")


def whole_vocabulary():
    """OpenAI's packed merge list becomes files from which CLIPTokenizer gives Mien's ids, "!" included."""
    packed = os.path.join(SHARED, "tokenizer")
    if not os.path.exists(os.path.join(packed, "bpe_simple_vocab_16e6.txt.gz")):
        print("skipped: OpenAI's merge list (no ../shared/data/tokenizer)")
        return
    model = random_model(openai_config(49408, "quick_gelu"), 6)
    file, folder = os.path.join(WORK, "whole.safetensors"), os.path.join(WORK, "whole")
    save_file({n: v.contiguous() for n, v in to_openai(model.state_dict()).items()}, file)
    mien("convert", file, folder, "--tokenizer", packed, "--act", "quick_gelu")
    loaded, _ = load_exactly(folder)
    pixels = torch.randn(1, 3, 24, 24)
    theirs = from_transformers(loaded, CLIPTokenizer.from_pretrained(folder), pixels)
    compare("mien wrote OpenAI's vocabulary", from_mien(folder, pixels), theirs)
    check(theirs[2][4] == [49406, 256, 49407], f"ids of '!': {theirs[2][4]}")


def other_sizes(tokenizer, vocab):
    """Longer texts, larger images and 16-bit files: transformers reads what Mien resized as Mien does."""
    g = torch.Generator().manual_seed(5)
    source = os.path.join(WORK, "openai.safetensors.dir")
    for options, size in ((["--context", "36"], 24), (["--image-size", "40", "--context", "30"], 40),
                          (["--dtype", "f16"], 24), (["--dtype", "bf16"], 24)):
        folder = os.path.join(WORK, "sized" + "".join(options))
        mien("convert", source, folder, *options)
        model, stored = load_exactly(folder)
        if "--dtype" in options:
            want = torch.float16 if options[1] == "f16" else torch.bfloat16
            check({v.dtype for v in stored.values()} == {want}, f"{folder}: types")
        if size == 40:
            name = "vision_model.embeddings.position_embedding.weight"
            old = load_file(os.path.join(source, "model.safetensors"))[name]
            grid = old[1:].reshape(1, 3, 3, -1).permute(0, 3, 1, 2)
            grid = torch.nn.functional.interpolate(grid, size=(5, 5), mode="bicubic", antialias=True,
                                                   align_corners=False)
            want = torch.cat([old[:1], grid.permute(0, 2, 3, 1).reshape(25, -1)])
            check((want - stored[name]).abs().max() < 1e-6, "resized positions")
        pixels = torch.randn(2, 3, size, size, generator=g)
        theirs = from_transformers(model, CLIPTokenizer.from_pretrained(folder), pixels)
        compare("mien wrote " + " ".join(options), from_mien(folder, pixels), theirs)


def transformers_writes(tokenizer, vocab):
    g = torch.Generator().manual_seed(9)
    for name, eos, act, saving in (("one file", vocab - 1, "gelu", {}), ("legacy end", 2, "quick_gelu", {}),
                                   ("several files", vocab - 1, "gelu", {"max_shard_size": "60KB"}),
                                   ("pytorch_model.bin", vocab - 1, "quick_gelu", {"safe_serialization": False})):
        config = CLIPConfig(projection_dim=19,
                            text_config=dict(hidden_size=30, num_attention_heads=3, intermediate_size=41,
                                             num_hidden_layers=2, vocab_size=vocab + 3, max_position_embeddings=19,
                                             hidden_act=act, bos_token_id=vocab - 2, eos_token_id=eos, pad_token_id=1),
                            vision_config=dict(hidden_size=28, num_attention_heads=4, intermediate_size=37,
                                               num_hidden_layers=3, image_size=30, patch_size=7, hidden_act=act))
        model = random_model(config, 4)
        folder = os.path.join(WORK, name.replace(" ", "-"))
        model.save_pretrained(folder, **saving)
        CLIPTokenizer.from_pretrained(tokenizer).save_pretrained(folder)
        pixels = torch.randn(3, 3, 30, 30, generator=g)
        theirs = from_transformers(model, CLIPTokenizer.from_pretrained(folder), pixels)
        if eos == 2:  # the largest id is pooled, as the published files mean it
            check(math.isfinite(theirs[1].sum().item()), "legacy end")
        compare("transformers wrote " + name, from_mien(folder, pixels), theirs)
        mien("info", folder)
        copy = folder + "-copy"
        mien("convert", folder, copy)
        load_exactly(copy)


def main():
    print(f"torch {torch.__version__}, transformers {transformers.__version__}")
    tokenizer = os.path.join(WORK, "tokenizer")
    vocab = write_tokenizer(tokenizer)
    mien_writes(tokenizer, vocab)
    whole_vocabulary()
    other_sizes(tokenizer, vocab)
    transformers_writes(tokenizer, vocab)
    print(f"{failures} failures")
    sys.exit(1 if failures else 0)


main()
