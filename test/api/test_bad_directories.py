#!/usr/bin/env python3
"""
Goal: a data directory that is damaged, foreign, newer, half copied or not to be written is refused with what, where and what to
do, and a refused start has changed nothing.
Method: a journal of three segments by the real server; a row for each harm that is done to a copy of it. `onhand serve` and
`onhand verify` are run on the copy, as nobody where rights matter; what is in it is hashed before and after.
"""
import fcntl
import hashlib
import os
import shutil
import stat
import struct
import subprocess
import tempfile
import unittest

from server import BIN, Server, receive

TIER = "check"

HEADER_BYTES = 4096
NOBODY = 65534
ROOT = os.geteuid() == 0
OK, REFUSED, FILES = 0, 1, 4


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def content(folder):
    """Everything in it: names, kinds, rights, sizes, times, bytes."""
    rows = []
    for at, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(at, name)
            about = os.lstat(path)
            digest = ""
            if stat.S_ISREG(about.st_mode):
                with open(path, "rb") as file:
                    digest = hashlib.blake2b(file.read()).hexdigest()
            rows.append((os.path.relpath(path, folder), about.st_mode, about.st_size, about.st_mtime_ns, about.st_ino, digest))
    return sorted(rows)


def patch(path, offset, data):
    """In a file of its own: the copies are links."""
    with open(path, "rb") as file:
        whole = bytearray(file.read())
    whole[offset:offset + len(data)] = data
    os.unlink(path)
    with open(path, "wb") as file:
        file.write(whole)


def cut(path, size):
    with open(path, "rb") as file:
        whole = file.read(size)
    os.unlink(path)
    with open(path, "wb") as file:
        file.write(whole)


