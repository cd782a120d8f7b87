#!/usr/bin/env python3
"""`calibrate` and `sweep` on the command line: what they write, say and refuse.

    SIDENET_BINARY=build/tools/sidenet python3 tests/public/cli_calibrate_test.py
"""
import csv
import json
import os
import re
import sys
import unittest

sys.dont_write_bytecode = True
import cli_case
from cli_case import EXITS, HERE, CommandTest
from cli_fixtures import CLASSES, read_safetensors_header, sidenet, write_class_folders


def setUpModule():
    cli_case.make_files()
    HERE["held"] = os.path.join(HERE["folder"], "held")
    write_class_folders(HERE["held"], 60, seed=5)  # 180 rows that no training has seen


def metadata(path):
    return read_safetensors_header(path)["__metadata__"]


class Calibrate(CommandTest):
    def calibrate(self, name, *options, data=None):
        return sidenet("calibrate", HERE["model"], "--data", data or HERE["held"], "-o", self.path(name), "--batch", 8, *options)

    def test_confidences_alone(self):
        outcome = self.calibrate("calibrated.safetensors", "--json", "--quiet")
        self.assertEqual(outcome.status, 0, outcome)
        for line in outcome.err.splitlines():  # SideNets of five epochs on 36 images
            self.assertRegex(line, "^exit layer.* answers none of 90 rows at its threshold")
        self.assertEqual((outcome.rows()[0]["fitting_rows"], outcome.rows()[0]["testing_rows"]), (90, 90))
        (row,) = outcome.rows()
        self.assertEqual((row["rows"], row["left_out"], row["certificate"]), (180, 0, None))
        self.assertEqual([exit_["name"] for exit_ in row["exits"]], EXITS + ["final"])
        (info,) = self.done("inspect", self.path("calibrated.safetensors"), "--json").rows()
        (before,) = self.done("inspect", HERE["model"], "--json").rows()
        self.assertEqual([exit_["temperature"] for exit_ in info["exits"]], [exit_["temperature"] for exit_ in row["exits"]])
        self.assertEqual([exit_["threshold"] for exit_ in info["exits"]], [exit_["threshold"] for exit_ in before["exits"]])
        table = self.calibrate("again.safetensors", "--quiet")
        self.assertIn("if perfect", table.out)

    def test_certificate(self):
        path = self.path("certified.safetensors")
        outcome = self.calibrate("certified.safetensors", "--max-drop", 0.3, "--delta", 0.2)
        self.assertEqual(outcome.status, 0, outcome)
        self.assertIn("Certified: accuracy lost against MainNet is at most 30.00 points, on rows drawn as these were.", outcome.out)
        self.assertIn("Such promises fail at most once in 5 calibrations.", outcome.out)
        self.assertIn("taken for the first look at these rows", outcome.out)
        certificate = json.loads(metadata(path)["sidenet.certificate"])
        self.assertEqual((certificate["risk"], certificate["epsilon"], certificate["delta"]), ("drop", 0.3, 0.2))
        self.assertEqual(sorted(certificate["thresholds"]), EXITS)
        (info,) = self.done("inspect", path, "--json").rows()
        self.assertTrue(info["certificate"]["valid"])
        self.assertIn("holds", self.done("inspect", path).out)
        # The same bytes again: nothing hangs on time.
        self.calibrate("second.safetensors", "--max-drop", 0.3, "--delta", 0.2)
        with open(path, "rb") as one, open(self.path("second.safetensors"), "rb") as two:
            self.assertEqual(one.read(), two.read())

    def test_a_changed_model_loses_its_certificate(self):
        path, forged = self.path("true.safetensors"), self.path("forged.safetensors")
        self.assertEqual(self.calibrate("true.safetensors", "--max-drop", 0.3, "--delta", 0.2).status, 0)
        with open(path, "rb") as file:
            data = bytearray(file.read())
        start = 8 + int.from_bytes(data[:8], "little")
        data[start + read_safetensors_header(path)["linear.weight"]["data_offsets"][0]] ^= 1
        with open(forged, "wb") as file:
            file.write(data)
        (info,) = self.done("inspect", forged, "--json").rows()
        self.assertFalse(info["certificate"]["valid"])
        self.assertIn("no longer holds: the model is not the one that was certified", self.done("inspect", forged).out)

    def test_refusal(self):
        outcome = self.calibrate("never.safetensors", "--max-drop", 0.05, "--risk", "exit-error", "--quiet")
        self.assert_failed(outcome, 1, "expected thresholds that keep exit-error at 5.00 % or less", "no model was written")
        self.assertFalse(os.path.exists(self.path("never.safetensors")))
        self.assert_failed(self.calibrate("never", "--max-drop", 0.001, "--risk", "disagreement", "--quiet"), 1, "rows in all", "got 180")

    def test_rows_without_labels(self):
        flat = self.path("flat")
        os.makedirs(os.path.join(flat, "deep"))
        write_class_folders(self.path("more"), 40, seed=15)
        for number, (folder, _, names) in enumerate(os.walk(self.path("more"))):
            for name in names:
                place = os.path.join(flat, "deep" if number % 2 else "", f"{number}-{name}")
                os.rename(os.path.join(folder, name), place)
        outcome = self.calibrate("with.safetensors", "--max-drop", 0.3, "--delta", 0.2, "--unlabelled", flat, "--json", "--quiet")
        self.assertEqual(outcome.status, 0, outcome)
        (row,) = outcome.rows()
        self.assertEqual((row["unlabelled_rows"], row["certificate"]["unlabelled_rows"]), (120, 120))
        limited = self.calibrate("with.safetensors", "--max-drop", 0.3, "--unlabelled", flat, "--unlabelled-limit", 7, "--quiet", "--json")
        self.assertEqual(limited.rows()[0]["unlabelled_rows"], 7)
        self.assert_failed(self.calibrate("never", "--max-drop", 0.3, "--unlabelled", HERE["held"], "--quiet"), 1,
                           "expected other rows than the labelled ones")
        lines = self.path("lines.txt")
        with open(lines, "w", encoding="utf-8") as file:
            file.write("a text\nanother text\n")
        self.assert_failed(self.calibrate("never", "--max-drop", 0.3, "--unlabelled", lines, "--quiet"), 1, "is a text, and", "takes images")
        self.assert_failed(self.calibrate("never", "--max-drop", 0.3, "--unlabelled", "/nowhere", "--quiet"), 1, "/nowhere")
        self.assertFalse(os.path.exists(self.path("never")))

    def test_looks(self):
        looks = self.path("looks.json")
        first = self.calibrate("a.safetensors", "--max-drop", 0.05, "--risk", "exit-error", "--looks", looks, "--quiet")
        self.assert_failed(first, 1, "found none on 180 rows")
        with open(looks, encoding="utf-8") as file:
            kept = json.load(file)
        self.assertEqual((len(kept["looks"]), kept["looks"][0]["level"], kept["looks"][0]["certified"]), (1, 0.05, False))
        self.assert_failed(self.calibrate("a.safetensors", "--max-drop", 0.3, "--looks", looks, "--quiet"), 1, "looks.json: expected looks of the promise")
        self.assert_failed(self.calibrate("a.safetensors", "--max-drop", 0.05, "--risk", "exit-error", "--looks", looks, "--quiet", "--limit", 100), 1,
                           "of them are not: looks are of one set of rows that grows")
        mine = self.path("mine.json")
        for seed in (1, 2):
            outcome = self.calibrate("b.safetensors", "--max-drop", 0.3, "--delta", 0.2, "--looks", mine, "--seed", seed)
            self.assertIn(f"look {seed} at these rows, tested at {(0.1, 0.0333)[seed - 1]:.4f} of delta 0.2000", outcome.out)

    def test_each_class(self):
        outcome = self.calibrate("c.safetensors", "--max-drop", 0.4, "--delta", 0.4, "--by-class", "--quiet")
        if outcome.status == 0:
            self.assertIn("in every class", outcome.out)
        else:
            self.assert_failed(outcome, 1, "in every class")
        self.assert_failed(self.calibrate("c.safetensors", "--max-drop", 0.02, "--by-class", "--quiet"), 1, "by class: class '", "rows that test")

    def test_rows_of_training(self):
        outcome = self.calibrate("never", "--quiet", data=HERE["data"])
        self.assert_failed(outcome, 1, "expected rows that training has not seen, got 36 of 36")
        kept = self.calibrate("never", "--quiet", "--keep-training-rows", data=HERE["data"])
        self.assert_failed(kept, 1, "expected at least 40 rows, got 36")

    def test_budget(self):
        outcome = self.calibrate("budget.safetensors", "--budget", "10000ms", "--json", "--quiet")
        self.assertGreater(outcome.rows()[0]["budget"]["measured_ms"], 0)
        self.assert_failed(self.calibrate("never", "--budget", "1e-9", "--quiet"), 1, "budget: expected at least")
        self.assert_failed(self.calibrate("never", "--budget", "fast", "--quiet"), 1, "--budget: expected milliseconds", "'fast'")
        self.assert_failed(self.calibrate("never", "--budget-p95", "5ms", "--quiet"), 1, "expected batch 1")

    def test_wrong_usage(self):
        for options in [("--max-drop", "2"), ("--delta", "0.1"), ("--risk", "drop"), ("--max-drop", "0.1", "--budget", "5"),
                        ("--max-drop", "0.1", "--risk", "luck"), ("--fit", "spline"), ("--by-class",), ("--looks", "x"),
                        ("--unlabelled", HERE["held"]), ("--max-drop", "0.1", "--planned-looks", "3"),
                        ("--max-drop", "0.1", "--keep-training-rows"),
                        ("--max-drop", "0.1", "--by-class", "--unlabelled", HERE["held"])]:
            self.assertEqual(self.calibrate("never", *options).status, 2, options)


