"""
What the tests of the API share: a server process on a free loopback port, and a client that writes raw bytes.

The program is the one that ONHAND_BIN names. A server is always stopped by its pid; one that reports an error of the
sanitizers, or does not end with exit code 0 when asked to, fails the test that ran it.
"""
import datetime
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.dont_write_bytecode = True  # the tree stays clean

BIN = os.path.abspath(os.environ.get("ONHAND_BIN", "build/onhand"))
START_S = 60
STOP_S = 60
READ_S = 30  # longest wait for an answer


def is_sanitized(path=BIN):
    """Was it built with AddressSanitizer or ThreadSanitizer? Memory and speed mean nothing then."""
    with open(path, "rb") as file:
        text = file.read()
    return b"__asan_init" in text or b"__tsan_init" in text


class Closed(Exception):
    """The server closed the connection where a response was due."""


class Response:
    def __init__(self, status, head, body, closed):
        self.status, self.head, self.body, self.closed = status, head, body, closed

    def json(self):
        return json.loads(self.body)

    def lines(self):
        return [json.loads(line) for line in self.body.splitlines()]

    def __repr__(self):
        return "%d %r" % (self.status, self.body[:400])


class Wire:
    """A connection: bytes out, responses in."""

    def __init__(self, port, timeout=READ_S, receive_bytes=None):
        self.port = port
        self.socket = socket.socket()
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(timeout)
        try:
            self.socket.connect(("127.0.0.1", port))
        except OSError:
            self.socket.close()
            raise
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def try_send(self, data):
        """Sends; a server that has closed meanwhile is no error here: what it said can still be read."""
        try:
            self.socket.sendall(data)
        except OSError:
            pass

    def more(self):
        """Reads some bytes; False at the end."""
        try:
            data = self.socket.recv(65536)
        except (ConnectionResetError, BrokenPipeError):
            return False
        self.rest += data
        return bool(data)

    def take(self, n):
        while len(self.rest) < n:
            if not self.more():
                raise Closed(self.rest)
        data, self.rest = self.rest[:n], self.rest[n:]
        return data

    def line(self):
        while b"\n" not in self.rest:
            if not self.more():
                raise Closed(self.rest)
        line, self.rest = self.rest.split(b"\n", 1)
        return line + b"\n"

    def head(self):
        """Status and fields of the next response; interim ones (100) too."""
        line = self.line()
        match = re.fullmatch(rb"HTTP/1\.1 (\d\d\d) [^\r\n]+\r\n", line)
        if not match:
            raise AssertionError("no status line: %r" % line)
        fields = {}
        while (line := self.line()) != b"\r\n":
            name, value = line.decode("latin-1").rstrip("\r\n").split(":", 1)
            fields[name.lower()] = value.strip()
        return int(match.group(1)), fields

    def chunk(self):
        """The next chunk of a chunked body; b"" for the last."""
        n = int(self.line().strip(), 16)
        data = self.take(n)
        if self.take(2) != b"\r\n":
            raise AssertionError("a chunk without CR LF behind it")
        return data

    def body_lines(self):
        """Lines of a chunked body as they come."""
        text = b""
        while chunk := self.chunk():
            text += chunk
            *lines, text = text.split(b"\n")
            yield from lines
        if text:
            yield text

    def response(self, method="GET"):
        status, fields = self.head()
        while status == 100:
            status, fields = self.head()
        if "chunked" in fields.get("transfer-encoding", ""):
            body = b""
            while chunk := self.chunk():
                body += chunk
        else:
            body = b"" if method == "HEAD" else self.take(int(fields.get("content-length", "0")))
        return Response(status, fields, body, "close" in fields.get("connection", ""))

    def request(self, method, target, body=None, headers=None):
        data = request_bytes(self.port, method, target, body, headers)
        if len(data) < 65536:
            self.try_send(data)
            return self.response(method)
        # Answers to a stream flow while it is sent: who only sends would be waited for.
        sender = threading.Thread(target=self.try_send, args=(data,), daemon=True)
        sender.start()
        response = self.response(method)
        sender.join(READ_S)
        return response

    def is_closed(self):
        """Waits for the server's end of the connection."""
        while self.more():
            pass
        return True


def request_bytes(port, method, target, body=None, headers=None):
    fields = {"Host": "127.0.0.1:%d" % port}
    if body is not None:
        fields["Content-Type"] = "application/json"
        fields["Content-Length"] = str(len(body))
    fields.update(headers or {})
    text = "%s %s HTTP/1.1\r\n" % (method, target)
    text += "".join("%s: %s\r\n" % pair for pair in fields.items() if pair[1] is not None)
    return text.encode("latin-1") + b"\r\n" + (body or b"")


def ndjson(commands):
    return b"".join(json.dumps(command).encode() + b"\n" for command in commands)


