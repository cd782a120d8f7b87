#!/usr/bin/env python3
"""`predict --guard-state`: a guard that lives on from start to start, and in several processes at once.

    SIDENET_BINARY=build/tools/sidenet python3 tests/public/cli_guard_state_test.py
"""
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import unittest

sys.dont_write_bytecode = True
from cli_case import EXITS, HERE
from cli_fixtures import BINARY, sidenet
from cli_guard_test import ALARM, ROWS, GuardTest, setUpModule  # noqa: F401: unittest calls the last

SUMMARY = re.compile(r"^guard: (\d+) of (\d+) rows audited \(seed \d+\), ([\d,]+) of ([\d,]+) in all; .*; (no alarm|.*alarm.*)$")
ALL = ("--guard", 1, "--guard-limit", 0.1)


class StateTest(GuardTest):
    def setUp(self):
        self.state = self.path(self.id().rsplit(".", 1)[1] + ".guard")

    def kept(self):
        with open(self.state, encoding="utf-8") as file:
            return json.load(file)

    def guarded(self, inputs, *options, share=1, **more):
        """Rows and lines of a run with the state."""
        return self.predict("--guard", share, "--guard-limit", 0.1, "--guard-state", self.state, *options, inputs=inputs, **more)

    def differing_files(self):
        rows, _ = self.predict("--guard", 1, "--guard-limit", 1, "--quiet")
        return [row["input"] for row in rows if row["audit"] != row["label"]]

    def rows_to_alarm(self, *options):
        """Files, the last of which makes the guard alarm."""
        files = self.differing_files() * 3
        _, lines = self.predict(*ALL, "--quiet", *options, inputs=files)
        count = int(ALARM.match(lines[0]).group(1))
        self.assertGreaterEqual(count, 2)
        return files[:count]

    def start(self, *options):
        command = [BINARY, "predict", HERE["certified"], "-", "--json", "--threads", "1", "--guard-state", self.state]
        process = subprocess.Popen(command + [str(option) for option in options or ALL], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.__exit__, None, None, None)  # closes what is open, and waits
        return process

    def end(self, process, status=0):
        """Its input ends; the lines of stderr."""
        _, err = process.communicate()
        self.assertEqual(process.returncode, status, err)
        return err.splitlines()

    def feed(self, process, name):
        process.stdin.write(name + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    def wait_for_rows(self, rows):
        for _ in range(500):
            if os.path.exists(self.state) and os.path.getsize(self.state) > 0 and self.kept()["rows"] == rows:
                return
            time.sleep(0.01)
        self.fail(f"{rows} rows never came to the state: {self.kept()}")


class OneAfterTheOther(StateTest):
    def test_a_share_of_all_starts_is_audited(self):
        starts, share = 200, 0.3
        audited = 0
        for number in range(starts):
            (row,), _ = self.predict("--guard", share, "--guard-limit", 1, "--guard-state", self.state, "--quiet",
                                     inputs=[HERE["files"][number % ROWS]])
            audited += "audit" in row
        self.assertTrue(28 <= audited <= 98, audited)  # five standard deviations
        self.assertEqual((self.kept()["rows"], self.kept()["audited"]), (starts, audited))

    def test_runs_add_up_to_one(self):
        files = HERE["files"]
        _, whole = self.predict("--guard", 1, "--guard-limit", 0.5)
        for begin in range(0, ROWS, 40):
            _, lines = self.predict("--guard", 1, "--guard-limit", 0.5, "--guard-state", self.state, inputs=files[begin:begin + 40])
            self.assertEqual(SUMMARY.match(lines[-1]).groups()[:4], ("40", "40", str(begin + 40), str(begin + 40)))
        self.assertEqual(lines[-1].split("; ")[1:], whole[-1].split("; ")[1:])
        self.assertEqual(os.listdir(HERE["folder"]).count(os.path.basename(self.state)), 1)

    def test_alarm_in_the_second_from_evidence_of_the_first(self):
        files = self.rows_to_alarm()
        _, lines = self.guarded(files[:-1])
        self.assertEqual(SUMMARY.match(lines[0]).group(5), "no alarm")
        for turn in range(2):
            _, lines = self.guarded(files[-1:], "--quiet")
            self.assertEqual(len(lines), 1 - turn, lines)  # told once
            if turn == 0:
                row, differing, audited, limit, done = ALARM.match(lines[0]).groups()
                self.assertEqual((row, differing, audited), (str(len(files)),) * 3)
                self.assertEqual((limit, done), ("10.00 %", "thresholds stay"))
        _, lines = self.guarded(files[-1:])
        self.assertEqual(SUMMARY.match(lines[0]).group(5), f"alarm at row {len(files)}")

    def test_raised_thresholds_stay_in_force(self):
        low = ("--threshold", 0.1, "--guard-action", "raise")
        files = self.rows_to_alarm(*low)
        self.guarded(files[:-1], *low)
        _, lines = self.guarded(files[-1:], "--quiet", *low)
        alarm = ALARM.match(lines[0])
        self.assertRegex(alarm.group(5), "^(thresholds are now|all exits are shut now:) layer1.0=")
        raised = {name: float(value) for name, value in re.findall(r"(layer\d\.0)=([\d.]+)", alarm.group(5))}
        self.assertEqual(sorted(raised), EXITS)
        rows, lines = self.guarded(HERE["files"], *low, "--batch", 8, share=0.01)
        notes = [line for line in lines if line.startswith("note: ")]
        self.assertIn(f"note: {self.state}: since the alarm at row {len(files)} {alarm.group(5)}", notes)
        self.assertIn(f"since the thresholds were raised at row {len(files)}, ", lines[-1])
        for row in rows:
            self.assertTrue(row["exit"] == "final" or row["confidence"] >= raised[row["exit"]] - 1e-5, row)
        plain = self.plain("--threshold", 0.1)
        self.assertGreater(sum(row["exit"] != other["exit"] for row, other in zip(rows, plain)), 0)
        self.assertEqual(self.kept()["thresholds"].keys(), raised.keys())

    def test_a_shut_exit_and_thresholds_without_end(self):
        for turn in range(2):
            self.guarded(HERE["files"][:3], "--thresholds", "layer1.0=inf,layer2.0=0.1")
            self.assertEqual(self.kept()["thresholds"], {"layer1.0": "inf", "layer2.0": 0.1})
            self.assertEqual(self.kept()["rows"], 3 * (turn + 1))


class AtTheSameTime(StateTest):
    def test_rows_of_two_processes_add_up(self):
        processes = [self.start("--guard", share, "--guard-limit", 1) for share in (0.9, 0.4)]
        audited = [0, 0]
        for name in HERE["files"]:
            for i, process in enumerate(processes):
                audited[i] += "audit" in self.feed(process, name)
        lines = [self.end(process)[-1] for process in processes]
        state = self.kept()
        self.assertEqual((state["rows"], state["audited"], state["guard"]["rows"]), (2 * ROWS, sum(audited), sum(audited)))
        for line, count in zip(lines, audited):
            self.assertEqual(SUMMARY.match(line).groups()[:2], (str(count), str(ROWS)))
        in_all = [SUMMARY.match(line).groups()[2:4] for line in lines]
        self.assertIn((str(sum(audited)), str(2 * ROWS)), in_all)

    def test_rows_come_to_the_state_before_a_pipe_keeps_waiting(self):
        process = self.start()
        for rows in range(1, 5):
            self.feed(process, HERE["files"][rows])
            self.wait_for_rows(rows)

    def test_a_process_takes_over_what_another_has_raised(self):
        low = ("--threshold", 0.1, "--guard-action", "raise")
        files = self.rows_to_alarm(*low)
        process = self.start(*ALL, *low)
        self.feed(process, files[0])
        self.wait_for_rows(1)
        self.guarded(files, *low)
        time.sleep(0.25)  # the state is looked at five times a second
        raised = self.kept()["thresholds"]
        self.assertNotEqual(raised, self.kept()["given_thresholds"])
        row = self.feed(process, files[0])
        self.assertTrue(row["exit"] == "final" or row["confidence"] >= raised[row["exit"]] - 1e-6, row)
        told = [line for line in self.end(process) if "found by another process" in line]
        self.assertEqual(len(told), 1)
        self.assertRegex(told[0], r"^sidenet: guard: drift at row \d+: found by another process; (thresholds are|all exits)")

    def test_killed_at_any_time_the_state_is_the_old_or_the_new(self):
        rng, rows, changes = random.Random(3), 0, 0
        with open(self.path("many_names"), "w", encoding="utf-8") as file:
            file.write("\n".join(HERE["files"] * 500))
        for _ in range(25):
            with open(self.path("many_names"), "rb") as names:
                process = subprocess.Popen([BINARY, "predict", HERE["certified"], "-", "--guard-state", self.state, *map(str, ALL)],
                                           stdin=names, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(rng.uniform(0.1, 0.6))
            process.kill()
            self.assertEqual(process.wait(), -signal.SIGKILL)
            now = self.kept()["rows"] if os.path.exists(self.state) and os.path.getsize(self.state) > 0 else rows
            self.assertGreaterEqual(now, rows)
            changes += now > rows
            rows = now
        for name in os.listdir(HERE["folder"]):
            if name.startswith(os.path.basename(self.state) + "."):
                self.assertIn(".partial-", name)
        self.assertGreater(changes, 5)
        self.guarded(HERE["files"][:1], "--quiet")
        self.assertEqual(self.kept()["rows"], rows + 1)
        print(f"25 kills, {changes} after rows were brought", file=sys.stderr)


class Refused(StateTest):
    def refused(self, *words, options=(), model="certified", limit=0.1):
        with open(self.state, "rb") as file:
            before = file.read()
        outcome = sidenet("predict", HERE[model], HERE["files"][0], "--guard", 1, "--guard-limit", limit, "--guard-state", self.state,
                          *options)
        self.assert_failed(outcome, 1, f"sidenet: {self.state}: ", *words)
        with open(self.state, "rb") as file:
            self.assertEqual(file.read(), before)

    def test_another_guard(self):
        self.guarded(HERE["files"][:2])
        advice = "; it is the state of another guard: give another file, or remove this one to begin anew"
        self.refused('model: expected "', advice, model="model")
        self.refused("limit: expected 0.2, got 0.1", advice, limit=0.2)
        self.refused('action: expected "raise", got "warn"', advice, options=("--guard-action", "raise"))
        self.refused('confidence: expected "margin", got "max"', advice, options=("--confidence", "margin", "--quiet"))
        self.refused('given_thresholds: expected {"layer1.0":0.5,"layer2.0":0.5}, got {', advice, options=("--threshold", 0.5))
        delta = self.kept()["delta"]
        HERE["other_delta"] = self.path("other_delta.safetensors")
        self.done("calibrate", HERE["model"], "--data", HERE["held"], "--max-drop", 0.5, "--delta", 0.3, "-o", HERE["other_delta"],
                  "--quiet", "--threads", 1)
        self.refused("model: expected", advice, model="other_delta")
        self.assertEqual(delta, 0.4)

    def test_damaged(self):
        self.guarded(HERE["files"][:2])
        with open(self.state, encoding="utf-8") as file:
            whole = file.read()
        for text, words in ((whole[:-10], "remove the file to begin anew"), (whole.replace('"rows":2', '"rows":3', 1), "checksum: expected"),
                            (whole.replace('"version":1', '"version":9'), "version: expected 1, got 9"), ("nonsense", "malformed JSON at byte 2; remove"),
                            (whole + " " * (1 << 20), "expected at most 1048576 bytes, got more; give another file"),
                            (whole.replace('"audited":2', '"audited":"2"'), "audited: expected an integer from 0 to 2, got \"2\""),
                            (whole.replace('"audited":2', '"audited":2,"audited":2'), "audited")):
            self.assertNotEqual(text, whole)
            with open(self.state, "w", encoding="utf-8") as file:
                file.write(text)
            self.refused(words)

    def test_no_file_to_write(self):
        for name, words in (("missing/state", "No such file or directory"), ("data", "Is a directory")):
            outcome = sidenet("predict", HERE["certified"], HERE["files"][0], *ALL, "--guard-state", self.path(name))
            self.assert_failed(outcome, 1, name + ": cannot be opened for writing: " + words + "; give another file")

    def test_a_state_that_is_damaged_meanwhile_is_told_once_and_the_answers_go_on(self):
        process = self.start()
        self.feed(process, HERE["files"][0])
        self.wait_for_rows(1)
        with open(self.state, "w", encoding="utf-8") as file:
            file.write("nonsense")
        for name in HERE["files"][:10]:
            self.feed(process, name)
        lines = self.end(process, 1)
        self.assertEqual(sum(line.startswith(f"sidenet: {self.state}: ") for line in lines), 1, lines)
        self.assertTrue(SUMMARY.match(lines[-1]), lines)
        with open(self.state, encoding="utf-8") as file:
            self.assertEqual(file.read(), "nonsense")


if __name__ == "__main__":
    unittest.main()
