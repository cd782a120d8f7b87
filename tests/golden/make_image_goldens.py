"""Writes images/: small pictures and what Pillow makes of them. Needs Pillow and NumPy.

    python3 make_image_goldens.py

NAME.png|bmp|jpg       a picture
NAME.rgb.idx, .l.idx   convert("RGB") and convert("L") of it, bytes (H, W, C) as IDX; photo.jpg gives photo_jpg
NAME.R.C.MODE.idx      torchvision's Resize(R), CenterCrop(C) of it on that mode; C 0: resized to exactly R x R; R 0: crop only
"""

import pathlib

import numpy as np
from PIL import Image

FOLDER = pathlib.Path(__file__).parent / "images"
# name, resize, crop, mode; image_preprocess_test.cc has the same list.
CASES = [
    ("rgb", 16, 14, "rgb"),
    ("rgb", 16, 14, "l"),
    ("rgb", 15, 12, "rgb"),
    ("rgb", 32, 28, "rgb"),
    ("rgb", 12, 20, "rgb"),
    ("rgb", 20, 0, "rgb"),
    ("rgb", 0, 17, "rgb"),
    ("rgb", 0, 30, "rgb"),
    ("rgb", 1, 1, "rgb"),
    ("grey", 8, 7, "l"),
    ("grey", 8, 7, "rgb"),
    ("grey", 28, 0, "l"),
    ("tall", 16, 14, "rgb"),
    ("tall", 5, 9, "l"),
    ("photo", 24, 21, "rgb"),
    ("bmp24", 11, 10, "rgb"),
]


def write_idx(path, array):
    array = array if array.ndim == 3 else array[..., None]
    header = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    path.write_bytes(header + np.ascontiguousarray(array, np.uint8).tobytes())


def pad_axis(extent, crop):
    missing = max(0, crop - extent)
    return missing // 2, (missing + 1) // 2


def resize_bilinear(image, width, height):
    """Image.resize of Pillow up to 12. Pillow 13 may take the passes in the other order; one at a time, it cannot."""
    return image.resize((width, image.height), Image.BILINEAR).resize((width, height), Image.BILINEAR)


def resize_and_crop(image, resize, crop):
    """torchvision.transforms.functional.resize and center_crop, spelt out for Pillow images."""
    width, height = image.size
    if resize and not crop:
        image = resize_bilinear(image, resize, resize)
    elif resize:
        short, long = min(width, height), max(width, height)
        longer = int(resize * long / short)
        size = (resize, longer) if width <= height else (longer, resize)
        image = resize_bilinear(image, *size)
    pixels = np.asarray(image)
    if not crop:
        return pixels
    padding = [pad_axis(pixels.shape[0], crop), pad_axis(pixels.shape[1], crop)] + [(0, 0)] * (pixels.ndim - 2)
    pixels = np.pad(pixels, padding)
    top = int(round((pixels.shape[0] - crop) / 2.0))
    left = int(round((pixels.shape[1] - crop) / 2.0))
    return pixels[top : top + crop, left : left + crop]


def pictures():
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0:23, 0:37]
    smooth = np.stack([7 * x, 11 * y, 3 * x + 5 * y], -1)
    rgb = np.clip(smooth + rng.integers(-40, 40, smooth.shape), 0, 255).astype(np.uint8)
    yield "rgb.png", Image.fromarray(rgb), {}
    yield "grey.png", Image.fromarray(rng.integers(0, 256, (19, 13), np.uint8)), {}
    yield "tall.png", Image.fromarray(rng.integers(0, 256, (61, 7, 3), np.uint8)), {}
    yield "rgba.png", Image.fromarray(rng.integers(0, 256, (9, 8, 4), np.uint8), "RGBA"), {}
    yield "grey_alpha.png", Image.fromarray(rng.integers(0, 256, (9, 8, 2), np.uint8), "LA"), {}
    yield "palette.png", Image.fromarray(rgb).quantize(16), {}
    yield "bilevel.png", Image.fromarray(rgb).convert("1"), {}
    yield "bmp24.bmp", Image.fromarray(rgb[:21, :15]), {}
    yield "bmp8.bmp", Image.fromarray(rgb[:9, :10]).quantize(32), {}
    yield "bmp8_grey.bmp", Image.fromarray(rgb[:9, :10]).convert("L"), {}
    photo = np.stack([128 + 100 * np.sin(x / 9.0), 128 + 90 * np.cos(y / 7.0), 4.0 * x + 2 * y], -1)
    photo = np.clip(np.repeat(np.repeat(photo, 2, 0), 2, 1), 0, 255).astype(np.uint8)
    yield "photo.png", Image.fromarray(photo), {}
    yield "photo.jpg", Image.fromarray(photo), {"quality": 92}
    yield "progressive.jpg", Image.fromarray(photo), {"quality": 92, "progressive": True, "optimize": True}
    yield "photo_grey.jpg", Image.fromarray(photo).convert("L"), {"quality": 92}
    yield "restart.jpg", Image.fromarray(photo), {"quality": 92, "restart_marker_blocks": 2}
    yield "cmyk.jpg", Image.fromarray(photo[:20, :24]).convert("CMYK"), {"quality": 92}


def main():
    FOLDER.mkdir(exist_ok=True)
    for file, picture, options in pictures():
        picture.save(FOLDER / file, **options)
        image = Image.open(FOLDER / file)
        stem = file.replace(".", "_") if file.endswith(".jpg") else pathlib.Path(file).stem
        for mode in ("RGB",) if file.endswith(".jpg") else ("RGB", "L"):
            write_idx(FOLDER / f"{stem}.{mode.lower()}.idx", np.asarray(image.convert(mode)))
    for name, resize, crop, mode in CASES:
        image = Image.open(next(p for p in FOLDER.glob(f"{name}.*") if p.suffix in (".png", ".bmp")))
        result = resize_and_crop(image.convert(mode.upper()), resize, crop)
        write_idx(FOLDER / f"{name}.{resize}.{crop}.{mode}.idx", result)


if __name__ == "__main__":
    main()
