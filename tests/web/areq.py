"""areq: what it writes down, what it logs, and that nothing stops it but Ctrl-C, between two pages."""
import re
import resource
import signal
import subprocess
import threading
import unittest
import urllib.parse

from local_site import LOOPS, Page, Site, TestCase, moved

HEADER = "source_url\tparsed_url"
ODD = r"""
<a href="rel.html">1</a> <a href='single.html'>2</a> <a href="a b.html">3</a> <a href="new
line">4</a> <a href="javascript:void(0)">5</a> <a href="mailto:a@b">6</a> <a href="#top">7</a> <a href="">8</a>
<a href="http://h:port/x">9</a> <a href="http://h:99999/">10</a> <a href="//host/p">11</a> <a href="../../up">12</a>
<a href="?q=1&amp;b=2">13</a> <a href="café">14</a> <A HREF="upper">15</A> <a href = "spaced">16</a>
<link data-href="data"> <base href="http://elsewhere/"> href="in the text" <a href="rel.html">1</a>
<a href="http://[::1/x">broken</a> <a href="ftp://f/x">17</a> <a href="x;y?z#w">18</a>
"""


def links_of(url, text):
    """What the original finds: by this expression, and by urljoin."""
    found = set()
    for link in re.findall(r'href="(.*?)"', text):
        try:
            found.add((url, urllib.parse.urljoin(url, link)))
        except ValueError:
            pass
    return found


