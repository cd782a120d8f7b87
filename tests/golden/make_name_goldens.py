#!/usr/bin/env python3
"""Writes names/: networks whose tensors are called, wrapped, pruned or normed in many ways, with PyTorch's logits.

    python3 tests/golden/make_name_goldens.py

Needs torch and transformers. index.json is as make_resnet_goldens.py writes it; a net has "settings": what an import must be told;
"config": its config.json, or none; "taps": some of its names for places of exits.
"""
import collections
import json
import math
import pathlib

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrizations, prune

import generated_weights
import make_resnet_goldens
from nets import CifarResNet, torchvision_models

OUTPUT = pathlib.Path(__file__).resolve().parent / "names"
FEATURES, CLASSES = 32, 7
# By the end of a tensor's name; else by its shape.
KINDS = {
    "running_mean": (-0.3, 0.3), "running_var": (0.6, 1.6), "bias": (-0.3, 0.3), "norm": (0.5, 1.0), "mask": (0, 1),
    "length": (0.5, 1.5), "vector": (-0.5, 0.5), "embedding": (-1, 1),
}


def trunk():
    return CifarResNet(8, CLASSES, widths=(8, 8, 16, FEATURES), option="B")


def pooled(x, pools):
    return torch.cat([x.mean(dim=(2, 3)) if pool == "average" else x.amax(dim=(2, 3)) for pool in pools], dim=1)


def with_head(name, head, linears=(), pools=("average",)):
    """A CifarResNet whose head is called `name`; `linears`: layers beside it, in front of it."""
    net = trunk()
    del net.linear
    setattr(net, name, head)
    for other, layer in linears:
        setattr(net, other, layer)

    def forward(x):
        x = functional.relu(net.bn1(net.conv1(x)))
        x = pooled(net.layer3(net.layer2(net.layer1(x))), pools)
        for other, _ in linears:
            x = functional.relu(getattr(net, other)(x)) if isinstance(getattr(net, other), nn.Linear) else getattr(net, other)(x)
        return getattr(net, name)(x)

    net.forward = forward
    return net


def hooked(change, kinds=(nn.Conv2d, nn.Linear)):
    net = trunk()
    for module in list(net.modules()):
        if isinstance(module, kinds):
            change(module)
    return net


def transformers_resnet(**more):
    torchvision_models()  # transformers imports it
    from transformers import ResNetConfig, ResNetForImageClassification
    config = ResNetConfig(**{**dict(embedding_size=8, hidden_sizes=[16, 24, 32, 32], depths=[1, 2, 1, 1], layer_type="bottleneck",
                                    num_labels=CLASSES), **more})
    return ResNetForImageClassification(config)


