#!/usr/bin/env python3
"""Compares answers from the JPEG file on: `sidenet import` and `predict` of a folder, against timm and transformers.

    bench/picture_parity.py --sidenet build/tools/sidenet --pictures imagenette/val [--all]

Folders as the hub has them, with generated weights: timm's of several transforms, and transformers' ResNet-50 with its
preprocessor_config.json. Logits of 50 pictures agree to 1e-3 of the largest. With --all the classes of all pictures are
compared too, wherever the margin of PyTorch's exceeds that. Needs torch, torchvision, timm, transformers and Pillow.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden"))
from nets import torchvision_models  # noqa: E402

torchvision_models()
import timm  # noqa: E402
from timm.data import create_transform, resolve_data_config  # noqa: E402
from transformers import AutoImageProcessor, ResNetConfig, ResNetForImageClassification  # noqa: E402

AGREES, PICTURES, CLASSES = 1e-3, 50, 10
STATISTICS = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
TIMM = {
    "resnet18": {"interpolation": "bilinear", "crop_pct": 0.875, "input_size": (3, 224, 224), **STATISTICS},
    "resnet26": {"interpolation": "bicubic", "crop_pct": 1.0, "crop_mode": "squash", "input_size": (3, 160, 160), **STATISTICS},
    "resnet50": {"interpolation": "bicubic", "crop_pct": 0.95, "input_size": (3, 224, 224), **STATISTICS},
}
HUB = {"crop_pct": 0.875, "do_normalize": True, "do_resize": True, "feature_extractor_type": "ConvNextFeatureExtractor",
       "image_mean": STATISTICS["mean"], "image_std": STATISTICS["std"], "resample": 3, "size": 224}


def opened(path):
    with Image.open(path) as image:
        return image.convert("RGB")


def filled(model, inputs):
    """Weights from a seed; BatchNorm's statistics are those of the inputs."""
    torch.manual_seed(1)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
            torch.nn.init.uniform_(module.weight, 0.5, 1)
            torch.nn.init.uniform_(module.bias, -0.2, 0.2)
        elif isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            torch.nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
    with torch.no_grad():
        model.train()(inputs)
    return model.eval()


def timm_folder(name, folder, pictures):
    settings = dict(TIMM[name])
    transform = create_transform(**resolve_data_config({}, pretrained_cfg=settings))
    model = filled(timm.create_model(name, pretrained=False, num_classes=CLASSES),
                   torch.stack([transform(opened(path)) for path in pictures]))
    config = {"architecture": name, "num_classes": CLASSES, "num_features": model.num_features, "global_pool": "avg",
              "pretrained_cfg": settings}
    (folder / "config.json").write_text(json.dumps(config))
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    return lambda paths: model(torch.stack([transform(opened(path)) for path in paths]))


def transformers_folder(folder, pictures):
    (folder / "preprocessor_config.json").write_text(json.dumps(HUB))
    processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    def inputs(paths):
        return processor([opened(path) for path in paths], return_tensors="pt")["pixel_values"]

    model = filled(ResNetForImageClassification(ResNetConfig(num_labels=CLASSES)), inputs(pictures))
    model.save_pretrained(folder)
    return lambda paths: model(inputs(paths)).logits


def centred(logits):
    return logits - logits.mean(axis=1, keepdims=True)


def answers(sidenet, model, pictures):
    """Logits but for a constant: the logarithms of the probabilities."""
    done = subprocess.run([sidenet, "predict", model, "-", "--json", "--probabilities", "--final-only", "--quiet"],
                          input="\n".join(map(str, pictures)), capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr.strip())
    logits = np.zeros((len(pictures), CLASSES))
    for row, line in enumerate(done.stdout.splitlines()):
        for answer in json.loads(line)["probabilities"]:
            logits[row, answer["index"]] = np.log(max(answer["probability"], 1e-30))
    return logits


def compare(name, forward, sidenet, model, pictures, some):
    worst, differ, counted = 0, 0, 0
    for first in range(0, len(pictures), PICTURES):
        paths = pictures[first:first + PICTURES]
        with torch.no_grad():
            theirs = forward(paths).numpy()
        ours = answers(sidenet, model, paths)
        bound = AGREES * np.abs(theirs).max()
        if first == 0:
            worst = np.abs(centred(ours) - centred(theirs)).max() / np.abs(theirs).max()
        top = np.sort(theirs, axis=1)
        sure = top[:, -1] - top[:, -2] > bound
        counted += int(sure.sum())
        differ += int((ours.argmax(1) != theirs.argmax(1))[sure].sum())
    agrees = worst <= AGREES and differ == 0
    print(f"{name}: {worst:.2g} of the largest logit on {some} pictures; of {counted} that are sure among {len(pictures)}, "
          f"{differ} classes differ: {'agrees' if agrees else 'DIFFERS'}")
    return agrees


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sidenet", required=True)
    parser.add_argument("--pictures", required=True, type=pathlib.Path)
    parser.add_argument("--only", nargs="*", default=[*TIMM, "transformers"])
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    found = sorted(path for path in options.pictures.rglob("*") if path.suffix.lower() in (".jpeg", ".jpg"))
    if not found:
        sys.exit(f"{options.pictures}: no JPEG files: skipped")
    some = found[::max(1, len(found) // PICTURES)][:PICTURES]
    pictures = some + sorted(set(found) - set(some)) if options.all else some
    agrees = True
    for name in options.only:
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary)
            make = transformers_folder if name == "transformers" else lambda *given: timm_folder(name, *given)
            forward = make(folder, some)
            model = str(folder / "imported.safetensors")
            done = subprocess.run([options.sidenet, "import", str(folder), "-o", model], capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"{name}: {done.stderr.strip()}")
            agrees &= compare(name, forward, options.sidenet, model, pictures, len(some))
    return 0 if agrees else 1


if __name__ == "__main__":
    sys.exit(main())
