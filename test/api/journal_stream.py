"""
The journal's stream, read by a second implementation of docs/format.md: items, checksums, chain. What tests of backups and
standbys share.
"""
import hashlib
import struct

from server import request_bytes

SEGMENT, FRAME, MARK = b"\xffonhseg\n", b"\xffonhfrm\n", b"\xffonhmrk\n"
TABLE = []
for byte in range(256):
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    TABLE.append(byte)


def crc32c(data, crc=0):
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


class Item:
    def __init__(self, kind, data, **fields):
        self.kind, self.data = kind, data
        self.__dict__.update(fields)


def item_bytes(data):
    """Of the item at the beginning, None when more must come to know."""
    if len(data) < 64:
        return None
    if data[:8] == SEGMENT:
        return 4096
    if data[:8] == MARK:
        return 64
    assert data[:8] == FRAME, data[:8]
    return struct.unpack_from("<I", data, 32)[0]


def parse(data, quick=False):
    """One whole item, its checksums looked at; quick: not those of payloads, which take seconds a megabyte here."""
    if data[:8] == SEGMENT:
        assert struct.unpack_from("<I", data, 4092)[0] == crc32c(data[:4092])
        epoch, number, first, ordinal, chain = struct.unpack_from("<IQQQI", data, 32)
        return Item("segment", data, ledger=data[16:32], epoch=epoch, number=number, first_seq=first, first_ordinal=ordinal,
                    chain=chain)
    if data[:8] == MARK:
        assert struct.unpack_from("<I", data, 60)[0] == crc32c(data[:60])
        flags, epoch = struct.unpack_from("<HI", data, 10)
        ordinal, seq, wall = struct.unpack_from("<QQq", data, 32)
        return Item("mark", data, end=bool(flags & 1), current=bool(flags & 2), epoch=epoch, ordinal=ordinal, seq=seq,
                    wall_us=wall)
    assert struct.unpack_from("<I", data, 124)[0] == crc32c(data[:124])
    assert quick or struct.unpack_from("<I", data, 36)[0] == crc32c(data[128:])
    ordinal, first, last = struct.unpack_from("<QQQ", data, 40)
    return Item("frame", data, ordinal=ordinal, first_seq=first, last_seq=last,
                chain=struct.unpack_from("<I", data, 120)[0])


def chained(before, frame):
    return crc32c(struct.pack("<I", before) + frame.data[:120]) == frame.chain


def items_of(data, quick=False):
    items, at = [], 0
    while at < len(data):
        n = item_bytes(data[at:at + 64])
        assert n is not None and at + n <= len(data), "the stream is cut off"
        items.append(parse(data[at:at + n], quick))
        at += n
    return items


def heads_of(items):
    """The chain of what was decided: the head at the last event of each frame that has any."""
    head, heads = b"", {}
    for item in items:
        if item.kind != "frame" or (item.last_seq < item.first_seq and item.ordinal != 1):
            continue
        records, = struct.unpack_from("<I", item.data, 28)
        head = hashlib.sha256(head + item.data[128:128 + records]).digest()
        heads[item.last_seq] = head.hex()
    return heads


def query_behind(frame, ledger=None, epoch=1):
    return "after=%d-%d&frame=%d&chain=%08x" % (epoch, frame.last_seq, frame.ordinal, frame.chain) + (
        "&ledger=" + ledger.hex() if ledger else "")


class JournalStream:
    """Items of a connection as they come."""

    def __init__(self, server, query=""):
        self.wire = server.connect()
        self.wire.send(request_bytes(server.port, "GET", "/v1/journal" + query))
        status, head = self.wire.head()
        assert status == 200 and head["content-type"] == "application/vnd.onhand.journal", (status, head)
        self.rest = b""

    def __iter__(self):
        while True:
            n = item_bytes(self.rest)
            while n is None or len(self.rest) < n:
                chunk = self.wire.chunk()
                if not chunk:
                    assert not self.rest
                    return
                self.rest += chunk
                n = item_bytes(self.rest)
            item, self.rest = parse(self.rest[:n]), self.rest[n:]
            yield item

    def close(self):
        self.wire.close()
