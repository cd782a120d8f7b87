#!/usr/bin/env python3
"""The page of `sidenet sweep` in a real browser: its figures against the same counted here, and how it is used.

    python3 tests/public/report_page_test.py build/tests/internal/fill_report_page

Needs Chromium (CHROMIUM names another one); skipped without. Made-up reports come from make_report_fixture.py."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
from chromium import Chromium, Page, find_chromium
from make_report_fixture import SHUT, make_report, take

SKIPPED = 77  # meson's word for it
HERE = {}
DARK = {"prefers-color-scheme": "dark"}


def setUpModule():
    HERE["browser"] = Chromium(find_chromium())
    unittest.addModuleCleanup(HERE["browser"].close)
    folder = tempfile.TemporaryDirectory(prefix="sidenet-report-")
    unittest.addModuleCleanup(folder.cleanup)
    HERE["folder"] = folder.name
    for kind in ("images", "texts"):
        HERE[kind] = make_report(kind, n=1000, exits=4, seed=7, joint_tries=30, curve_points=20)
        write_page(kind, HERE[kind][0])


def write_page(name, report):
    path = os.path.join(HERE["folder"], name)
    with open(path + ".json", "w", encoding="utf-8") as file:
        json.dump(report, file)
    subprocess.run([HERE["fill"], path + ".json", path + ".html"], check=True)


def changed(name, **fields):
    """The images' report with other fields, as page `name`."""
    write_page(name, {**json.loads(json.dumps(HERE["images"][0])), **fields})


class PageTest(unittest.TestCase):
    def open(self, name, at="", **options):
        """The page; at the end of the test it must have loaded nothing else and raised nothing."""
        page = Page(HERE["browser"], f"file://{HERE['folder']}/{name}.html{at}", **options)
        if options.get("scripts", True):
            page.settle()
        self.addCleanup(page.close)
        self.addCleanup(self.check_quiet, page)
        return page

    def check_quiet(self, page):
        urls = [sent["request"]["url"] for sent in page.seen("Network.requestWillBeSent")]
        self.assertEqual([url for url in urls if not url.startswith(("file://" + HERE["folder"], "data:"))], [])
        self.assertEqual(page.seen("Runtime.exceptionThrown") + page.seen("Log.entryAdded"), [])

    def tiles(self, page):
        keys = ("accuracy", "lost", "compute", "time", "agreement")
        return dict(zip(keys, page.run("[...document.querySelectorAll('#tiles data')].map(d => Number(d.value))")))

    def set_input(self, page, element, value, event="input"):
        page.run(f"(() => {{ const e = document.getElementById('{element}'); e.focus(); e.value = '{value}';"
                 f" e.dispatchEvent(new Event('{event}', {{bubbles: true}})); }})()")
        page.settle()

    def text(self, page, element):
        return page.run(f"document.getElementById('{element}').textContent")


