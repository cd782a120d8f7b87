#!/usr/bin/env python3
"""Networks wired otherwise than the usual ResNets carry SideNets as these do: norms in front of convolutions, and channel attention.

    SIDENET_BINARY=build/tools/sidenet python3 tests/public/cli_wirings_test.py"""
import os
import random
import sys
import unittest

sys.dont_write_bytecode = True
from cli_case import HERE, CommandTest, make_files
from cli_fixtures import WIDTHS, random_rows, resnet8, sidenet, write_class_folders, write_safetensors


def norm(tensors, name, channels):
    for part, value in (("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0)):
        tensors[f"{name}.{part}"] = ((channels,), [value] * channels)


def with_norms_in_front():
    tensors = resnet8()
    for stage, channels in enumerate((WIDTHS[0], *WIDTHS[:-1]), 1):
        norm(tensors, f"layer{stage}.0.bn1", channels)
    norm(tensors, "bn1", WIDTHS[-1])  # behind the last block
    return tensors


def with_attention():
    tensors, rng = resnet8(), random.Random(2)
    for stage, channels in enumerate(WIDTHS, 1):
        few = channels // 4
        for layer, shape in (("fc.0", (few, channels)), ("fc.2", (channels, few))):
            values = [rng.gauss(0, 0.3) for _ in range(few * channels)]
            tensors[f"layer{stage}.0.se.{layer}.weight"] = (shape, values)
    return tensors


def with_two_layers():
    tensors, rng = resnet8(), random.Random(3)
    head = next(name[:-len(".weight")] for name, (shape, _) in tensors.items() if name.endswith(".weight") and len(shape) == 2)
    (classes, features), weight = tensors.pop(head + ".weight")
    bias = tensors.pop(head + ".bias")
    tensors[head + ".0.weight"] = ((features, features), [rng.gauss(0, 0.3) for _ in range(features * features)])
    tensors[head + ".0.bias"] = ((features,), [0.0] * features)
    tensors[head + ".2.weight"], tensors[head + ".2.bias"] = ((classes, features), weight), bias
    return tensors


NETS = {"cifar_preact_resnet8": with_norms_in_front, "cifar_seresnet8": with_attention}


def setUpModule():
    make_files()
    HERE["rows"] = os.path.join(HERE["folder"], "coloured")
    write_class_folders(HERE["rows"], 40, seed=4)
    HERE["labels.txt"] = os.path.join(HERE["folder"], "names.txt")
    with open(HERE["labels.txt"], "w", encoding="utf-8") as file:
        file.write("red\ngreen\nblue\n")
    for name, make in (NETS | {"two_layers": with_two_layers}).items():
        write_safetensors(os.path.join(HERE["folder"], name + ".ckpt"), make())


class Wirings(CommandTest):
    def file(self, name):
        return os.path.join(HERE["folder"], name)

    def test_sidenets(self):
        for name in NETS:
            with self.subTest(name):
                model, trained = self.file(name + ".safetensors"), self.file(name + ".trained")
                self.done("import", self.file(name + ".ckpt"), "-o", model, "--labels", HERE["labels.txt"], "--quiet")
                (row,) = self.done("inspect", model, "--json").rows()
                self.assertEqual(row["architecture"], name)
                (row,) = self.done("suggest", model, "--data", HERE["rows"], "--hidden", 16, "--probe-epochs", 4, "--json",
                                   "--quiet").rows()
                self.assertEqual([tap["name"] for tap in row["taps"]], ["layer1.0", "layer2.0"])
                self.done("train", model, "--data", HERE["rows"], "--at", "layer1.0,layer2", "-o", trained, "--epochs", 60, "--hidden",
                          64, "--quiet")
                (row,) = self.done("evaluate", trained, "--data", HERE["rows"], "--threshold", 0.5, "--json", "--quiet").rows()
                self.assertGreater(row["exits"]["layer1.0"]["rows"], 60)
                self.assertGreater(row["exits"]["layer1.0"]["accuracy"], 0.9)
                self.assertLess(row["compute_ratio"], 0.8)

    def test_check_finds_the_wiring(self):
        rows, logits = self.file("x.npy"), self.file("y.npy")
        random_rows(rows, 2)
        for name, option in (("cifar_preact_resnet8", "--shortcut-zeros before"), ("cifar_seresnet8", "--basic-stride second"),
                             ("cifar_seresnet8", "--head-pool max"), ("cifar_preact_resnet8", "--shortcut-pool average"),
                             ("two_layers", "--head-activation none")):
            with self.subTest(option):
                checkpoint, model = self.file(name + ".ckpt"), self.file("other.safetensors")
                self.done("import", checkpoint, "-o", model, *option.split(), "--quiet")
                self.done("run", model, "--input", rows, "-o", logits, "--quiet")
                outcome = sidenet("import", checkpoint, "-o", self.file("no.safetensors"), "--check", f"{rows},{logits}")
                self.assert_failed(outcome, 1, f"it agrees with {option}")


if __name__ == "__main__":
    unittest.main()
