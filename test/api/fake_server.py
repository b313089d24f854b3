"""
A server of the contract as small as can be, for tests of clients: it decides nothing but what its caller told it to,
and it breaks connections, puts lines off and sheds requests on purpose.
"""
import json
import socket
import socketserver
import threading
from urllib.parse import parse_qs, unquote, urlsplit


class FakeHandler(socketserver.StreamRequestHandler):
    """As much of the contract as the command line uses, and mischief as told by the server's fields."""

    def handle(self):
        try:
            while self.one_request():
                pass
        except (ConnectionError, ValueError, OSError):
            pass

    def one_request(self):
        request = self.rfile.readline().decode()
        if not request:
            return False
        method, target, _ = request.split()
        headers = {}
        while True:
            line = self.rfile.readline().decode().strip()
            if not line:
                break
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        url = urlsplit(target)
        query = parse_qs(url.query)
        fake = self.server
        fake.requests.append((method, target, headers))
        if fake.shed > 0:
            fake.shed -= 1
            self.plain(503, {"code": "overloaded", "detail": "busy"}, "Retry-After: 0\r\n")
            return False
        if method == "POST" and url.path == "/v1/commands":
            return self.commands(query.get("answers", ["all"])[0])
        if url.path == "/v1/feed":
            return self.feed(query, headers)
        if url.path.startswith("/v1/stock/"):
            return self.stock([unquote(part) for part in url.path.split("/")[3:]])
        self.plain(404, {"code": "not_found", "detail": "no such path " + url.path})
        return True

    def plain(self, status, body, more=""):
        data = json.dumps(body).encode()
        self.wfile.write(f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{more}"
                         f"Content-Length: {len(data)}\r\n\r\n".encode() + data)

    def chunk(self, data):
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def lines(self):
        """The lines of a chunked upload, as they come."""
        rest = b""
        while True:
            size = int(self.rfile.readline(), 16)
            data = self.rfile.read(size)
            self.rfile.readline()
            if size == 0:
                break
            rest += data
            *whole, rest = rest.split(b"\n")
            yield from whole
        if rest:
            yield rest

    def commands(self, answers):
        fake = self.server
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n")
        counts = dict.fromkeys(["accepted", "refused", "invalid", "retry", "unknown", "replayed"], 0)
        put_off_sources = set()
        number = 0
        for number, line in enumerate(self.lines(), 1):
            answer = {"line": number, **fake.decide(line, put_off_sources)}
            counts[answer["status"]] += 1
            counts["replayed"] += bool(answer.get("replayed"))
            if fake.break_at and len(fake.log) >= fake.break_at[0]:
                fake.break_at.pop(0)
                self.connection.shutdown(socket.SHUT_RDWR)
                return False
            if answers == "all" or answer["status"] != "accepted":
                self.chunk(json.dumps(answer).encode() + b"\n")
            if answers != "all" and number % 100 == 0:
                self.chunk(json.dumps({"progress": {"line": number}}).encode() + b"\n")
        if answers != "all":
            summary = {"summary": {"lines": number, **counts, "position": f"1-{len(fake.log)}"}}
            self.chunk(json.dumps(summary).encode() + b"\n")
        self.chunk(b"")
        return True

    def stock(self, names):
        if names[0] == "missing":
            self.plain(404, {"code": "unknown_item", "detail": "no item 'missing'"})
            return True
        cell = {"item": names[0], "location": "LON", "on_hand": 1234, "sellable": 1234, "available": 1230, "reserved": 4,
                "held": 4, "committed": 0, "oversold": 0, "in_transit": 0, "version": 7}
        self.plain(200, cell if len(names) > 1 else {"item": names[0], "total": cell, "locations": [cell]})
        return True

    def feed(self, query, headers):
        fake = self.server
        after = query.get("after", ["1-0"])[0]
        if headers.get("accept") != "text/event-stream":
            if after == "now":
                self.plain(200, {"events": [], "next": f"1-{len(fake.events)}"})
                return True
            start = int(after.split("-")[1])
            page = fake.events[start:start + 3]
            self.plain(200, {"events": page, "next": f"1-{start + len(page)}"})
            return True
        start = int(headers.get("last-event-id", after).split("-")[1])
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n: hello\n\n")
        for event in fake.events[start:start + 2]:  # two events a connection, then it breaks
            self.wfile.write(f"id: {event['position']}\nevent: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
        self.wfile.flush()
        return False


class Fake(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), FakeHandler)
        self.log = []        # commands decided, in order
        self.decided = {}    # (source, id) -> status
        self.retry_ids = set()
        self.break_at = []   # break a connection when the log is as long as the first of these
        self.shed = 0
        self.requests = []
        self.lock = threading.Lock()
        self.events = [{"position": f"1-{n}", "type": "receive", "item": 'A "{[]}"', "location": "LON", "quantity": n,
                        "figures": {"on_hand": n, "available": n}, "recorded_at": "2026-01-01T00:00:00Z",
                        "source": "desk"} for n in range(1, 8)]
        threading.Thread(target=self.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server_address[1]}"

    def decide(self, line, put_off_sources):
        with self.lock:
            try:
                command = json.loads(line)
            except ValueError:
                return {"status": "invalid", "code": "not_json", "detail": "the text is not JSON"}
            key = (command["source"], command["id"])
            if command["id"] in self.retry_ids or command["source"] in put_off_sources:
                self.retry_ids.discard(command["id"])
                put_off_sources.add(command["source"])
                return {"id": command["id"], "status": "retry", "code": "busy", "detail": "later"}
            replayed = key in self.decided
            if command["kind"] == "bogus":
                return {"id": command["id"], "status": "invalid", "code": "bad_value", "field": "/kind", "detail": "no kind"}
            if not replayed:
                refused = command["kind"] == "ship"
                self.decided[key] = ("refused" if refused else "accepted", f"1-{len(self.log) + 1}")
                self.log.append(command)
            status, position = self.decided[key]
            answer = {"id": command["id"], "status": status, "position": position, "replayed": replayed}
            if status == "refused":
                answer.update(code="insufficient_stock", detail='less "free" than asked',
                              cells=[{"item": command["item"], "location": "L", "asked": 12, "free": 10}])
            return answer