class BadDirectories(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="onhand-api-")
        os.chmod(cls.folder, 0o755)
        cls.program = os.path.join(cls.folder, "onhand")  # where nobody can run it, too
        shutil.copy(BIN, cls.program)
        os.chmod(cls.program, 0o755)
        cls.good = cls.make("good", 16000)
        cls.other = cls.make("other", 10)
        names = sorted(name for name in os.listdir(cls.good) if name.endswith(".journal"))
        cls.first, cls.middle, cls.last = names[0], names[1], names[-1]
        assert len(names) >= 3, names

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    @classmethod
    def make(cls, name, count):
        server = Server(os.path.join(cls.folder, name), ["--segment-mib", "8"], start=False)
        os.mkdir(server.folder)
        server.start()
        try:
            rows = server.stream([receive(n, item="i%d" % (n % 50), meta={"pad": "x" * 1000}) for n in range(count)]).lines()
            assert all(row["status"] == "accepted" for row in rows), rows[-1]
            server.stop()
        finally:
            server.kill()
        for file in os.listdir(server.data):  # the zeros ahead are no part of it
            path = os.path.join(server.data, file)
            with open(path, "rb") as opened:
                kept = len(opened.read().rstrip(b"\0"))
            os.truncate(path, -(-kept // HEADER_BYTES) * HEADER_BYTES)
        return server.data

    def setUp(self):
        self.place = tempfile.mkdtemp(prefix="case-", dir=self.folder)
        os.chmod(self.place, 0o755)
        self.data = os.path.join(self.place, "data")
        shutil.copytree(self.good, self.data, copy_function=os.link)

    def path(self, name):
        return os.path.join(self.data, name)

    def run_as(self, arguments, nobody):
        return subprocess.run([self.program, *arguments], capture_output=True, text=True, timeout=120,
                              **({"user": NOBODY, "group": NOBODY, "extra_groups": []} if nobody and ROOT else {}))

    def refused(self, words, verify, options=(), nobody=False):
        """`serve` says the words and ends with 4, `verify` with this code; nothing has changed."""
        for path in [self.place, *(os.path.join(at, name) for at, folders, files in os.walk(self.place)
                                   for name in folders + files)]:
            if nobody and ROOT:
                os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        before = content(self.place)
        done = self.run_as(["serve", "--data", self.data, "--listen", "127.0.0.1:0", *options], nobody)
        self.assertEqual(done.returncode, FILES, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertNotIn("listening", done.stdout)
        self.assertEqual(content(self.place), before)
        done = self.run_as(["verify", self.data], nobody)
        self.assertEqual(done.returncode, verify, done.stderr)
        if verify != OK:
            self.assertIn(words[0], done.stderr)
        self.assertEqual(content(self.place), before)

    # ---- damaged ----

    def test_a_flipped_bit(self):
        offset = os.path.getsize(self.path(self.middle)) // 2
        with open(self.path(self.middle), "rb") as file:
            file.seek(offset)
            byte = file.read(1)[0]
        patch(self.path(self.middle), offset, bytes([byte ^ 1]))
        self.refused(["acknowledged decisions are damaged", self.middle, "offset", "onhand verify", "restore"], REFUSED)

    def test_a_header_that_fails_its_checksum(self):
        patch(self.path(self.first), 60, b"\xff\xff\xff\xff")
        self.refused(["header is cut off or fails its checksum", self.first, "offset 0", "restore"], REFUSED)

    # ---- foreign ----

    def test_something_else_by_the_name_of_a_segment(self):
        patch(self.path(self.first), 0, b"a letter to somebody")
        self.refused(["is not a segment of a journal", self.first, "Nothing was changed"], REFUSED)

    def test_a_segment_of_another_ledger(self):
        shutil.copy(os.path.join(self.other, self.first), self.path("%020d.journal" % (int(self.last[:20]) + 10 ** 6)))
        self.refused(["belongs to another ledger", "Move it out"], REFUSED)

    def test_a_name_that_is_none(self):
        shutil.copy(self.path(self.first), self.path("copy of 1.journal"))
        self.refused(["copy of 1.journal", "not named like a segment", "Move it out"], REFUSED)
        done = subprocess.run([BIN, "repair", os.path.dirname(self.path(self.first))], capture_output=True, text=True, timeout=60,
                              check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("Move it out", done.stderr)
        self.assertNotIn("Nothing of it can be kept", done.stderr)

    def test_a_directory_by_the_name_of_a_segment(self):
        os.unlink(self.path(self.last))
        os.mkdir(self.path(self.last))
        self.refused(["Is a directory", self.last, "nothing was changed".capitalize()], FILES)

    def test_a_link_by_the_name_of_a_segment(self):
        os.rename(self.path(self.first), os.path.join(self.place, "elsewhere"))
        os.symlink(os.path.join(self.place, "elsewhere"), self.path(self.first))
        self.refused(["cannot open", self.first, "symbolic links"], FILES)

    # ---- newer ----

    def newer(self, name, at):
        with open(self.path(name), "rb") as file:
            header = bytearray(file.read(HEADER_BYTES))
        struct.pack_into("<H", header, at, 999)
        struct.pack_into("<I", header, HEADER_BYTES - 4, crc32c(header[:-4]))
        patch(self.path(name), 0, bytes(header))

    def test_a_newer_format(self):
        self.newer(self.first, 8)
        self.refused(["was written by a newer version", self.first, "Use that version"], REFUSED)

    def test_a_newer_level_of_its_last_segment(self):
        self.newer(self.last, 10)
        self.refused(["was written by a newer version", self.last, "Use that version"], REFUSED)

    # ---- half copied ----

    def test_the_first_segment_is_missing(self):
        os.unlink(self.path(self.first))
        self.refused(["the first segment is missing", self.middle, "restore"], REFUSED)

    def test_one_between_is_missing(self):
        os.unlink(self.path(self.middle))
        self.refused(["a segment is missing between", self.first, "restore"], REFUSED)

    def test_one_between_is_cut_short(self):
        cut(self.path(self.middle), os.path.getsize(self.path(self.middle)) // 2)
        self.refused(["acknowledged decisions are damaged", self.middle, "offset"], REFUSED)

    def test_one_between_is_empty(self):
        cut(self.path(self.middle), 0)
        self.refused(["header is cut off", self.middle], REFUSED)

    def test_the_last_is_empty(self):
        cut(self.path(self.last), 0)
        self.refused(["header is cut off", self.last], REFUSED)

    def test_the_last_is_zeros(self):
        size = os.path.getsize(self.path(self.last))
        cut(self.path(self.last), 0)
        os.truncate(self.path(self.last), size)
        self.refused(["is not a segment of a journal", self.last], REFUSED)

    # ---- not to be had ----

    def test_a_directory_that_cannot_be_written(self):
        os.chmod(self.data, 0o555)
        self.refused(["the system does not permit it", "write to", self.data, "let onhand's user"], OK, nobody=True)

    def test_a_segment_that_cannot_be_read(self):
        cut(self.path(self.middle), 10 ** 9)  # a file of its own
        os.chmod(self.path(self.middle), 0o200)
        self.refused(["Permission denied", self.middle, "let onhand's user"], FILES, nobody=True)

    def test_a_segment_that_cannot_be_written(self):
        cut(self.path(self.last), 10 ** 9)
        os.chmod(self.path(self.last), 0o400)
        self.refused(["Permission denied", self.last, "let onhand's user"], OK, nobody=True)

    def test_a_mount_that_cannot_be_written(self):
        bind = ["mount", "--bind", self.data, self.data]
        if not ROOT or subprocess.run(bind, capture_output=True, check=False).returncode != 0:
            self.skipTest("mounts are not allowed here")
        try:
            subprocess.run(["mount", "-o", "remount,bind,ro", self.data], check=True, capture_output=True)
            self.refused(["Read-only file system", self.data, "read and write the data directory"], OK)
        finally:
            subprocess.run(["umount", self.data], check=True, capture_output=True)

    def test_a_file_where_a_directory_is_meant(self):
        shutil.rmtree(self.data)
        shutil.copy(os.path.join(self.good, self.first), self.data)
        self.refused(["Not a directory", self.data, "check the name or path"], FILES)

    def test_one_that_another_process_holds(self):
        fd = os.open(self.data, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            self.refused(["another process holds it", self.data, "stop the other process"], FILES)
        finally:
            os.close(fd)

    # ---- good, but not for this start; and a torn tail is not cut by it ----

    def tear(self):
        size = os.path.getsize(self.path(self.last))
        with open(self.path(self.last), "rb") as file:
            whole = file.read()
        os.unlink(self.path(self.last))
        with open(self.path(self.last), "wb") as file:
            file.write(whole + os.urandom(5000))
        return size

    def test_limits_that_it_does_not_fit(self):
        self.tear()
        self.refused(["the journal holds more than this start allows", "raise", "--cells-max", "Nothing was changed"], OK,
                     ["--cells-max", "10"])

    def test_memory_that_is_not_there(self):
        self.tear()
        before = content(self.place)
        done = subprocess.run(["prlimit", "--as=4294967296", self.program, "serve", "--data", self.data, "--listen", "127.0.0.1:0"],
                              capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, FILES, done.stderr)
        self.assertIn("address space for the tables cannot be had", done.stderr)
        self.assertIn("limits", done.stderr)
        self.assertEqual(content(self.place), before)

    def test_nothing_at_all_is_no_journal_to_verify(self):
        shutil.rmtree(self.data)
        done = self.run_as(["verify", self.data], False)
        self.assertEqual(done.returncode, FILES)
        self.assertIn("it does not exist", done.stderr)
        self.assertFalse(os.path.exists(self.data))


if __name__ == "__main__":
    unittest.main()