class Children(nn.Module):
    """A ResNet whose layers are numbered children, and its head beside them."""

    class Block(nn.Module):
        def __init__(self, i, o, stride):
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o)
            self.conv2, self.bn2 = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
            self.downsample = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o))

        def forward(self, x):
            y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
            return functional.relu(y + self.downsample(x))

    def __init__(self, pool, body, head, layer, pools=("average",)):
        super().__init__()
        self.pools = pools
        stem = [nn.Conv2d(3, 8, 3, 1, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU()] + ([nn.MaxPool2d(3, 2, 1)] if pool else [])
        stages = [nn.Sequential(self.Block(i, o, s)) for i, o, s in ((8, 8, 1), (8, 16, 2), (16, FEATURES, 2))]
        self.add_module(body, nn.Sequential(*stem, *stages))
        self.add_module(head, layer)
        self.body, self.head = getattr(self, body), getattr(self, head)

    def forward(self, x):
        return self.head(pooled(self.body(x), self.pools))

    def state_dict(self, *arguments, **more):
        full = super().state_dict(*arguments, **more)
        return {name: tensor for name, tensor in full.items() if not name.startswith(("body.", "head."))}


class CifarHundred(nn.Module):
    """Names as pytorch-cifar100 has them."""

    class Block(nn.Module):
        def __init__(self, i, o, stride):
            super().__init__()
            self.residual_function = nn.Sequential(
                nn.Conv2d(i, o, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU(), nn.Conv2d(o, o, 3, stride, 1, bias=False),
                nn.BatchNorm2d(o), nn.ReLU(), nn.Conv2d(o, 2 * o, 1, bias=False), nn.BatchNorm2d(2 * o))
            self.shortcut = nn.Sequential(nn.Conv2d(i, 2 * o, 1, stride, bias=False), nn.BatchNorm2d(2 * o))

        def forward(self, x):
            return functional.relu(self.residual_function(x) + self.shortcut(x))

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Sequential(nn.Conv2d(3, 8, 3, 1, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        for stage, (i, o, stride) in enumerate(((8, 8, 1), (16, 8, 2), (16, 8, 2), (16, 16, 2)), 2):
            self.add_module(f"conv{stage}_x", nn.Sequential(self.Block(i, o, stride)))
        self.fc = nn.Linear(32, CLASSES)

    def forward(self, x):
        x = self.conv5_x(self.conv4_x(self.conv3_x(self.conv2_x(self.conv1(x)))))
        return self.fc(x.mean(dim=(2, 3)))


def bert_with(how, name, head, encoder="bert"):
    """A wrapper of transformers' BertModel: `how` is what its head reads."""
    torchvision_models()
    from transformers import BertConfig, BertModel

    class Wrapper(nn.Module):
        def __init__(self):
            super().__init__()
            self.config = BertConfig(vocab_size=50, hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=40,
                                     max_position_embeddings=16)
            self.add_module(encoder, BertModel(self.config))
            self.add_module(name, head)

        def forward(self, ids):
            out = getattr(self, encoder)(input_ids=ids)
            hidden = out.last_hidden_state
            return getattr(self, name)({"pooler": out.pooler_output, "cls": hidden[:, 0], "mean": hidden.mean(1)}[how])

    return Wrapper()


def linear(i=FEATURES, o=CLASSES, **more):
    return nn.Linear(i, o, **more)


def mlp(middle=nn.ReLU, features=FEATURES):
    return nn.Sequential(nn.Dropout(), linear(features, 20), middle(), nn.Dropout(), linear(20))


def norms(features=FEATURES):
    return nn.Sequential(nn.BatchNorm1d(features), nn.Dropout(), linear(features, 20, bias=False), nn.ReLU(), nn.BatchNorm1d(20), nn.Dropout(),
                         linear(20, bias=False))


def prefixed(backbone, head):
    return lambda name: (head + name.removeprefix("linear.")) if name.startswith("linear.") else backbone + name


def same(name):
    return name


def tutorial(name):
    """A stem and blocks in nn.Sequentials, as textbooks have them."""
    for usual, other in (("bn1.", "pre.1."), ("conv1.", "pre.0.")):
        if name.startswith(usual):
            return other + name.removeprefix(usual)
    for usual, other in (("conv1", "left.0"), ("bn1", "left.1"), ("conv2", "left.3"), ("bn2", "left.4"), ("shortcut", "right")):
        name = name.replace(f".{usual}.", f".{other}.")
    return name


def collection(name):
    """As pytorchcv has it."""
    parts = name.split(".")
    if parts[0] == "linear":
        return "output." + parts[1]
    if len(parts) == 2:
        return f"features.init_block.{parts[0].rstrip('1')}.{parts[1]}"
    unit = f"features.stage{parts[0][-1]}.unit{int(parts[1]) + 1}."
    if parts[2] == "shortcut":
        return unit + f"identity_conv.{'conv' if parts[3] == '0' else 'bn'}.{parts[4]}"
    return unit + f"body.conv{parts[2][-1]}.{parts[2][:-1]}.{parts[3]}"


def listed(name):
    """Stages in a list, and a stem with names of its own."""
    for usual, other in (("bn1.", "stem.bn."), ("conv1.", "stem.conv.")):
        if name.startswith(usual):
            return "net." + other + name.removeprefix(usual)
    if name.startswith("layer"):
        name = f"stages.{int(name[5]) - 1}" + name[6:]
    return "net." + name.replace("shortcut", "skip")


# name: (network, settings, the file's names, taps)
NETS = {
    "transformers": (transformers_resnet, {}, same, ["layer1.0", "layer2.1", "layer4"]),
    "transformers_basic": (lambda: transformers_resnet(layer_type="basic", downsample_in_first_stage=True), {}, same, []),
    "transformers_v1": (lambda: transformers_resnet(downsample_in_bottleneck=True), {}, same, []),
    "cifar100": (CifarHundred, {}, same, ["layer3.0"]),
    "tutorial": (trunk, {}, tutorial, ["layer2.0"]),
    "collection": (trunk, {}, collection, ["layer2.0"]),
    "listed": (trunk, {}, listed, ["layer2.0"]),
    "children": (lambda: Children(False, "features", "fc", linear()), {}, same, ["layer2.0"]),
    "children_pool": (lambda: Children(True, "0", "1", mlp()), {}, same, []),
    "children_norms": (lambda: Children(True, "0", "1", nn.Sequential(nn.Identity(), nn.Flatten(), *norms())), {}, same, []),
    "children_fastai": (lambda: Children(True, "0", "1", nn.Sequential(nn.Identity(), nn.Flatten(), *norms(2 * FEATURES)), ("max", "average")),
                        {}, same, []),
    "both_pools": (lambda: with_head("fc", linear(2 * FEATURES), pools=("average", "max")), {"head_pool": "average+max"}, same, []),
    "dropout": (lambda: with_head("fc", nn.Sequential(nn.Dropout(), linear())), {}, same, []),
    "last_linear": (lambda: with_head("last_linear", linear()), {}, same, []),
    "two_layers": (lambda: with_head("classifier", mlp()), {}, same, []),
    "two_layers_gelu": (lambda: with_head("classifier", mlp(nn.GELU)), {"head_activation": "gelu"}, same, []),
    "two_layers_none": (lambda: with_head("fc", nn.Sequential(linear(FEATURES, 20), nn.Dropout(), linear(20))), {"head_activation": "none"},
                        same, []),
    "adjacent": (lambda: with_head("fc", nn.Sequential(linear(FEATURES, 20), linear(20))), {}, same, []),
    "norms": (lambda: with_head("head", norms()), {}, same, []),
    "named": (lambda: with_head("fc", nn.Sequential(collections.OrderedDict(hidden=linear(FEATURES, 20), relu=nn.ReLU(), a=linear(20)))), {},
              same, []),
    "fc1_fc2": (lambda: with_head("fc2", linear(20), [("fc1", linear(FEATURES, 20))]), {}, same, []),
    "fc_fc2": (lambda: with_head("fc2", linear(20), [("fc", linear(FEATURES, 20))]), {"head": "fc,fc2"}, same, []),
    "neck": (lambda: with_head("classifier", linear(), [("bottleneck", nn.BatchNorm1d(FEATURES))]), {"head": "bottleneck,classifier"}, same, []),
    "one_logit": (lambda: with_head("fc", linear(FEATURES, 1)), {"one_logit": "sigmoid"}, same, []),
    "backbone": (trunk, {}, prefixed("model.backbone.", "model.head.fc."), ["layer2.0"]),
    "encoder": (trunk, {}, prefixed("encoder.", "classifier.1."), []),
    "compiled": (trunk, {}, lambda name: name.replace("layer2.", "layer2._orig_mod.").replace("layer3.0.", "layer3.module.0."), []),
    "pruned": (lambda: hooked(lambda module: prune.identity(module, "weight")), {}, same, []),
    "weight_norm": (lambda: hooked(torch.nn.utils.weight_norm), {}, same, []),
    "weight_norm_of_all": (lambda: hooked(lambda module: parametrizations.weight_norm(module, dim=None)), {}, same, []),
    "weight_norm_of_inputs": (lambda: hooked(lambda module: parametrizations.weight_norm(module, dim=1)), {}, same, []),
    "spectral_norm": (lambda: hooked(torch.nn.utils.spectral_norm, nn.Conv2d), {}, same, []),
    "spectral_norm_new": (lambda: hooked(parametrizations.spectral_norm, nn.Linear), {}, same, []),
    "bert_pooler": (lambda: bert_with("pooler", "fc", linear(24)), {"head_input": "pooler"}, same, []),
    "bert_cls": (lambda: bert_with("cls", "out", linear(24), "model"), {"head_input": "cls"}, same, []),
    "bert_mean": (lambda: bert_with("mean", "classifier", mlp(nn.Tanh, 24), "backbone"), {"head_input": "mean", "head_activation": "tanh"},
                  lambda name: "net." + name, []),
}


def kind_of(name, shape):
    """(kind, lo, hi) of a tensor."""
    ends = {".running_mean": "running_mean", ".running_var": "running_var", ".bias": "bias", "_mask": "mask", "weight_g": "length",
            "original0": "length", "_u": "vector", "_v": "vector"}
    for end, kind in ends.items():
        if name.endswith(end) and not (end == "_v" and len(shape) > 1):
            return kind, *KINDS[kind]
    if "embeddings" in name and len(shape) == 2:
        return "embedding", *KINDS["embedding"]
    if len(shape) < 2:
        return "norm", *KINDS["norm"]
    fan_in = math.prod(shape[1:])
    bound = generated_weights.he_bound(fan_in)
    return f"he_{fan_in}", -bound, bound


def make(name, index):
    build, settings, file_name, taps = NETS[name]
    model = build().eval()
    tensors, state = [], {}
    for key, tensor in model.state_dict().items():
        if not tensor.is_floating_point():
            continue
        kind, lo, hi = kind_of(key, tensor.shape)
        index["kinds"][kind] = {"": (lo, hi)}
        called = file_name(key)
        tensors.append((called, kind, list(tensor.shape)))
        state[key] = torch.from_numpy(generated_weights.uniform(f"{name}/{called}", tuple(tensor.shape), lo, hi))
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and all(m.endswith("num_batches_tracked") or m.startswith(("body.", "head.")) for m in missing), (missing, unexpected)
    config = getattr(model, "config", None)
    net = {"settings": settings, "num_batches_tracked": False, "taps": taps, "tensors": tensors}
    if config is not None:
        net["config"] = json.loads(config.to_json_string())
    index["nets"][name] = net
    return model


def run(model, name):
    shape = [2, 9] if name.startswith("bert") else [2, 3, 40, 32]
    if len(shape) == 2:
        inputs = torch.from_numpy(generated_weights.token_ids(name, 18, 50).reshape(shape))
    else:
        inputs = torch.from_numpy(generated_weights.inputs(name, shape))
    with torch.inference_mode():
        logits = model.eval()(inputs)
    logits = getattr(logits, "logits", logits).numpy()
    np.save(OUTPUT / f"{name}.npy", logits)
    return {"net": name, "inputs": shape, "key": name, "logits": f"{name}.npy"}


def main():
    OUTPUT.mkdir(exist_ok=True)
    index = {"kinds": {}, "nets": {}, "cases": []}
    for name in NETS:
        index["cases"].append(run(make(name, index), name))
    (OUTPUT / "index.json").write_text(make_resnet_goldens.dump(index))


if __name__ == "__main__":
    torch.manual_seed(0)
    main()
