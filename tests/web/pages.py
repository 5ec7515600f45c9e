"""genres, titles, flags and check: what they print and write, on their own site and on another."""
import json
import os
import pty
import re
import subprocess
import threading
import unittest

from local_site import LOOPS, Page, Site, TestCase, moved

EVERY_LOOP = (*LOOPS, "virtual")


class Demo(TestCase):
    def check_failure(self, name, *args):
        """One line on stderr, status 1; gives what was printed before."""
        out = self.run_demo(name, *args, status=1)
        self.assertRegex(self.errors, rf"\A{name}: .+\n\Z")
        return out


class Genres(Demo):
    def check_out(self, out, texts, directory, how):
        start, *lines, end = out.splitlines()
        self.assertEqual(start, "Starting...")
        self.assertRegex(end, rf"^Time to complete {how} read/writes: \d+\.\d+ seconds$")
        names = [f"{directory}/new_file{i}.txt" for i in range(len(texts))]
        written = {name: (self.directory / name).read_text() for name in names}
        self.assertEqual(sorted(lines), sorted(f"Writing '{written[name]}' to '{name}'..." for name in names))
        self.assertEqual(sorted(written.values()), sorted(texts))
        if how == "synchronous":
            self.assertEqual(lines, [f"Writing '{text}' to '{name}'..." for text, name in zip(texts, names)])

    def test_its_own_site(self):
        texts = ["french horn indie", "microtonal sea shanty", "fingerfolk/game reel", "café skiffle"]
        for loop in self.on_each_loop(EVERY_LOOP):
            self.check_out(self.run_on_own_site("genres", "--count", "4", loop=loop), texts, "./async", "asyncio")
            out = self.run_on_own_site("genres", "--sync", "--count", "4", loop=loop)
            self.check_out(out, texts, "./sync", "synchronous")

    def test_any_json_string(self):
        for text in ("plain", "", 'a "quoted" \\ / one', "café €", "\U0001f600", "tab\tline\nend"):
            for ascii in (False, True):
                with Site({"/g": Page(json.dumps(text, ensure_ascii=ascii), type="application/json")}) as site:
                    self.run_demo("genres", "--count", "1", "--url", site.url("/g"), "--dir", "d")
                    self.assertEqual((self.directory / "d/new_file0.txt").read_bytes().decode(), text)

    def test_what_is_no_genre_is_an_error(self):
        for body in ("", "{}", '"open', '"a" b', '"\\x"', '"\\ud800"', "<p>"):
            with Site({"/g": Page(body)}) as site:
                self.check_failure("genres", "--url", site.url("/g"), "--dir", "d")
        with Site({}) as site:
            self.check_failure("genres", "--url", site.url("/g"))
            self.assertIn("404", self.errors)


class Titles(Demo):
    def test_its_own_site(self):
        for loop in self.on_each_loop(EVERY_LOOP):
            out = self.run_on_own_site("titles", "--to", "190", loop=loop)
            titles = ["#185: A task among tasks", "#186: Queues, and who stands in them", "#187: Sockets on Sunday",
                      "#188: Café concurrency", "MISSING"]
            expected = [f"Getting HTML for episode {n}" for n in range(185, 190)]
            for n, title in enumerate(titles, 185):
                expected += [f"Getting TITLE for episode {n}", f"Title found: {title}"]
            self.assertEqual(out.splitlines(), [*expected, "Done."])

    def test_headings_are_those_of_a_parser(self):
        headings = {
            "<h1>One</h1>": "One",
            "<div><h1>\n <em>Two</em> &amp; <b>half</b> </h1></div>": "Two & half",
            "<p>none</p>": "MISSING",
            "": "MISSING",
            "<h1></h1>": "",
            "<h1>first</h1><h1>second</h1>": "first",
            "<!-- <h1>no</h1> --><H1 class=x>YES": "YES",
            "<script>'<h1>no</h1>'</script><h1>real</h1>": "real",
            "<h1>caf&eacute; &#8217;&nbsp;</h1>": "café ’",
            "<h1>a<br>b<script>c</script><style>d</style><ruby>e<rt>f</rt></ruby></h1>": "abe",
        }
        pages = {f"/{n}": Page(html) for n, html in enumerate(headings, 1)}
        pages["/11"] = Page("<h1>é</h1>".encode("latin-1"), type="text/html; charset=latin-1")
        pages["/12"] = Page("<h1>é</h1>".encode("latin-1"))
        pages["/13"] = moved("/1")
        with Site(pages) as site:
            for base in (site.url(""), site.url("/")):
                out = self.run_demo("titles", "--base", base, "--from", "1", "--to", "14")
                found = re.findall("^Title found: (.*)$", out, re.M)
                self.assertEqual(found, [*headings.values(), "é", "\ufffd", "One"])

    def test_a_page_that_is_missing_ends_it(self):
        gate = threading.Event()
        with Site({"/1": Page("<h1>One</h1>"), "/3": Page("<h1>Three</h1>", gate=gate)}) as site:
            out = self.check_failure("titles", "--base", site.url(""), "--from", "1", "--to", "4")
            self.assertNotIn("Done.", out)
            self.assertIn("404", self.errors)

    def test_colours_are_for_terminals(self):
        def on_terminal(**environment):
            ours, theirs = pty.openpty()
            with Site({"/1": Page("<h1>One</h1>")}) as site:
                command = self.command("titles", "--base", site.url(""), "--from", "1", "--to", "2", loop="uv")
                clean = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
                subprocess.run(command, stdout=theirs, env={**clean, **environment}, check=True, timeout=60)
            text = os.read(ours, 10000).decode().replace("\r\n", "\n")
            os.close(ours)
            os.close(theirs)
            return text

        self.assertIn("\x1b[37mTitle found: One\x1b[0m\n", on_terminal())
        self.assertNotIn("\x1b", on_terminal(NO_COLOR="1"))
        self.assertIn("\x1b", on_terminal(NO_COLOR=""))


