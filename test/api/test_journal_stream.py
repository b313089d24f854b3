#!/usr/bin/env python3
"""
Goal: GET /v1/journal sends the journal byte for byte as it is on disk, from wherever a copy is, and goes on as it grows.
Method: a second implementation of the format (journal_stream.py) reads and verifies it; what came is compared with the files.
"""
import os
import unittest

from journal_stream import JournalStream, chained, items_of, query_behind
from server import FolderCase, ServerCase, receive, until


def disk(server, segments):
    """What of these files a stream has: each as far as the frames reach that it sent."""
    text = b""
    for name, n in segments:
        with open(os.path.join(server.data, name), "rb") as file:
            text += file.read(n)
    return text


class Stream(ServerCase):
    def test_until_now_it_is_what_the_files_hold(self):
        for n in range(40):
            self.server.send(**receive(n, "now"))
        self.server.stream([receive(n, "stream", meta={"x": "y" * 900}) for n in range(300)])
        response = self.server.get("/v1/journal?until=now")
        self.assertEqual(response.head["content-type"], "application/vnd.onhand.journal")
        items = items_of(response.body)
        self.assertEqual([items[0].kind, items[1].kind, items[-1].kind], ["mark", "segment", "mark"])
        self.assertTrue(items[-1].end)
        self.assertFalse(items[0].end)
        chain, ordinal = 0, 0
        for item in items:
            if item.kind == "frame":
                self.assertTrue(chained(chain, item))
                chain, ordinal = item.chain, ordinal + 1
                self.assertEqual(item.ordinal, ordinal)
        content = b"".join(item.data for item in items if item.kind != "mark")
        self.assertTrue(content == disk(self.server, [("%020d.journal" % 1, len(content))]))
        self.assertGreaterEqual(items[-1].ordinal, ordinal)

    def test_it_goes_on_behind_any_frame(self):
        for n in range(12):
            self.server.send(**receive(n, "behind"))
        until(lambda: items_of(self.server.get("/v1/journal?until=now").body)[-2].last_seq <
              items_of(self.server.get("/v1/journal?until=now").body)[-2].first_seq, "no seal")
        items = items_of(self.server.get("/v1/journal?until=now").body)
        ledger = items[1].ledger
        frames = [item for item in items if item.kind == "frame"]
        for i, frame in enumerate(frames):
            with self.subTest(frame=frame.ordinal):
                rest = items_of(self.server.get("/v1/journal?until=now&" + query_behind(frame, ledger)).body)
                self.assertTrue([item.data for item in rest if item.kind == "segment"] ==
                                ([items[1].data] if frame is not frames[-1] else []))
                self.assertEqual([item.data for item in rest if item.kind == "frame"],
                                 [item.data for item in frames[i + 1:]])
        # A position alone: the frame with the event behind it is the first.
        for frame in frames:
            rest = items_of(self.server.get("/v1/journal?until=now&after=1-%d" % frame.last_seq).body)
            first = next((item for item in rest if item.kind == "frame"), None)
            wanted = next((item for item in frames if frame.last_seq == 0 or item.last_seq > frame.last_seq), None)
            self.assertEqual(first and first.ordinal, wanted and wanted.ordinal)

    def test_it_goes_on_as_the_journal_grows(self):
        stream = JournalStream(self.server, "?after=" + self.server.position())
        items = iter(stream)
        self.assertEqual(next(items).kind, "mark")
        kinds = set()
        for n in range(5):
            seq = self.server.send(**receive(n, "grow")).json()["position"]
            for item in items:
                kinds.add(item.kind)
                if item.kind == "frame" and item.first_seq <= item.last_seq:
                    break
            self.assertIn("segment", kinds)
            self.assertEqual("1-%d" % item.last_seq, seq)
            for item in items:
                if item.kind == "mark" and item.current:
                    break
            self.assertGreaterEqual(item.seq, int(seq[2:]))
        # Nothing happens: it still says that it lives.
        walls = []
        for item in items:
            if item.kind == "mark":
                walls.append(item.wall_us)
            if len(walls) == 3:
                break
        self.assertLess(walls[0], walls[2])
        stream.close()

    def test_a_copy_that_is_none_is_told(self):
        self.server.send(**receive(1, "none"))
        items = items_of(self.server.get("/v1/journal?until=now").body)
        ledger = items[1].ledger
        last = [item for item in items if item.kind == "frame"][-1]
        rows = [("ledger=" + "0" * 32, 409, "other_ledger"),
                ("ledger=xyz", 422, "bad_value"),
                ("after=1-1&frame=2&chain=00000000", 409, "journal_diverged"),
                (query_behind(last).replace("frame=%d" % last.ordinal, "frame=%d" % (last.ordinal + 1000)), 409,
                 "journal_diverged"),
                ("after=1-999999999", 200, None),
                ("after=2-1", 409, "epoch_ahead"),
                ("after=0-1", 409, "feed_forked"),
                ("after=1-1&frame=2", 422, "missing_field"),
                ("frame=2&chain=00000000", 422, "missing_field"),
                ("after=1-1&frame=0&chain=00000000", 422, "bad_value"),
                ("after=1-1&frame=2&chain=0000000g", 422, "bad_value"),
                ("after=one", 422, "bad_value"),
                ("until=then", 422, "bad_value"),
                ("colour=red", 422, "unknown_field"),
                ("ledger=" + ledger.hex(), 200, None)]
        for query, status, code in rows:
            with self.subTest(query=query):
                answer = self.server.get("/v1/journal?" + query + ("" if "until" in query else "&until=now"))
                self.assertEqual(answer.status, status)
                self.assertEqual(answer.json()["code"] if code else None, code)


class Segments(FolderCase):
    def test_over_segments_from_memory_and_from_disk(self):
        server = self.start("--segment-mib", "8")
        for part in range(2):
            server.stream([receive(n, "part%d" % part, meta={"x": "y" * 900}) for n in range(9000)])
        names = sorted(name for name in os.listdir(server.data) if name.endswith(".journal"))
        self.assertGreater(len(names), 1)
        before = server.get("/v1/journal?until=now").body
        server.stop()
        server.start()
        after = server.get("/v1/journal?until=now").body  # from disk: the tail is empty

        def content(body):
            return b"".join(item.data for item in items_of(body, quick=True) if item.kind != "mark")

        before, after = content(before), content(after)
        self.assertTrue(after.startswith(before))
        ends = [i for i in range(0, len(after), 512) if after[i:i + 8] == b"\xffonhseg\n"] + [len(after)]
        self.assertTrue(after == disk(server, [(name, ends[i + 1] - ends[i]) for i, name in enumerate(names)]))
        server.stop()


if __name__ == "__main__":
    unittest.main()
