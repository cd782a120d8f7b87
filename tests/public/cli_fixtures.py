"""Small files for the tests of the command line, made with the standard library alone: a random ResNet-8 checkpoint,
PNG images in class folders, NumPy arrays; and the runner of the command."""
import ast
import json
import math
import os
import random
import struct
import subprocess
import zlib

BINARY = os.environ.get("SIDENET_BINARY", "sidenet")
CLASSES = ["red", "green", "blue"]
WIDTHS = (16, 32, 64)


class Outcome:
    """Status, stdout and stderr of one run of the command."""

    def __init__(self, process):
        self.status = process.returncode
        self.out = process.stdout.decode("utf-8")
        self.err = process.stderr.decode("utf-8")

    def rows(self):
        """stdout as JSON lines; NaN and Infinity, which are not JSON, are refused."""
        return [json.loads(line, parse_constant=_refuse) for line in self.out.splitlines()]

    def __repr__(self):
        return f"status {self.status}\n--- stdout\n{self.out}--- stderr\n{self.err}"


def _refuse(constant):
    raise ValueError(f"{constant} is not JSON")


def sidenet(*arguments, stdin=b"", **options):
    """Runs the command. It must end by itself: a crash shows as a negative status, a hang as TimeoutExpired."""
    command = [BINARY] + [str(argument) for argument in arguments]
    return Outcome(subprocess.run(command, input=stdin, capture_output=True, timeout=120, check=False, **options))


def write_safetensors(path, tensors, metadata=None):
    """tensors: name -> (shape, list of floats)."""
    header, data = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for name, (shape, values) in tensors.items():
        raw = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def read_safetensors_header(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        return json.loads(file.read(length))


def resnet8(classes=len(CLASSES), seed=1):
    """Random weights of the CIFAR ResNet with one block a stage and option-A shortcuts, by their PyTorch names."""
    rng = random.Random(seed)
    tensors = {}

    def conv(name, out_channels, in_channels):
        scale = math.sqrt(2 / (9 * in_channels))
        count = out_channels * in_channels * 9
        tensors[name + ".weight"] = ((out_channels, in_channels, 3, 3), [rng.gauss(0, scale) for _ in range(count)])

    def batch_norm(name, channels):
        for part, value in (("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0)):
            tensors[f"{name}.{part}"] = ((channels,), [value] * channels)

    conv("conv1", WIDTHS[0], 3)
    batch_norm("bn1", WIDTHS[0])
    in_channels = WIDTHS[0]
    for stage, out_channels in enumerate(WIDTHS, 1):
        block = f"layer{stage}.0"
        conv(block + ".conv1", out_channels, in_channels)
        batch_norm(block + ".bn1", out_channels)
        conv(block + ".conv2", out_channels, out_channels)
        batch_norm(block + ".bn2", out_channels)
        in_channels = out_channels
    tensors["linear.weight"] = ((classes, WIDTHS[-1]), [rng.gauss(0, 0.1) for _ in range(classes * WIDTHS[-1])])
    tensors["linear.bias"] = ((classes,), [0.0] * classes)
    return tensors


def write_png(path, pixel, size=32):
    """An RGB image; pixel(y, x) gives (r, g, b)."""
    lines = b"".join(b"\0" + bytes(value for x in range(size) for value in pixel(y, x)) for y in range(size))

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))


def write_class_folders(folder, images_each, seed=1):
    """Noisy images of one colour a class: easy enough for a SideNet to learn in a few epochs."""
    rng = random.Random(seed)
    for index, name in enumerate(CLASSES):
        os.makedirs(os.path.join(folder, name))
        for number in range(images_each):
            shade = rng.randrange(120, 256)

            def pixel(_y, _x, index=index, shade=shade):
                return tuple(min(255, (shade if channel == index else 40) + rng.randrange(24)) for channel in range(3))

            write_png(os.path.join(folder, name, f"{number:03d}.png"), pixel)


def write_npy(path, shape, values, descr="<f4"):
    code = {"<f4": "f", "|u1": "B"}[descr]
    header = repr({"descr": descr, "fortran_order": False, "shape": tuple(shape)}).encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
        file.write(struct.pack(f"<{len(values)}{code}", *values))


def read_npy(path):
    """Shape and float32 values."""
    with open(path, "rb") as file:
        data = file.read()
    assert data[:8] == b"\x93NUMPY\x01\x00", data[:8]
    (length,) = struct.unpack("<H", data[8:10])
    header = ast.literal_eval(data[10:10 + length].decode())
    assert header["descr"] == "<f4" and not header["fortran_order"], header
    body = data[10 + length:]
    return header["shape"], struct.unpack(f"<{len(body) // 4}f", body)


def random_rows(path, rows, seed=1):
    rng = random.Random(seed)
    write_npy(path, (rows, 3, 32, 32), [rng.gauss(0, 1) for _ in range(rows * 3072)])
