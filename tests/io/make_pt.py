#!/usr/bin/python3
"""Makes the small files of tests/io/pt that test_pt.c reads: good ones by PyTorch, bad ones by hand.

    /usr/bin/python3 make_pt.py [OUT_DIR]
    /usr/bin/python3 make_pt.py --fixtures DIR > pt/fixtures.csv    what PyTorch reads from the files of DIR

Needs Debian's python3-torch and nothing else. Archives are written member by member, so that every run gives the same
bytes (legacy.pt alone holds addresses of memory).
"""
import io
import os
import pickle
import struct
import sys
import zipfile
import zlib

import torch

OUT = sys.argv[1] if len(sys.argv) == 2 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "pt")


def members(blob):
    """Name without the archive's folder -> bytes; PyTorch's own order."""
    with zipfile.ZipFile(io.BytesIO(blob)) as z:
        return {i.filename.split("/", 1)[1]: z.read(i) for i in z.infolist()}


def write(name, parts, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(os.path.join(OUT, name), "w", method) as z:
        for part, data in parts.items():
            z.writestr(zipfile.ZipInfo("archive/" + part, (1980, 1, 1, 0, 0, 0)), data, method)


def saved(value):
    f = io.BytesIO()
    torch.save(value, f)
    return members(f.getvalue())


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.arange(6.0).reshape(2, 3).half())
        self.bias = torch.nn.Parameter(torch.tensor([-1.0, 1.0]))
        self.sizes = [1, 2]

    def forward(self, x):
        return x @ self.weight.float().t() + self.bias


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = torch.nn.Sequential(Block())
        self.register_buffer("size", torch.tensor(224))

    def forward(self, x):
        return self.blocks(x)


class Call:
    """Pickles to a call of `function`."""

    def __init__(self, function, *args):
        self.call = (function, args)

    def __reduce__(self):
        return self.call


def hostile(value):
    parts = saved({"a": torch.ones(2)})
    parts["data.pkl"] = pickle.dumps(value, protocol=2)
    return parts


def tensors(value, name=""):
    """Name and tensor of all that a file holds; names of dictionaries joined by points."""
    if isinstance(value, torch.Tensor):
        yield name or "tensor", value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from tensors(part, f"{name}.{key}" if name else str(key))
    elif isinstance(value, (list, tuple)):
        for i, part in enumerate(value):
            yield from tensors(part, f"{name}.{i}" if name else str(i))


def list_fixtures(folder):
    names = {"float32": "F32", "float16": "F16", "bfloat16": "BF16", "int64": "I64", "int32": "I32", "int16": "I16",
             "bool": "BOOL"}
    for file in sorted(f for f in os.listdir(folder) if f.endswith(".pt")):
        path = os.path.join(folder, file)
        if not zipfile.is_zipfile(path):
            continue
        for name, t in tensors(torch.load(path)):
            raw = t.contiguous().numpy().tobytes()
            dims = "x".join(map(str, t.shape)) or "-"
            print(f"{file},{name},{names[str(t.dtype)[6:]]},{dims},{zlib.crc32(raw):08x}")


def main():
    os.makedirs(OUT, exist_ok=True)
    base = torch.arange(12.0)
    state = {"a": base.reshape(3, 4), "turned": base.reshape(3, 4).t(), "part": base.reshape(4, 3)[2:, :1],
             "half": torch.tensor([0.5, -2, 65504]).half(), "brain": torch.tensor([1, -3.0e38]).bfloat16(),
             "three": torch.tensor(7.0).expand(3), "none": torch.zeros(0, 2),
             "parameter": torch.nn.Parameter(torch.tensor(2.5))}
    views = saved({"epoch": 3, "name": "run", "best": 0.5, "state_dict": state,
                   "optimizer": {"state": {0: {"step": torch.tensor(5)}}, "groups": [{"lr": 1e-3, "params": [0, 1]}]}})
    write("views.pt", views)
    script = io.BytesIO()
    torch.jit.save(torch.jit.script(Net()), script)
    script = {k: v for k, v in members(script.getvalue()).items() if not k.endswith(".debug_pkl")}
    write("script.pt", script)

    f = open(os.path.join(OUT, "legacy.pt"), "wb")
    torch.save({"a": torch.ones(2)}, f, _use_new_zipfile_serialization=False)
    f.close()
    write("system.pt", hostile({"a": Call(os.system, "echo this must not run")}))
    write("builtins.pt", hostile(Call(eval, "1+1")))
    good = saved({"a": torch.ones(2)})
    write("deflated.pt", good, zipfile.ZIP_DEFLATED)
    write("big_endian.pt", dict(good, byteorder=b"big"))
    write("beyond.pt", dict(good, **{"data.pkl": good["data.pkl"].replace(b"K\x02\x85", b"K\x03\x85", 1)}))
    write("short.pt", dict(good, **{"data/0": b"\0" * 7}))
    write("gone.pt", {k: v for k, v in good.items() if k != "data/0"})
    write("no_pickle.pt", {"version": b"3\n"})
    write("opcode.pt", dict(good, **{"data.pkl": b"\x80\x02I1\n."}))
    write("checksum.pt", good)
    path = os.path.join(OUT, "checksum.pt")
    blob = open(path, "rb").read()
    at = blob.index(struct.pack("<2f", 1, 1))
    open(path, "wb").write(blob[:at] + b"\1" + blob[at + 1:])
    with zipfile.ZipFile(os.path.join(OUT, "twice.pt"), "w") as z:
        for folder in ("a", "b"):
            z.writestr(zipfile.ZipInfo(folder + "/data.pkl", (1980, 1, 1, 0, 0, 0)), good["data.pkl"])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--fixtures"]:
        list_fixtures(sys.argv[2])
    else:
        main()
