#!/usr/bin/python3
"""Makes the checkpoints of tests/io/pt that hold more than weights, for test_pt.c. Python's own library alone: classes
of numpy, Lightning and others are stand-ins of the same names, so that the pickles ask for what real ones ask for.

    /usr/bin/python3 make_opaque.py [OUT_DIR]
"""
import argparse
import collections
import datetime
import decimal
import io
import math
import os
import pathlib
import pickle
import struct
import sys
import types
import zipfile

OUT = sys.argv[1] if len(sys.argv) == 2 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "pt")


def stand_in(module, **members):
    for end in range(1, module.count(".") + 1):
        sys.modules.setdefault(".".join(module.split(".")[:end]), types.ModuleType(module))
    made = sys.modules.setdefault(module, types.ModuleType(module))
    for name, value in members.items():
        value.__module__, value.__qualname__, value.__name__ = module, name, name
        setattr(made, name, value)
    return made


def function():
    return lambda *args: None


class Reduced:
    """Pickles to a call, with a state and items where they are given."""

    def __init__(self, *reduced):
        self.reduced = reduced

    def __reduce__(self):
        return self.reduced


class Named:
    """Pickles by NEWOBJ_EX."""

    def __new__(cls, *args, **named):
        return object.__new__(cls)

    def __getnewargs_ex__(self):
        return ("a",), {"b": 1}


class Options(dict):
    pass


numpy = stand_in("numpy.core.multiarray", scalar=function(), _reconstruct=function())
array = stand_in("numpy", ndarray=type("ndarray", (), {}), dtype=function())
torch = stand_in("torch", FloatStorage=type("FloatStorage", (), {}), HalfStorage=type("HalfStorage", (), {}),
                 ComplexFloatStorage=type("ComplexFloatStorage", (), {}))
utils = stand_in("torch._utils", _rebuild_tensor_v2=function(), _rebuild_parameter=function(),
                 _rebuild_parameter_with_state=function())
typed = stand_in("torch._tensor", _rebuild_from_type_v2=function())
lightning = stand_in("lightning.fabric.utilities.data", AttributeDict=Options)
stand_in("mytrainer.options", Named=Named)


class Storage:
    def __init__(self, key, kind, count):
        self.key, self.kind, self.count = key, kind, count


class Pickler(pickle._Pickler):
    def persistent_id(self, value):
        return ("storage", value.kind, value.key, "cpu", value.count) if isinstance(value, Storage) else None


class Archive:
    def __init__(self):
        self.data = []

    def tensor(self, *values, rebuild=None, kind=None, shape=None):
        key = str(len(self.data))
        self.data.append(struct.pack(f"<{len(values)}f", *values))
        kind = kind or torch.FloatStorage
        count = len(values) // (2 if kind is torch.ComplexFloatStorage else 1)
        shape = shape or (count,)
        strides = tuple(math.prod(shape[i + 1:]) for i in range(len(shape)))
        args = (Storage(key, kind, count), 0, shape, strides, False, collections.OrderedDict())
        made = Reduced(utils._rebuild_tensor_v2, args)
        if rebuild == "state":
            return Reduced(utils._rebuild_parameter_with_state, (made, True, collections.OrderedDict(), {"tag": 1}))
        if rebuild == "type":
            return Reduced(typed._rebuild_from_type_v2, (utils._rebuild_tensor_v2, array.ndarray, args, {"tag": 1}))
        return made

    def write(self, name, value, protocol):
        f = io.BytesIO()
        Pickler(f, protocol).dump(value)
        with zipfile.ZipFile(os.path.join(OUT, name), "w", zipfile.ZIP_STORED) as z:
            parts = {"data.pkl": f.getvalue(), "byteorder": b"little"}
            parts.update({f"data/{i}": d for i, d in enumerate(self.data)})
            for part, data in parts.items():
                z.writestr(zipfile.ZipInfo("archive/" + part, (1980, 1, 1, 0, 0, 0)), data)


def numpy_scalar():
    kind = Reduced(array.dtype, ("f8", False, True), (3, "<", None, None, None, -1, -1, 0))
    return Reduced(numpy.scalar, (kind, b"\x00\x00\x00\x00\x00\x00\xf8?"))


def numpy_array():
    return Reduced(numpy._reconstruct, (array.ndarray, (0,), b"b"),
                   (1, (2,), Reduced(array.dtype, ("f4", False, True)), False, b"\0" * 8))


def beside():
    options = argparse.Namespace(lr=1e-3, save=pathlib.PurePosixPath("/runs/a"), when=datetime.timedelta(3))
    logs = collections.defaultdict(list)
    logs["loss"] = [1.5, numpy_scalar()]
    odd = Options(a=1, b=numpy_scalar())
    odd.more = [1, 2]
    return {"epoch": numpy_scalar(), "args": options, "day": datetime.date(2024, 2, 29),
            "path": pathlib.PurePosixPath("x"), "seen": {1, 2}, "kept": frozenset((3, 4)),
            "best": decimal.Decimal("0.5"), "logs": logs, "random": numpy_array(),
            "seed": 1 << 200, "big": -(1 << 2100), "raw": b"\0\1", "long": b"x" * 300, "edit": bytearray(b"ab"),
            "complex": 1 + 2j, "span": range(3), "order": slice(1, 2), "count": collections.Counter("aab"),
            "function": function_of_module, "class": decimal.Decimal, "named": Named("a", b=1), "options": odd,
            "deque": collections.deque([1, 2], 5), "nothing": None, "yes": True}


def function_of_module():
    pass


function_of_module.__module__ = "decimal"
sys.modules["decimal"].function_of_module = function_of_module


def main():
    os.makedirs(OUT, exist_ok=True)
    for protocol in (2, 5):
        a = Archive()
        weights = Options(a=a.tensor(1, 2), b=a.tensor(3, rebuild="state"), c=a.tensor(4, 5, 6, rebuild="type"),
                          odd=numpy_array(), wave=a.tensor(1, 2, 3, 4, kind=torch.ComplexFloatStorage))
        a.write(f"opaque{protocol}.pt", {**beside(), "state_dict": weights, "hyper_parameters": beside()}, protocol)
    Archive().write("nothing.pt", Reduced(numpy._reconstruct, (array.ndarray, (0,), b"b")), 2)
    a = Archive()
    a.write("array.pt", {"state_dict": {"visual.conv1.weight": a.tensor(1, 2, 3, shape=(1, 3, 1, 1)),
                                        "visual.positional_embedding": numpy_array()}}, 2)
    for part, names in enumerate((("a", "b"), ("c",))):
        a = Archive()
        a.write(f"part{part + 1}.bin", collections.OrderedDict((n, a.tensor(ord(n), part)) for n in names), 2)


if __name__ == "__main__":
    main()
