#!/usr/bin/env python3
"""Writes what `sidenet import --check` compares with: a PyTorch model's own logits for a few rows.

From Python, where the model is at hand:

    from reference_logits import save_reference
    print(save_reference(model, torch.randn(4, 3, 224, 224), "reference"))

It prints "reference/input.npy,reference/logits.npy", what --check takes. For a Hugging Face folder of texts:

    python3 tools/reference_logits.py FOLDER reference

Inputs are preprocessed rows: images (rows, channels, height, width) float32, or a tokenizer's dict of texts.
"""
import argparse
import pathlib
import subprocess
import sys

import numpy as np
import torch

TEXTS = ["A short text.", "It was not what anybody had hoped for, and still it was worth the time.", "no", "2 + 2 = 4?"]


def import_transformers():
    """transformers, also beside a torchvision of another build, which texts do not need."""
    broken = subprocess.run([sys.executable, "-c", "import torchvision"], capture_output=True, check=False).returncode != 0
    if broken:
        sys.modules.setdefault("torchvision", None)
    import transformers
    return transformers


def save_reference(model, inputs, folder):
    """The argument of --check. `inputs`: a tensor, or a dict of tensors as a tokenizer returns it."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    named = inputs if hasattr(inputs, "items") else {"input": inputs}
    model.eval()
    with torch.no_grad():
        output = model(**inputs) if named is inputs else model(inputs)
    logits = getattr(output, "logits", output)
    files = []
    for name, tensor in named.items():
        np.save(folder / f"{name}.npy", tensor.numpy())
        files.append(f"{name}={folder / name}.npy")
    np.save(folder / "logits.npy", logits.float().numpy())
    return ",".join([*files, str(folder / "logits.npy")])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="Hugging Face folder of a text classifier")
    parser.add_argument("folder", help="to write")
    options = parser.parse_args()
    try:
        transformers = import_transformers()
    except ImportError:
        sys.exit("reference_logits: needs `pip install transformers`")
    tokenizer = transformers.AutoTokenizer.from_pretrained(options.model)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(options.model, dtype=torch.float32)
    print(save_reference(model, tokenizer(TEXTS, padding=True, truncation=True, return_tensors="pt"), options.folder))


if __name__ == "__main__":
    main()
