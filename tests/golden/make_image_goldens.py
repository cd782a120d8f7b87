"""Writes images/: small pictures and what Pillow makes of them. Needs Pillow and NumPy.

    python3 make_image_goldens.py

NAME.png|bmp|jpg       a picture
NAME.rgb.idx, .l.idx   convert("RGB") and convert("L") of it, bytes (H, W, C) as IDX; photo.jpg gives photo_jpg
oriented_N.png         with EXIF orientation N; its .shown.idx is what ImageOps.exif_transpose makes of it
NAME.R.C.FILTER.CROP_MODE.ROUNDING.idx
                       resized with Pillow's filter: the shorter side or both (squash), then the centre as torchvision (even) or
                       transformers (down) cuts it out
NAME.R.C.MODE.idx      torchvision's Resize(R), CenterCrop(C) of it on that mode; C 0: resized to exactly R x R; R 0: crop only
"""

import pathlib

import numpy as np
from PIL import Image, ImageOps

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

# name, resize, crop, filter, crop mode, rounding; as above.
FILTERS = ("bilinear", "bicubic", "lanczos", "hamming", "box", "nearest")
VARIANTS = [("rgb", 16, 13, name, "center", "even") for name in FILTERS] + [
    *[("rgb", 41, 38, name, "center", "even") for name in FILTERS[1:]],
    ("photo", 24, 21, "bicubic", "center", "down"),
    ("tall", 16, 13, "bicubic", "squash", "even"),
    ("rgb", 18, 15, "bilinear", "center", "down"),
    ("rgb", 15, 18, "bilinear", "squash", "down"),
    ("rgb", 15, 18, "bicubic", "squash", "even"),
    ("rgb", 20, 0, "bicubic", "center", "even"),
]


def write_idx(path, array):
    array = array if array.ndim == 3 else array[..., None]
    header = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    path.write_bytes(header + np.ascontiguousarray(array, np.uint8).tobytes())


def resized(image, width, height, name="bilinear"):
    """Image.resize of Pillow up to 12. Pillow 13 may take the passes in the other order; one at a time, it cannot."""
    by = Image.Resampling[name.upper()]
    return image.resize((width, image.height), by).resize((width, height), by)


def crop_axis(extent, crop, rounding):
    """Zeros before, zeros behind, first pixel of torchvision's center_crop (even), or of transformers' (down)."""
    before = max(0, crop - extent + (rounding == "down")) // 2
    spare = max(0, extent - crop)
    return before, max(0, crop - extent) - before, int(round(spare / 2.0)) if rounding == "even" else spare // 2


def resize_and_crop(image, resize, crop, name="bilinear", mode="center", rounding="even"):
    """torchvision.transforms.functional.resize and center_crop, spelt out for Pillow images."""
    width, height = image.size
    if resize and (not crop or mode == "squash"):
        image = resized(image, resize, resize, name)
    elif resize:
        short, long = min(width, height), max(width, height)
        longer = int(resize * long / short)
        image = resized(image, *((resize, longer) if width <= height else (longer, resize)), name)
    pixels = np.asarray(image)
    if not crop:
        return pixels
    rows, columns = (crop_axis(extent, crop, rounding) for extent in pixels.shape[:2])
    pixels = np.pad(pixels, [rows[:2], columns[:2]] + [(0, 0)] * (pixels.ndim - 2))
    return pixels[rows[2] : rows[2] + crop, columns[2] : columns[2] + crop]


def exif_of(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


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
    yield "photo_422.jpg", Image.fromarray(photo), {"quality": 92, "subsampling": 1}
    yield "photo_444.jpg", Image.fromarray(rgb), {"quality": 92, "subsampling": 0}
    yield "progressive_422.jpg", Image.fromarray(rgb), {"quality": 80, "subsampling": 1, "progressive": True}
    yield "rgb_components.jpg", Image.fromarray(rgb), {"quality": 92, "keep_rgb": True}
    yield "lossy.webp", Image.fromarray(rgb), {"quality": 80}
    yield "lossless.webp", Image.fromarray(rgb), {"lossless": True}
    alpha = Image.fromarray(smooth[..., 0].astype(np.uint8))
    yield "alpha.webp", Image.merge("RGBA", (*Image.fromarray(rgb).split(), alpha)), {"quality": 80}
    yield "palette_trns.png", Image.fromarray(rgb[:9, :10]).quantize(16), {"transparency": bytes(range(0, 256, 16))}
    yield "grey_trns.png", Image.fromarray(rgb[:9, :10]).convert("L"), {"transparency": 100}
    for orientation in range(1, 9):
        yield f"oriented_{orientation}.png", Image.fromarray(rgb[:5, :7]), {"exif": exif_of(orientation)}
    yield "oriented_6.jpg", Image.fromarray(rgb[:5, :7]), {"exif": exif_of(6)}
    yield "oriented_6.webp", Image.fromarray(rgb[:5, :7]), {"exif": exif_of(6), "lossless": True}
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    yield "oriented_xmp.jpg", Image.fromarray(rgb[:5, :7]), {"xmp": xmp}
    yield "oriented_xmp.webp", Image.fromarray(rgb[:5, :7]), {"xmp": xmp, "lossless": True}


def main():
    FOLDER.mkdir(exist_ok=True)
    for file, picture, options in pictures():
        picture.save(FOLDER / file, **options)
        image = Image.open(FOLDER / file)
        lossy = file.endswith((".jpg", ".webp"))
        stem = file.replace(".", "_") if lossy else pathlib.Path(file).stem
        if file.startswith("oriented"):
            if ".png" in file:
                write_idx(FOLDER / f"{stem}.shown.idx", np.asarray(ImageOps.exif_transpose(image)))
            continue
        for mode in ("RGB",) if lossy else ("RGB", "L"):
            write_idx(FOLDER / f"{stem}.{mode.lower()}.idx", np.asarray(image.convert(mode)))
    for name, resize, crop, mode in CASES:
        image = Image.open(next(p for p in FOLDER.glob(f"{name}.*") if p.suffix in (".png", ".bmp")))
        result = resize_and_crop(image.convert(mode.upper()), resize, crop)
        write_idx(FOLDER / f"{name}.{resize}.{crop}.{mode}.idx", result)
    for variant in VARIANTS:
        image = Image.open(FOLDER / f"{variant[0]}.png").convert("RGB")
        write_idx(FOLDER / (".".join(map(str, variant)) + ".idx"), resize_and_crop(image, *variant[1:]))


if __name__ == "__main__":
    main()
