"""
Answers that are much larger than their commands, and arrays that are taken in several pieces: nobody waits for another
connection's work, nothing is dropped, and memory has a bound.
"""
import json
import threading
import time
import unittest

from server import ServerCase, ndjson, receive, request_bytes

# Far above what a right server needs under a sanitizer on a busy machine; the defect took longer without one.
PATIENCE_S = 60


class Backpressure(ServerCase):
    def while_probed(self, action):
        """Runs it while another connection asks for its life; returns the result and the longest such wait."""
        longest, over = [0.0], threading.Event()

        def probe():
            with self.server.connect(timeout=2 * PATIENCE_S) as wire:
                while not over.is_set():
                    begin = time.monotonic()
                    wire.request("GET", "/livez")
                    longest[0] = max(longest[0], time.monotonic() - begin)
                    time.sleep(0.01)

        thread = threading.Thread(target=probe)
        thread.start()
        try:
            result = action()
        finally:
            over.set()
            thread.join()
        return result, longest[0]

    def stream(self, commands):
        """Sends on one thread and reads on another, as a sender of much must."""
        body = ndjson(commands)
        with self.server.connect(timeout=PATIENCE_S) as wire:
            head = request_bytes(self.server.port, "POST", "/v1/commands", body,
                                 {"Content-Type": "application/x-ndjson"})
            thread = threading.Thread(target=wire.try_send, args=(head,))
            thread.start()
            try:
                status, _ = wire.head()
                self.assertEqual(status, 200)
                return [json.loads(line) for line in wire.body_lines()]
            finally:
                wire.socket.shutdown(2)
                thread.join()

    def test_a_repeated_stream_of_short_commands_with_long_answers_gets_them_all(self):
        """A `release` without lines answers with every cell of its hold; repeated, they all come back at once."""
        cells, holds = 500, 600  # the answers of one batch, 512 of them, are 84 MB
        lines = [{"item": "i" * 110 + str(k), "location": "l" * 120, "quantity": 1} for k in range(cells)]
        stock = [dict(line, quantity=holds) for line in lines]
        self.assertEqual(self.server.send(kind="receive", source="big", id="r", lines=stock).status, 200)
        answers = self.stream([{"kind": "hold", "source": "big", "id": "h%d" % n, "hold": "big%d" % n, "lines": lines}
                               for n in range(holds)])
        self.assertEqual([a["status"] for a in answers], ["accepted"] * holds)
        releases = [{"kind": "release", "source": "big", "id": "x%d" % n, "hold": "big%d" % n} for n in range(holds)]
        # What has no record to be read back keeps its place and its name too.
        releases[holds // 2:holds // 2] = [{"kind": "nonsense"}, dict(releases[0], hold="other"),
                                           dict(releases[1], id="dry", dry_run=True)]
        for replayed in (False, True):
            answers = self.stream(releases)
            self.assertEqual([a["line"] for a in answers], list(range(1, holds + 4)))
            bad, reused, dry = answers[holds // 2:holds // 2 + 3]
            self.assertEqual(bad["status"], "invalid")
            self.assertEqual((reused["status"], reused["code"], reused["id"]), ("invalid", "id_reused", "x0"))
            self.assertEqual((dry["status"], dry["code"], dry["dry_run"]), ("refused", "hold_ended", True))
            del answers[holds // 2:holds // 2 + 3]
            self.assertEqual({a["status"] for a in answers}, {"accepted"})
            self.assertEqual({a["replayed"] for a in answers}, {replayed})
            self.assertEqual({len(a["figures"]) for a in answers}, {cells})

    def test_a_large_array_does_not_hold_up_other_connections(self):
        """It is parsed again for each piece that is taken from it, and for nothing else."""
        body = json.dumps([receive(n, item="array", reason="x" * 120, meta={"m": "y" * 500})
                           for n in range(10000)]).encode()
        for replayed in (False, True):
            with self.server.connect(timeout=2 * PATIENCE_S) as wire:
                answer, longest = self.while_probed(lambda w=wire: w.request("POST", "/v1/commands", body))
            self.assertEqual([a["line"] for a in answer.json()], list(range(1, 10001)))
            self.assertEqual({a["replayed"] for a in answer.json()}, {replayed})
            self.assertLess(longest, 10)


if __name__ == "__main__":
    unittest.main()
