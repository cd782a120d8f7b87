#!/usr/bin/env python3
"""Writes the small checkpoints and arrays that the format tests read, and expected.tsv, which says what is in them.

Run with PyTorch 2.x and NumPy: python3 make_checkpoint_fixtures.py [FOLDER]. A line of expected.tsv is one tensor:
fixture, name, element type, shape, elements in row-major order, separated by tabs; an empty list is "-".
"""

import argparse
import collections
import datetime
import io
import json
import pathlib
import pickle
import pickletools
import struct
import sys
import types
import zipfile

import numpy
import torch

FOLDER = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "checkpoints")
EXPECTED = []
NAMES = {
    torch.float32: "f32", torch.float64: "f64", torch.float16: "f16", torch.bfloat16: "bf16", torch.int8: "i8",
    torch.uint8: "u8", torch.int16: "i16", torch.int32: "i32", torch.int64: "i64", torch.bool: "bool",
}


def expect(fixture, tensors):
    for name, tensor in tensors.items():
        shape = ",".join(str(n) for n in tensor.shape) or "-"
        values = ",".join(repr(v) for v in tensor.detach().to(torch.float64).reshape(-1).tolist()) or "-"
        EXPECTED.append("\t".join([fixture, name, NAMES[tensor.dtype], shape, values]))


# Legacy files of whole modules embed the source of their classes, which does not belong into this repository.
torch.serialization.get_source_lines_and_file = lambda thing: (["# source\n"], 0, "module.py")


def save(fixture, content, tensors, legacy=False, protocol=2):
    torch.save(content, FOLDER / fixture, pickle_protocol=protocol, _use_new_zipfile_serialization=not legacy)
    if tensors is not None:
        expect(fixture, tensors)


def ramp(*shape, dtype=torch.float32):
    count = int(numpy.prod(shape))
    return (torch.arange(count, dtype=torch.float64) * 0.5 - 3).reshape(shape).to(dtype)


def network():
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))


def prefixed(prefix, tensors):
    return collections.OrderedDict((prefix + name, tensor) for name, tensor in tensors.items())


def strided():
    base = ramp(4, 6)
    return {
        "base": base,
        "shared": base,
        "row": base[2],
        "column": base[:, 1],
        "steps": base[1:4:2, ::3],
        "transposed": base.t(),
        "permuted": ramp(2, 3, 4).permute(2, 0, 1),
        "channels_last": ramp(1, 3, 2, 2).to(memory_format=torch.channels_last),
        "expanded": ramp(3, 1).expand(3, 4),
        "repeated_scalar": torch.tensor(1.5).expand(2, 2),
        "unit_axes": ramp(5).as_strided((1, 5, 1), (999, 1, 12345)),
        "empty": torch.empty(0, 3),
        "scalar": torch.tensor(2.5),
    }


def dtypes():
    return {NAMES[t]: (torch.tensor([0, 1, 1, 0, 1]).to(t) if t == torch.bool else ramp(5, dtype=t) if t.is_signed
                       else torch.arange(5).to(t)) for t in NAMES}


def training_run():
    """What a training script saves: weights among much that is none."""
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    model(torch.ones(4, 3)).sum().backward()
    optimizer.step()
    extras = {
        "epoch": 90,
        "arch": "resnet20",
        "best_acc1": torch.tensor(91.5),
        "best_prec1": numpy.float64(91.73),
        "mean_iou": numpy.float32(0.5),
        "history": [0.25, None, True, (1, 2, 3), {"lr": 1e-3}],
        "args": argparse.Namespace(lr=0.1, gpus=[0, 1], data=pathlib.PurePosixPath("data")),
        "config": types.SimpleNamespace(depth=20),
        "started": datetime.datetime(2020, 1, 2, 3, 4, 5),
        "classes": {"cat", "dog"},
        "root": complex(0, 1),
        "counts": collections.Counter("abca"),
        "groups": collections.defaultdict(list, a=[1]),
        "array": numpy.arange(4, dtype=numpy.float32),
        "device": torch.device("cuda:0"),
        "size": torch.Size([1, 2]),
        "type": torch.float32,
        "activation": torch.nn.functional.relu,
        "large": 2**70,
        "negative": -5,
        "optimizer": optimizer.state_dict(),
        "rng": torch.get_rng_state()[:16].clone(),
        "scheduler": {"step_size": 30, "_last_lr": [0.1]},
        "state_dict": prefixed("module.", model.state_dict()),
    }
    return extras, model.state_dict()


def parameters():
    plain = torch.nn.Parameter(ramp(2, 2))
    annotated = torch.nn.Parameter(ramp(3))
    annotated.note = "kept by _rebuild_parameter_with_state"
    tensor = ramp(2)
    tensor.note = "kept by _rebuild_from_type_v2"
    return {"plain": plain, "annotated": annotated, "tensor": tensor, "buffer": torch.nn.Buffer(ramp(2))}


