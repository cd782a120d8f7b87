#!/usr/bin/env python3
"""`predict` with the drift guard, with mapped confidences, and off its certificate.

    SIDENET_BINARY=build/tools/sidenet python3 tests/public/cli_guard_test.py
"""
import os
import re
import sys
import unittest

sys.dont_write_bytecode = True
import cli_case
from cli_case import EXITS, HERE, CommandTest
from cli_fixtures import CLASSES, sidenet, write_class_folders

ROWS = 120
ALARM = re.compile(r"^sidenet: guard: drift at row ([\d,]+): (\d+) of (?:the last )?(\d+) audited rows answered early with "
                   r"another class than MainNet's, [\d.]+ %.* \([\d.]+ % to [\d.]+ %\); limit (\d.*?); (.*)$")
SUMMARY = re.compile(r"^guard: (\d+) of (\d+) rows audited \(seed \d+\); (?:since the thresholds were raised at row [\d,]+, )?(\d+) of (\d+) "
                     r"answered early with another class than MainNet's, .* \(.* to .*\); limit (.*); (no alarm|.*alarm.*)$")


def setUpModule():
    cli_case.make_files()
    folder = HERE["folder"]
    HERE["held"] = os.path.join(folder, "held")
    write_class_folders(HERE["held"], ROWS // 3, seed=9)
    HERE["files"] = [os.path.join(HERE["held"], name, f"{number:03d}.png") for name in sorted(CLASSES) for number in range(ROWS // 3)]
    for name, options in (("certified", []), ("agreeing", ["--risk", "disagreement"]), ("mapped", ["--fit", "isotonic"])):
        HERE[name] = os.path.join(folder, name + ".safetensors")
        outcome = sidenet("calibrate", HERE["model"], "--data", HERE["held"], "--max-drop", 0.5, "--delta", 0.4, "-o",
                          HERE[name], "--quiet", "--threads", 1, *options)
        assert outcome.status == 0, outcome


class GuardTest(CommandTest):
    def predict(self, *options, model="certified", inputs=None, **more):
        """Rows without their times, and the lines of stderr."""
        files = inputs or HERE["files"]
        outcome = self.done("predict", HERE[model], *files, "--json", "--threads", 1, *options, **more)
        rows = outcome.rows()
        for row in rows:
            del row["ms"]
        return rows, outcome.err.splitlines()

    def plain(self, *options, **more):
        return self.predict("--quiet", *options, **more)[0]


class Audit(GuardTest):
    def test_audited_rows_tell_mainnets_class_and_answer_as_ever(self):
        rows, lines = self.predict("--guard", 1, "--guard-limit", 1)
        plain, mainnet = self.plain(), self.plain("--final-only")
        self.assertEqual([row["audit"] for row in rows], [row["label"] for row in mainnet])
        for row in rows:
            self.assertEqual(list(row), ["input", "label", "index", "confidence", "exit", "audit"])
            del row["audit"]
        self.assertEqual(rows, plain)
        differing = sum(row["label"] != other["label"] for row, other in zip(plain, mainnet))
        self.assertGreater(differing, 10, "the fixture's exits agree with MainNet: nothing is tested here")
        self.assertEqual(len(lines), 1, lines)
        summary = SUMMARY.match(lines[0])
        self.assertTrue(summary, lines)
        self.assertEqual(summary.groups(), (str(ROWS), str(ROWS), str(differing), str(ROWS), "100.00 %", "no alarm"))
        self.assertEqual(self.predict("--guard", 1, "--guard-limit", 1, "--quiet")[1], [])

    def test_the_seed_says_which_rows(self):
        def audited(*options):
            rows, lines = self.predict("--guard", 0.3, "--guard-limit", 1, *options)
            self.assertTrue(SUMMARY.match(lines[-1]), lines)
            return [row["input"] for row in rows if "audit" in row]

        one = audited("--seed", 1)
        self.assertTrue(20 <= len(one) <= 55, len(one))
        self.assertEqual(audited("--batch", 7, "--seed", 1), one)
        self.assertNotEqual(audited("--seed", 2), one)
        names = "\n".join(row["input"] for row in self.plain()).encode()
        rows, _ = self.predict("--guard", 0.3, "--guard-limit", 1, "--batch", 4, "--seed", 1, inputs=["-"], stdin=names)
        self.assertEqual([row["input"] for row in rows if "audit" in row], one)

    def test_each_start_draws_other_rows_and_says_how_to_repeat_it(self):
        def audited(*options):
            rows, lines = self.predict("--guard", 0.3, "--guard-limit", 1, *options)
            return [row["input"] for row in rows if "audit" in row], re.search(r"\(seed (\d+)\)", lines[-1]).group(1)

        one, seed = audited()
        other, other_seed = audited()
        self.assertNotEqual(one, other)
        self.assertNotEqual(seed, other_seed)
        self.assertEqual(audited("--seed", seed), (one, seed))

    def test_a_table_is_as_it_was(self):
        def words(*options):
            return [line.split()[:-1] for line in self.done("predict", HERE["certified"], HERE["held"], *options).out.splitlines()]

        self.assertEqual(words("--guard", 0.5), words())

    def test_a_folder_of_class_folders_is_no_stream(self):
        def notes(*inputs, **options):
            outcome = self.done("predict", HERE["certified"], *inputs, *options.get("more", ("--guard", 1, "--guard-limit", 1)))
            return [line for line in outcome.err.splitlines() if line.startswith("note: ")]

        held, one_class = HERE["held"], os.path.join(HERE["held"], "red")
        (note,) = notes(held)
        self.assertEqual(note, f"note: --guard: the images of {held} come folder by folder, not mixed as a stream is, so that an alarm "
                               f"may tell of that order; better: find {held} -name '*.png' | shuf | sidenet predict … -")
        self.assertEqual(len(notes(one_class, held + "/")), 1)
        self.assertEqual(notes(one_class), [])
        self.assertEqual(notes(one_class + "/", *HERE["files"]), [])
        self.assertEqual(notes(held, more=()), [])
        self.assertEqual(notes(held, more=("--guard", 1, "--guard-limit", 1, "--quiet")), [])


class Alarm(GuardTest):
    def test_warn(self):
        rows, lines = self.predict("--guard", 1, "--guard-limit", 0.1, "--quiet", "--batch", 16)
        self.assertEqual(len(lines), 1, lines)
        row, differing, audited, limit, done = ALARM.match(lines[0]).groups()
        self.assertEqual((limit, done), ("10.00 %", "thresholds stay"))
        self.assertLessEqual(int(differing), int(audited))
        self.assertLess(int(row), ROWS)
        seen = rows[int(row) - int(audited):int(row)]
        self.assertEqual(sum(one["audit"] != one["label"] for one in seen), int(differing))
        for one in rows:
            del one["audit"]
        self.assertEqual(rows, self.plain())
        _, lines = self.predict("--guard", 1, "--guard-limit", 0.1)
        self.assertEqual(SUMMARY.match(lines[1]).group(6), "alarm at row " + row)

    def test_raise(self):
        low = ("--threshold", 0.1)
        rows, lines = self.predict(*low, "--guard", 1, "--guard-limit", 0.1, "--guard-action", "raise", "--batch", 4)
        self.assertTrue(lines.pop(0).startswith("note: "))
        alarms = [ALARM.match(line) for line in lines[:-1]]
        self.assertTrue(alarms and all(alarms), lines)
        plain = self.plain(*low)
        bounds, first = [], 0
        thresholds = None
        for alarm in alarms:
            row = int(alarm.group(1))
            end = -(-row // 4) * 4  # of its batch
            bounds.append((first, end, thresholds))
            first = end
            self.assertRegex(alarm.group(5), "^(thresholds are now|all exits are shut now:) layer1.0=")
            thresholds = {name: float(value) for name, value in re.findall(r"(layer\d\.0)=([\d.]+)", alarm.group(5))}
            self.assertEqual(sorted(thresholds), EXITS)
        bounds.append((first, ROWS, thresholds))
        for first, end, thresholds in bounds:
            for row, other in zip(rows[first:end], plain[first:end]):
                row = {key: value for key, value in row.items() if key != "audit"}
                if thresholds is None:
                    self.assertEqual(row, other)
                elif row["exit"] != "final":
                    self.assertGreaterEqual(row["confidence"], thresholds[row["exit"]] - 1e-5)
        changed = sum(row["exit"] != other["exit"] for row, other in zip(rows, plain))
        self.assertGreater(changed, 0)
        self.assertIn("since the thresholds were raised at row", lines[-1])

    def test_limit_of_the_certificate(self):
        _, lines = self.predict("--guard", 1, model="agreeing")
        self.assertEqual(SUMMARY.match(lines[-1]).group(5), "50.00 % (certificate)")
        (info,) = self.done("inspect", HERE["certified"], "--json").rows()
        bound = info["certificate"]["disagreement_bound"]
        _, lines = self.predict("--guard", 1)
        self.assertEqual(SUMMARY.match(lines[-1]).group(5), f"{100 * bound:.2f} % (certificate)")

    def test_no_limit(self):
        outcome = sidenet("predict", HERE["model"], HERE["held"], "--guard", 0.5)
        self.assert_failed(outcome, 1, "--guard: expected a model with a certificate")
        self.assertEqual(self.predict("--guard", 1, "--guard-limit", 0.5, "--quiet", model="model")[1], [])

    def test_wrong_usage(self):
        for options in [("--guard", "0"), ("--guard", "1.5"), ("--guard", "x"), ("--guard-limit", "0.1"),
                        ("--guard-action", "raise"), ("--guard", "1", "--guard-limit", "2"),
                        ("--guard-state", "x"), ("--guard", "1", "--guard-state", ""),
                        ("--guard", "1", "--guard-action", "pray"), ("--guard", "1", "--final-only"),
                        ("--guard", "1", "--exit", EXITS[0])]:
            self.assertEqual(sidenet("predict", HERE["certified"], HERE["held"], *options).status, 2, options)


class MappedConfidence(GuardTest):
    def test_probabilities_agree_with_it(self):
        changed = 0
        for exit_name in EXITS:
            mapped = self.plain("--exit", exit_name, "--probabilities", model="mapped")
            # The map is of the largest probability: with another measure the softmax is as it is.
            softmax = self.plain("--exit", exit_name, "--probabilities", "--confidence", "margin", model="mapped")
            for row, other in zip(mapped, softmax):
                top, raw = row["probabilities"], other["probabilities"]
                self.assertEqual((top[0]["index"], top[0]["probability"]), (row["index"], row["confidence"]))
                self.assertEqual({entry["label"] for entry in top}, set(CLASSES))
                self.assertEqual([entry["index"] for entry in top], [entry["index"] for entry in raw])
                self.assertAlmostEqual(sum(entry["probability"] for entry in top), 1, places=6)
                self.assertAlmostEqual(top[1]["probability"] * raw[2]["probability"],
                                       top[2]["probability"] * raw[1]["probability"], places=6)
                changed += abs(top[0]["probability"] - raw[0]["probability"]) > 0.01
        self.assertGreater(changed, 10, "no exit of the fixture has a map: nothing is tested here")


class ChoiceOfKernels(GuardTest):
    def test_a_certificate_names_it(self):
        eigen = self.path("eigen.safetensors")
        self.done("calibrate", HERE["model"], "--data", HERE["held"], "--max-drop", 0.5, "--delta", 0.4, "-o", eigen,
                  "--quiet", "--threads", 1, "--kernels", "eigen")
        for model, kernels in ((HERE["certified"], "auto"), (eigen, "eigen")):
            (info,) = self.done("inspect", model, "--json").rows()
            self.assertEqual(info["certificate"]["kernels"], kernels)
        HERE["eigen"] = eigen
        _, lines = self.predict("--kernels", "eigen", model="eigen", inputs=HERE["files"][:1])
        self.assertEqual(lines, [])
        _, lines = self.predict(model="eigen", inputs=HERE["files"][:1])
        self.assertEqual(len(lines), 1, lines)
        self.assertTrue(lines[0].endswith("does not hold here: it is for answers with --kernels eigen"), lines)
        self.assertIn("--kernels eigen", self.done("inspect", eigen).out)


class Notes(GuardTest):
    def note(self, *options, model="certified"):
        _, lines = self.predict(*options, model=model, inputs=[os.path.join(HERE["held"], "red", "000.png")])
        self.assertLessEqual(len(lines), 1, lines)
        return lines[0] if lines else ""

    def test_a_call_off_the_certificate_is_told_of(self):
        (info,) = self.done("inspect", HERE["certified"], "--json").rows()
        certified = info["certificate"]["thresholds"]
        same = ",".join(f"{name}={value}" for name, value in certified.items())
        for options in ([], ["--thresholds", same], ["--final-only"], ["--threshold", 2], ["--threshold", 2, "--no-winograd"],
                        ["--kernels", "auto"], ["--final-only", "--kernels", "own"]):
            self.assertEqual(self.note(*options), "", options)
        start = "note: the model's certificate (drop at most 50.00 points) does not hold here: it is "
        for options, why in ((["--threshold", 0.77], f"for other thresholds: layer1.0 at {certified['layer1.0']:g}, not 0.77"),
                             (["--thresholds", "layer2.0=3"], f"for other thresholds: layer2.0 at {certified['layer2.0']:g}, not shut"),
                             (["--exit", EXITS[0]], "not for the answers of layer1.0 alone"),
                             (["--confidence", "margin"], "for --confidence max"),
                             (["--kernels", "own"], "for answers with --kernels auto"),
                             (["--no-winograd"], "for answers without --no-winograd")):
            self.assertEqual(self.note(*options), start + why)
            self.assertEqual(self.note(*options, "--quiet"), "")
            self.assertEqual(self.note(*options, model="model"), "")


if __name__ == "__main__":
    unittest.main()