class Figures(PageTest):
    """What the page counts is what the contract says, for images and for texts with weights."""

    def check(self, kind, thresholds):
        report, rows = HERE[kind]
        point, by_exit = take(report, rows, thresholds)
        page = self.open(kind, "#t=" + ",".join(map(str, thresholds)))
        shown = self.tiles(page)
        self.assertAlmostEqual(shown["accuracy"], point["accuracy"], places=12)
        self.assertAlmostEqual(shown["lost"], 100 * (report["mainnet"]["accuracy"] - point["accuracy"]), places=9)
        self.assertAlmostEqual(shown["agreement"], point["agreement"], places=12)
        self.assertAlmostEqual(1 - shown["compute"], point["compute"], places=9)
        self.assertAlmostEqual(1 - shown["time"], point["ms"] / report["mainnet"]["ms"], places=9)
        cells = page.run("[...document.querySelectorAll('#answered-table tbody tr')].map("
                         "r => [...r.querySelectorAll('data')].map(d => d.value === '' ? null : Number(d.value)))")
        for (_, count, share, accuracy, _, ece, _), expected, share_expected in zip(cells, by_exit, point["shares"]):
            self.assertEqual(count, expected["rows"] if expected else 0)
            self.assertAlmostEqual(share, share_expected)
            if expected:
                self.assertAlmostEqual(accuracy, expected["accuracy"])
                self.assertAlmostEqual(ece, expected["ece"], places=6)
            else:
                self.assertIsNone(accuracy)

    def test_images(self):
        for thresholds in ([0.9, 0.9, 0.9], [0.5, 0.731, 0.25], [SHUT, 0.8, SHUT], [0, SHUT, SHUT], [1, 1, 1], [SHUT] * 3):
            with self.subTest(thresholds):
                self.check("images", thresholds)

    def test_texts(self):
        for thresholds in ([0.95, 0.7, 0.99], [SHUT, SHUT, 0.6]):
            with self.subTest(thresholds):
                self.check("texts", thresholds)

    def test_without_thresholds_in_the_address_the_models_own(self):
        for at in ("", "#t=0.5", "#t=0.5,x,0.5", "#t=-1,0,0", "#main"):
            page = self.open("images", at)
            self.assertAlmostEqual(self.tiles(page)["accuracy"], HERE["images"][0]["current"]["accuracy"], places=12)
            self.assertIn("own thresholds", self.text(page, "chosen-name"))


