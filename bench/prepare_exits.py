#!/usr/bin/env python3
"""Writes a CIFAR ResNet with exits in the forms that other engines take: MainNet, segments from exit to exit, nested `If`s.

    python3 bench/prepare_exits.py FOLDER MODEL BATCH

FOLDER has rows.npy and exits.json (what `sidenet inspect --json` says of the exits). Written there: mainnet.onnx, segment0.onnx …
segmentN.onnx and, for one row, nested.onnx. A segment gives what the next one takes, the logits of its SideNet and their
confidence; the last one gives MainNet's logits. A process of its own, so that nothing of it runs beside what is measured.
"""

import json
import pathlib
import sys
import warnings

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden"))
from nets import CifarResNet  # noqa: E402

OPSET = 17


def mainnet_of(tensors):
    """The network that the names and shapes of a model file tell, with its weights."""
    head = next((name for name in ("linear", "fc") if f"{name}.weight" in tensors), None)
    if head is None or "layer3.0.conv1.weight" not in tensors or "layer4.0.conv1.weight" in tensors or "layer1.0.conv3.weight" in tensors:
        raise SystemExit("prepare_exits: expected a CIFAR ResNet of basic blocks")
    blocks = len({name.split(".")[1] for name in tensors if name.startswith("layer1.")})
    widths = [tensors["conv1.weight"].shape[0], *(tensors[f"layer{stage}.0.conv1.weight"].shape[0] for stage in (1, 2, 3))]
    option = "B" if "layer2.0.shortcut.0.weight" in tensors else "A"
    net = CifarResNet(6 * blocks + 2, tensors[f"{head}.weight"].shape[0], tensors["conv1.weight"].shape[1], widths, option)
    weights = {name.replace(f"{head}.", "linear."): value for name, value in tensors.items() if not name.startswith("exits.")}
    missing, unexpected = net.load_state_dict(weights, strict=False)
    wrong = unexpected + [name for name in missing if not name.endswith("num_batches_tracked")]
    if wrong:
        raise SystemExit(f"prepare_exits: tensors that do not fit: {', '.join(wrong)}")
    return net.eval()


def pooling_matrix(size, pool):
    """(size, pool), what adaptive average pooling does along one side; ONNX has none where size is not a multiple of pool."""
    matrix = torch.zeros(size, pool)
    for cell in range(pool):
        begin, end = cell * size // pool, -(-(cell + 1) * size // pool)
        matrix[begin:end, cell] = 1 / (end - begin)
    return matrix


class SideNet(nn.Module):
    """(rows, C, H, W) -> logits (rows, classes), confidence (rows). (x - mean) / std is folded into the first layer."""

    def __init__(self, tensors, name, pool, temperature, side):
        super().__init__()
        part = {key: tensors[f"exits.{name}.{key}"].double() for key in ("mean", "std", "fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias")}
        weight = part["fc1.weight"] / part["std"]
        self.fc1, self.fc2 = nn.Linear(*weight.shape[::-1]), nn.Linear(*part["fc2.weight"].shape[::-1])
        for target, value in ((self.fc1.weight, weight), (self.fc1.bias, part["fc1.bias"] - weight @ part["mean"]),
                              (self.fc2.weight, part["fc2.weight"]), (self.fc2.bias, part["fc2.bias"])):
            target.data.copy_(value)
        self.temperature, pool = temperature, min(pool, side)
        self.cell = side // pool if side % pool == 0 else None
        grid = pooling_matrix(side, pool)
        self.register_buffer("grid", torch.einsum("yp,xq->yxpq", grid, grid).reshape(side * side, pool * pool))

    def forward(self, x):
        pooled = functional.avg_pool2d(x, self.cell) if self.cell else x.flatten(2) @ self.grid
        logits = self.fc2(functional.relu(self.fc1(pooled.flatten(1))))
        return logits, torch.softmax(logits / self.temperature, dim=1).amax(dim=1)


class Segment(nn.Module):
    def __init__(self, body, sidenet):
        super().__init__()
        self.body, self.sidenet = body, sidenet

    def forward(self, x):
        x = self.body(x)
        return (x, *self.sidenet(x))


class Head(nn.Module):
    """MainNet's own."""

    def __init__(self, linear):
        super().__init__()
        self.linear = linear

    def forward(self, x):
        return self.linear(x.mean(dim=(2, 3)))


