#!/usr/bin/env python3
"""
Goal: a plain receive, sale and hold cost at most 1.2 times the instructions they cost at the end of the spine
(bench/results/cost_spine.txt).
Method: bench/cost.c does 4,000 and 12,000 commands of a kind under callgrind, which counts the instructions of the two
functions that do the engine's work; a command costs the difference divided by 8,000. Counts do not depend on the load
of the machine, but they do on the compiler: with another one than the figures were taken with, nothing is compared.

    cost.py [--build build]                     compares; fails above the bound
    cost.py --build DIRECTORY --record FILE     writes the figures of another tree's build instead
"""
import argparse
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RECORDED = os.path.join(ROOT, "bench", "results", "cost_spine.txt")
BOUND = 1.2
COMMANDS = 4000
KINDS = ("receive", "sale", "hold")
# The functions counted: all that the engine's thread does, and of it what the ledger decides, applies and encodes.
STAGES = {"in all": ("take_in", "carry_out"), "decided": ("carry_out",)}
SECONDS_MAX = 60  # one run; it takes two


def collected(program, kind, count, functions):
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
               *["--toggle-collect=" + name for name in functions], program, kind, str(count)]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS_MAX)
    except FileNotFoundError:
        sys.exit("valgrind is not installed: make deps-test")
    except subprocess.TimeoutExpired:
        sys.exit("%s %s %d: not done in %d s" % (program, kind, count, SECONDS_MAX))
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or found is None or int(found.group(1)) == 0:
        sys.exit("%s\n%s: no count" % (done.stderr.strip(), " ".join(command)))
    return int(found.group(1))


def measure(program):
    return {(kind, stage): (collected(program, kind, 3 * COMMANDS, functions) -
                            collected(program, kind, COMMANDS, functions)) / (2 * COMMANDS)
            for kind in KINDS for stage, functions in STAGES.items()}


def compiler(program):
    """As the program itself says; the C library's own objects are always gcc's."""
    text = subprocess.run(["readelf", "-p", ".comment", program], capture_output=True, text=True, check=True).stdout
    clang = re.search(r"clang version (\d+[.\d]*)", text)
    gcc = re.search(r"GCC: \(.*\) (\d+[.\d]*)", text)
    return "clang " + clang.group(1) if clang else "gcc " + gcc.group(1)


def recorded():
    figures, by = {}, None
    with open(RECORDED, encoding="ascii") as file:
        for line in file:
            words = line.split()
            if line.startswith("compiler "):
                by = line[len("compiler "):].strip()
            elif words and words[0] in KINDS:
                figures.update({(words[0], stage): int(word) for stage, word in zip(STAGES, words[1:])})
    return figures, by


def record(program, path):
    figures = measure(program)
    with open(path, "w", encoding="ascii") as file:
        file.write("Instructions of one plain command in the release set-up; bench/cost.py --build BUILD --record FILE\n")
        file.write("compiler %s\n\n" % compiler(program))
        file.write("%-10s %8s %8s\n" % ("", *STAGES))
        for kind in KINDS:
            file.write("%-10s %8.0f %8.0f\n" % (kind, *[figures[kind, stage] for stage in STAGES]))


def main():
    parser = argparse.ArgumentParser(description="Instructions of plain commands against those of the spine.")
    parser.add_argument("--build", default=os.path.join(ROOT, "build"), help="a release build (default: build)")
    parser.add_argument("--record", metavar="FILE", help="write the figures instead of comparing them")
    options = parser.parse_args()
    program = os.path.join(options.build, "bench", "cost")
    if not os.path.exists(program):
        sys.exit("%s is not there: build first" % program)
    if options.record:
        record(program, options.record)
        return
    before, by = recorded()
    here = compiler(program)
    if here.split(".")[0] != by.split(".")[0]:
        print("SKIPPED: the spine was counted with %s, this is %s: instructions do not compare" % (by, here))
        print("0 passed, 0 failed, %d skipped" % len(KINDS))
        return
    now = measure(program)
    failed = 0
    print("%-10s %-8s %8s %8s %6s  (at most %g)" % ("", "", "spine", "now", "ratio", BOUND))
    for kind in KINDS:
        ratios = {stage: now[kind, stage] / before[kind, stage] for stage in STAGES}
        for stage in STAGES:
            print("%-10s %-8s %8d %8.0f %6.3f%s" % (kind, stage, before[kind, stage], now[kind, stage], ratios[stage],
                                                    "  TOO MUCH" if ratios[stage] > BOUND else ""))
        failed += max(ratios.values()) > BOUND
    print("%d passed, %d failed" % (len(KINDS) - failed, failed))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
