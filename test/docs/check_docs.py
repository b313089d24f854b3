#!/usr/bin/env python3
"""
Goal: the pages say what the source says.
Method: tables are compared with the lists they come from (code.h, status.h, http1.h); options of `serve`, metrics,
limits and codes of calls are looked up in their pages; every relative link leads somewhere; nothing names a machine's
own paths.
`onhand help serve` is asked when ONHAND_BIN (default build/onhand) is there, else that one test is skipped.
"""
import os
import re
import subprocess
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BIN = os.path.abspath(os.environ.get("ONHAND_BIN", os.path.join(ROOT, "build", "onhand")))
STRING = r'"((?:[^"\\]|\\.)*)"'
# Third-party pages and what is built are not ours to check.
SKIP = {".git", "node_modules", "online-retail"}


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def pages():
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in SKIP and not name.startswith("build")]
        for name in files:
            if name.endswith(".md"):
                yield os.path.relpath(os.path.join(folder, name), ROOT)


def rows_under(text, heading):
    """Cells of the first table behind a heading, without its two head lines."""
    part = text.split("## " + heading + "\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in part.splitlines() if line.startswith("|")]
    return [tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]) for row in rows[2:]]


def prose(text):
    """Without code blocks and code spans."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))


class Docs(unittest.TestCase):
    def test_codes_are_those_of_the_ledger(self):
        source = re.findall(r"X\((\w+), (\d+), %s\)" % STRING, read("src/ledger/code.h"))
        wanted = [("`%s`" % name, http, meaning) for name, http, meaning in source if name != "none"]
        self.assertTrue(wanted)
        self.assertEqual(rows_under(read("docs/errors.md"), "Codes of commands"), wanted)

    def test_statuses_are_those_of_base(self):
        source = re.findall(r"X\((\w+), %s, %s\)" % (STRING, STRING), read("src/base/status.h"))
        self.assertTrue(source)
        self.assertEqual(rows_under(read("docs/errors.md"), "Operating statuses"), source)

    def test_http_errors_are_those_of_the_parser(self):
        source = re.findall(r"X\((\w+), (\d+), %s\)" % STRING, read("src/api/http1.h"))
        wanted = [row for row in source if row[0] != "NONE"]
        self.assertTrue(wanted)
        self.assertEqual(rows_under(read("docs/errors.md"), "HTTP"), wanted)

    def test_codes_of_calls_are_listed(self):
        used = set()
        for name in sorted(os.listdir(os.path.join(ROOT, "src", "api"))):
            if not name.endswith(".c"):
                continue
            text = read("src/api/" + name)
            for call in re.finditer(r"\brespond_(?:problem|problem_with|fatal)\(connection,", text):
                arguments = text[call.end():].split(";", 1)[0].split("TEXT", 1)[0]
                used |= set(re.findall(r'"([a-z_]+)"', arguments))
        self.assertGreater(len(used), 10)
        listed = set()
        for row in rows_under(read("docs/errors.md"), "Codes of calls"):
            listed |= set(re.findall(r"`([a-z_]+)`", row[0]))
        self.assertFalse(used - listed, "not in docs/errors.md")

    def options(self):
        table = read("src/cli/cmd_serve.c").split("table[] = {", 1)[1].split("};", 1)[0]
        options = re.findall(r'\{"([a-z-]+)", ARGS_', table)
        self.assertTrue(options)
        return options

    def test_options_of_serve_are_in_operations(self):
        rows = rows_under(read("docs/operations.md"), "Starting")
        listed = [re.match(r"`--([a-z-]+)", row[0]).group(1) for row in rows if row[0].startswith("`--")]
        self.assertEqual(sorted(listed), sorted(self.options()))

    def test_defaults_of_serve_are_in_operations(self):
        text = read("src/server/server.c").split("void server_options_init", 1)[1].split("\n}", 1)[0]
        values = dict(re.findall(r"\.(\w+) = ([^,{}\n]+?)[,}]", text))
        defaults = {row[0].split()[0].strip("`-"): row[1] for row in rows_under(read("docs/operations.md"), "Starting")
                    if row[0].startswith("`--")}
        for option, field in (("connections-max", "connections_max"), ("id-window", "id_window_s"),
                              ("id-capacity", "id_capacity"), ("items-max", "item_count_max"),
                              ("cells-max", "cell_count_max"), ("holds-max", "claim_count_max"),
                              ("transfers-max", "transfer_count_max"), ("expectations-max", "expectation_count_max"),
                              ("document-lines-max", "document_line_count_max"),
                              ("counts-max", "mark_count_max"),
                              ("reviews-max", "review_count_max"),
                              ("statements-max", "statement_count_max"),
                              ("clock-step", "clock_step_s"), ("spin", "spin_us")):
            product = 1
            for factor in re.findall(r"\d+", re.sub(r"U?INT\d+_C", "", values[field])):
                product *= int(factor)
            with self.subTest(option=option):
                self.assertEqual(defaults[option], str(product))

    @unittest.skipUnless(os.access(BIN, os.X_OK), "there is no program to ask; set ONHAND_BIN")
    def test_options_of_serve_are_in_its_help(self):
        done = subprocess.run([BIN, "help", "serve"], capture_output=True, text=True, timeout=30, check=True)
        listed = re.findall(r"^  --([a-z-]+)", done.stdout, re.M)
        self.assertEqual(sorted(listed), sorted(self.options()))

    def test_metrics_are_in_operations(self):
        source = read("src/api/operations_route.c") + read("src/api/starting_route.c")
        names = set(re.findall(r'"(onhand_\w+)"', source))
        listed = {row[0].strip("`") for row in rows_under(read("docs/operations.md"), "Health")}
        self.assertTrue(names)
        self.assertEqual(listed, names)

    def test_limits_are_named_as_in_the_source(self):
        source = ""
        for folder in ("src/api", "src/ledger"):
            for name in os.listdir(os.path.join(ROOT, folder)):
                if name.endswith((".c", ".h")):
                    source += read(folder + "/" + name)
        defined = set(re.findall(r"#define (\w+)", source))
        names = set()
        for line in read("docs/protocol.md").split("## Limits", 1)[1].splitlines():
            names |= set(re.findall(r"`([A-Z0-9]+(?:_[A-Z0-9]+)+)`", line))
        self.assertGreater(len(names), 10)
        self.assertFalse(names - defined, "not in the source")

    def test_links_lead_somewhere(self):
        for page in pages():
            text = re.sub(r"^```.*?^```", "", read(page), flags=re.M | re.S)
            for target in re.findall(r"\]\(([^)\s]+)\)", text):
                if re.match(r"[a-z]+:", target):
                    continue
                path, _, anchor = target.partition("#")
                full = os.path.normpath(os.path.join(ROOT, os.path.dirname(page), path) if path else
                                        os.path.join(ROOT, page))
                with self.subTest(page=page, target=target):
                    self.assertTrue(os.path.exists(full), "leads nowhere")
                    self.assertTrue(full.startswith(ROOT + os.sep), "leads out of the tree")
                    if anchor:
                        with open(full, encoding="utf-8") as file:
                            headings = re.findall(r"^#+ (.*)$", file.read(), re.M)
                        anchors = {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-")
                                   for heading in headings}
                        self.assertIn(anchor, anchors)

    def test_files_and_functions_that_architecture_names_exist(self):
        source, files = "", set()
        for folder, folders, names in os.walk(os.path.join(ROOT, "src")):
            for name in names:
                files.add(name)
                if name.endswith((".c", ".h", ".cc")):
                    with open(os.path.join(folder, name), encoding="utf-8") as file:
                        source += file.read()
        text = read("ARCHITECTURE.md")
        for span in set(re.findall(r"`([^`\n]+)`", text)):
            with self.subTest(name=span):
                if re.fullmatch(r"[\w/]+\.(?:c|h|cc)", span):
                    self.assertIn(os.path.basename(span), files)
                elif re.fullmatch(r"[a-z]\w*_\w+", span):
                    self.assertRegex(source, r"\b%s\b" % span)

    def test_files_that_guarantees_name_exist(self):
        for span in set(re.findall(r"`(test/[\w./]+)`", read("docs/guarantees.md"))):
            with self.subTest(file=span):
                self.assertTrue(os.path.exists(os.path.join(ROOT, span)))

    def test_the_readme_names_the_two_commands(self):
        text = read("README.md")
        for command in ("make demo", "make test"):
            self.assertIn(command, text)

    def test_every_target_of_make_that_is_named_exists(self):
        if not os.path.exists(os.path.join(ROOT, "Makefile")):
            self.skipTest("there is no Makefile")
        targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.M))
        for page in pages():
            for name in re.findall(r"`make ([a-z-]+)[^`\n]*`|^make ([a-z-]+)", read(page), re.M):
                with self.subTest(page=page, target=name):
                    self.assertIn(name[0] or name[1], targets)

    def test_every_decision_is_in_the_list(self):
        names = {name for name in os.listdir(os.path.join(ROOT, "docs", "decisions")) if name != "README.md"}
        listed = set(re.findall(r"\]\(([\w-]+\.md)\)", read("docs/decisions/README.md")))
        self.assertEqual(names, listed)
        numbers = sorted(int(name[:4]) for name in names)
        self.assertEqual(len(numbers), len(set(numbers)))

    def test_no_paths_of_one_machine(self):
        for page in pages():
            with self.subTest(page=page):
                self.assertNotRegex(read(page), r"(?<![\w.])/(?:home|root|work|tmp|Users)/")
                self.assertNotRegex(prose(read(page)), r"\b(?:TODO|FIXME|XXX)\b")


if __name__ == "__main__":
    unittest.main()
