#!/usr/bin/env python3
"""Writes resnet/: the logits that PyTorch gives for generated weights and inputs, and index.json, which says how each was made.

    python3 tests/golden/make_resnet_goldens.py

Needs torch and torchvision. index.json:
  kinds  kind -> {suffix: [lo, hi]}: a tensor NAME of that kind stands for tensors NAME+suffix of the same shape
  nets   name -> {"architecture", "num_batches_tracked": whether each BatchNorm stores that too, "tensors": [[name, kind, shape]]}
  cases  [{"net", "inputs": [N, C, H, W], "key": of the inputs, "logits": file (N, classes)
           "taps"?: {tap: file (N, channels), the mean over height and width}}]
"""

import json
import pathlib

import numpy as np
import torch

import generated_weights
from nets import CifarResNet, imagenet_resnet, small_stem

OUTPUT = pathlib.Path(__file__).resolve().parent / "resnet"

# Name: the architecture that the engine should recognise, and the PyTorch module.
NETS = {
    "resnet18": ("resnet18", lambda: imagenet_resnet("resnet18")),
    "resnet34": ("resnet34", lambda: imagenet_resnet("resnet34", classes=7)),
    "resnet50": ("resnet50", lambda: imagenet_resnet("resnet50")),
    "resnet101": ("resnet101", lambda: imagenet_resnet("resnet101", classes=100)),
    "resnet152": ("resnet152", lambda: imagenet_resnet("resnet152", classes=7)),
    "resnext50_32x4d": ("resnext50_32x4d", lambda: imagenet_resnet("resnext50_32x4d", classes=100)),
    "wide_resnet50_2": ("wide_resnet50_2", lambda: imagenet_resnet("wide_resnet50_2", classes=7)),
    "resnet18_grey": ("resnet18", lambda: imagenet_resnet("resnet18", classes=7, in_channels=1)),
    "resnet18_small_stem": ("resnet18", lambda: small_stem(imagenet_resnet("resnet18", classes=10))),
    "cifar_resnet20": ("cifar_resnet20", lambda: CifarResNet(20)),
    "cifar_resnet56": ("cifar_resnet56", lambda: CifarResNet(56)),
    "cifar_resnet110": ("cifar_resnet110", lambda: CifarResNet(110, classes=100)),
    "cifar_resnet20_projection": ("cifar_resnet20", lambda: CifarResNet(20, option="B")),
    "cifar_resnet20_grey": ("cifar_resnet20", lambda: CifarResNet(20, classes=7, in_channels=1)),
    "cifar_resnet20_wide": ("cifar_resnet20", lambda: CifarResNet(20, classes=1000, widths=(40, 40, 80, 160))),
    # Projects at stride 1 in layer1.0.
    "cifar_resnet14_widening": ("cifar_resnet14", lambda: CifarResNet(14, widths=(16, 64, 128, 256), option="B")),
}

# Net, then (N, H, W) of each case; taps are stored for the first.
CASES = {
    "resnet18": [(1, 224, 224), (3, 96, 160), (16, 64, 64)],
    "resnet34": [(3, 96, 160), (1, 224, 224)],
    "resnet50": [(1, 224, 224), (3, 96, 160), (16, 64, 64)],
    "resnet101": [(1, 224, 224), (3, 64, 64)],
    "resnet152": [(1, 96, 160)],
    "resnext50_32x4d": [(1, 224, 224), (3, 96, 160)],
    "wide_resnet50_2": [(1, 224, 224), (3, 64, 64)],
    "resnet18_grey": [(3, 97, 63)],
    "resnet18_small_stem": [(3, 32, 32)],
    "cifar_resnet20": [(3, 32, 32), (1, 40, 24), (16, 32, 32), (3, 33, 31)],
    "cifar_resnet56": [(3, 32, 32), (1, 32, 32), (16, 40, 24)],
    "cifar_resnet110": [(3, 32, 32), (1, 40, 24)],
    "cifar_resnet20_projection": [(3, 32, 32), (16, 40, 24), (1, 33, 31)],
    "cifar_resnet20_grey": [(3, 28, 28), (16, 28, 28)],
    "cifar_resnet20_wide": [(3, 32, 32), (16, 32, 32)],
    "cifar_resnet14_widening": [(3, 32, 32)],
}


def last_blocks(model):
    """The last block of layer1, layer2 and layer3: {"layer1.2": module}."""
    return {f"layer{stage}.{len(blocks) - 1}": blocks[-1] for stage, blocks in
            ((stage, getattr(model, f"layer{stage}")) for stage in (1, 2, 3))}


def run_case(model, net, size, with_taps):
    rows, height, width = size
    stem = f"{net}_{rows}x{height}x{width}"
    shape = [rows, model.conv1.in_channels, height, width]
    features, hooks = {}, []
    if with_taps:
        for tap, block in last_blocks(model).items():
            hooks.append(block.register_forward_hook(lambda _, __, y, tap=tap: features.update({tap: y.mean(dim=(2, 3))})))
    with torch.inference_mode():
        logits = model(torch.from_numpy(generated_weights.inputs(stem, shape))).numpy()
    for hook in hooks:
        hook.remove()
    case = {"net": net, "inputs": shape, "key": stem, "logits": f"{stem}.npy"}
    np.save(OUTPUT / case["logits"], logits)
    if with_taps:
        case["taps"] = {tap: f"{stem}.{tap}.npy" for tap in features}
        for tap, file in case["taps"].items():
            np.save(OUTPUT / file, features[tap].numpy())
    between = logits.std(axis=0).mean() if rows > 1 else float("nan")
    print(f"{stem}: logits {logits.min():.2f} … {logits.max():.2f}, std {logits.std():.2f}, between rows {between:.3f}"
          + "".join(f", {tap} {y.abs().mean():.2f}" for tap, y in features.items()), flush=True)
    return case


def dump(index):
    """JSON with one tensor, kind or case a line: short, and it shows well in a diff."""
    def lines(items):
        return ",\n".join(items)

    nets = []
    for name, net in index["nets"].items():
        head = json.dumps({key: value for key, value in net.items() if key != "tensors"})[:-1]
        nets.append(f'{json.dumps(name)}: {head}, "tensors": [\n{lines(map(json.dumps, net["tensors"]))}]}}')
    kinds = [f"{json.dumps(kind)}: {json.dumps(index['kinds'][kind])}" for kind in sorted(index["kinds"])]
    cases = lines(map(json.dumps, index["cases"]))
    return f'{{"kinds": {{\n{lines(kinds)}}},\n"nets": {{\n{lines(nets)}}},\n"cases": [\n{cases}]}}\n'


def main():
    OUTPUT.mkdir(exist_ok=True)
    index = {"kinds": {}, "nets": {}, "cases": []}
    for net, (architecture, make) in NETS.items():
        model = generated_weights.fill(make(), net)
        tensors, kinds = generated_weights.describe(model)
        index["kinds"].update(kinds)
        index["nets"][net] = {"architecture": architecture, "num_batches_tracked": not net.startswith("cifar"), "tensors": tensors}
        for number, size in enumerate(CASES[net]):
            index["cases"].append(run_case(model, net, size, with_taps=number == 0))
    text = dump(index)
    assert json.loads(text)["nets"].keys() == NETS.keys()  # dump() writes its own brackets
    (OUTPUT / "index.json").write_text(text)


if __name__ == "__main__":
    main()
