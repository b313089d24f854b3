#!/usr/bin/env python3
"""
Goal: the recipe for orders that span systems (docs/recipes/orders-across-systems.md) does what it says.
Method: the page is run from top to bottom: its commands are sent, what comes back is held against the block below; its
comments say which connections are cut. Then once more with every command cut several times before it is answered. Its
outbox sends through a proxy that loses requests and answers, while the server is killed now and then.
"""
import json
import os
import random
import re
import socket
import threading
import time
import unittest

from server import FolderCase, request_bytes, verify

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "recipes",
                    "orders-across-systems.md")
LOST, NEVER, KILLED = "the answer is lost", "it never arrives", "the server is killed before it answers"
CUTS = (LOST, NEVER, KILLED)


def page():
    """The page's blocks and comments in order: (json, object), (python, text), (comment, text)."""
    with open(PAGE, encoding="utf-8") as file:
        text = file.read()
    for match in re.finditer(r"^```(\w*)\n(.*?)^```$|^<!-- (.*?) -->$", text, re.M | re.S):
        if match.group(3) is not None:
            yield "comment", match.group(3)
        else:
            yield match.group(1), json.loads(match.group(2)) if match.group(1) == "json" else match.group(2)


def part_of(wanted, found):
    """What is wanted of an answer; lists as a whole."""
    return {name: found.get(name, "(not there)") for name in wanted}


class Recipe(FolderCase):
    def setUp(self):
        super().setUp()
        self.server = self.start()

    def lose(self, command, how):
        """Sends the command so that there is no answer."""
        before = self.server.position()
        data = request_bytes(self.server.port, "POST", "/v1/commands", json.dumps(command).encode())
        with self.server.connect() as wire:
            if how == NEVER:
                wire.send(data[:-5])
                return
            wire.send(data)
            end = time.monotonic() + 60
            while how == LOST and self.server.position() == before:
                self.assertLess(time.monotonic(), end, "a command was not decided: %r" % command)
                if command["id"] in self.decided:
                    break  # known already, or perhaps: there will be no new position
                time.sleep(0.001)
        self.decided.add(command["id"])
        if how == KILLED:
            self.server.kill()
            self.server.start()

    def expired(self, hold):
        end = time.monotonic() + 60
        while self.server.get("/v1/holds/" + hold).json()["state"] != "expired":
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)

    def run_page(self, prepare, ignored=()):
        """Sends every command, those that the page loses too. How many, and how many answers were compared."""
        self.decided = set()
        steps = [step for step in page() if step[0] != "python"]
        sent, compared, answer = 0, 0, None
        for (kind, step), (kind_next, step_next) in zip(steps, steps[1:] + [("", None)]):
            if kind == "comment":
                match = re.fullmatch(r"(\S+) has expired", step)
                if match:
                    self.expired(match.group(1))
                else:
                    self.assertIn(step, CUTS)
            elif "kind" in step:
                if kind_next == "comment" and step_next in CUTS:
                    self.lose(step, step_next)
                    continue
                self.assertTrue(kind_next == "json" and "status" in step_next, "no answer stands below %r" % step)
                prepare(step)
                answer = self.server.send(**step).json()
                self.decided.add(step["id"])
                sent += 1
            else:
                wanted = {name: value for name, value in step.items() if name not in ignored}
                self.assertEqual(part_of(wanted, answer), wanted, answer)
                compared += 1
        return sent, compared

    def test_the_page_from_top_to_bottom(self):
        sent, compared = self.run_page(lambda command: None)
        self.assertEqual(sent, compared)
        self.assertGreater(sent, 15)
        self.server.stop()
        verify(self.server.data)

    def test_the_page_with_every_command_lost_before_it_is_answered(self):
        """The same answers, whatever was lost: only whether it was the first one may differ."""
        prng, lost = random.Random(7), dict.fromkeys(CUTS, 0)

        def lose_some(command):
            for how in prng.choices(CUTS, weights=(4, 4, 1), k=prng.randint(1, 3)):
                self.lose(command, how)
                lost[how] += 1

        self.run_page(lose_some, ignored=("replayed",))
        self.assertGreater(min(lost.values()), 0, lost)
        events = self.server.events("&include=refused")
        applied = [event["id"] for event in events if event["part"][0] == 1 and event["source"][0] != "@"]
        self.assertEqual(len(applied), len(set(applied)))
        self.server.stop()