class Sweep(CommandTest):
    def test_page_json_and_csv(self):
        page, figures, table = self.path("report.html"), self.path("sweep.json"), self.path("sweep.csv")
        outcome = self.done("sweep", HERE["model"], "--data", HERE["held"], "-o", page, "--json", figures, "--csv", table, "--quiet")
        self.assertIn("the model's own thresholds", outcome.out)
        with open(figures, encoding="utf-8") as file:
            report = json.load(file)
        self.assertEqual((report["format"], report["data"]["rows"], report["model"]["labels"]), (1, 180, CLASSES))
        self.assertEqual([exit_["name"] for exit_ in report["exits"]], EXITS + ["final"])
        self.assertAlmostEqual(sum(exit_["segment_compute"] for exit_ in report["exits"]), 1)
        self.assertEqual((len(report["examples"]["easiest"]), len(report["examples"]["hardest"])), (12, 12))
        self.assertTrue(report["examples"]["hardest"][0]["image"].startswith("data:image/png;base64,iVBOR"))
        (measured,) = self.done("evaluate", HERE["model"], "--data", HERE["held"], "--json", "--quiet").rows()
        self.assertAlmostEqual(report["current"]["accuracy"], measured["accuracy"])
        self.assertAlmostEqual(report["current"]["compute"], measured["compute_ratio"])
        with open(table, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual({row["kind"] for row in rows}, {"uniform", "joint", "current"})
        self.assertEqual(len(rows), len(report["curve"]) + len(report["joint"]) + 1)
        self.assertAlmostEqual(float(rows[-1]["accuracy"]), measured["accuracy"])
        with open(page, encoding="utf-8") as file:
            html = file.read()
        self.assertTrue(html.startswith("<!DOCTYPE html>"))
        embedded = json.loads(re.search(r'<script type="application/json"[^>]*>(.*?)</script>', html, re.S).group(1))
        self.assertEqual(embedded, report)

    def test_failures(self):
        plain = sidenet("sweep", HERE["plain"], "--data", HERE["held"], "-o", self.path("never.html"), "--quiet")
        self.assert_failed(plain, 1, "expected a model with SideNets")
        self.assert_failed(sidenet("sweep", HERE["model"], "--data", "/nowhere", "-o", self.path("never.html")), 1, "/nowhere")
        self.assert_failed(sidenet("sweep", HERE["model"], "--data", HERE["held"], "-o", self.path("no/x.html")), 1, "no/x.html")
        self.assertFalse(os.path.exists(self.path("never.html")))


if __name__ == "__main__":
    unittest.main()
