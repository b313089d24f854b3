"""A subscriber of all events: keeps every byte it reads; after a break it reads on behind the last event it has."""
import threading
import time

from load import Broken, Stream

TARGET = "/v1/feed?include=refused,reported"


def blocks_of(port, after, timeout=20):
    """Events as the stream has them, each from its id to the empty line; and the places between them where it waits."""
    with Stream(port, timeout) as stream:
        head = "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept: text/event-stream\r\n" % (TARGET, port)
        if after:
            head += "Last-Event-ID: %s\r\n" % after
        stream.socket.sendall(head.encode() + b"\r\n")
        status, _ = stream.head()
        if status != 200:
            raise AssertionError("a subscriber at %s is answered %d: %r" % (after, status, stream.rest[:300]))
        text = b""
        for piece in stream.pieces():
            text += piece
            *blocks, text = text.split(b"\n\n")
            yield [block for block in blocks if block.startswith(b"id: ")]


def place_of(block):
    return block[4:block.index(b"\n")].decode()


class Follower(threading.Thread):
    def __init__(self, world):
        super().__init__(daemon=True)
        self.world = world
        self.blocks, self.place, self.breaks = [], "", 0
        self.trouble = []

    def run(self):
        while not self.world.over.is_set():
            try:
                for blocks in blocks_of(self.world.port, self.place):
                    if blocks:
                        self.blocks += blocks
                        self.place = place_of(blocks[-1])
                    if self.world.over.is_set():
                        return
            except (Broken, OSError, ValueError, IndexError):
                self.breaks += 1
                time.sleep(0.004)
            except AssertionError as problem:
                self.trouble.append("feed: " + str(problem))
                return


def read_again(port, through):
    """All events up to and with the one at `through`."""
    blocks = []
    for more in blocks_of(port, "", 60):
        blocks += more
        if blocks and len(blocks) >= int(through.split("-")[1]):
            return blocks[:int(through.split("-")[1])]
    raise AssertionError("the feed ended before %s" % through)