class Lossy:
    """A proxy in front of a server: each request is lost, or its answer, or passes; what becomes of it is its dice."""
    FATES = ("refused", "half a request", "no answer", "half an answer", "retry", "unknown", "passed", "passed",
             "passed")

    def __init__(self, case):
        self.case, self.prng, self.count = case, random.Random(3), dict.fromkeys(self.FATES, 0)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                caller, _ = self.listener.accept()
            except OSError:
                return
            with caller:
                fate = self.prng.choice(self.FATES)
                self.count[fate] += 1
                try:
                    self.treat(caller, fate)
                except OSError:
                    pass

    def treat(self, caller, fate):
        caller.settimeout(10)
        if fate == "refused":
            return
        data = b""
        while not re.search(rb"\r\n\r\n.*\}$", data, re.S):
            more = caller.recv(65536)
            if not more:
                return
            data += more
        if fate == "retry":
            self.say(caller, 503, "retry")
            return
        port = self.case.server.port
        with socket.create_connection(("127.0.0.1", port), timeout=10) as server:
            data = re.sub(rb"Host: \S+", b"Host: 127.0.0.1:%d" % port, data)
            server.sendall(data[:-9] if fate == "half a request" else data)
            if fate == "half a request":
                return
            answer = b""
            while more := server.recv(65536):
                answer += more
        if fate == "unknown":
            self.say(caller, 500, "unknown")
        elif fate != "no answer":
            caller.sendall(answer[:-9] if fate == "half an answer" else answer)

    def say(self, caller, status, outcome):
        body = json.dumps({"status": status, "outcome": outcome}).encode()
        caller.sendall(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (status, len(body),
                                                                                                body))

    def close(self):
        self.listener.close()


class Outbox(FolderCase):
    def test_what_is_in_the_outbox_is_done_once(self):
        """
        100 of `cup` at DC. 20 orders of 4, one after the other held, paid and confirmed; every second one is
        cancelled. However often a request, an answer or the server is lost: 10 orders stand, 40 committed, 60
        available, and each of the 51 commands has exactly one decision and its answer in the outbox.
        """
        self.server = self.start()
        recipe = {}
        exec(next(text for kind, text in page() if kind == "python"), recipe)
        path = os.path.join(self.folder, "outbox")
        db = recipe["outbox_open"](path)
        line = {"item": "cup", "location": "DC"}
        with db:
            recipe["outbox_put"](db, {"kind": "receive", "source": "wms", "id": "1", **line, "quantity": 100})
        for n in range(20):
            hold = {"source": "shop", "hold": "order-%d" % n}
            with db:
                recipe["outbox_put"](db, {"kind": "hold", "id": "%d-try" % n, **hold, **line, "quantity": 4})
                recipe["outbox_put"](db, {"kind": "commit", "id": "%d-confirm" % n, **hold, "paid": True})
                if n % 2:
                    recipe["outbox_put"](db, {"kind": "release", "id": "%d-cancel" % n, **hold})
        with self.assertRaises(ZeroDivisionError), db:  # the order is not written: neither is its command
            recipe["outbox_put"](db, {"kind": "hold", "id": "no", "source": "shop", "hold": "no", **line,
                                      "quantity": 1})
            raise ZeroDivisionError
        proxy, rounds = Lossy(self), 0
        while not recipe["outbox_send"](db, proxy.url, 5):
            rounds += 1
            self.assertLess(rounds, 1000)
            if rounds % 20 == 0:
                self.server.kill()
                self.server.start()
            if rounds % 7 == 0:  # the worker dies, another one comes
                db.close()
                db = recipe["outbox_open"](path)
        self.assertTrue(recipe["outbox_send"](db, "http://127.0.0.1:1"))  # nothing is left to be sent
        proxy.close()
        self.assertGreater(min(proxy.count.values()), 0, proxy.count)
        answers = [json.loads(answer) for (answer,) in db.execute("SELECT answer FROM outbox ORDER BY number")]
        db.close()
        self.assertEqual([answer["status"] for answer in answers], ["accepted"] * 51)
        self.assertTrue(any(answer["replayed"] for answer in answers))
        cell = self.server.cell("cup", "DC")
        self.assertEqual((cell["on_hand"], cell["held"], cell["committed"], cell["available"], cell["version"]),
                         (100, 0, 40, 60, 51))
        events = self.server.events()
        self.assertEqual([event["position"] for event in events if event.get("item") == "cup"],
                         [answer["position"] for answer in answers])
        self.server.stop()


if __name__ == "__main__":
    unittest.main()
