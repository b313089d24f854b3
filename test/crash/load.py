"""
The load of a crash test: senders with a fixed list of commands each. They send them in NDJSON streams, and repeat what
was not answered after a break, with the same ids.

A command is known by its source and number; all of it follows from the seed. Requests go to few hot cells, so that what
is free there runs out all the time; facts that may go below zero go to cells of their own.
"""
import collections
import random
import re
import socket
import threading
import time

HOT = ["hot-%d" % n for n in range(6)]
TILL = ["till-%d" % n for n in range(8)]
LOCATION = "L"
TEXT = "as it was said on the phone, and written down by hand on the day after, then found again in a drawer by another"

Command = collections.namedtuple("Command", "kind hold item quantity line")

# Share of the commands, and commands of one request: some groups are large, some are a lonely command's.
SENDERS = ((0.40, 2000), (0.40, 1500), (0.18, 150), (0.02, 4))

ROW = re.compile(rb'^\{"line":\d+,"id":"(\d+)","source":"[^"]*","status":"(\w+)"'
                 rb'(?:,"position":"(\d+-\d+)","replayed":(true|false))?', re.M)


class Broken(Exception):
    """The connection ended where an answer was due, or the server said that it goes."""


def line_of(kind, source, number, ordered, **more):
    text = '{"kind":"%s","source":"%s","id":"%d"' % (kind, source, number)
    if ordered:
        text += ',"seq":%d' % (number + 1)
    for name, value in more.items():
        text += ',"%s":%s' % (name, value if isinstance(value, int) else '"%s"' % value)
    return (text + "}\n").encode()


def commands_of(source, count, seed, ordered):
    """The commands of one source. A hold that one makes is committed, shipped, released or left alone by later ones."""
    prng = random.Random("%s %s" % (seed, source))
    commands, open_holds = [], collections.deque()
    for number in range(count):
        draw = prng.random()
        hold, item, quantity, more = "", prng.choice(HOT), prng.randint(1, 4), {}
        if number < len(HOT) or draw < 0.16:
            kind, item = "receive", HOT[number % len(HOT)] if number < len(HOT) else item
            quantity = prng.randint(1, 9)
        elif draw < 0.24:
            kind, item = "sale", prng.choice(TILL)
        elif draw < 0.30:
            kind, item, quantity = "receive", prng.choice(TILL), prng.randint(1, 6)
        elif draw < 0.44:
            kind, more = "ship", {"guard": True}
        elif draw < 0.62 or not open_holds:
            kind, hold = "hold", "%s-%d" % (source, number)
            if prng.random() < 0.1:
                more = {"expires_in": 1}
            else:
                open_holds.append((hold, item, quantity, "held"))
        else:
            hold, item, quantity, state = open_holds.popleft()
            kind = prng.choice(("commit", "ship", "release") if state == "held" else ("ship", "release"))
            if kind == "commit":
                open_holds.append((hold, item, quantity, "committed"))
            elif kind == "ship":
                more = {"guard": True}
        fields = {"hold": hold} if hold else {}
        if kind not in ("commit", "release"):
            fields.update(item=item, location=LOCATION, quantity=quantity)
        for member in ("reason", "document", "actor"):  # segments are to end now and then
            if prng.random() < 0.7:
                fields[member] = TEXT[:prng.randint(8, len(TEXT))].strip()
        guard = ',"guard":true}\n' if more.pop("guard", False) else None
        line = line_of(kind, source, number, ordered, **fields, **more)
        if guard:
            line = line[:-2] + guard.encode()
        commands.append(Command(kind, hold, item, quantity, line))
    return commands


