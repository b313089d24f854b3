#!/bin/sh
# Goal: the ledger is pure (DESIGN section 1): no I/O, no clock, no threads, no allocation, no floating point.
# Method: libledger.a and the objects of libbase.a that it pulls in are joined; what stays undefined must be in the
# allow-list, and no instruction may do floating-point arithmetic or conversion (moves through wide registers are fine).
# Usage: test_ledger_pure.sh ALLOWED libledger.a libbase.a
set -eu

allowed=$1
ledger=$2
base=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo 1..2
failed=0

ld -r -o "$work/joined.o" --whole-archive "$ledger" --no-whole-archive "$base"
nm -u "$work/joined.o" | awk '{print $NF}' | sort -u >"$work/undefined"
sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' "$allowed" | sort -u >"$work/allowed"
comm -23 "$work/undefined" "$work/allowed" >"$work/surplus"
if [ ! -s "$work/undefined" ]; then
    echo "# nothing is undefined: the library was not read"
    failed=1
    echo "not ok 1 - the ledger calls nothing but what is allowed"
elif [ -s "$work/surplus" ]; then
    sed 's/^/# calls /' "$work/surplus"
    failed=1
    echo "not ok 1 - the ledger calls nothing but what is allowed"
else
    echo "ok 1 - the ledger calls nothing but what is allowed"
fi

# Mnemonics only: x86 SSE, AVX and x87, then AArch64.
objdump -d --no-show-raw-insn "$work/joined.o" | awk -F '\t' 'NF >= 2 {split($2, word, " "); print word[1]}' |
    sort | uniq -c >"$work/mnemonics"
grep -E ' (v?((add|sub|mul|div|sqrt|min|max|round|rcp|rsqrt|hadd|hsub)|u?comi|cmp[a-z]*)(ss|sd|ps|pd)|v?cvt[a-z0-9]*|vf[a-z0-9]+|f(ld|ild|st|ist|add|iadd|sub|isub|mul|imul|div|idiv|com|ucom|sqrt|prem|chs|abs)[a-z0-9]*|f(max|min|n?m(add|sub)|cvt|cmp|neg|rint)[a-z]*|[su]cvtf)$' \
    "$work/mnemonics" >"$work/floats" || true
if [ ! -s "$work/mnemonics" ] || [ -s "$work/floats" ]; then
    sed 's/^/# floating point: /' "$work/floats"
    failed=1
    echo "not ok 2 - no instruction of the ledger works on floating point"
else
    echo "ok 2 - no instruction of the ledger works on floating point"
fi
exit "$failed"
