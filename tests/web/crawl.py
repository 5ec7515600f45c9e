"""crawl: each page once, not too deep, not too many, politely; and a graph that Graphviz can read."""
import re
import shutil
import signal
import subprocess
import threading
import unittest

from local_site import LOOPS, Page, Site, TestCase, moved

ID = r'"(?:[^"\\\n]|\\.)*"'
STATEMENT = re.compile(rf"    (?:rankdir=LR|node \[shape=box\]|{ID}(?: -> {ID})?(?: \[[a-z=, ]+\])?);")


def page(*links):
    return Page("".join(f"<a href='{link}'>x</a>" for link in links))


class Crawl(TestCase):
    def crawl(self, site, *args, start="/", delay="0.001", loop="uv", status=0):
        """Its lines but for the last, with paths for addresses."""
        out = self.run_demo("crawl", site.url(start), "--delay", delay, *args, loop=loop, status=status)
        *lines, last = out.replace(site.url(""), "").splitlines() or [""]
        if status == 0:
            self.assertRegex(last, rf"^{len(lines)} pages in \d+\.\d\d seconds$")
        return lines

    def test_its_own_site_is_the_same_on_every_loop(self):
        seen = set()
        for loop in self.on_each_loop((*LOOPS, "virtual")):
            out = self.run_on_own_site("crawl", "--delay", "0.001", "--graph", "g.dot", loop=loop)
            *lines, last = out.splitlines()
            self.assertEqual(lines[0], "0 200 / (9 links)")
            self.assertIn("2 disallowed /private/diary.html", lines)
            self.assertRegex(last, "^13 pages in ")
            seen.add(("\n".join(lines), (self.directory / "g.dot").read_text().replace(self.base, "")))
        self.assertEqual(len(seen), 1)

    def test_no_url_is_asked_for_twice(self):
        everywhere = ["/", "/a", "/a#x", "/b", "b", "/moved", "/robots.txt", "/missing", "/loop", "/?q=1", "/?q=1#z"]
        pages = {path: page(*everywhere) for path in ("/", "/a", "/b", "/?q=1", "/a?")}
        pages["/moved"] = Page(status=301, headers=[("Location", "/b")])
        pages["/loop"] = moved("/loop")
        pages["/robots.txt"] = Page("User-agent: *\nDisallow:\n", type="text/plain")
        for loop in self.on_each_loop():
            with Site(pages) as site:
                lines = self.crawl(site, "--per-host", "4", loop=loop)
                self.assertEqual(sorted(site.asked), sorted(set(site.asked)))
                self.assertEqual(site.asked[0], "/robots.txt")
                expected = {"/robots.txt", "/", "/a", "/b", "/moved", "/missing", "/loop", "/?q=1"}
                self.assertEqual(set(site.asked), expected)
                self.assertIn("1 301 /moved -> /b", lines)
                self.assertIn("1 404 /missing", lines)

    def test_depth_and_number_are_kept(self):
        pages = {f"/{i}": page(f"/{i + 1}", f"/{i}/x") for i in range(10)} | {f"/{i}/x": page() for i in range(10)}
        with Site(pages) as site:
            self.assertEqual(self.crawl(site, "--depth", "0", start="/0"), ["0 200 /0 (2 links)"])
            expected = ["0 200 /0 (2 links)", "1 200 /1 (2 links)", "1 200 /0/x (0 links)"]
            self.assertEqual(self.crawl(site, "--depth", "1", start="/0"), expected)
            expected += ["2 200 /2 (2 links)", "2 200 /1/x (0 links)"]
            self.assertEqual(self.crawl(site, "--depth", "2", start="/0"), expected)
            self.assertEqual(len(self.crawl(site, "--depth", "50", start="/0")), 21)
            site.asked.clear()
            self.assertEqual(len(self.crawl(site, "--depth", "50", "--max", "7", start="/0")), 7)
            self.assertEqual(len(site.asked), 8)  # with robots.txt

    def test_robots_txt_is_kept(self):
        pages = {"/": page("/open", "/shut", "/shut/but"), "/open": page(), "/shut": page(), "/shut/but": page()}
        rules = "User-agent: other\nDisallow: /\n\nUser-agent: *\nDisallow: /shut\nAllow: /shut/but\n"
        with Site({**pages, "/robots.txt": Page(rules, type="text/plain")}) as site:
            lines = self.crawl(site)
            self.assertIn("1 disallowed /shut", lines)
            self.assertEqual(set(site.asked), {"/robots.txt", "/", "/open", "/shut/but"})
        with Site({**pages, "/robots.txt": Page("oops", 503)}) as site:
            self.assertEqual(self.crawl(site), ["0 disallowed /"])
            self.assertEqual(site.asked, ["/robots.txt"])
        with Site({**pages, "/robots.txt": Page(rules.replace("other", "Gyre-Crawl"), type="text/plain")}) as site:
            self.assertEqual(self.crawl(site), ["0 disallowed /"])

    def test_a_host_is_asked_by_few_at_once_and_not_too_often(self):
        pages = {"/": page(*(f"/{i}" for i in range(12)))} | {f"/{i}": page() for i in range(12)}
        with Site(pages) as site:
            self.crawl(site, "--per-host", "1")
            self.assertEqual(site.most, 1)
        with Site(pages) as site:
            self.crawl(site, "--per-host", "3")
            self.assertLessEqual(site.most, 3)
        with Site(pages) as site:
            out = self.run_demo("crawl", site.url(), "--delay", "0.02")
            self.assertGreaterEqual(float(re.search(r"in (\S+) seconds", out)[1]), 13 * 0.02)

    def test_other_hosts_are_left_alone_unless_it_is_told(self):
        with Site({"/": page(), "/deep": page()}) as other, Site({"/": page(other.url("/deep"), "mailto:a@b")}) as site:
            self.assertEqual(self.crawl(site), ["0 200 / (2 links)"])
            self.assertEqual(other.asked, [])
            self.crawl(site, "--everywhere")
            self.assertEqual(other.asked, ["/robots.txt", "/deep"])

    def test_the_graph_is_valid_whatever_the_links_are(self):
        odd = ['javascript:say("x")', "a\\b", "data:,\\", "javascript:a\nb", "é", "c d", "x]y;{z}->w", "tail\\"]
        html = "".join('<a href="%s">x</a>' % link.replace('"', "&quot;") for link in odd)
        with Site({"/": Page(html)}) as site:
            self.crawl(site, "--graph", "g.dot", "--depth", "1")
        lines = (self.directory / "g.dot").read_text().split("\n")
        self.assertEqual((lines[0], lines[-2:]), ("digraph crawl {", ["}", ""]))
        for line in lines[1:-2]:
            self.assertRegex(line, STATEMENT.pattern + "$")
        text = "\n".join(lines)
        for name in (r'"javascript:say(\"x\")"', r'/a\\b"', r'"data:,\\"', r'"javascript:a\nb"', '/é"'):
            self.assertIn(name, text)
        self.assertEqual(text.count(" -> "), len(odd))
        if shutil.which("dot"):
            subprocess.run(["dot", "-Tplain", "-o", "/dev/null", self.directory / "g.dot"], check=True)

    def test_a_start_that_cannot_be_had_is_one_line_and_status_1(self):
        with Site({}) as gone:
            refused = gone.url()
        for start in (refused, "no-address", "ftp://h/"):
            self.assertEqual(self.run_demo("crawl", start, status=1), "")
            self.assertRegex(self.errors, r"\Acrawl: .+\n\Z")
        self.run_demo("crawl", refused, "--graph", "no/such/file", status=1)
        self.assertIn("no/such/file", self.errors)

    def test_ctrl_c_ends_it_while_pages_are_under_way(self):
        pages = {"/": page("/never", *(f"/{i}" for i in range(20))), "/never": Page("x", gate=threading.Event())}
        for loop in self.on_each_loop():
            with Site(pages) as site:
                demo = self.start_demo("crawl", site.url(), "--delay", "0.001", loop=loop)
                self.assertEqual(demo.stdout.readline(), f"0 200 {site.url()} (21 links)\n")
                demo.send_signal(signal.SIGINT)
                out, errors = demo.communicate(timeout=60)
                self.assertEqual((demo.returncode, out, errors), (130, "", ""))

    def test_a_page_that_breaks_off_stops_no_other(self):
        broken = Page("x", headers=[("Transfer-Encoding", "chunked")])
        pages = {"/": page("/short", "/good"), "/short": broken, "/good": page()}
        with Site(pages) as site:
            lines = self.crawl(site)
        self.assertEqual(lines, ["0 200 / (2 links)", "1 failed /short", "1 200 /good (0 links)"])
        self.assertRegex(self.errors, r"\Acrawl: .*/short: .+\n\Z")


if __name__ == "__main__":
    unittest.main()
