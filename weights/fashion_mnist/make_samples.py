#!/usr/bin/env python3
"""Write the bundled samples: ten test images as PNG, and the first 1,000 test images as an IDX pair.

    python3 weights/fashion_mnist/make_samples.py

Data: Debian's `dataset-fashion-mnist` (MIT). Needs the standard library only. Output is the same to the byte each time.
"""
import argparse
import gzip
import os
import struct
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
FIRST_FOR_PNG = 1_000  # the PNGs come from behind the 1,000, so that no image is shown twice


def read(path):
    with gzip.open(path, "rb") as file:
        return file.read()


def write_gzip(path, data):
    with open(path, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(data)


def png(pixels, width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + pixels[y * width:(y + 1) * width] for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist")
    args = parser.parse_args()
    images = read(f"{args.data}/t10k-images-idx3-ubyte.gz")
    labels = read(f"{args.data}/t10k-labels-idx1-ubyte.gz")
    size = 28 * 28

    count = 1_000
    write_gzip(f"{HERE}/sample1000-images.idx.gz", images[:4] + struct.pack(">I", count) + images[8:16 + count * size])
    write_gzip(f"{HERE}/sample1000-labels.idx.gz", labels[:4] + struct.pack(">I", count) + labels[8:8 + count])

    with open(f"{HERE}/labels.txt", encoding="utf-8") as file:
        names = file.read().split("\n")[:10]
    os.makedirs(f"{HERE}/samples", exist_ok=True)
    missing = set(range(10))
    row = FIRST_FOR_PNG
    while missing:
        label = labels[8 + row]
        if label in missing:
            missing.remove(label)
            name = names[label].lower().replace("/", "-").replace(" ", "-")
            with open(f"{HERE}/samples/{name}.png", "wb") as file:
                file.write(png(images[16 + row * size:16 + (row + 1) * size], 28, 28))
        row += 1


if __name__ == "__main__":
    main()