class Server:
    def __init__(self, folder, options=(), wrapper=(), program=None, start=True):
        """folder: holds the data directory `data` and the log. wrapper: a command in front, such as strace."""
        self.folder = folder
        self.data = os.path.join(folder, "data")
        self.log_path = os.path.join(folder, "log")
        self.options, self.wrapper, self.program = list(options), list(wrapper), program or BIN
        self.process = None
        self.pid = self.port = self.wire = None
        if start:
            self.start()

    def start(self):
        self.spawn()
        self.wait_until_ready()

    def command(self):
        return [self.program, "serve"]

    def spawn(self):
        # A small first segment: a new one is filled with zeros.
        command = [*self.wrapper, *self.command(), "--data", self.data, "--listen", "127.0.0.1:0",
                   "--segment-mib", "16", "--id-capacity", "4000000", *self.options]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL)
        self.pid = self.process.pid  # of the wrapper, until the server says that it is there
        os.set_blocking(self.process.stdout.fileno(), False)

    def wait_until_ready(self):
        text, end = b"", time.monotonic() + START_S
        while b"\n" not in text:
            if self.process.poll() is not None or time.monotonic() > end:
                self.kill()
                raise AssertionError("the server does not start: %s" % self.log())
            text += self.process.stdout.read() or b""
            time.sleep(0.005)
        self.port = int(re.search(rb"listening on http://127\.0\.0\.1:(\d+)\n", text).group(1))
        self.pid = self.process.pid
        if self.wrapper:
            with open("/proc/%d/task/%d/children" % (self.pid, self.pid), encoding="ascii") as file:
                self.pid = int(file.read().split()[0])
        self.wire = None

    def log(self):
        with open(self.log_path, "r", encoding="utf-8", errors="replace") as file:
            return file.read()

    def stop(self):
        """Asks it to end, and sees that it does, without a complaint of a sanitizer."""
        self._drop_wire()
        if self.process is None:
            return
        os.kill(self.pid, signal.SIGTERM)
        try:
            code = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("the server does not stop; log: %s" % self.log()) from None
        self.process.stdout.close()
        self.process = None
        if code != 0 or "Sanitizer" in self.log() or "runtime error" in self.log():
            raise AssertionError("the server ended with %d; log: %s" % (code, self.log()[-8000:]))

    def kill(self):
        """kill -9: no last words."""
        self._drop_wire()
        if self.process is None:
            return
        if self.process.poll() is None:
            try:
                os.kill(self.pid or self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(STOP_S)
        self.process.stdout.close()
        self.process = None

    def _drop_wire(self):
        if self.wire:
            self.wire.close()
        self.wire = None

    def connect(self, **options):
        return Wire(self.port, **options)

    def request(self, method, target, body=None, headers=None):
        """One request over a connection that is kept."""
        if self.wire is None:
            self.wire = Wire(self.port)
        try:
            response = self.wire.request(method, target, body, headers)
        except BaseException:
            self._drop_wire()
            raise
        if response.closed:
            self._drop_wire()
        return response

    def get(self, target, headers=None):
        return self.request("GET", target, None, headers)

    def send(self, **command):
        """One command; the response."""
        return self.request("POST", "/v1/commands", json.dumps(command).encode())

    def stream(self, commands, query=""):
        """Commands as NDJSON (a list, or bytes); the response."""
        body = commands if isinstance(commands, bytes) else ndjson(commands)
        with self.connect() as wire:
            return wire.request("POST", "/v1/commands" + query, body, {"Content-Type": "application/x-ndjson"})

    def cell(self, item, location):
        response = self.get("/v1/stock/%s/%s" % (item, location))
        if response.status != 200:
            raise AssertionError(repr(response))
        return response.json()

    def figures(self, query=""):
        """{(item, location): figures}, position"""
        answer = self.get("/v1/figures" + query).json()
        return {(cell["item"], cell["location"]): cell for cell in answer["figures"]}, answer["position"]

    def wait_for_ends(self):
        """Until no hold has an end that is near: from then on only commands change anything."""
        soon = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=10)).isoformat()

        def near():
            cursor = ""
            while cursor is not None:
                page = self.get("/v1/holds?limit=1000" + ("&cursor=" + cursor if cursor else "")).json()
                if any(row["expires_at"] is not None and row["expires_at"] < soon and
                       row["state"] in ("held", "committed", "waiting") for row in page["holds"]):
                    return True
                cursor = page["next"]
            return False
        until(lambda: not near(), "holds are left whose time is over")

    def position(self):
        return self.get("/readyz").json()["position"]

    def metric(self, name):
        match = re.search(r"^%s (\d+)$" % re.escape(name), self.get("/metrics").body.decode(), re.M)
        return int(match.group(1))

    def events(self, query="", after=None):
        """All events there are now, page by page."""
        events = []
        while True:
            query_now = "limit=1000" + query + ("&after=" + after if after else "")
            page = self.get("/v1/feed?" + query_now).json()
            events += page["events"]
            if page["next"] == after:
                return events
            after = page["next"]

    def rss_kib(self):
        with open("/proc/%d/status" % self.pid, encoding="ascii") as file:
            return int(re.search(r"VmRSS:\s+(\d+) kB", file.read()).group(1))


def verify(data, program=None):
    """The offline check of a data directory: its report."""
    done = subprocess.run([program or BIN, "verify", data, "--json"], capture_output=True, timeout=120, check=False)
    if done.returncode != 0:
        raise AssertionError("verify: %d %s" % (done.returncode, done.stderr.decode()))
    return json.loads(done.stdout)


def until(condition, problem, seconds=60):
    """Waits until it holds, as long as that takes a slow machine; an assertion fails when it never does."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("after %d s: %s" % (seconds, problem))
        time.sleep(0.02)


def receive(n, item="A", location="L", quantity=1, source=None, **more):
    """A fact. Without a source the item's name is it: ids of one test do not meet those of another."""
    return {"kind": "receive", "source": source or item, "id": str(n), "item": item, "location": location,
            "quantity": quantity, **more}


class ServerCase(unittest.TestCase):
    """A folder and one running server for all tests of a class."""
    options = ()

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="onhand-api-")
        cls.server = Server(cls.folder, cls.options)

    @classmethod
    def tearDownClass(cls):
        try:
            cls.server.stop()
        finally:
            cls.server.kill()
            shutil.rmtree(cls.folder)


class FolderCase(unittest.TestCase):
    """A folder for each test; servers started with self.start are ended after it."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="onhand-api-")
        self.servers = []

    def tearDown(self):
        for server in self.servers:
            server.kill()
        shutil.rmtree(self.folder)

    def start(self, *options, **more):
        server = Server(more.pop("folder", self.folder), options, **more)
        self.servers.append(server)
        return server
