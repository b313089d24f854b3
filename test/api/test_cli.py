#!/usr/bin/env python3
"""
Goal: the command line keeps its promises: every line answered once however often the connection breaks, files imported
once however often they are sent, messages that name what is wrong, and the exit codes of docs/cli.md.

Method: the real program (environment ONHAND_BIN) against a small server (fake_server.py) that breaks
connections and puts lines off on purpose, and then against `onhand serve` itself, where the program has it.
"""
import datetime
import json
import os
import pty
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from urllib.parse import parse_qs, urlsplit

sys.dont_write_bytecode = True  # the tree stays clean
from fake_server import Fake
from server import Server

BIN = os.environ.get("ONHAND_BIN", "build/onhand")
TIMEOUT_S = 60


def run(*arguments, server=None, stdin=None, timeout=TIMEOUT_S, cwd=None):
    """Runs the program; returns (exit code, standard output, standard error)."""
    environment = dict(os.environ)
    environment.pop("ONHAND_SERVER", None)
    if server:
        environment["ONHAND_SERVER"] = server
    done = subprocess.run([os.path.abspath(BIN), *arguments], input=stdin, capture_output=True, timeout=timeout,
                          env=environment, cwd=cwd, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def commands(count, **more):
    return "".join(json.dumps({"kind": "receive", "source": "s", "id": str(n), "item": "A", "location": "L",
                               "quantity": 1, **more}) + "\n" for n in range(1, count + 1)).encode()


class WithFake(unittest.TestCase):
    def setUp(self):
        self.fake = Fake()
        self.folder = tempfile.mkdtemp(prefix="onhand-cli-")

    def tearDown(self):
        self.fake.shutdown()
        self.fake.server_close()
        shutil.rmtree(self.folder)

    def path(self, name, content=None):
        path = os.path.join(self.folder, name)
        if content is not None:
            with open(path, "wb") as file:
                file.write(content if isinstance(content, bytes) else content.encode())
        return path

    def ids(self):
        return [command["id"] for command in self.fake.log]

    def onhand(self, *arguments, **more):
        return run(*arguments, server=self.fake.address, **more)


class Usage(unittest.TestCase):
    def test_every_subcommand_has_a_page_with_an_example(self):
        code, text, _ = run("help")
        self.assertEqual(code, 0)
        names = [line.split()[0] for line in text.split("subcommands:\n")[1].split("\n\n")[0].splitlines()]
        self.assertEqual(names, ["serve", "send", "get", "feed", "import", "follow", "promote", "backup", "journal", "restore", "repair", "verify", "version", "help"])
        for name in names:
            code, page, _ = run("help", name)
            self.assertEqual(code, 0)
            self.assertIn("usage: onhand " + name, page)
            self.assertIn("example", page)
            self.assertEqual(run(name, "--help")[:2], (0, page))

    def test_every_option_is_on_its_page(self):
        for name in ["send", "get", "feed", "import", "version"]:
            page = run("help", name)[1]
            code, _, error = run(name, "--no-such-option")
            self.assertEqual(code, 2)
            self.assertIn("--no-such-option", error)
            for option in error.split("options:")[1].split():
                if option != "--help":
                    self.assertIn(option, page, name)

    def test_wrong_command_lines_name_what_is_wrong(self):
        for arguments, told in [
            ([], ""), (["frob"], "'frob'"), (["frob"], "send"), (["help", "frob"], "'frob'"), (["send", "a", "b"], "'b'"),
            (["send", "--from", "x"], "'x'"), (["send", "--from"], "--from"), (["send", "--answers", "some"], "'some'"),
            (["send", "--json=yes"], "--json"), (["get"], "stock"), (["get", "frob"], "'frob'"),
            (["get", "item"], "NAME"), (["get", "stock", "A", "--state", "reserved"], "ITEM"),
            (["get", "holds", "h"], "--holder"), (["get", "stock", "--holder", "jo"], "--condition"),
            (["get", "items", "--state", "held"], "get items"), (["get", "figures", "--limit", "1"], "get figures"),
            (["get", "stock", "a", "b", "c"], "'c'"), (["get", "ready", "--item", "a"], "get ready"),
            (["get", "ready", "--server", "ftp://x"], "ftp://x"), (["import"], "FILE.csv"),
            (["import", "x.csv", "--map", "frob=A"], "'frob'"), (["import", "x.csv", "--map", "item"], "'item'"),
            (["import", "x.csv", "--map", "id=A"], "'id'"), (["import", "x.csv", "--separator", "ab"], "'ab'"),
            (["feed", "--limit", "-1"], "'-1'"),
        ]:
            code, _, error = run(*arguments)
            self.assertEqual(code, 2, arguments)
            self.assertIn(told, error)

    def test_a_server_that_is_not_there_is_code_3_and_names_the_address(self):
        for arguments in [["get", "ready"], ["feed"], ["feed", "--follow"], ["send", "-"]]:
            code, _, error = run(*arguments, "--server", "127.0.0.1:9", stdin=commands(1))
            self.assertEqual(code, 3, arguments)
            self.assertIn("http://127.0.0.1:9", error)

    def test_files_that_are_not_there_are_code_4(self):
        for arguments in [["send", "/no/such"], ["import", "/no/such", "--map", "item=a"], ["import", "/", "--map", "item=a"]]:
            code, _, error = run(*arguments)
            self.assertEqual(code, 4)
            self.assertIn(arguments[1], error)

    def test_output_that_cannot_be_written_is_code_4(self):
        with open("/dev/full", "wb") as full:
            code = subprocess.run([os.path.abspath(BIN), "help"], stdout=full, stderr=subprocess.DEVNULL, check=False)
        self.assertEqual(code.returncode, 4)

    def test_version(self):
        self.assertRegex(run("version")[1], r"^onhand \d+\.\d+\.\d+")
        self.assertIn("version", json.loads(run("version", "--json")[1]))


class Send(WithFake):
    def test_all_lines_are_answered_in_order(self):
        code, out, _ = self.onhand("send", "--answers", "all", "--json", stdin=commands(500))
        self.assertEqual(code, 0)
        self.assertEqual([json.loads(line)["line"] for line in out.splitlines()], list(range(1, 501)))
        self.assertEqual(self.ids(), [str(n) for n in range(1, 501)])

    def test_errors_are_named_by_their_line_in_the_input(self):
        text = b"\n" + commands(2) + b"  \r\nnot json\n" + commands(1, kind="ship", id="x") + b"\n"
        code, out, _ = self.onhand("send", "--json", stdin=text)
        self.assertEqual(code, 1)
        answers = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([(a.get("line"), a.get("status")) for a in answers[:2]], [(5, "invalid"), (6, "refused")])
        self.assertEqual(answers[2]["summary"]["accepted"], 2)
        code, out, _ = self.onhand("send", stdin=text)
        self.assertIn("line 5: invalid not_json", out)
        self.assertIn('line 6: refused insufficient_stock: less "free" than asked; A at L: asked 12, free 10', out)

    def test_summary_prints_no_lines(self):
        code, out, _ = self.onhand("send", "--answers", "summary", "--json", stdin=commands(3) + b"x\n")
        self.assertEqual((code, len(out.splitlines())), (1, 1))
        self.assertEqual(json.loads(out)["summary"]["invalid"], 1)

    def test_broken_connections_lose_and_double_nothing(self):
        for answers in ["all", "errors"]:
            with self.subTest(answers=answers):
                self.fake.log.clear()
                self.fake.decided.clear()
                self.fake.break_at = [1, 250, 777, 778, 1999]
                code, out, _ = self.onhand("send", "--answers", answers, "--json", stdin=commands(2000))
                self.assertEqual(code, 0)
                self.assertEqual(self.fake.break_at, [])
                self.assertEqual(self.ids(), [str(n) for n in range(1, 2001)])
                if answers == "all":
                    self.assertEqual([json.loads(line)["line"] for line in out.splitlines()], list(range(1, 2001)))
                else:
                    self.assertEqual(json.loads(out)["summary"]["accepted"], 2000)

    def test_lines_put_off_are_sent_again_in_order(self):
        self.fake.retry_ids = {"3", "40", "41"}
        code, out, _ = self.onhand("send", "--json", "--answers", "all", stdin=commands(100))
        self.assertEqual(code, 0)
        self.assertEqual(self.ids(), [str(n) for n in range(1, 101)])
        self.assertEqual(sorted(json.loads(line)["line"] for line in out.splitlines()), list(range(1, 101)))

    def test_a_shedding_server_is_tried_again(self):
        self.fake.shed = 2
        code, _, _ = self.onhand("send", "--patience", "20", stdin=commands(5))
        self.assertEqual((code, len(self.fake.log)), (0, 5))

    def test_from_and_state(self):
        path, state = self.path("c.ndjson", commands(50)), self.path("state")
        self.assertEqual(self.onhand("send", path, "--from", "41", "--state", state)[0], 0)
        self.assertEqual(self.ids(), [str(n) for n in range(41, 51)])
        self.path("c.ndjson", commands(60))
        self.fake.log.clear()
        self.assertEqual(self.onhand("send", path, "--state", state)[0], 0)
        self.assertEqual(self.ids(), [str(n) for n in range(51, 61)])
        self.path("c.ndjson", commands(2))
        code, _, error = self.onhand("send", path, "--state", state)
        self.assertEqual(code, 4)
        self.assertIn(state, error)

    def test_lines_arrive_while_the_input_is_open(self):
        environment = dict(os.environ, ONHAND_SERVER=self.fake.address)
        with subprocess.Popen([os.path.abspath(BIN), "send", "--answers", "all"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, env=environment) as sender:
            for n, line in enumerate(commands(3).splitlines(True), 1):
                sender.stdin.write(line)
                sender.stdin.flush()
                self.assertIn(f"line {n}: accepted", sender.stdout.readline().decode())
            sender.stdin.close()
            self.assertEqual(sender.wait(TIMEOUT_S), 0)

    def test_a_pause_of_the_input_ends_the_request_so_that_lines_are_confirmed(self):
        environment = dict(os.environ, ONHAND_SERVER=self.fake.address)
        state = self.path("state")
        with subprocess.Popen([os.path.abspath(BIN), "send", "--state", state], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, env=environment) as sender:
            sender.stdin.write(commands(7))
            sender.stdin.flush()
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and not os.path.exists(state):
                time.sleep(0.05)
            with open(state, encoding="ascii") as file:
                self.assertIn("lines 7\n", file.read())
            sender.stdin.close()
            self.assertEqual(sender.wait(TIMEOUT_S), 0)

    def test_many_long_lines_pass_through_bounded_memory(self):
        code, out, _ = self.onhand("send", "--json", stdin=commands(400, reason="r" * 100000))
        self.assertEqual(code, 0, out)
        self.assertEqual(self.ids(), [str(n) for n in range(1, 401)])

    def test_a_line_too_long_stops_with_its_number(self):
        code, _, error = self.onhand("send", stdin=commands(2) + b"x" * (2 << 20) + b"\n")
        self.assertEqual(code, 4)
        self.assertIn("line 3", error)


class GetAndFeed(WithFake):
    def test_stock_as_table_and_as_json(self):
        code, out, _ = self.onhand("get", "stock", "a/b ü")
        self.assertEqual(code, 0)
        self.assertIn("/v1/stock/a%2Fb%20%C3%BC", self.fake.requests[-1][1])
        self.assertIn("on_hand", out.splitlines()[0])
        self.assertIn("1234", out.splitlines()[1])
        self.assertTrue(out.splitlines()[2].startswith("total"))
        self.assertEqual(json.loads(self.onhand("get", "stock", "A", "LON", "--json")[1])["on_hand"], 1234)

    def test_what_is_not_there_is_code_1(self):
        code, _, error = self.onhand("get", "stock", "missing")
        self.assertEqual(code, 1)
        self.assertIn("unknown_item", error)

    def test_pages_hold_every_event_once(self):
        code, out, _ = self.onhand("feed", "--json")
        self.assertEqual(code, 0)
        self.assertEqual([json.loads(line) for line in out.splitlines()], self.fake.events)
        self.assertEqual(len(self.onhand("feed")[1].splitlines()), 8)
        self.assertEqual(len(self.onhand("feed", "--json", "--limit", "2", "--after", "1-4")[1].splitlines()), 2)

    def test_following_resumes_after_each_break(self):
        code, out, _ = self.onhand("feed", "--follow", "--json", "--limit", "7")
        self.assertEqual(code, 0)
        self.assertEqual([json.loads(line)["position"] for line in out.splitlines()], [f"1-{n}" for n in range(1, 8)])
        self.assertIn("1-6", [request[2].get("last-event-id") for request in self.fake.requests])

    def test_now_becomes_a_position_at_once(self):
        self.assertEqual(self.onhand("feed", "--after", "now", "--json")[:2], (0, ""))

    def test_filters_are_passed_on(self):
        self.onhand("feed", "--item", "a*", "--item", "b", "--location", "L&1", "--kind", "sale", "--source", "s", "--type",
                    "oversold", "--include-refused")
        query = parse_qs(urlsplit(self.fake.requests[-1][1]).query)
        self.assertEqual((query["item"], query["location"], query["include"]), (["a*", "b"], ["L&1"], ["refused"]))
        self.assertEqual((query["kind"], query["source"], query["type"]), (["sale"], ["s"], ["oversold"]))


MAP = ["--map", "item=sku,quantity=qty", "--location", "L", "--kind", "sale", "--kind-negative", "return"]


class Import(WithFake):
    def onhand_json(self, *arguments):
        code, out, error = self.onhand("import", *arguments, "--json")
        return code, json.loads(out), error

    def test_rows_become_commands_of_an_ordered_source(self):
        path = self.path("a.csv", b"\xef\xbb\xbfsku,qty,note\r\nA 1 ,5,\"two\r\nlines\"\r\nb,-2,\"a \"\"q\"\"\"\r\nc,1,")
        code, result, _ = self.onhand_json(path, *MAP, "--map", "meta.note=note,reason=#3")
        self.assertEqual((code, result["accepted"], result["rejects_file"]), (0, 3, None))
        self.assertRegex(result["source"], r"^import:[0-9a-f]{16}$")
        log = self.fake.log
        self.assertEqual([(c["id"], c["seq"]) for c in log], [("2", 2), ("4", 4), ("5", 5)])
        self.assertEqual([(c["item"], c["quantity"], c["kind"]) for c in log],
                         [("A 1 ", 5, "sale"), ("b", 2, "return"), ("c", 1, "sale")])
        self.assertEqual((log[0]["meta"]["note"], log[1]["reason"]), ("two\r\nlines", 'a "q"'))
        self.assertNotIn("reason", log[2])

    def test_the_same_file_again_applies_nothing_twice(self):
        path = self.path("a.csv", "sku,qty\n" + "A,1\n" * 1000)
        self.assertEqual(self.onhand_json(path, *MAP)[1]["replayed"], 0)
        code, result, _ = self.onhand_json(shutil.copy(path, self.path("b.csv")), *MAP)
        self.assertEqual((code, result["replayed"], len(self.fake.log)), (0, 1000, 1000))
        self.onhand_json(path, *MAP, "--source-prefix", "again")
        self.assertEqual(len(self.fake.log), 2000)

    def test_rejects_mended_are_imported_alone(self):
        path = self.path("a.csv", 'sku,qty,kind\nA,1,sale\nB,x,sale\nC,3,ship\nD"d,4,sale\nE,5,bogus\nF,6\n"G\n,7,sale\nH,8,sale')
        columns = ["--map", "item=sku,quantity=qty,kind=kind", "--location", "L"]
        code, result, _ = self.onhand_json(path, *columns)
        self.assertEqual((code, result["accepted"], result["refused"], result["invalid"]), (1, 2, 1, 1))
        self.assertEqual(result["rejects_file"], self.path("a.rejects.csv"))
        with open(result["rejects_file"], encoding="utf-8") as file:
            text = file.read()
        rows = [line for line in text.splitlines() if not line.startswith('"#onhand:')]
        self.assertEqual(rows, ["sku,qty,kind", "B,x,sale", "C,3,ship", 'D"d,4,sale', "E,5,bogus", "F,6", '"G', ",7,sale"])
        self.assertIn('line 4: refused insufficient_stock: less ""free"" than asked; C at L: asked 12, free 10"', text)
        self.assertIn("line 6: invalid bad_value, /kind: no kind", text)
        mended = (text.replace("B,x", "B,2").replace("ship", "sale").replace('D"d', '"D""d"').replace("bogus", "sale")
                  .replace("F,6", "F,6,sale").replace('"G\n', "G,7,sale\n").replace("\n,7,sale\n", "\n"))
        mended_path = self.path("a.rejects.csv", mended)
        before = len(self.fake.log)
        code, again, _ = self.onhand_json(mended_path, *columns)
        self.assertEqual((code, again["accepted"]), (0, 6))
        self.assertNotEqual(again["source"], result["source"])
        self.assertEqual([c["item"] for c in self.fake.log[before:]], ["B", "C", 'D"d', "E", "F", "G"])
        self.onhand_json(path, *columns)
        with open(mended_path, encoding="utf-8") as file:
            self.assertEqual(file.read(), mended)  # a second run writes beside it, never over it
        self.assertTrue(os.path.exists(self.path("a.rejects-2.csv")))

    def test_a_named_rejects_file_is_written_anew_and_never_the_input(self):
        path, rejects = self.path("a.csv", "sku,qty\nA,1\n"), self.path("r.csv", "old")
        self.assertEqual(self.onhand_json(path, *MAP, "--rejects", rejects)[0], 0)
        with open(rejects, encoding="utf-8") as file:
            self.assertEqual(file.read(), "sku,qty\n")
        self.assertEqual(self.onhand("import", path, *MAP, "--rejects", path)[0], 2)

    def test_breaks_and_put_off_rows_change_nothing(self):
        path = self.path("a.csv", "sku,qty\n" + "".join(f"I{n},1\n" for n in range(3000)))
        self.fake.break_at = [10, 1500, 2999]
        self.fake.retry_ids = {"77", "2222"}
        code, result, _ = self.onhand_json(path, *MAP)
        self.assertEqual((code, result["accepted"], result["unanswered"]), (0, 3000, 0))
        self.assertEqual([c["item"] for c in self.fake.log], [f"I{n}" for n in range(3000)])

    def test_dry_run_sends_nothing(self):
        path = self.path("a.csv", "sku,qty\nA,1\nB,-2\nC,x\nD,0\n,5\n")
        code, out, _ = self.onhand("import", path, *MAP, "--dry-run")
        self.assertEqual(code, 1)
        self.assertEqual(self.fake.requests, [])
        self.assertIn("rows 5, of which bad 2 (quantity no number 1, needed value empty 1); quantity below 0 1, quantity 0 1",
                      out)
        self.assertIn('"item":"A"', out)

    def test_times_and_kinds_by_sign(self):
        path = self.path("a.csv", "sku;qty;t\nA;1;2010-12-01 08:26:00\nB;-2.50;2010-12-01T08:26+02:00\n")
        code, _, _ = self.onhand_json(path, "--separator", ";", "--map", "item=sku,quantity=qty,occurred_at=t", "--kind", "auto",
                                      "--location", "L", "--zone", "Z")
        self.assertEqual(code, 0)
        self.assertEqual([(c["kind"], c["quantity"], c["occurred_at"]) for c in self.fake.log],
                         [("receive", 1, "2010-12-01T08:26:00Z"), ("sale", 2.5, "2010-12-01T08:26:00+02:00")])

    def test_no_header(self):
        path = self.path("a.csv", "A,1\nB,2\n")
        code, result, _ = self.onhand_json(path, "--no-header", "--map", "item=#1,quantity=#2", "--kind", "sale", "--location",
                                           "L")
        self.assertEqual((code, result["accepted"], self.ids()), (0, 2, ["1", "2"]))

    def test_files_in_another_encoding_are_told_apart(self):
        self.assertIn("UTF-16", self.onhand("import", self.path("w.csv", "sku,qty\nA,1\n".encode("utf-16")), *MAP)[2])
        path = self.path("l.csv", b"sku,qty\n\xa3,1\n")
        code, result, _ = self.onhand_json(path, *MAP)
        self.assertEqual((code, result["not_sent"]), (1, 1))

    def test_a_header_without_the_column_lists_what_there_is(self):
        code, _, error = self.onhand("import", self.path("a.csv", "item,qty\n"), *MAP)
        self.assertEqual(code, 2)
        self.assertIn("'sku'", error)
        self.assertIn("#1 item", error)

    def test_a_terminal_sees_a_bar(self):
        path = self.path("a.csv", "sku,qty\n" + "A,1\n" * 30000)
        ours, theirs = pty.openpty()
        with subprocess.Popen([os.path.abspath(BIN), "import", path, *MAP, "--server", self.fake.address],
                              stdout=subprocess.PIPE, stderr=theirs) as importer:
            os.close(theirs)
            seen = b""
            try:
                while b"left" not in seen:
                    seen += os.read(ours, 4096)
            except OSError:
                pass
            threading.Thread(target=drain, args=(ours,), daemon=True).start()
            importer.stdout.read()
            self.assertEqual(importer.wait(TIMEOUT_S), 0)
        self.assertRegex(seen, rb"\[#*\.*\] +\d+ %  [\d,]+ rows  [\d,]+/s, \d+:\d\d:\d\d left")


def drain(file):
    try:
        while os.read(file, 4096):
            pass
    except OSError:
        pass


class RealServer(unittest.TestCase):
    """The same program at both ends."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="onhand-real-")
        cls.server = Server(cls.folder)
        cls.address = f"http://127.0.0.1:{cls.server.port}"

    @classmethod
    def tearDownClass(cls):
        try:
            cls.server.stop()
        finally:
            cls.server.kill()
            shutil.rmtree(cls.folder)

    def onhand(self, *arguments, **more):
        return run(*arguments, server=self.address, **more)

    def test_what_is_sent_is_shown(self):
        code, out, error = self.onhand("send", "--json", stdin=commands(20, item="real"))
        self.assertEqual(code, 0, out + error)
        code, out, _ = self.onhand("send", "--json", stdin=commands(20, item="real"))
        self.assertEqual((code, json.loads(out)["summary"]["replayed"]), (0, 20))
        self.assertEqual(json.loads(self.onhand("get", "stock", "real", "L", "--json")[1])["on_hand"], 20)
        self.assertIn("20", self.onhand("get", "stock", "real")[1])
        code, out, _ = self.onhand("get", "history", "real", "--location", "L", "--limit", "3")
        rows = [row.split() for row in out.splitlines()]
        self.assertEqual((code, [row[4] for row in rows[:4]]), (0, ["version", "20", "19", "18"]))
        self.assertRegex(out.splitlines()[5], "^next: [0-9a-f]{48}$")
        page = json.loads(self.onhand("get", "history", "real", "--axis", "occurred", "--json")[1])
        self.assertEqual((len(page["entries"]), page["next"]), (20, None))
        first = page["entries"][-1]["recorded_at"]
        was = self.onhand("get", "stock", "real", "L", "--json", "--as-of", first, "--axis", "occurred")
        self.assertGreaterEqual(json.loads(was[1])["on_hand"], 1)
        code, out, _ = self.onhand("get", "stock", "real", "--as-of", "2020-01-01T00:00:00Z")
        self.assertEqual((code, out.splitlines()[-1]), (0, "position: 1-0"))
        self.server.send(kind="set_channel", source="c", id="1", channel="past", locations=["L"], buffer=3)
        self.server.send(kind="hold", source="c", id="2", hold="kept", item="real", location="L", quantity=4, channel="past")
        then = self.server.get("/v1/feed?kind=hold").json()["events"][-1]["recorded_at"]
        for kind, more in (("commit", {}), ("release", {})):
            self.server.send(kind=kind, source="c", id=kind, hold="kept", **more)
        past = ("get", "availability", "--channel", "past", "real")
        code, out, _ = self.onhand(*past, "--as-of", then, "--explain")
        rows = [row.split() for row in out.splitlines()]
        self.assertEqual((code, rows[1], rows[4], rows[5]), (0, ["real", "13"], ["real"], ["13", "ats"]))
        self.assertIn("  -3  buffer  of=channel  set=3", out.splitlines())
        self.assertEqual(self.onhand(*past)[1].splitlines()[1].split(), ["real", "17"])
        self.assertEqual(self.onhand(*past, "--as-of", "2020-01-01T00:00:00Z")[0], 1)
        self.assertEqual(self.onhand("get", "availability", "--channel", "past", "--as-of", then)[0], 2)
        self.assertIn("state: held", self.onhand("get", "hold", "kept", "--as-of", then)[1])
        self.assertIn("state: released", self.onhand("get", "hold", "kept")[1])
        code, _, error = self.onhand("get", "history", "real", "--location", "nowhere")
        self.assertEqual((code, "no location 'nowhere'" in error), (1, True), error)
        code, out, _ = self.onhand("get", "figures", "--item", "real")
        self.assertEqual(code, 0)
        self.assertIn("real", out)
        self.assertEqual(self.onhand("get", "stock", "no such item")[0], 1)

    def test_the_feed_has_every_event(self):
        self.onhand("send", stdin=commands(30, item="fed", source="feeder"))
        out = self.onhand("feed", "--json", "--item", "fed")[1]
        self.assertEqual([json.loads(line)["id"] for line in out.splitlines()], [str(n) for n in range(1, 31)])
        code, out, _ = self.onhand("feed", "--json", "--item", "fed", "--follow", "--limit", "30")
        self.assertEqual((code, len(out.splitlines())), (0, 30))

    def test_drift_is_shown_and_explained(self):
        self.server.request("PUT", "/v1/sources/erp", b'{"snapshot_policy":"count"}')
        for source, name, quantity in (("wms", "d1", 9), ("web", "d2", 9)):
            self.server.send(kind="receive", source=source, id=name, item="drifts", location="L", quantity=quantity, document="DN-9")
        told = self.server.send(kind="snapshot", source="erp", id="d3", item="drifts", location="L", quantity=7,
                                seen={"position": self.server.position()}).json()["position"]
        code, out, _ = self.onhand("get", "drift", "--item", "drifts", "--explain")
        rows = out.splitlines()
        self.assertEqual((code, rows[1].split()), (0, ["erp", "drifts", "L", "7", "18", "-11", "count", told, "-"]))
        tree = rows[rows.index("erp: drifts at L") + 1:]
        self.assertEqual([row.split()[0] for row in tree], ["-11", "-9", "-2"], tree)
        self.assertIn("document=DN-9", tree[1])
        self.assertIn("drifts", self.onhand("get", "drift", "--state", "to_count")[1])
        soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=1)  # that is now
        self.server.send(kind="count", source="wms", id="d4", item="drifts", location="L", quantity=7, counted_to=soon.isoformat())
        self.assertNotIn("drifts", self.onhand("get", "drift", "--state", "to_count")[1])

    def test_holds_are_shown(self):
        hold = {"kind": "hold", "source": "web", "id": "h1", "hold": "cart/1", "item": "held", "location": "L", "quantity": 2}
        receive = {"kind": "receive", "source": "web", "id": "r1", "item": "held", "location": "L", "quantity": 5}
        text = (json.dumps(receive) + "\n" + json.dumps(hold) + "\n").encode()
        self.assertEqual(self.onhand("send", stdin=text)[0], 0)
        self.assertEqual(json.loads(self.onhand("get", "hold", "cart/1", "--json")[1])["hold"], "cart/1")
        self.assertIn("granted", self.onhand("get", "hold", "cart/1")[1])
        code, out, _ = self.onhand("get", "holds", "--item", "held", "--holder", "web", "--state", "open")
        self.assertEqual((code, out.splitlines()[1].split()[:4]), (0, ["cart/1", "held", "web", "-"]))
        self.assertEqual(len(self.onhand("get", "holds", "--state", "ended")[1].splitlines()), 2)

    def test_what_a_channel_may_sell_is_shown_and_followed(self):
        line = {"source": "ch", "item": "sold by channel", "location": "CH"}
        steps = [{"kind": "set_channel", "source": "ch", "id": "1", "channel": "web", "locations": ["CH"], "priority": 1, "cap": 9},
                 {"kind": "receive", "id": "2", **line, "quantity": 7},
                 {"kind": "receive", "id": "3", **line, "item": "another", "quantity": 2},
                 {"kind": "hold", "id": "4", **line, "hold": "waits", "quantity": 8, "wait": True, "expires_in": 0},
                 {"kind": "sale", "id": "5", **line, "quantity": 2}]
        self.assertEqual(self.onhand("send", stdin=b"".join(json.dumps(step).encode() + b"\n" for step in steps))[0], 0)
        code, out, _ = self.onhand("get", "availability", "--channel", "web", "sold by channel", "another", "none")
        self.assertEqual((code, [row.split()[-1] for row in out.splitlines()[:4]]), (0, ["ats", "5", "2", "0"]))
        self.assertRegex(out.splitlines()[4], "^position: 1-")
        code, out, _ = self.onhand("get", "availability", "--channel", "web", "--limit", "1")
        self.assertEqual((code, out.splitlines()[1].split()[-1]), (0, "5"))
        self.assertIn("next: ", out)
        self.assertEqual(json.loads(self.onhand("get", "availability", "--channel", "web", "--q", "noth", "--json")[1])["items"],
                         [{"item": "another", "ats": 2}])
        code, _, error = self.onhand("get", "availability", "--channel", "nobody")
        self.assertEqual((code, "no channel 'nobody'" in error), (1, True), error)
        code, _, error = self.onhand("get", "availability", "none")
        self.assertEqual((code, "--channel CHANNEL" in error), (2, True), error)  # said before anything is asked
        rows = [row.split() for row in self.onhand("get", "channels")[1].splitlines()]
        self.assertIn(["web", "1", "true", "0", "9", "CH"], rows)
        rows = self.onhand("get", "stock", "--channel", "web")[1].splitlines()
        self.assertEqual((rows[0].split()[-2], rows[1].split()[-2]), ("free", "5"))
        self.assertEqual(self.onhand("get", "waiting", "--location", "CH")[1].splitlines()[1].split()[:3],
                         ["waits", "waiting", "ch"])
        code, out, _ = self.onhand("feed", "--channel", "web")
        self.assertEqual((code, [row.split()[-1] for row in out.splitlines()]), (0, ["ats", "2", "5"]))
        code, out, _ = self.onhand("feed", "--channel", "web", "--follow", "--limit", "2", "--json")
        self.assertEqual((code, [json.loads(row)["ats"] for row in out.splitlines()]), (0, [2, 5]))
        self.assertEqual(self.onhand("feed", "--channel", "web", "--after", "now")[1], "")
        self.assertNotEqual(self.onhand("feed", "--channel", "web", "--kind", "sale")[0], 0)

    def test_documents_are_shown(self):
        line = {"item": "sent", "location": "L", "quantity": 3}
        text = [{"kind": "receive", "source": "docs", "id": "1", **line},
                {"kind": "transfer_out", "source": "docs", "id": "2", "transfer": "T/1", "to": "M", "eta": "2999-01-01", **line},
                {"kind": "expect", "source": "docs", "id": "3", "expectation": "PO 1", "direction": "in", "due": "2999-01-02",
                 **line}]
        self.assertEqual(self.onhand("send", stdin="\n".join(map(json.dumps, text)).encode() + b"\n")[0], 0)
        code, out, _ = self.onhand("get", "transfers", "--item", "sent", "--location", "M", "--state", "open")
        self.assertEqual((code, out.splitlines()[1].split()), (0, ["T/1", "open", "L", "M", "2999-01-01"]))
        code, out, _ = self.onhand("get", "expectations", "--direction", "in", "--limit", "5")
        self.assertEqual((code, out.splitlines()[1].split()), (0, ["PO", "1", "open", "in"]))
        self.assertEqual(len(self.onhand("get", "expectations", "--direction", "out")[1].splitlines()), 2)
        self.assertIn(["sent", "M", "3", "-"], [line.split() for line in self.onhand("get", "transfer", "T/1")[1].splitlines()])
        self.assertIn(["sent", "L", "3", "2999-01-02"],
                      [line.split() for line in self.onhand("get", "expectation", "PO 1")[1].splitlines()])
        for thing in ("transfer", "expectation"):
            code, _, error = self.onhand("get", thing, "none")
            self.assertEqual((code, "has no %s 'none'" % thing in error), (1, True), error)

    def test_lists_are_shown_page_by_page(self):
        text = b"".join(commands(1, item="listed %d" % n, source="l%d" % n, location="L & M") for n in range(5))
        text += b'{"kind":"set_channel","id":"c","source":"l0","channel":"shown","locations":["L & M","N"]}\n'
        self.assertEqual(self.onhand("send", stdin=text)[0], 0)
        items, more = [], []
        for _ in range(3):
            code, out, _ = self.onhand("get", "stock", "--q", "listed", "--location", "L & M", "--limit", "2", *more)
            self.assertEqual(code, 0)
            items += [line.split()[1] for line in out.splitlines() if line.startswith("listed")]
            more = ["--cursor", out.splitlines()[-1].removeprefix("next: ")]
        self.assertEqual(items, ["0", "1", "2", "3", "4"])
        self.assertNotIn("next", out)
        page = json.loads(self.onhand("get", "items", "--q", "listed", "--json")[1])
        self.assertEqual(len(page["items"]), 5)
        self.assertIn(["L", "&", "M", "-", "true", "-"],
                      [line.split() for line in self.onhand("get", "locations")[1].splitlines()])
        for kind, name, row in (("location", "L & M", "promise: true"), ("channel", "shown", "locations: L & M,N"),
                                ("source", "l3", "ordered: false")):
            self.assertIn(row, self.onhand("get", kind, name)[1].splitlines())
            code, _, error = self.onhand("get", kind, "none such")
            self.assertEqual((code, "has no %s 'none such'" % kind in error), (1, True), error)
        self.assertEqual(self.onhand("get", "sources", "--q", "l3")[1].splitlines()[1].split(), ["l3", "false", "-"])
        for bad in (["--cursor", "x"], ["--limit", "0"], ["--location", "a", "--location", "b"], ["--state", "held"]):
            code, _, error = self.onhand("get", "stock", *bad)
            self.assertEqual((code, "bad_value" in error), (5, True), error)

    def test_an_import_is_applied_once(self):
        path = os.path.join(self.folder, "i.csv")
        with open(path, "w", encoding="utf-8") as file:
            file.write("sku,qty\n" + "imported,3\n" * 500 + "imported,-1\nimported,0\n")
        for expected in [0, 501]:
            code, out, error = self.onhand("import", path, *MAP, "--json")
            self.assertEqual(code, 1, out + error)
            result = json.loads(out)
            self.assertEqual((result["accepted"], result["invalid"], result["replayed"]), (501, 1, expected))
        self.assertEqual(json.loads(self.onhand("get", "stock", "imported", "L", "--json")[1])["on_hand"], -1499)


if __name__ == "__main__":
    unittest.main(verbosity=2)