def load(folder, model):
    """(MainNet, [Segment …, the last one without a SideNet])"""
    # SideNets may be bfloat16; digests of training rows are no weights.
    tensors = {name: tensor.float() for name, tensor in load_file(model).items() if not name.startswith("sidenet.")}
    net = mainnet_of(tensors)
    named = [("stem", nn.Sequential(net.conv1, net.bn1, nn.ReLU()))]
    for stage in ("layer1", "layer2", "layer3"):
        named += [(f"{stage}.{index}", block) for index, block in enumerate(getattr(net, stage))]
    exits = [exit for exit in json.loads((folder / "exits.json").read_text()) if exit["name"] != "final"]
    taps = {exit["tap"] if "." in exit["tap"] else f"{exit['tap']}.{len(net.layer1) - 1}": exit for exit in exits}
    segments, body = [], []
    x = torch.from_numpy(np.load(folder / "rows.npy")[:1])
    for name, block in named:
        body.append(block)
        with torch.no_grad():
            x = block(x)
        if name in taps:
            exit = taps.pop(name)
            segments.append(Segment(nn.Sequential(*body), SideNet(tensors, exit["name"], exit["pool"], exit["temperature"], x.shape[-1])))
            body = []
    if taps:
        raise SystemExit(f"prepare_exits: expected taps behind blocks, got {', '.join(taps)}")
    segments.append(nn.Sequential(*body, Head(net.linear)))
    return net, [segment.eval() for segment in segments]


def export(module, x, path, outputs, any_rows):
    axes = {name: {0: "rows"} for name in ["input", *outputs]} if any_rows else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (x,), str(path), dynamo=False, opset_version=OPSET, input_names=["input"], output_names=outputs,
                          dynamic_axes=axes)


def nest(folder, thresholds):
    """One graph of all segments: what follows an exit is the `else` of an `If` on its confidence. Gives logits and exit."""
    import onnx
    from onnx import TensorProto, helper

    def answer(name, values):
        outputs = [helper.make_tensor_value_info(f"{name}.logits", TensorProto.FLOAT, [1, "classes"]),
                   helper.make_tensor_value_info(f"{name}.exit", TensorProto.INT64, [1])]
        return helper.make_graph(values["nodes"], name, values.get("inputs", []), outputs, values.get("initializers", []))

    def index(name, number):
        return helper.make_node("Constant", [], [f"{name}.exit"], value=helper.make_tensor("exit", TensorProto.INT64, [1], [number]))

    def tree(number, taken):
        """The graph from segment `number` on; `taken` is the value that it reads."""
        part = onnx.compose.add_prefix(onnx.load(folder / f"segment{number}.onnx"), f"s{number}.").graph
        for node in part.node:
            node.input[:] = [taken if name == f"s{number}.input" and number > 0 else name for name in node.input]
        name, nodes = f"from{number}", list(part.node)
        logits = f"s{number}.logits"
        if number == len(thresholds):
            nodes += [helper.make_node("Identity", [logits], [f"{name}.logits"]), index(name, number)]
        else:
            leaves = answer(f"leave{number}", {"nodes": [helper.make_node("Identity", [logits], [f"leave{number}.logits"]),
                                                         index(f"leave{number}", number)]})
            nodes += [
                helper.make_node("Constant", [], [f"{name}.threshold"],
                                 value=helper.make_tensor("threshold", TensorProto.FLOAT, [], [thresholds[number]])),
                helper.make_node("GreaterOrEqual", [f"s{number}.confidence", f"{name}.threshold"], [f"{name}.sure"]),
                helper.make_node("If", [f"{name}.sure"], [f"{name}.logits", f"{name}.exit"], then_branch=leaves,
                                 else_branch=tree(number + 1, f"s{number}.features")),
            ]
        return answer(name, {"nodes": nodes, "inputs": list(part.input) if number == 0 else [], "initializers": list(part.initializer)})

    first = onnx.load(folder / "segment0.onnx")
    model = helper.make_model(tree(0, None), opset_imports=first.opset_import, ir_version=first.ir_version)
    onnx.checker.check_model(model)
    onnx.save(model, folder / "nested.onnx")


def main():
    folder, batch = pathlib.Path(sys.argv[1]), int(sys.argv[3])
    net, segments = load(folder, sys.argv[2])
    x = torch.from_numpy(np.load(folder / "rows.npy")[:batch])
    export(net, x, folder / "mainnet.onnx", ["logits"], any_rows=False)
    for number, segment in enumerate(segments):
        last = number == len(segments) - 1
        export(segment, x, folder / f"segment{number}.onnx", ["logits"] if last else ["features", "logits", "confidence"], batch > 1)
        if not last:
            with torch.no_grad():
                x = segment(x)[0]
    if batch == 1:
        nest(folder, [exit["threshold"] for exit in json.loads((folder / "exits.json").read_text()) if exit["name"] != "final"])


if __name__ == "__main__":
    main()