class Areq(TestCase):
    def lines(self, name="foundurls.txt"):
        text = (self.directory / name).read_bytes().decode()
        self.assertTrue(text.endswith("\n"))
        header, *lines = text.split("\n")[:-1]
        self.assertEqual(header, HEADER)
        return [tuple(line.split("\t")) for line in lines]

    def check(self, expected):
        """Those lines, each once, a page's together."""
        lines = self.lines()
        self.assertEqual(sorted(lines), sorted(expected))
        sources = [source for source, _ in lines]
        changes = sum(a != b for a, b in zip(sources, sources[1:]))
        self.assertEqual(changes, max(0, len(set(sources)) - 1))

    def check_log(self, *messages):
        lines = self.errors.splitlines()
        for line in lines:
            self.assertRegex(line, r"^\d\d:\d\d:\d\d (INFO|ERROR):areq: ")
        logged = [line[9:] for line in lines]
        for message in messages:
            self.assertEqual(logged.count(message), 1, (message, logged))

    def write_urls(self, *urls, end="\n"):
        (self.directory / "urls.txt").write_bytes("".join(url + end for url in urls).encode())
        return "urls.txt"

    def test_its_own_site_has_the_same_links_on_every_loop(self):
        seen = set()
        for loop in self.on_each_loop((*LOOPS, "virtual")):
            self.run_on_own_site("areq", loop=loop)
            base = self.base
            self.check_log(
                f"INFO:areq: Got response [200] for URL: {base}/",
                f"INFO:areq: Found 9 links for {base}/",
                f"INFO:areq: Wrote results for source URL: {base}/",
                f"ERROR:areq: gyre::http exception for {base}/missing.html [404]: Not Found",
            )
            lines = self.lines()
            self.assertIn((base + "/news/1.html", base + "/news/2.html?from=1&amp;how=next"), lines)
            seen.add(tuple(sorted((a.replace(base, ""), b.replace(base, "")) for a, b in lines)))
        self.assertEqual(len(seen), 1)
        self.assertEqual(len(*seen), 27)

    def test_links_are_those_of_the_original(self):
        pages = {f"/{i}": Page(f'<a href="{i}">x</a>' * i + '<a href="/same">y</a>') for i in range(40)}
        pages["/odd/page.html"] = Page(ODD)
        pages["/latin1"] = Page('<a href="é">'.encode("latin-1"), type="text/html; charset=iso-8859-1")
        pages["/wrong"] = Page('<a href="é">'.encode("latin-1"))
        pages["/empty"] = Page()
        pages["/nothing"] = Page(status=204)
        pages["/moved"] = moved("/odd/page.html")
        for loop in self.on_each_loop():
            with Site(pages) as site:
                expected = set()
                for i in range(40):
                    expected |= links_of(site.url(f"/{i}"), pages[f"/{i}"].body.decode())
                expected |= links_of(site.url("/odd/page.html"), ODD)
                expected |= links_of(site.url("/moved"), ODD)
                expected |= links_of(site.url("/latin1"), '<a href="é">')
                self.run_demo("areq", self.write_urls(*map(site.url, pages)), loop=loop)
                self.check(expected)
                self.assertEqual(sorted(set(site.asked)), sorted(pages))
                self.check_log(f"INFO:areq: Found 0 links for {site.url('/empty')}")
                self.assertIn("ERROR:areq: Error parsing URL: http://[::1/x", self.errors)

    def test_a_url_is_asked_for_once_and_blank_lines_are_none(self):
        with Site({"/a": Page('<a href="b">')}) as site:
            url = site.url("/a")
            expected = {(url, site.url("/b"))}
            for end in ("\n", "\r\n"):
                site.asked.clear()
                self.run_demo("areq", self.write_urls(url, "", "  ", url + " ", "\t" + url, end=end))
                self.assertEqual(site.asked, ["/a"])
                self.check(expected)
            (self.directory / "urls.txt").write_text("\n" + url)  # the last line without its end
            self.run_demo("areq", "urls.txt")
            self.check(expected)
            self.run_demo("areq", self.write_urls())
            self.check(set())

    def test_a_page_that_cannot_be_had_stops_no_other(self):
        pages = {"/good": Page('<a href="x">'), "/500": Page("oops", 500), "/loop": moved("/loop")}
        with Site(pages) as site:
            gone = Site({})
            with gone:
                refused = gone.url("/refused")
            bad = [site.url(path) for path in ("/missing", "/500", "/loop")]
            bad += [refused, "no-address", "ftp://127.0.0.1/", "http://127.0.0.1:99999/"]
            for loop in self.on_each_loop():
                self.run_demo("areq", self.write_urls(*bad, site.url("/good")), loop=loop)
                self.check({(site.url("/good"), site.url("/x"))})
                self.check_log(
                    f"ERROR:areq: gyre::http exception for {site.url('/missing')} [404]: Not Found",
                    f"ERROR:areq: gyre::http exception for {site.url('/500')} [500]: Internal Server Error",
                )
                for url in bad:
                    self.assertIn(f"ERROR:areq: gyre::http exception for {url} [", self.errors)

    def test_pages_are_written_as_they_come(self):
        gate = threading.Event()
        with Site({"/slow": Page('<a href="s">', gate=gate), "/fast": Page('<a href="f">')}) as site:
            demo = self.start_demo("areq", self.write_urls(site.url("/slow"), site.url("/fast")))
            self.wait_for(demo, "Wrote results for source URL: " + site.url("/fast"))
            self.assertEqual(self.lines(), [(site.url("/fast"), site.url("/f"))])
            gate.set()
            demo.communicate(timeout=60)
            self.assertEqual(demo.returncode, 0)
            self.assertEqual(self.lines()[1:], [(site.url("/slow"), site.url("/s"))])

    def test_a_page_that_takes_too_long_is_given_up(self):
        with Site({"/never": Page("x", gate=threading.Event())}) as site:
            for loop in self.on_each_loop():
                self.run_demo("areq", self.write_urls(site.url("/never")), "--timeout", "0.05", loop=loop)
                self.assertIn(f"ERROR:areq: gyre::http exception for {site.url('/never')} [None]: ", self.errors)
                self.check(set())

    def test_no_more_connections_than_it_is_allowed(self):
        pages = {f"/{i}": Page('<a href="x">') for i in range(30)}
        for option in ("--limit", "--per-host"):
            with Site(pages) as site:
                self.run_demo("areq", self.write_urls(*map(site.url, pages)), option, "2")
                self.assertLessEqual(site.most, 2)
                self.assertEqual(len(self.lines()), 30)

    def test_what_cannot_be_read_or_written_is_one_line_and_status_1(self):
        with Site({"/a": Page('<a href="b">')}) as site:
            urls = self.write_urls(site.url("/a"))
            unwritable = ([urls, "-o", path] for path in ("no/such/file", ".", "/dev/full"))
            for args in (["missing.txt"], ["."], *unwritable):
                self.assertEqual(self.run_demo("areq", *args, status=1), "")
                self.assertRegex(self.errors, r"\Aareq: .+\n\Z")

    def test_when_the_disk_is_full_it_fails_when_all_pages_are_done(self):
        def no_more_than_a_kilobyte():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # an error, not a signal
            resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))

        gate = threading.Event()
        large = "".join(f'<a href="{n}">' for n in range(1000))
        with Site({"/large": Page(large), "/slow": Page('<a href="x">', gate=gate)}) as site:
            demo = subprocess.Popen(
                self.command("areq", self.write_urls(site.url("/large"), site.url("/slow"))),
                cwd=self.directory, stderr=subprocess.PIPE, text=True, restore_signals=False,
                preexec_fn=no_more_than_a_kilobyte,
            )
            self.wait_for(demo, "Found 1000 links for " + site.url("/large"))
            gate.set()
            _, errors = demo.communicate(timeout=60)
            self.assertEqual(demo.returncode, 1, errors)
            self.assertIn("Got response [200] for URL: " + site.url("/slow"), errors)
            self.assertRegex(errors, r"(?m)^areq: write .*: File too large\n\Z")

    def test_ctrl_c_leaves_whole_lines(self):
        gate = threading.Event()
        pages = {f"/{i}": Page("".join(f'<a href="/{i}/{n}">' for n in range(3000))) for i in range(20)}
        pages["/never"] = Page("x", gate=gate)
        for loop in self.on_each_loop():
            with Site(pages) as site:
                urls = self.write_urls(*map(site.url, pages))
                demo = self.start_demo("areq", urls, "--limit", "3", loop=loop)
                for _ in range(3):
                    self.wait_for(demo, "Wrote results")
                demo.send_signal(signal.SIGINT)
                _, errors = demo.communicate(timeout=60)
                self.assertEqual(demo.returncode, 130, errors)
                counts = {}
                for source, link in self.lines():
                    self.assertRegex(link, "^" + re.escape(source) + r"/\d+$")
                    counts[source] = counts.get(source, 0) + 1
                self.assertGreaterEqual(len(counts), 3)
                self.assertEqual(set(counts.values()), {3000})


if __name__ == "__main__":
    unittest.main()