class Use(PageTest):
    def test_sliders_by_keyboard_and_address(self):
        page = self.open("images")
        page.run("document.getElementById('exit-0-range').focus()")
        for _ in range(3):
            page.key("ArrowRight")
        page.key("Tab")
        self.assertEqual(page.run("document.activeElement.id"), "exit-0-number")
        page.settle()
        point, _ = take(*HERE["images"], [0.903, 0.9, 0.9])
        self.assertAlmostEqual(self.tiles(page)["accuracy"], point["accuracy"], places=12)
        page.run("new Promise(done => setTimeout(done, 400))")
        self.assertEqual(page.run("location.hash"), "#t=0.903,0.9,0.9")
        page.run("location.hash = '#t=0.5,0.5,0.5'")
        page.settle()
        self.assertIn("all exits at 0.5", self.text(page, "chosen-name"))

    def test_number_shut_and_one_for_all(self):
        page = self.open("images")
        self.set_input(page, "exit-1-number", "0.98765")
        self.assertIn("layer1.8=0.98765", self.text(page, "command"))
        page.run("document.getElementById('exit-1-open').click()")
        page.settle()
        self.assertIn("layer1.8=2", self.text(page, "command"))
        rows_there = page.run("document.querySelectorAll('#answered-table tr')[2].querySelectorAll('data')[1].value")
        self.assertEqual(rows_there, "0")
        page.run("document.getElementById('exit-1-open').click()")
        page.settle()
        self.assertIn("layer1.8=0.98765", self.text(page, "command"))
        self.set_input(page, "exit-1-number", "-1")
        self.assertIn("layer1.8=0.98765", self.text(page, "command"))
        self.set_input(page, "all-range", "0.75")
        self.assertTrue(self.text(page, "command").endswith(" INPUT --threshold 0.75"))

    def test_a_click_on_a_point_sets_the_sliders(self):
        page = self.open("images")
        x, y = page.run("(() => { const chart = Chart.getChart('pareto'); const box = chart.canvas.getBoundingClientRect();"
                        " const set = chart.data.datasets.findIndex(d => d.kind === 'alone');"
                        " const {x, y} = chart.getDatasetMeta(set).data[1]; return [box.x + x, box.y + y]; })()")
        page.click(x, y)
        page.settle()
        tip = page.run("(({tooltip}) => [...tooltip.title, ...tooltip.body.flatMap(b => b.lines)])(Chart.getChart('pareto'))")
        self.assertEqual(tip[0], "Always at layer1.8")
        self.assertTrue(tip[1].startswith("Accuracy ") and tip[1].endswith(" below MainNet"), tip)
        self.assertTrue(self.text(page, "command").endswith(" --exit layer1.8"), self.text(page, "command"))
        self.assertEqual(page.run("document.getElementById('exit-0-open').checked"), False)

    def test_the_table_of_points_sets_the_sliders(self):
        page = self.open("images")
        page.run("document.querySelector('#points summary').click()")
        page.settle()
        report = HERE["images"][0]
        points = len(report["curve"]) + len(report["joint"]) + len(report["exits"]) - 1 + 2
        self.assertEqual(page.run("document.querySelectorAll('#points-table tbody tr').length"), points)
        page.run("document.querySelector('#points-table tr:last-child button').click()")
        page.settle()
        self.assertIn(self.text(page, "command").split()[-2], ("--threshold", "--final-only", "INPUT"))

    def test_at_most_x_points_lost(self):
        report = HERE["images"][0]
        for lost in (0, 1, 3.5, 20):
            page = self.open("images")
            self.set_input(page, "target-points", lost)
            page.run("document.getElementById('target').requestSubmit()")
            page.settle()
            fits = [p["compute"] for p in report["curve"] + report["joint"] + [report["current"]]
                    if report["mainnet"]["accuracy"] - p["accuracy"] <= lost / 100 + 1e-9] + [1]
            shown = self.tiles(page)
            self.assertLessEqual(shown["lost"], lost + 1e-9)
            self.assertLessEqual(1 - shown["compute"], min(fits) + 1e-9)
            self.assertTrue(self.text(page, "target-answer"))

    def test_copy(self):
        page = self.open("images")
        HERE["browser"].call("Browser.grantPermissions", permissions=["clipboardReadWrite"])
        self.addCleanup(HERE["browser"].call, "Browser.resetPermissions")
        page.run("document.getElementById('copy').click()")
        page.run("new Promise(done => setTimeout(done, 200))")
        self.assertEqual(self.text(page, "copied"), "Copied.")

    def test_copy_without_a_clipboard_object(self):
        page = self.open("images")
        page.run("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
        page.run("document.getElementById('copy').click()")
        page.run("new Promise(done => setTimeout(done, 100))")
        self.assertEqual(page.run("String(getSelection())"), self.text(page, "command"))

    def test_skip_link_keeps_the_address(self):
        page = self.open("images", "#t=0.5,0.5,0.5")
        page.key("Tab")
        self.assertEqual(page.run("document.activeElement.id"), "skip")
        page.key("Enter")
        self.assertEqual(page.run("[document.activeElement.id, location.hash]"), ["main", "#t=0.5,0.5,0.5"])

    def test_command_words_are_quoted(self):
        shell = {"-x.safetensors": "./-x.safetensors", "a b'c.safetensors": "'a b'\\''c.safetensors'",
                 "a\u202eb\n'\\.safetensors": "$'a\\u202eb\\u000a\\'\\\\.safetensors'"}
        for name, word in shell.items():
            changed("quoted", model={**HERE["images"][0]["model"], "file": name})
            command = self.text(self.open("quoted", "#t=2,2,2"), "command")
            self.assertEqual(command, f"sidenet predict {word} INPUT --final-only")
            if os.path.exists("/bin/bash"):
                said = subprocess.run(["/bin/bash", "-c", f"printf %s {word}"], capture_output=True,
                                      env={"LC_ALL": "C.UTF-8"}, check=True)
                self.assertEqual(said.stdout.decode().removeprefix("./"), name)


class Reports(PageTest):
    """Reports of many kinds."""

    def test_certificate(self):
        certificate = {"risk": "drop", "epsilon": 0.035, "delta": 0.1, "rows": 5000, "valid": True}
        changed("certified", certificate=certificate)
        page = self.open("certified")
        for words in ("at most once in 10 calibrations", "at most 3.5 points", "drawn as the calibration rows were", "5,000 rows"):
            self.assertIn(words, self.text(page, "certificate"))
        self.set_input(page, "exit-0-range", 0.5)
        self.assertIn("Warning", self.text(page, "certificate"))
        self.assertIn("not certified", self.text(page, "live"))
        page.run("document.getElementById('use-own').click()")
        page.settle()
        self.assertIn("Certified", self.text(page, "certificate"))
        changed("stale", certificate={**certificate, "valid": False})
        self.assertIn("has changed", self.text(self.open("stale"), "certificate"))
        changed("others", certificate={**certificate, "thresholds": {"layer1.3": 0.5, "layer1.8": 2, "layer2.3": 0.75}})
        self.assertIn("not certified", self.text(self.open("others"), "certificate"))
        self.assertIn("Certified", self.text(self.open("others", "#t=0.5,2,0.75"), "certificate"))
        self.assertTrue(self.open("images").run("document.getElementById('certificate').hidden"))

    def test_what_was_taken_for_granted(self):
        assumed = [{"what": "stem", "value": "3x3", "source": "weights"}, {"what": "stem stride", "value": "1", "source": "default"},
                   {"what": "epsilon", "value": "1e-05", "source": "default"}]
        model = {"file": "m", "architecture": "resnet18", "labels": ["a", "b"], "assumptions": assumed, "checked": None}
        changed("assumed", model=model)
        self.assertEqual(self.text(self.open("assumed"), "assumed"),
                         "Never compared with PyTorch. Taken for granted: stem stride 1, epsilon 1e-05.")
        changed("checked", model={**model, "checked": {"rows": 4, "difference": 1e-7}})
        self.assertEqual(self.text(self.open("checked"), "assumed"), "MainNet’s logits are PyTorch’s: compared on 4 rows.")

    def test_hostile_texts(self):
        report, _ = make_report("texts", n=60, exits=3, seed=2, joint_tries=3, curve_points=4)
        attack = "</script><script>window.harm=1</script><img src=x onerror=window.harm=1><!--"
        report["model"] = {"file": attack, "architecture": attack, "labels": [attack, "مرحبا", "👩‍👩‍👧", "x" * 500],
                           "assumptions": [{"what": attack, "value": attack, "source": "default"}]}
        report["data"]["name"] = report["command"] = attack
        for entry in report["examples"]["hardest"]:
            entry["text"], entry["name"] = attack, attack
        for exit_entry in report["exits"][:-1]:
            exit_entry["name"] = attack + exit_entry["name"]
        elsewhere = {**report["examples"]["hardest"][0], "text": None, "image": "https://example.org/x.png"}
        report["examples"]["easiest"] = [elsewhere]
        write_page("hostile", report)
        page = self.open("hostile", width=360, phone=True)
        self.assertEqual(page.run("typeof window.harm"), "undefined")
        self.assertEqual(page.run("document.querySelectorAll('img, iframe').length"), 0)
        self.assertEqual(page.run("document.querySelectorAll('script').length"), 3)
        self.assertIn(attack, self.text(page, "title"))
        self.assertLessEqual(page.run("document.documentElement.scrollWidth"), 360)

    def test_names_that_deceive(self):
        """What would turn the line or not show is written out; the command has the names as they are."""
        hidden = "".join(map(chr, (0x00, 0x1B, 0x7F, 0x9B, 0xAD, 0x61C, 0x180E, 0x200B, 0x200F, 0x202E, 0x2028, 0x2066, 0xFEFF, 0xFFF9, 0xFFFF,
                                   0xE0041)))
        evil, joined = f"a{hidden}b", "👩‍👩‍👧 می‌خواهم"
        report, _ = make_report("texts", n=60, exits=4, seed=2, joint_tries=3, curve_points=4)
        report["model"] = {"file": evil.replace("\0", ""), "architecture": evil, "labels": [evil, joined, "c", "d"]}
        report["data"]["name"] = report["command"] = evil
        before = {entry["name"]: entry["name"] for entry in report["exits"]}
        for old, new in zip(list(before), (evil.replace("\0", ""), "שם 1", "c")):
            before[old] = new
        for entry in report["exits"]:
            entry["name"] = before[entry["name"]]
        for entry in report["examples"]["hardest"] + report["examples"]["easiest"]:
            entry["text"], entry["name"] = evil + "\n" + joined, evil
            for answer in entry["answers"]:
                answer["exit"] = before[answer["exit"]]
        report["certificate"] = {"risk": evil, "epsilon": 0.1, "delta": 0.1, "rows": 9, "valid": True,
                                 "thresholds": {entry["name"]: entry["threshold"] for entry in report["exits"][:-1]}}
        write_page("deceit", report)
        page = self.open("deceit", "#t=2,0,2")
        page.run("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        page.settle()
        everything = page.run("""[document.title, document.body.textContent,
            ...[...document.body.querySelectorAll('*')].flatMap((e) => [...e.attributes].map((a) => a.value))].join(' ')""")
        data = page.run("document.getElementById('report').textContent")
        self.assertTrue(data.isascii())
        everything = everything.replace(data, "")
        self.assertFalse(set(hidden) & set(everything))
        self.assertIn("a\\u001b\\u007f\\u009b\\u00ad\\u061c\\u180e\\u200b\\u200f\\u202e\\u2028\\u2066\\ufeff\\ufff9\\uffff\\U000e0041b", self.text(page, "title"))
        self.assertIn(joined, everything)
        self.assertEqual(self.text(page, "chosen-name"), "always answer at \u2068שם 1\u2069")  # figures beside it stay where they are
        self.assertIn("Certified", self.text(self.open("deceit"), "certificate"))
        command = self.text(self.open("deceit", "#t=0,2,2"), "command")
        if os.path.exists("/bin/bash"):
            said = subprocess.run(["/bin/bash", "-c", command.replace("sidenet predict", "printf '%s|'")], capture_output=True,
                                  env={"LC_ALL": "C.UTF-8"}, check=True)
            words = said.stdout.decode().split("|")
            self.assertEqual((words[0], words[4]), (report["model"]["file"], before[list(before)[0]]))

    def test_a_model_without_sidenets(self):
        report, _ = make_report("images", n=50, exits=1, seed=2)
        write_page("plain", report)
        page = self.open("plain")
        self.assertTrue(page.run("document.getElementById('setting').hidden"))
        self.assertFalse(page.run("document.getElementById('no-exits').hidden"))
        self.assertEqual(self.tiles(page)["compute"], 0)
        self.assertEqual(self.text(page, "command"), "sidenet predict r56x.safetensors INPUT")

    def test_what_is_missing_is_a_dash(self):
        report = json.loads(json.dumps(HERE["images"][0]))
        for entry in report["exits"]:
            entry["all"]["auroc"] = entry["reached"] = entry["answered"] = None
            entry["bins"] = [[0, None, None]] * 15
        report["model"]["labels"], report["joint"], report["examples"] = [], [], {"easiest": [], "hardest": []}
        write_page("sparse", report)
        page = self.open("sparse")
        page.run("document.querySelector('input[name=scope][value=reached]').click()")
        self.assertIn("–", self.text(page, "alone-table"))
        self.assertTrue(page.run("document.getElementById('examples').hidden"))

    def test_a_broken_report_says_so(self):
        rows = HERE["images"][0]["rows"]
        for fields, words in (({"rows": {**rows, "label": "AAAA"}}, "rows.label: expected 2000 bytes, got 3"),
                              ({"rows": {**rows, "confidence": []}}, "rows.confidence"), ({"exits": []}, "exits")):
            changed("broken", **fields)
            page = self.open("broken")
            self.assertIn(words, self.text(page, "problem"))
            self.assertTrue(page.run("document.getElementById('main').hidden"))


class Access(PageTest):
    CONTRAST = """(() => {
      const parse = (c) => c.match(/[0-9.]+/g).map(Number);
      const light = ([r, g, b]) => [r, g, b].map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
          .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
      const ground = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
          if (c.length === 3 || c[3] > 0.99) return c; } return [255, 255, 255]; };
      const low = [];
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      for (let n; (n = walker.nextNode());) {
        const e = n.parentElement;
        if (!n.data.trim() || !e.checkVisibility() || /SCRIPT|STYLE/.test(e.tagName)) continue;
        if (e.closest('.glyph, .skip')) continue;
        const [a, b] = [light(parse(getComputedStyle(e).color)), light(ground(e))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) low.push(`${ratio.toFixed(2)} ${e.tagName} ${n.data.trim().slice(0, 30)}`);
      }
      return low;
    })()"""
    NAMELESS = """[...document.querySelectorAll('input, button, canvas, [role=region], [role=img]')]
        .filter((e) => !e.getAttribute('aria-label') && !e.labels?.length)
        .filter((e) => e.tagName !== 'BUTTON' || !e.textContent.trim())
        .map((e) => e.outerHTML)"""

    def test_text_stands_out(self):
        changed("certified", certificate={"risk": "drop", "epsilon": 0.01, "delta": 0.1, "rows": 9, "valid": True})
        for media in ({}, DARK):
            for at in ("", "#t=0.5,2,0.5"):
                page = self.open("certified", at, media=media)
                page.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
                page.settle()
                self.assertEqual(page.run(self.CONTRAST), [], (media, at))

    def test_names_and_headings(self):
        page = self.open("texts")
        page.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        page.settle()
        self.assertEqual(page.run(self.NAMELESS), [])
        self.assertEqual(page.run("[...document.querySelectorAll('table')].filter(t => !t.caption).length"), 0)
        levels = page.run("[...document.querySelectorAll('h1, h2, h3')].filter(h => h.checkVisibility())"
                          ".map(h => Number(h.tagName[1]))")
        self.assertEqual(levels[0], 1)
        self.assertTrue(all(b - a <= 1 for a, b in zip(levels, levels[1:])), levels)

    def test_narrow_and_wide(self):
        for width in (320, 360, 768, 1280):
            for kind in ("images", "texts"):
                page = self.open(kind, width=width, phone=width < 500)
                self.assertLessEqual(page.run("document.documentElement.scrollWidth"), width)

    def test_nothing_moves_after_it_is_shown(self):
        page = self.open("images")
        self.assertLess(page.run("""new Promise((done) => { let sum = 0;
            new PerformanceObserver((list) => list.getEntries().forEach((e) => { sum += e.value; }))
                .observe({type: 'layout-shift', buffered: true}); setTimeout(() => done(sum), 300); })"""), 0.01)

    def test_reduced_motion(self):
        for preference, behaviour in (("reduce", "auto"), ("no-preference", "smooth")):
            page = self.open("images", media={"prefers-reduced-motion": preference})
            self.assertEqual(page.run("getComputedStyle(document.documentElement).scrollBehavior"), behaviour)

    def test_paper_is_white_in_dark_mode_too(self):
        page = self.open("images", media=DARK)
        page.run("dispatchEvent(new Event('beforeprint'))")
        colors = page.run("[getComputedStyle(document.body).color, Chart.getChart('pareto').options.scales.x.ticks.color]")
        self.assertEqual(colors, ["rgb(27, 31, 36)", "#57606a"])
        undrawn = "[...document.querySelectorAll('#exit-charts canvas')].filter(c => !Chart.getChart(c)).length"
        self.assertEqual(page.run(undrawn), 0)
        page.run("dispatchEvent(new Event('afterprint'))")
        self.assertEqual(page.run("Chart.getChart('pareto').options.scales.x.ticks.color"), "#a3acb8")

    def test_without_scripts_it_says_so(self):
        page = self.open("images", scripts=False)
        self.assertIn("JavaScript", page.run("document.querySelector('noscript').innerText"))


if __name__ == "__main__":
    if len(sys.argv) < 2 or not os.access(sys.argv[1], os.X_OK):
        sys.exit("usage: report_page_test.py FILL_REPORT_PAGE [unittest's options]")
    if find_chromium() is None:
        print("skipped: no Chromium (Debian's package is chromium; CHROMIUM names another)")
        sys.exit(SKIPPED)
    HERE["fill"] = os.path.abspath(sys.argv.pop(1))
    unittest.main()
