#!/usr/bin/env python3
"""Turns a file into the initialiser of a C array: embed.py INPUT OUTPUT."""
import sys

with open(sys.argv[1], "rb") as source, open(sys.argv[2], "w", encoding="ascii") as target:
    data = source.read()
    for start in range(0, len(data), 24):
        target.write(",".join(str(byte) for byte in data[start:start + 24]) + ",\n")