class Stream:
    """A connection that carries one request after the other; yields what is answered as it comes."""

    def __init__(self, port, timeout):
        self.port, self.rest = port, b""
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def more(self):
        data = self.socket.recv(1 << 20)
        if not data:
            raise Broken("closed")
        self.rest += data

    def line(self):
        while (end := self.rest.find(b"\r\n")) < 0:
            self.more()
        line, self.rest = self.rest[:end], self.rest[end + 2:]
        return line

    def head(self):
        status = self.line().split(b" ")[1]
        fields = {}
        while line := self.line():
            name, value = line.split(b":", 1)
            fields[name.lower()] = value.strip()
        return int(status), fields

    def pieces(self):
        """The body's chunks."""
        while size := int(self.line(), 16):
            while len(self.rest) < size + 2:
                self.more()
            piece, self.rest = self.rest[:size], self.rest[size + 2:]
            yield piece
        self.line()

    def post(self, body):
        head = ("POST /v1/commands HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/x-ndjson\r\n"
                "Content-Length: %d\r\n\r\n" % (self.port, len(body)))
        self.socket.sendall(head.encode() + body)
        status, fields = self.head()
        if status != 200:
            text = self.rest
            if status == 503:
                raise Broken(text)
            raise AssertionError("a stream is answered %d: %r" % (status, text[:500]))
        text = b""
        for piece in self.pieces():
            text += piece
            end = text.rfind(b"\n") + 1
            yield from ROW.findall(text[:end])
            text = text[end:]
        if b"close" in fields.get(b"connection", b""):
            raise Broken("closed")


class Sender(threading.Thread):
    """
    One source. outcomes[n] is what command n was answered: (accepted, position), None while nobody has said. The first
    answer stands: one that says something else later is trouble.
    """

    def __init__(self, world, number, count, seed, ordered):
        super().__init__(daemon=True)
        self.world, self.source, self.lines = world, "sender-%d" % number, SENDERS[number][1]
        self.commands = commands_of(self.source, count, seed, ordered)
        self.outcomes = [None] * count
        self.prng = random.Random("%s %s breaks" % (seed, self.source))
        self.at, self.breaks, self.replayed = 0, 0, 0
        self.trouble = []

    def take(self, number, row):
        name, status, position, replayed = row
        if int(name) != number:
            self.trouble.append("%s: answer to %s where %d was due" % (self.source, name.decode(), number))
            raise Broken("order")
        if status in (b"retry", b"unknown"):
            raise Broken(status)
        outcome = (status == b"accepted", position.decode())
        if status not in (b"accepted", b"refused"):
            self.trouble.append("%s %d: answered %s" % (self.source, number, status.decode()))
        elif self.outcomes[number] is None:
            self.outcomes[number] = outcome
        elif self.outcomes[number] != outcome or replayed != b"true":
            self.trouble.append("%s %d: lost: answered %r, and later %r" %
                                (self.source, number, self.outcomes[number], outcome))
        self.replayed += replayed == b"true"

    def send(self, begin, end, stream):
        """One request; how far it is answered."""
        at = begin
        for row in stream.post(b"".join(command.line for command in self.commands[begin:end])):
            self.take(at, row)
            at += 1
            self.at = max(self.at, at)
        if at != end:
            raise Broken("a stream ended before its last answer")
        return at

    def run(self):
        while self.at < len(self.commands) and not self.world.over.is_set() and not self.trouble:
            # Not all that was answered is remembered as answered: the server must know it again.
            at = max(0, self.at - self.prng.randint(0, 50))
            try:
                with Stream(self.world.port, 20) as stream:
                    while at < len(self.commands) and not self.trouble:
                        at = self.send(at, min(at + self.lines, len(self.commands)), stream)
            except (Broken, OSError, ValueError, IndexError):
                self.breaks += 1
                time.sleep(0.004)
            except AssertionError as problem:
                self.trouble.append(str(problem))

    def send_again(self):
        """All of it once more: each command must be known, with the answer it had."""
        before = self.replayed
        with Stream(self.world.port, 60) as stream:
            for begin in range(0, len(self.commands), 2000):
                self.send(begin, min(begin + 2000, len(self.commands)), stream)
        if self.replayed - before != len(self.commands) and not self.trouble:
            self.trouble.append("%s: lost: %d of %d commands are known" %
                                (self.source, self.replayed - before, len(self.commands)))