def rewrite_zip(source, target, method=zipfile.ZIP_STORED, replace=None, alter=lambda entries: entries):
    with zipfile.ZipFile(FOLDER / source) as old:
        entries = [(info.filename, old.read(info)) for info in old.infolist()]
    with zipfile.ZipFile(FOLDER / target, "w", method) as new:
        for name, data in alter(entries):
            new.writestr(zipfile.ZipInfo(name), (replace or {}).get(name.split("/", 1)[-1], data), method)


class Stub:
    """A storage of a hand-written legacy file."""

    def __init__(self, key, values, view=None):
        self.key, self.values, self.view = key, values, view


class Rebuild:
    def __init__(self, stub, offset, size, stride):
        self.arguments = (stub, offset, size, stride)

    def __reduce__(self):
        return torch._utils._rebuild_tensor, self.arguments


class Python2OrderedDict:
    def __init__(self, items):
        self.items = items

    def __reduce__(self):
        return collections.OrderedDict, ([[key, value] for key, value in self.items],)


def as_python2(data):
    """Unicode strings become the byte strings that Python 2 wrote; text is at most 255 bytes here."""
    result, operations = b"", list(pickletools.genops(data))
    for (op, argument, start), (_, _, end) in zip(operations, operations[1:] + [(None, None, len(data))]):
        text = op.name == "BINUNICODE"
        result += b"U" + bytes([len(argument)]) + argument.encode() if text else data[start:end]
    return result


def old_legacy(fixture):
    """PyTorch 0.2's form: _rebuild_tensor, views of storages, GPU tags, Python 2's strings and OrderedDict."""
    root = [float(i) for i in range(10)]
    stubs = {"7001": root, "7002": [1.0, 2.0]}

    class Pickler(pickle.Pickler):
        def persistent_id(self, thing):
            if isinstance(thing, Stub):
                return "storage", torch.FloatStorage, thing.key, "cuda:0", len(stubs[thing.key]), thing.view
            return None

    content = Python2OrderedDict([
        ("conv1.weight", Rebuild(Stub("7001", root), 0, (2, 3), (3, 1))),
        ("conv1.view", Rebuild(Stub("7001", root, ("7003", 6, 4)), 1, (3,), (1,))),
        ("conv1.bias", Rebuild(Stub("7002", None), 0, (2,), (1,))),
    ])
    buffer = io.BytesIO()
    Pickler(buffer, protocol=2).dump(content)
    out = b"".join(pickle.dumps(x, protocol=2) for x in (0x1950A86A20F9469CFC6C, 1001))
    out += as_python2(pickle.dumps({"protocol_version": 1001, "little_endian": True}, protocol=2))
    out += as_python2(buffer.getvalue()) + as_python2(pickle.dumps(sorted(stubs), protocol=2))
    for key in sorted(stubs):
        out += struct.pack("<q", len(stubs[key])) + struct.pack(f"<{len(stubs[key])}f", *stubs[key])
    (FOLDER / fixture).write_bytes(out)
    expect(fixture, {"conv1.weight": torch.tensor(root[:6]).reshape(2, 3), "conv1.view": torch.tensor(root[7:10]),
                     "conv1.bias": torch.tensor([1.0, 2.0])})


