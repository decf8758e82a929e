#!/usr/bin/env python3
"""make_seeds.py: the first seeds of the fuzz targets, a few hundred bytes each. Run in tests/fuzz."""
import gzip
import io
import json
import pathlib
import pickle
import struct
import tarfile
import zipfile
import zlib

NEXT = b"\n=====\n"


def put(target, name, data):
    path = pathlib.Path("seeds") / target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def safetensors(tensors, metadata=None):
    head, body = {}, b""
    if metadata:
        head["__metadata__"] = metadata
    for name, (dtype, shape, data) in tensors.items():
        head[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + body


def png(width, height, kind, depth, rows):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    palette = chunk(b"PLTE", bytes(range(48))) if kind == 3 else b""
    data = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + palette + data + chunk(b"IEND", b"")


def jpeg():
    """8x8, grey, baseline: one block whose coefficients are all zero but the first."""
    def part(mark, data):
        return b"\xff" + bytes([mark]) + struct.pack(">H", len(data) + 2) + data

    orientation = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    dc = part(0xC4, b"\0" + bytes([0, 1] + [0] * 14) + b"\0")
    ac = part(0xC4, b"\x10" + bytes([0, 1] + [0] * 14) + b"\0")
    frame = part(0xC0, b"\x08\0\x08\0\x08\x01\x01\x11\0")
    scan = part(0xDA, b"\x01\x01\0\0\x3f\0")
    tables = part(0xDB, b"\0" + bytes([1] * 64)) + frame + dc + ac
    return b"\xff\xd8" + part(0xE1, orientation) + tables + scan + b"\x3f\xff\xd9"


def archive(form, members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    whole = out.getvalue().rstrip(b"\0")
    return whole + bytes(-len(whole) % 512 + 1024)  # not the 10 KiB of tapes


class Tensor:
    """Pickles as torch._utils._rebuild_tensor_v2 of a stored FloatStorage would."""

    def __reduce__(self):
        return (Rebuild(), (Storage(), 0, (2, 2), (2, 1), False, {}))


class Rebuild:
    pass


class Storage:
    pass


class Pickler(pickle._Pickler):
    def persistent_id(self, obj):
        return ("storage", FloatStorage, "0", "cpu", 4) if isinstance(obj, Storage) else None

    def save(self, obj, save_persistent_id=True):
        if isinstance(obj, Rebuild):
            self.write(b"ctorch._utils\n_rebuild_tensor_v2\n")
        elif obj is FloatStorage:
            self.write(b"ctorch\nFloatStorage\n")
        else:
            super().save(obj, save_persistent_id)

    def save_reduce(self, func, args, *rest, **more):
        self.save(func)
        self.save(args)
        self.write(b"R")


class FloatStorage:
    pass


def torch_zip(extra):
    text = io.BytesIO()
    Pickler(text, protocol=2).dump({"weight": Tensor(), **extra})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo("m/data.pkl"), text.getvalue())
        archive.writestr(zipfile.ZipInfo("m/data/0"), struct.pack("<4f", 1, 2, 3, 4))
        archive.writestr(zipfile.ZipInfo("m/version"), "3\n")
    return out.getvalue()


put("json", "all.json",
    b'{"a": [1, -0.5e3, true, false, null, "x\\u00e9\\n\\"\\ud83d\\ude00"], "b": {"c": {}}, "\xc3\xa9": []}')
put("json", "number.json", b" 12345678901234567890.25e-10 ")
put("json", "deep.json", b"[" * 40 + b"]" * 40)
floats = struct.pack("<4f", 1, -2, 0.5, 3)
put("safetensors", "two.st",
    safetensors({"a": ("F32", [2, 2], floats), "b": ("BF16", [3], b"\0\x3f" * 3)}, {"k": "v"}))
put("safetensors", "empty.st", safetensors({}))
put("safetensors", "half.st", safetensors({"x.y": ("F16", [1, 2, 1], b"\0\x3c\0\xfc"), "n": ("I64", [], b"\1" * 8)}))
put("pt", "one.pt", torch_zip({}))
put("pt", "more.pt", torch_zip({"epoch": 3, "name": "x", "list": [1.5, None, True], "big": 1 << 70}))
rows = [
    {"image": "a.jpg", "caption": {"global": "A face.", "local": ["Brows up.", "Mouth open."], "summary": "Surprise."},
     "label": ["happiness", "surprise"], "va": [0.5, -0.25], "au": {"AU12": 1}, "targets": {"t": 1.5}, "split": "val",
     "fold": 1, "subject": "s1", "box": [1, 2, 30, 40]},
    {"frames": ["1.png", "2.png"], "caption": "One. Two! Three?", "question": "q", "options": ["x", "y"], "answer": 1},
    {"video": "a.mp4", "label": "anger", "split": "test"},
]
put("manifest", "rows.jsonl", "".join(json.dumps(row) + "\n" for row in rows).encode())
put("manifest", "text.jsonl",
    b'\xef\xbb\xbf{"frames":"dir","caption":"e.g. Mr. X smiled. \xe3\x80\x82"}\r\n\n{"image":"b.png"}')
put("csv", "quotes.csv", b'filepath,title,label,n\r\n"a,b.jpg","says ""hi""\nand goes",joy,7\r\nb.jpg,,,4294967295\r\n')
put("csv", "semicolon.csv", b"\xef\xbb\xbffilepath;title;split;subject\na.png;A face.;train;1\n\nb.png;x;val;2")
put("shards", "pax.tar", archive(tarfile.PAX_FORMAT, [
    ("0.png", png(1, 1, 2, 8, bytes(4))), ("0.json", b'{"caption":{"global":"A face."},"split":"train","va":[0,1]}'),
    ("é" * 60 + "/1.txt", b"Calm.\n"), ("é" * 60 + "/1.cls", b"3"), ("é" * 60 + "/1.jpg", jpeg())]))
put("shards", "gnu.tar", archive(tarfile.GNU_FORMAT, [
    ("v1.0/" + "n" * 120 + ".json", b'{"frames":[],"label":null,"split":"val"}'),
    ("v1.0/" + "n" * 120 + ".0.png", b""), ("v1.0/" + "n" * 120 + ".1.png", b""), ("README", b"x")]))
put("shards", "ustar.tar", archive(tarfile.USTAR_FORMAT, [
    ("a/" * 60 + "b.txt", b"\xef\xbb\xbfOne. Two."), ("a/" * 60 + "b.png", b"none")]))
put("image", "rgb.png", png(3, 2, 2, 8, b"\0" + bytes(9) + b"\1" + bytes(range(9))))
put("image", "rgba16.png", png(1, 2, 6, 16, b"\2" + bytes(8) + b"\4" + bytes(8)))
put("image", "palette.png", png(5, 1, 3, 4, b"\0\x12\x34\x50"))
put("image", "grey.png", png(9, 2, 0, 1, b"\0\xaa\x80\3\x55\x00"))
put("image", "grey.jpg", jpeg())
merges = ["a n", "an g", "ang er</w>", "j o", "jo y</w>"]
letters = [chr(c) for c in range(97, 123)]
words = letters + [c + "</w>" for c in letters]
words += ["an", "ang", "anger</w>", "jo", "joy</w>", "<|startoftext|>", "<|endoftext|>"]
vocab = {word: i for i, word in enumerate(words)}
put("tokenizer", "small", json.dumps(vocab).encode() + NEXT + b"#version: 0.2\n" + "\n".join(merges).encode() + b"\n")
split = {"type": "Split", "pattern": {"Regex": r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"},
         "behavior": "Removed", "invert": True}
blanks = {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "}
face = {"content": "<my-face>", "normalized": True, "single_word": True}
tokenizer = {"added_tokens": [{"id": len(vocab), **face}],
             "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, blanks, {"type": "Lowercase"}]},
             "pre_tokenizer": {"type": "Sequence",
                               "pretokenizers": [split, {"type": "ByteLevel", "add_prefix_space": False}]},
             "model": {"type": "BPE", "end_of_word_suffix": "</w>", "vocab": vocab,
                       "merges": [m.split() if i % 2 else m for i, m in enumerate(merges)]}}
decoder = {"added_tokens_decoder": {str(len(vocab) + 1): {"content": "Shy", "normalized": False}},
           "additional_special_tokens": ["jo"]}
put("tokenizer_json", "small", json.dumps(tokenizer).encode() + NEXT + json.dumps(decoder).encode())
put("gzip", "stored.gz", gzip.compress(b"a b\n" * 20, 0, mtime=0))
put("gzip", "dynamic.gz", gzip.compress(b"".join(b"%d %d\n" % (i, i * i) for i in range(100)), 9, mtime=0))
tower = {"hidden_size": 12, "intermediate_size": 20, "num_hidden_layers": 1, "num_attention_heads": 2,
         "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5}
config = {"model_type": "clip", "projection_dim": 12, "logit_scale_init_value": 2.6592,
          "vision_config": {**tower, "image_size": 12, "patch_size": 4, "num_channels": 3},
          "text_config": {**tower, "vocab_size": 540, "max_position_embeddings": 16, "eos_token_id": 2},
          "mien": {"temporal": {"layers": 1, "heads": 2, "head_dim": 8, "mlp": 8, "max_frames": 16}}}
preprocess = {"do_resize": True, "size": {"shortest_edge": 12}, "resample": 3, "do_center_crop": True, "crop_size": 12,
              "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True, "image_mean": [0.5, 0.4, 0.3],
              "image_std": [0.2, 0.2, 0.3], "do_convert_rgb": True}
put("config", "small", json.dumps(config).encode() + NEXT + json.dumps(preprocess).encode())


def cache(data, uuid=bytes(range(1, 17))):
    """As src/vk/cache.c writes it for the device of fuzz_cache.c."""
    head = b"MIENPIPE" + struct.pack("<IIII", 1, 0x10005, 0xC0DE, 7) + uuid + struct.pack("<Q", len(data))
    total = 14695981039346656037
    for byte in head + data:
        total = (total ^ byte) * 1099511628211 % 2**64
    return head + struct.pack("<Q", total) + data


driver = struct.pack("<IIII", 32, 1, 0x10005, 0xC0DE) + bytes(range(1, 17))
put("cache", "whole.bin", cache(driver + b"kernels" * 9))
put("cache", "driver", driver + b"kernels")
put("cache", "other.bin", cache(driver, bytes(16)))

row = {"op": "matmul", "variant": "matmul_fwd_sg", "kernel": "matmul_fwd_sg", "code": "0123456789abcdef"}
trials = {"format": 1, "device": "a device", "driver": "a driver", "vendor_id": 0x10005, "device_id": 0xC0DE,
          "driver_version": 7, "uuid": bytes(range(1, 17)).hex(), "trying": {**row, "last": True},
          "failed": [{**row, "why": "output 0: 3 of 4 wrong"}], "proven": ["00000000000000ff", "fedcba9876543210"]}
put("trials", "whole", json.dumps(trials).encode())
put("trials", "other", json.dumps({**trials, "driver_version": 8}).encode())
head = {key: trials[key] for key in list(trials)[:7]}
choice = {"call": "matmul trans_b : f32[5,12] f32[8,12]", "variant": "matmul_fwd_sg", "choices": "0123456789abcdef"}
tuned = {**head, "tuned": [{**choice, "tile": "16x1/2", "gain": 1.25},
                           {**choice, "call": "softmax : f32[9,9]", "gain": 1}],
         "lost": [{**choice, "variant": "matmul_fwd", "why": "no answer within 30 s"}]}
put("tuned", "whole", json.dumps(tuned).encode())
put("tuned", "other", json.dumps({**tuned, "driver_version": 8}).encode())


def entry(offset, width, height, channels, pixels):
    return struct.pack("<QIIIIQqq", offset, width, height, channels, zlib.crc32(pixels), 9, 1, 2)


pixels = bytes(range(2 * 3 * 3)) + bytes(range(4 * 4))
table = entry(0, 2, 3, 3, pixels[:18]) + entry(18, 2, 2, 4, pixels[18:]) + entry(0, 0, 0, 0, b"")
text = b"".join(b'{"image":"%c.png"}\n' % letter for letter in b"abc")
tail = b"MIENPACK" + struct.pack("<IIQII", 3, 3, len(text), zlib.crc32(text), zlib.crc32(table))
put("pack", "body", pixels + table)
put("pack", "whole", pixels + table + tail)
put("pack", "huge", entry(2**64 - 8, 2**31, 2**31, 4, b"") + entry(8, 2**32 - 1, 1, 3, b"") + entry(0, 1, 1, 4, b"\0"))
state = {"step": 4, "first_loss": 2.5, "samples": 64, "collapsing": 0, "collapse_warned": False, "evaluated": 4,
         "best_step": 2, "best": 0.5, "worse": 1, "device": "d", "driver": "e", "variants": {"matmul": "matmul_tile"}}
put("state", "whole.json", json.dumps(state).encode())
put("state", "step.json", b'{"step":4}')
interval = [0.25, 0.75]
zero_shot = {"task": "zero-shot", "model": "m", "device": "d", "split": "val", "n": 3, "bad": 0, "classes": ["a", "b"],
             "present": 2, "confusion": [[1, 0], [1, 1]], "recall": [1, 0.5], "recall_interval": [interval, interval],
             "war": 0.5, "war_interval": interval, "uar": 0.75, "uar_interval": interval,
             "map": [[0, 0, 0, 0], [1, 1, 1, 0], [-1, 0.5, 1, 1]],
             "timelines": [{"image": "c", "truth": "a", "prediction": "b", "frames": 40, "used": 4, "at": [1, 2.5],
                            "pictures": ["c/1.png"], "scores": {"a": [0.25, 0.5], "b": [0.75, 0.5]}}]}
ranks = {"median": 1, "mean": 1.5, "r1": 0.5, "r1_interval": interval, "r5": 1, "r10": 1}
retrieval = {"task": "retrieval", "n": 2, "chance": 0.5, "image_text": ranks, "text_image": ranks, "directory": "/",
             "examples": [{"image": "a.png", "truth": "x & y", "texts": ["x & y", "<z>"], "scores": [0.5, 0.25]}],
             "gallery": [{"text": "<z>", "rank": 1.5, "pictures": [{"image": "a.png", "score": 0.5, "right": True}]}]}
log = b"".join(json.dumps(line).encode() + b"\n" for line in [
    {"kind": "step", "step": 1, "loss": 3, "lr": 0.1}, {"kind": "step", "step": 2, "loss": 2.5, "lr": 0.05},
    {"kind": "eval", "step": 2, "loss": 2, "uar": 0.5, "war": 0.4}])
put("report", "zero-shot", json.dumps(zero_shot).encode() + NEXT + log)
scores = {key: zero_shot[key] for key in zero_shot if key not in ("map", "timelines")}
models = {"task": "suite", "model": "m", "suite": "s.json", "skipped": [],
          "results": [{**scores, "name": name, "model": model} for name in "xyz" for model in ("m", "<n>/model")]}
ablation = {"ablation": [{"data": "d", "settings": {"steps": 9, "faces": 8, "recipe": "r", "set": ["a=1"]}, "rows": [
    {"row": row, "uar": {"mean": 0.5, "deviation": 0.25}, "war": {"mean": 0.5}, "positives": {"mean": 1},
     "runs": [{"uar": 0.25}, {"uar": 0.75}]} for row in ("one", "two")]}]}
put("report", "models", json.dumps(models).encode() + NEXT + log)
put("report", "ablation", json.dumps(ablation).encode() + NEXT + log)
put("report", "retrieval", json.dumps(retrieval).encode() + NEXT + log)
