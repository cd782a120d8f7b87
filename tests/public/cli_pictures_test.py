#!/usr/bin/env python3
"""Picture files: what is told of them, and how they become inputs.

    SIDENET_BINARY=build/tools/sidenet python3 tests/public/cli_pictures_test.py"""
import glob
import json
import os
import shutil
import sys
import unittest

sys.dont_write_bytecode = True
from cli_case import HERE, CommandTest, make_files
from cli_fixtures import CLASSES, sidenet

setUpModule = make_files
PICTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden", "images")
BUNDLED, SAMPLES = os.environ.get("SIDENET_MODEL", ""), os.environ.get("SIDENET_SAMPLES", "")


def picture(name):
    return os.path.join(PICTURES, name)


class Pictures(CommandTest):
    def decoders(self):
        return self.done("--version").out

    def imported(self, name, *options, checkpoint=None):
        model = self.path(name + ".safetensors")
        self.done("import", checkpoint or HERE["checkpoint"], "-o", model, "--labels", HERE["labels"], "--quiet", *options)
        return model

    def preprocessing(self, model):
        (info,) = self.done("inspect", model, "--json").rows()
        return info["preprocessing"]

    def test_an_orientation_is_told_of_once_or_applied(self):
        oriented = [picture(f"oriented_{n}.png") for n in range(1, 9)]
        stored = self.done("predict", HERE["plain"], *oriented, "--json")
        self.assertEqual(len({row["confidence"] for row in stored.rows()}), 1)
        self.assertEqual(stored.err, "note: 7 of 8 pictures have an EXIF orientation, which is not applied (as in torchvision); "
                                     "`sidenet import --exif-orientation` applies it\n")
        self.assertEqual(self.done("predict", HERE["plain"], *oriented, "--json", "--quiet").err, "")
        self.assertEqual(self.done("predict", HERE["plain"], oriented[0], "--json").err, "")
        model = self.imported("turned", "--exif-orientation")
        self.assertTrue(self.preprocessing(model)["exif_orientation"])
        turned = self.done("predict", model, *oriented, "--json")
        self.assertGreater(len({row["confidence"] for row in turned.rows()}), 1)
        self.assertEqual(turned.err.count("EXIF"), 0)
        # Data sets turn them as well.
        folder = self.path("oriented")
        for label in CLASSES[:2]:
            os.makedirs(os.path.join(folder, label))
        shutil.copy(oriented[5], os.path.join(folder, CLASSES[0]))
        shutil.copy(oriented[0], os.path.join(folder, CLASSES[1]))
        self.assertIn(f"note: {folder}: 1 of 2 pictures have an EXIF orientation",
                      self.done("evaluate", HERE["plain"], "--data", folder).err)
        (row,) = self.done("evaluate", model, "--data", folder, "--json").rows()
        label = {row["input"]: row["label"] for row in turned.rows()}
        right = sum(label[path] == name for path, name in ((oriented[5], CLASSES[0]), (oriented[0], CLASSES[1])))
        self.assertEqual(row["mainnet_accuracy"], right / 2)

    @unittest.skipUnless(BUNDLED, "SIDENET_MODEL does not name the bundled model")
    def test_a_certificate_of_other_jpeg_pixels(self):
        """The bundled one is from before it was told; all builds had stb_image then."""
        note = "does not tell what decoded its JPEGs, and this build has libjpeg-turbo"
        jpeg, png = picture("photo_grey.jpg"), glob.glob(os.path.join(SAMPLES, "*.png"))[0]
        told = 1 if "JPEG by libjpeg-turbo" in self.decoders() else 0
        self.assertEqual(self.done("predict", BUNDLED, jpeg, png, jpeg).err.count(note), told)
        self.assertEqual(self.done("predict", BUNDLED, png).err, "")
        self.assertEqual(self.done("predict", BUNDLED, jpeg, "--final-only").err, "")
        self.assertEqual(self.done("predict", BUNDLED, jpeg, "--quiet").err, "")
        folder = self.path("jpegs")
        os.makedirs(os.path.join(folder, "Bag"))
        shutil.copy(jpeg, os.path.join(folder, "Bag"))
        self.assertEqual(self.done("evaluate", BUNDLED, "--data", folder).err.count(note), told)

    def test_webp_is_read_where_the_build_has_it(self):
        outcome = self.done("predict", HERE["plain"], picture("lossless.webp"), "--json") if "WebP by" in self.decoders() else None
        if outcome is None:
            self.skipTest("no libwebp")
        self.assertEqual(len(outcome.rows()), 1)
        folder = self.path("webp")
        os.makedirs(os.path.join(folder, CLASSES[0]))
        shutil.copy(picture("lossy.webp"), os.path.join(folder, CLASSES[0]))
        (row,) = self.done("evaluate", HERE["plain"], "--data", folder, "--json", "--quiet").rows()
        self.assertEqual(row["rows"], 1)

    def test_steps_by_option(self):
        model = self.imported("steps", "--size", 40, "--crop", 32, "--interpolation", "bicubic", "--crop-mode", "squash")
        found = self.preprocessing(model)
        self.assertEqual([found[key] for key in ("resize", "crop", "interpolation", "crop_mode")], [40, 32, "bicubic", "squash"])
        self.assertIn("squash 40 bicubic, crop 32", self.done("inspect", model).out)

    def test_steps_by_preprocessor_config(self):
        folder = self.path("hub")
        os.makedirs(folder)
        checkpoint = os.path.join(folder, "model.safetensors")
        shutil.copy(HERE["checkpoint"], checkpoint)

        def write(**fields):
            with open(os.path.join(folder, "preprocessor_config.json"), "w", encoding="utf-8") as file:
                json.dump(fields, file)

        write(feature_extractor_type="ConvNextFeatureExtractor", size=32, crop_pct=0.8, resample=3,
              image_mean=[0.5, 0.25, 0.5], image_std=[0.5, 0.5, 0.25])
        for path in (folder, checkpoint):
            found = self.preprocessing(self.imported("hub", checkpoint=path))
            self.assertEqual(found, {"channels": 3, "channel_order": "rgb", "resize": 40, "crop": 32, "interpolation": "bicubic",
                                     "crop_mode": "center", "crop_rounding": "down", "exif_orientation": False,
                                     "mean": [0.5, 0.25, 0.5], "std": [0.5, 0.5, 0.25]})
        write(image_processor_type="LevitImageProcessor")
        refused = ("import", folder, "-o", self.path("none.safetensors"))
        self.assert_failed(sidenet(*refused), 1, "preprocessor_config.json: image_processor_type", "--preprocess")
        self.assertEqual(self.preprocessing(self.imported("preset", "--preprocess", "cifar10", checkpoint=folder))["resize"], 32)


if __name__ == "__main__":
    unittest.main()