def safetensors(fixture):
    kinds = {"f32": "F32", "f64": "F64", "f16": "F16", "bf16": "BF16", "i8": "I8", "u8": "U8", "i16": "I16", "i32": "I32",
             "i64": "I64", "bool": "BOOL"}
    header, data = {"__metadata__": {"format": "pt", "note": "caf\u00e9 \"x\""}}, b""
    tensors = {**dtypes(), "matrix": ramp(2, 3), "scalar": torch.tensor(2.5), "empty": torch.empty(0, 3)}
    for name, tensor in tensors.items():
        raw = bytes(tensor.contiguous().reshape(-1).view(torch.uint8).tolist()) if tensor.numel() else b""
        header[name] = {"dtype": kinds[NAMES[tensor.dtype]], "shape": list(tensor.shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    (FOLDER / fixture).write_bytes(struct.pack("<Q", len(text)) + text + data)
    expect(fixture, tensors)


def arrays():
    cases = {"f4": ramp(2, 3), "f8": ramp(3, dtype=torch.float64), "f2": ramp(4, dtype=torch.float16),
             "i1": ramp(3, dtype=torch.int8), "u1": torch.arange(3, dtype=torch.uint8), "i2": ramp(3, dtype=torch.int16),
             "i4": ramp(3, dtype=torch.int32), "i8": ramp(3, dtype=torch.int64), "b1": torch.tensor([True, False]),
             "scalar": torch.tensor(2.5), "empty": torch.empty(0, 3)}
    for name, tensor in cases.items():
        numpy.save(FOLDER / f"array_{name}.npy", tensor.numpy())
        expect(f"array_{name}.npy", {"": tensor})
    fortran = ramp(2, 3, 4)
    numpy.save(FOLDER / "array_fortran.npy", numpy.asfortranarray(fortran.numpy()))
    expect("array_fortran.npy", {"": fortran})
    for version in (2, 3):
        with open(FOLDER / f"array_version{version}.npy", "wb") as file:
            numpy.lib.format.write_array(file, ramp(2, 3).numpy(), version=(version, 0))
        expect(f"array_version{version}.npy", {"": ramp(2, 3)})
    numpy.save(FOLDER / "array_big_endian.npy", ramp(3).numpy().astype(">f4"))
    numpy.save(FOLDER / "array_objects.npy", numpy.array([{}, None], dtype=object))


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    state = network().state_dict()
    for form, legacy, suffix in (("zip", False, ".pth"), ("legacy", True, ".th")):
        save(f"{form}_state_dict{suffix}", state, state, legacy)
        save(f"{form}_strided{suffix}", strided(), strided(), legacy)
        save(f"{form}_dtypes{suffix}", dtypes(), dtypes(), legacy)
        save(f"{form}_training_run{suffix}", *training_run(), legacy)
        save(f"{form}_parameters{suffix}", parameters(), parameters(), legacy)
        save(f"{form}_module{suffix}", network(), None, legacy)
        for protocol in (3, 4, 5):
            save(f"{form}_protocol{protocol}{suffix}", {"net": state, "epoch": 3}, state, legacy, protocol)
    for protocol in (0, 1):  # PyTorch cannot write its binary persistent ids there, but a stream without them it can
        (FOLDER / f"plain_protocol{protocol}.pkl").write_bytes(
            pickle.dumps({"a": ["b\n\u00e9\u20ac", 1.5, 2**70, -7, True, None, (1, 2)], "n": argparse.Namespace(x=1)}, protocol))
    compiled = prefixed("_orig_mod.module.", state)
    save("zip_model_and_ema.pth", {"ema": {"0.bias": ramp(2)}, "model": {"state_dict": compiled}, "note": "x"},
         {"ema.0.bias": ramp(2), **prefixed("model.", state)})
    save("zip_other_key.pth", {"backbone": state, "step": 5}, state)
    other = network().state_dict()
    save("zip_two_dicts.pth", {"encoder": state, "decoder": other}, {**prefixed("encoder.", state), **prefixed("decoder.", other)})
    save("zip_named.pth", {"state_dict": state, "state_dict_ema": prefixed("module.", other), "optimizer": {"moment": {"0.weight": ramp(2)}},
                           "args": argparse.Namespace(model="resnet50d", lr=0.1), "config": {"model": {"name": "mine", "depth": 3}},
                           "class_to_idx": {"dog": 1, "cat": 0, "emu": 2}},
         {**prefixed("state_dict.", state), **prefixed("state_dict_ema.", other)})
    save("zip_averages.pth", {"state_dict": state, "callbacks": {"EMACallback": {"decay": 0.9, "weights": state}, "Timer": {}},
                              "torch_ema": {"shadow_params": list(state.values())}, "class_to_idx": "none", "classes": ["a", 3]}, state)
    save("zip_flat_with_extras.pth", {**state, "epoch": 4, "lr": 0.1, "nested": {"x": [1]}}, state)
    save("zip_no_tensors.pth", {"epoch": 4}, None)
    save("zip_sparse.pth", {"weight": torch.eye(2).to_sparse(), "bias": ramp(2)}, None)
    save("zip_uint16.pth", {"weight": torch.arange(3).to(torch.uint16)}, None)
    rewrite_zip("zip_state_dict.pth", "zip_deflated.pth", zipfile.ZIP_DEFLATED)
    expect("zip_deflated.pth", state)
    rewrite_zip("zip_state_dict.pth", "zip_big_endian.pth", replace={"byteorder": b"big"})
    rewrite_zip("zip_state_dict.pth", "zip_torchscript.pth", alter=lambda e: e + [(e[0][0].split("/")[0] + "/constants.pkl", b"N.")])
    rewrite_zip("zip_state_dict.pth", "zip_lzma.pth", zipfile.ZIP_LZMA)
    old_legacy("legacy_python2.th")
    safetensors("python.safetensors")
    arrays()
    (FOLDER / "expected.tsv").write_text("\n".join(EXPECTED) + "\n")


if __name__ == "__main__":
    main()
