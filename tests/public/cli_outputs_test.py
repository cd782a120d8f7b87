#!/usr/bin/env python3
"""No output replaces what the command reads, and no two outputs are one file, however their paths are spelt.

    SIDENET_BINARY=build/tools/sidenet python3 tests/public/cli_outputs_test.py
"""
import itertools
import os
import shutil
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
import hostile_case
from cli_case import HERE, CommandTest
from cli_fixtures import BINARY, CLASSES, sidenet, write_class_folders

setUpModule = hostile_case.make_files


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, data=b"not looked at"):
    with open(path, "wb") as file:
        file.write(data)
    return path


def spellings(path):
    """Of a file that exists: other paths, a symbolic link, a chain of them, a hard link."""
    folder, name = os.path.split(path)
    links = [os.path.join(folder, kind + "_of_" + name) for kind in ("link", "chain", "twin")]
    os.symlink(name, links[0])
    os.symlink(links[0], links[1])
    os.link(path, links[2])
    across = os.path.join(folder, "folder_of_" + name)
    os.symlink(".", across)
    return [path, os.path.join(folder, ".", name), folder + "//" + name, os.path.join(folder, "..", os.path.basename(folder), name),
            os.path.join(across, name), *links]


class Inputs(CommandTest):
    """Each file that a command reads, given as each of its outputs."""

    def setUp(self):
        self.folder = self.path("inputs")
        os.mkdir(self.folder)
        self.addCleanup(shutil.rmtree, self.folder)

    def own(self, name, source=None):
        path = os.path.join(self.folder, name)
        return shutil.copy(source, path) if source else write(path)

    def commands(self):
        """Of each: its arguments, without the outputs; the files among them; its outputs' options, the first a must."""
        model, data, x = self.own("model", HERE["model"]), self.own("data.tsv", HERE["tsv"]), self.own("x.npy", HERE["x"])
        more, images, labels = self.own("more.tsv"), self.own("images.idx"), self.own("labels.idx")
        checkpoint, names, config = self.own("c.safetensors", HERE["checkpoint"]), self.own("labels.txt"), self.own("config.json")
        vocabulary, comma = self.own("vocab.txt"), self.own("a,b.tsv")
        train = ["train", model, "--at", "layer1.0"]
        yield [*train, "--data", data], [model, data], ["-o"]
        yield [*train, "--data", data, "--data", more], [data, more], ["-o"]
        yield [*train, "--data", f"{images},{labels}"], [images, labels], ["-o"]
        yield [*train, "--data", comma], [comma], ["-o"]
        yield ["calibrate", model, "--data", f"{images},{labels}"], [model, images, labels], ["-o"]
        yield ["sweep", model, "--data", data], [model, data], ["-o", "--json", "--csv"]
        yield ["run", model, "--input", x], [model, x], ["-o"]
        yield ["run", HERE["text"], "--input", "input_ids=" + x, "--input", "attention_mask=" + more], [x, more], ["-o"]
        yield ["profile", model], [model], ["--trace"]
        yield ["import", checkpoint, "--labels", names], [checkpoint, names, config, vocabulary], ["-o"]  # as they lie beside it
        yield ["import", checkpoint, "--config", more, "--vocab", data], [more, data], ["-o"]
        yield ["import", HERE["bert"]], [os.path.join(HERE["bert"], name) for name in ("model.safetensors", "config.json", "vocab.txt")], ["-o"]

    def refused(self, path, output, *arguments, **options):
        before, listed = read(path), sorted(os.listdir(os.path.dirname(path)))
        self.assert_failed(sidenet(*arguments, **options), 1, output + ": cannot be written", "which is read")
        self.assertEqual((read(path), sorted(os.listdir(os.path.dirname(path)))), (before, listed))

    def test_every_output_over_every_input(self):
        for arguments, files, outputs in self.commands():
            for path, option in itertools.product(files, outputs):
                others = [] if option == outputs[0] else [outputs[0], self.path("page")]
                with self.subTest(command=arguments[0], option=option, file=os.path.basename(path)):
                    self.refused(path, path, *arguments, *others, option, path)
        self.assertFalse(os.path.exists(self.path("page")))

    def test_every_spelling(self):
        for path in (self.own("model", HERE["model"]), self.own("data.tsv", HERE["tsv"])):
            for spelling in spellings(path):
                with self.subTest(os.path.relpath(spelling, self.folder)):
                    self.refused(path, spelling, "sweep", self.path("inputs/model"), "--data", self.path("inputs/data.tsv"), "-o", spelling)

    def test_inputs_by_links(self):
        model = self.own("model", HERE["model"])
        for spelling in spellings(model):
            self.refused(model, model, "profile", spelling, "--trace", model)
        descriptor = os.open(model, os.O_RDONLY)
        self.refused(model, model, "profile", f"/proc/self/fd/{descriptor}", "--trace", model, pass_fds=[descriptor])
        os.close(descriptor)

    def test_relative_names(self):
        model = self.own("model", HERE["model"])
        for name, output in itertools.product(("model", "./model", model), repeat=2):
            self.assert_failed(sidenet("profile", name, "--trace", output, cwd=self.folder), 1, output, "which is read")
        self.assertEqual(read(model), read(HERE["model"]))

    def test_folders_of_data(self):
        images, cifar = os.path.join(self.folder, "images"), os.path.join(self.folder, "cifar")
        write_class_folders(images, 2)
        os.symlink(os.path.join(HERE["data"], CLASSES[0]), os.path.join(images, "linked"))
        os.mkdir(cifar)
        image, page = os.path.join(images, CLASSES[1], "001.png"), os.path.join(images, "page.html")
        for data, path in ((images, image), (images, os.path.join(HERE["data"], CLASSES[0], "000.png")), (cifar, write(cifar + "/1.bin"))):
            for command in (["sweep"], ["calibrate"], ["train", "--at", "layer1.0"]):
                self.refused(path, path, *command, HERE["model"], "--data", data, "-o", path)
        os.remove(os.path.join(images, "linked"))
        for _ in range(2):  # what is not read may lie there, and be written again
            self.done("sweep", HERE["model"], "--data", images, "-o", page, "--quiet")

    def test_caches(self):
        cache = os.path.join(self.folder, "cache")
        train = ["train", HERE["plain"], "--data", HERE["data"], "--at", "layer1.0", "--epochs", 1, "--cache", cache, "--keep-cache", "--quiet"]
        self.done(*train, "-o", os.path.join(self.folder, "m"))
        (key,) = os.listdir(cache)
        for name in ("column0.f32", "progress", "lock", "new"):
            path = os.path.join(cache, key, name)
            self.assert_failed(sidenet(*train, "-o", path), 1, path, "feature cache")
        self.done(*train, "-o", os.path.join(cache, "m"))  # beside them
        kept = os.path.join(self.folder, "kept")
        run = ["run", HERE["model"], "--input", HERE["x"], "--weight-cache", kept, "--quiet"]
        self.done(*run, "-o", os.path.join(self.folder, "x"))
        for path in (*(os.path.join(kept, name) for name in os.listdir(kept)), os.path.join(kept, "new.weights")):
            self.assert_failed(sidenet(*run, "-o", path), 1, path, "weight cache")

    def test_what_may_be_written(self):
        """A file that is there and not read, its neighbours, and a name with a `=` or a `,` that is no input."""
        x = self.own("x.npy", HERE["x"])
        for name in ("old", "b=x.npy", "x.npy,x.npy", "x.npy~"):
            path = self.own(name)
            self.done("run", HERE["model"], "--input", x, "-o", path, "--quiet")
            self.assertNotEqual(read(path), b"not looked at")
        named = self.own("a=x.npy", HERE["x"])  # exists, so that it is a file's name and no input's
        self.done("run", HERE["model"], "--input", "a=x.npy", "-o", "x.npy", "--quiet", cwd=self.folder)
        self.assert_failed(sidenet("run", HERE["model"], "--input", "a=x.npy", "-o", named, cwd=self.folder), 1, "which is read")


