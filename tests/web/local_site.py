"""A site on 127.0.0.1 as a test wants it, and the demos that are run against it.

    DEMOS       where the demos are
"""
import contextlib
import http.server
import os
import pathlib
import socketserver
import subprocess
import tempfile
import threading
import unittest

LOOPS = ("uv", "selector:epoll", "selector:poll")  # the virtual one's clock runs away from other processes
DEMOS = pathlib.Path(os.environ["DEMOS"])


class Page:
    """`gate`, an Event, holds the answer back until it is set."""

    def __init__(self, body="", status=200, type="text/html; charset=utf-8", headers=(), gate=None):
        self.body = body if isinstance(body, bytes) else body.encode()
        self.status = status
        self.headers = [("Content-Type", type), *headers]
        self.gate = gate


def moved(location):
    return Page(status=302, headers=[("Location", location)])


class Site:
    """Shows `pages`, and counts who asks: `asked` has each path in order, `most` how many at once."""

    def __init__(self, pages):
        self.pages = pages
        self.asked = []
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()
        self._closing = threading.Event()

    def __enter__(self):
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                with site._lock:
                    site.asked.append(self.path)
                    site._now += 1
                    site.most = max(site.most, site._now)
                page = site.pages.get(self.path, Page("nothing here", 404))
                while page.gate is not None and not page.gate.wait(0.05) and not site._closing.is_set():
                    pass
                with site._lock:
                    site._now -= 1
                with contextlib.suppress(OSError):
                    self.answer(page)

            def answer(self, page):
                self.send_response(page.status)
                for name, value in page.headers:
                    self.send_header(name, value)
                if page.status != 204:
                    self.send_header("Content-Length", str(len(page.body)))
                self.end_headers()
                self.wfile.write(page.body)

            def log_message(self, *args):
                pass

        class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads = True
            request_queue_size = 200

            def handle_error(self, request, client_address):
                pass  # the client is free to go

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error):
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def url(self, path="/"):
        return f"http://127.0.0.1:{self._server.server_port}{path}"


class TestCase(unittest.TestCase):
    """Each test in a directory of its own."""

    maxDiff = None

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def command(self, name, *args, loop="uv"):
        return [DEMOS / name, "--loop", loop, *map(str, args)]

    def run_demo(self, name, *args, loop="uv", status=0):
        """What it prints; its other output is in `self.errors`."""
        done = subprocess.run(
            self.command(name, *args, loop=loop), cwd=self.directory, capture_output=True, timeout=60
        )
        self.errors = done.stderr.decode()
        self.assertEqual(done.returncode, status, self.errors)
        return done.stdout.decode()

    def run_on_own_site(self, name, *args, loop):
        """What it prints, without the address that it says; its other lines are in `self.errors`."""
        out = self.run_demo(name, *args, loop=loop)
        said, self.errors = self.errors.split("\n", 1)
        beginning, base = said.rsplit(" ", 1)
        self.assertEqual(beginning, f"{name}: no address given, so on a site of its own:")
        self.assertRegex(base, r"^http://127\.0\.0\.1:\d+/$")
        self.base = base[:-1]
        return out.replace(self.base, "")

    def start_demo(self, name, *args, loop="uv"):
        demo = subprocess.Popen(
            self.command(name, *args, loop=loop), cwd=self.directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(demo.communicate)
        self.addCleanup(demo.kill)
        return demo

    def wait_for(self, demo, text):
        """Until a line on its stderr has the text."""
        for line in demo.stderr:
            if text in line:
                return
        self.fail(f"it ended without {text!r}")

    def on_each_loop(self, loops=LOOPS):
        for loop in loops:
            with self.subTest(loop=loop):
                yield loop