class Flags(Demo):
    def files(self, directory):
        return {path.name: path.read_bytes() for path in (self.directory / directory).iterdir()}

    def test_its_own_site(self):
        for loop in self.on_each_loop(EVERY_LOOP):
            out = self.run_on_own_site("flags", loop=loop)
            codes, end = out.split("\n")[:2]
            twenty = "BD BR CD CN DE EG ET FR ID IN IR JP MX NG PH PK RU TR US VN"
            self.assertEqual(sorted(codes.split()), twenty.split())
            self.assertRegex(end, r"^20 downloads in \d+\.\d\ds$")
            files = self.files("downloaded")
            self.assertEqual(sorted(files), [code + ".gif" for code in sorted(codes.split())])
            self.assertTrue(all(data.startswith(b"GIF89a") for data in files.values()))

    def test_pictures_are_written_as_they_are(self):
        picture = bytes(range(256)) * 1000
        pages = {"/cn/cn.gif": Page(picture), "/ir/ir.gif": moved("/x"), "/x": Page(b"x")}
        with Site(pages) as site:
            for loop in self.on_each_loop():
                for how in ([], ["--to-thread"]):
                    self.run_demo("flags", "CN", "IR", "--base", site.url(""), "--dest", "d", *how, loop=loop)
                    self.assertEqual(self.files("d"), {"CN.gif": picture, "IR.gif": b"x"})

    def test_each_is_printed_as_it_is_done(self):
        gate = threading.Event()
        with Site({"/cn/cn.gif": Page("c", gate=gate), "/us/us.gif": Page("u")}) as site:
            demo = self.start_demo("flags", "CN", "US", "--base", site.url(""))
            self.assertEqual(demo.stdout.read(3), "US ")
            gate.set()
            out, _ = demo.communicate(timeout=60)
            self.assertRegex(out, r"\ACN \n2 downloads in \d+\.\d\ds\n\Z")

    def test_errors(self):
        with Site({"/us/us.gif": Page("u")}) as site:
            self.check_failure("flags", "US", "CN", "--base", site.url(""))
            self.assertIn("404", self.errors)
            self.check_failure("flags", "US", "--base", site.url(""), "--dest", "/dev/null/x")
            for code in ("../x", "USA", ""):
                self.check_failure("flags", code, "--base", site.url(""))


class Check(Demo):
    def check_answers(self, out, *answers):
        expected = []
        for url, status, beginning in answers:
            expected += [f"{url}: status -> {status}", f"{url}: type -> {beginning}"]
        self.assertEqual(sorted(out.splitlines()), sorted(expected))

    def test_its_own_site(self):
        for loop in self.on_each_loop(EVERY_LOOP):
            out = self.run_on_own_site("check", loop=loop)
            self.check_answers(out, ["", 200, "<!doctype html>"], ["/news/", 200, "<!doctype html>"])

    def test_status_and_beginning(self):
        pages = {"/a": Page("  <!DOCTYPE html>\n<p>"), "/b": Page("é" * 20), "/c": Page(status=204), "/d": moved("/a")}
        with Site(pages) as site:
            a, b, c, d, missing = urls = [site.url(path) for path in ("/a", "/b", "/c", "/d", "/missing")]
            for loop in self.on_each_loop():
                out = self.run_demo("check", *urls, loop=loop)
                self.check_answers(
                    out, [a, 200, "<!DOCTYPE html>"], [b, 200, "é" * 17], [c, 204, ""], [d, 200, "<!DOCTYPE html>"],
                    [missing, 404, "nothing here"],
                )

    def test_one_that_fails_is_said_at_the_end(self):
        with Site({"/a": Page("a"), "/bad": Page(b"\xe9")}) as site:
            out = self.check_failure("check", site.url("/bad"), "no-address", site.url("/a"))
            self.assertIn(f"{site.url('/a')}: type -> a\n", out)
            self.assertIn(f"{site.url('/bad')}: status -> 200\n", out)


if __name__ == "__main__":
    unittest.main()