class Pairs(CommandTest):
    """Two outputs of one command."""

    def setUp(self):
        self.folder = self.path("pairs")
        os.mkdir(self.folder)
        self.addCleanup(shutil.rmtree, self.folder)

    def refused(self, first, second):
        before = {name: os.path.exists(os.path.join(self.folder, name)) for name in os.listdir(self.folder)}
        for options in itertools.permutations(("-o", "--json", "--csv"), 2):
            given = [*itertools.chain(*zip(options, (first, second)))]
            if "-o" not in options:
                given += ["-o", self.path("page")]
            outcome = sidenet("sweep", HERE["model"], "--data", HERE["data"], *given)
            self.assert_failed(outcome, 1, "got two", *options)
        after = {name: os.path.exists(os.path.join(self.folder, name)) for name in os.listdir(self.folder)}
        self.assertEqual(after, before)
        self.assertFalse(os.path.exists(self.path("page")))

    def test_files_yet_to_be_made(self):
        page = os.path.join(self.folder, "page")
        across, dangling = os.path.join(self.folder, "across"), os.path.join(self.folder, "dangling")
        os.symlink(self.folder, across)
        os.symlink("page", dangling)
        for other in (page, os.path.join(self.folder, ".", "page"), os.path.join(across, "page"), dangling):
            self.refused(page, other)

    def test_files_that_are_there(self):
        page = write(os.path.join(self.folder, "page"))
        for spelling in spellings(page):
            self.refused(page, spelling)
        self.assertEqual(read(page), b"not looked at")

    def test_standard_output_and_error(self):
        page = os.path.join(self.folder, "page")
        for stream in ("stdout", "stderr"):
            with open(page, "wb") as file:
                process = subprocess.run([BINARY, "sweep", HERE["model"], "--data", HERE["data"], "-o", page, "--quiet"], check=False,
                                         timeout=60, **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: file})
            self.assertEqual(process.returncode, 1)
            line = read(page) if stream == "stderr" else process.stderr
            self.assertIn(b"got two: standard " + (b"error" if stream == "stderr" else b"output"), line)

    def test_others_side_by_side(self):
        page, twin = os.path.join(self.folder, "page"), os.path.join(self.folder, "other", "page")
        os.mkdir(os.path.dirname(twin))
        self.done("sweep", HERE["model"], "--data", HERE["data"], "-o", page, "--csv", twin, "--json", page + ".json", "--quiet")
        self.assertEqual(len({read(page), read(twin), read(page + ".json")}), 3)


if __name__ == "__main__":
    unittest.main()
