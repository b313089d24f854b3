#!/usr/bin/env python3
"""
Goal: the simulation finds what it is there to find. Here are bugs that real systems had, each put into the source in turn,
and each has to be found within 1,000 seeds.

    test/sim/bugs/bugs.py [--seeds N] [--first S] [NAME...]

The source itself has no switches for them, so that no build can contain one: a bug is a piece of a source file and what stands
there instead. The file is compiled once more with it and linked before the libraries. A piece that is not there exactly once
fails the run: the code has changed, and the bug has to be put in anew.

Last line: "N passed, M failed".
"""
import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BUILD = os.path.join(ROOT, "build-pure")
TARGET = "test/sim/test_sim"

# name, where it was met, file, what stands there, what stands there instead
BUGS = []


def bug(name, met, file, old, new):
    BUGS.append((name, met, file, old, new))


# ---- what is told too early ----
bug("answers_before_flush", "stores that acknowledge from memory: MongoDB before journalled writes, Redis everysec",
    "src/engine/engine.c",
    "    batch->group = group_filled(engine) ? engine->group_open : engine->group_open - 1;",
    "    batch->group = engine->group_durable;")
bug("answers_of_group_in_flight", "a wait for the wrong write: the flush that ended was the one before",
    "src/engine/engine.c",
    "        made_durable(engine, engine->group_open - 1);",
    "        made_durable(engine, engine->group_open);")
bug("group_off_by_one", "an off by one in who is given back",
    "src/engine/engine.c",
    "engine->waiting_first->group <= engine->group_durable)",
    "engine->waiting_first->group <= engine->group_durable + 1)")
bug("reads_see_undurable", "dirty reads of what a crash takes back: etcd, MongoDB local reads",
    "src/engine/engine.c",
    "    batch->group = group_filled(engine) ? engine->group_open : engine->group_open - 1;",
    "    batch->group = batch->requests[0].command == NULL ? engine->group_durable\n"
    "                   : group_filled(engine) ? engine->group_open : engine->group_open - 1;")
bug("feed_before_durable", "a high watermark that runs ahead: Kafka, Pulsar",
    "src/journal/journal.c",
    "    const uint8_t *bytes = journal->open.frame;\n    size_t n = journal->flying.frame_bytes;",
    "    frame_landed(journal, &journal->flying, journal->flying_offset, journal->flying_records, journal->flying_start);\n"
    "    const uint8_t *bytes = journal->open.frame;\n    size_t n = journal->flying.frame_bytes;")
bug("write_without_flush", "a write taken for durable: O_DIRECT without a flush",
    "src/journal/journal.c",
    "        return env->write_durable(env->context, journal->file, offset, bytes, n);",
    "        return env->file_write(env->context, journal->file, offset, bytes, n);")
bug("larger_blocks_not_flushed", "a second way of writing that lacks the flush",
    "src/journal/journal.c",
    "    return status == STATUS_OK ? env->file_sync(env->context, journal->file) : status;",
    "    return status;")

# ---- failures that are passed over ----
bug("failed_flush_retried", "fsyncgate: PostgreSQL, MySQL, MongoDB before 2018",
    "src/journal/journal.c",
    "        return env->write_durable(env->context, journal->file, offset, bytes, n);",
    "        {\n        enum status again = env->write_durable(env->context, journal->file, offset, bytes, n);\n"
    "        return again == STATUS_IO ? env->file_sync(env->context, journal->file) : again;\n        }")
bug("failed_flush_ignored", "the result of the second call looked at, not the first's",
    "src/journal/journal.c",
    "        return env->write_durable(env->context, journal->file, offset, bytes, n);",
    "        {\n        (void)env->write_durable(env->context, journal->file, offset, bytes, n);\n"
    "        return STATUS_OK;\n        }")
bug("failed_flight_ignored", "a completion whose result nobody reads: io_uring, aio",
    "src/journal/journal.c",
    "        journal->started = false;\n        if (status != STATUS_OK) {",
    "        journal->started = false;\n        if (status == STATUS_END) {")
bug("failure_not_final", "the journal goes on behind a write of unknown outcome",
    "src/journal/journal.c",
    "    journal->failed = true;\n    journal->open.frame = NULL;\n}",
    "    journal->failed = false;\n    journal->open.frame = NULL;\n}")
bug("failed_answered_accepted", "what waited for a failed flush is answered as it was decided",
    "src/engine/engine.c",
    "                *answer = lost(answer->status != ANSWER_UNREAD);",
    "                (void)answer;")
bug("sync_of_names_ignored", "a failed sync of the directory is no failure",
    "src/journal/journal.c",
    "    if (status == STATUS_NO_SPACE)\n        status = STATUS_IO; /* it has its name, and nobody knows for how long */",
    "    status = STATUS_OK;")

# ---- names ----
bug("no_sync_behind_rename", "ALICE: LevelDB, HDFS, ZooKeeper, git: the directory is never synced",
    "src/journal/journal.c",
    "    enum status status = env->directory_sync(env->context, journal->directory);\n    if (status == STATUS_NO_SPACE)",
    "    enum status status = STATUS_OK;\n    if (status == STATUS_NO_SPACE)")
bug("name_before_content", "rename before the content is synced: the empty files of ext4, many editors",
    "src/journal/journal.c",
    "    if (status == STATUS_OK)\n        status = env->file_sync(env->context, file);\n"
    "    if (status == STATUS_OK)\n        status = segment_name_it(journal, segment->first_seq);",
    "    if (status == STATUS_OK)\n        status = segment_name_it(journal, segment->first_seq);")
bug("segments_in_order_of_the_directory", "a listing taken to be sorted",
    "src/journal/recovery.c",
    "    qsort(recovery->names, recovery->name_count, sizeof(*recovery->names), compare_names);",
    "    (void)compare_names;")

# ---- from one segment to the next ----
bug("chain_not_carried_over", "a chain that begins anew with each file",
    "src/journal/journal.c",
    "    segment.previous_chain = journal->chain;",
    "    segment.previous_chain = 0;")
bug("ordinal_off_at_the_roll", "an off by one where a file ends",
    "src/journal/journal.c",
    "    segment.first_ordinal = journal->ordinal + 1;",
    "    segment.first_ordinal = journal->ordinal;")
bug("end_of_segment_off_by_one", "a frame that passes the end of its file and is cut",
    "src/journal/recovery.c",
    "    if (n < frame.frame_bytes)\n        return STATUS_END;",
    "    if (n <= frame.frame_bytes + FRAME_STEP_BYTES && recovery->name_count > 1)\n        return STATUS_END;")

# ---- what vouches for what ----
bug("durable_through_too_low", "a mark of what is durable that lags: then a rotten end is taken for a torn one",
    "src/journal/journal.c",
    "                          .durable_ordinal = atomic_load_explicit(&journal->durable_ordinal, memory_order_relaxed),",
    "                          .durable_ordinal = journal->ordinal == 0 ? 0 : journal->ordinal - 1,")
bug("durable_through_too_high", "a mark that covers what is only being written",
    "src/journal/journal.c",
    "                          .durable_ordinal = atomic_load_explicit(&journal->durable_ordinal, memory_order_relaxed),",
    "                          .durable_ordinal = journal->ordinal + 1,")
bug("no_seal_at_the_stop", "nothing vouches for the last write of a clean stop",
    "src/journal/journal.c",
    "    if (status == STATUS_OK && journal_append_seal(journal))\n        status = journal_flush(journal);\n    return status;",
    "    return status;")

# ---- recovery ----
bug("cut_at_first_bad_frame", "truncation at a bad checksum, whatever was acknowledged: Kafka, LevelDB, ZooKeeper, NATS",
    "src/journal/recovery.c",
    "frame.durable_ordinal >= expected &&",
    "frame.durable_ordinal >= expected + 1000000 &&")
bug("payload_not_checked", "checksums that are written and never read",
    "src/journal/recovery.c",
    "    if (!frame_payload_sound(&frame, bytes))\n        return STATUS_END;",
    "    (void)frame_payload_sound(&frame, bytes);")
bug("tail_not_written_anew", "fsyncgate again: read from the cache, kept by no disk, built on",
    "src/journal/recovery.c",
    "    size_t uncovered_bytes = (size_t)(end->offset - end->uncovered_offset);",
    "    size_t uncovered_bytes = 0;")
bug("mended_and_not_flushed", "recovery that does not flush what it wrote",
    "src/journal/recovery.c",
    "    if (status == STATUS_OK)\n        status = env->file_sync(env->context, file);\n    return status;",
    "    return status;")
bug("last_record_skipped", "recovery stops one record early",
    "src/journal/replay.c",
    "    while (next < frame->record_bytes && replay->bad == NULL && !replay->ended) {",
    "    while (next + 1 + get_u32(records + next) < frame->record_bytes && replay->bad == NULL && !replay->ended) {")
bug("ids_forgotten", "de-duplication that a restart forgets: many brokers and payment services",
    "src/ledger/ledger.c",
    "    if (text_present(decision->id)) {\n        struct hash128 hash",
    "    if (text_present(decision->id) && decision->has_id_hash) {\n        struct hash128 hash")
bug("marks_forgotten", "what a source said last is not read back",
    "src/ledger/ledger.c",
    "    if (decision->has_seq && decision->source_seq >",
    "    if (decision->has_seq && decision->has_id_hash && decision->source_seq >")
bug("stale_index", "a stale read behind a restart: places of the frame before",
    "src/journal/recovery.c",
    "        index_add_frame(recovery->index, end->offset, frame_end, frame.last_seq >= frame.first_seq, frame.first_seq,",
    "        index_add_frame(recovery->index, end->offset, frame_end, frame.last_seq >= frame.first_seq, frame.first_seq - 1,")

# ---- checkpoints ----
bug("checkpoint_named_before_synced", "rename before the content is synced: the empty files of ext4, snapshots of etcd and ZooKeeper",
    "src/journal/checkpoint.c",
    "    if (status == STATUS_OK)\n        status = checkpoint_settle(writer);\n    if (status != STATUS_OK) {\n"
    "        checkpoint_abandon(writer);",
    "    if (status == STATUS_OK)\n        status = writer_flush(writer);\n    if (status != STATUS_OK) {\n"
    "        checkpoint_abandon(writer);")
bug("checkpoint_name_not_synced", "the directory is not synced behind a snapshot, and the log before it would go",
    "src/journal/checkpoint.c",
    "    if (status == STATUS_OK)\n        status = env->directory_sync(env->context, directory);\n    if (status == STATUS_OK)\n"
    "        drop_old",
    "    if (status == STATUS_OK)\n        drop_old")
bug("checkpoint_checksum_not_compared", "checksums of snapshots that are written and never read: Redis without rdbchecksum",
    "src/journal/checkpoint.c",
    "        get_u32(head + BLOCK_CRC_AT) != crc32c(crc32c(0, head, BLOCK_CRC_AT), head + BLOCK_HEAD_BYTES, n)) {",
    "        false) {")
bug("checkpoint_hash_not_compared", "a snapshot taken for the state it says without looking: wrong memory made it",
    "src/engine/rebuild.c",
    "    if (status == STATUS_OK && ledger_state_hash(rebuild->ledger) != state_hash)",
    "    (void)state_hash;\n    if (status == STATUS_OK && rebuild->ledger == NULL)")
bug("older_checkpoint_not_tried", "one snapshot that is bad, and none is taken: the two of SQLite's headers, read as one",
    "src/journal/recovery.c",
    "snprintf(report->checkpoint_problem, sizeof(report->checkpoint_problem), \"%s\", problem);\n            continue;",
    "snprintf(report->checkpoint_problem, sizeof(report->checkpoint_problem), \"%s\", problem);\n            break;")
bug("checkpoint_ahead_of_the_journal", "a snapshot that has more than the log, which goes on behind a hole: Raft logs cut short",
    "src/journal/recovery.c",
    "    if (there)\n        return STATUS_OK;",
    "    (void)there;\n    return STATUS_OK;")
bug("checkpoint_forgets_ids", "a snapshot without what de-duplication knows: Kafka's producer states, many brokers",
    "src/ledger/image.c",
    "    ids_index(ledger);\n    return STATUS_OK;",
    "    return STATUS_OK;")
bug("checkpoint_one_frame_early", "an off by one in where the log goes on: the last entry is applied twice",
    "src/journal/journal.c",
    "                                    .offset = place->offset,",
    "                                    .offset = place->frame_offset,")
bug("half_a_checkpoint_is_left_in_the_way", "a file that an earlier try has left stops every later one",
    "src/journal/checkpoint.c",
    "    enum status status = env->file_remove(env->context, directory, CHECKPOINT_NEXT_NAME);\n"
    "    if (status != STATUS_OK && status != STATUS_NOT_FOUND)\n        return status;",
    "    enum status status;")
bug("old_checkpoints_stay", "snapshots that nobody removes fill the disk: etcd, Elasticsearch",
    "src/journal/checkpoint.c",
    "        (void)env->file_remove(env->context, directory, name);\n    }",
    "        (void)name;\n    }")

# ---- old segments ----
bug("packed_named_before_synced", "a compacted file takes the name of the raw one before it is durable: LevelDB, RocksDB on ext4",
    "src/journal/cold.c",
    "    return status == STATUS_OK ? packing->env->file_sync(packing->env->context, packing->file) : status;",
    "    return status;")
bug("raw_removed_first", "the old file goes before the new one is named: log compaction of Kafka, Bitcask's merges",
    "src/journal/cold.c",
    "        if (status == STATUS_OK)\n            status = env->file_rename(",
    "        if (status == STATUS_OK)\n            (void)env->file_remove(env->context, packing->directory, packing->name);\n"
    "        if (status == STATUS_OK)\n            status = env->file_rename(")
bug("segment_in_use_packed", "compaction of the file that is being written",
    "src/journal/cold.c",
    "    if (!index_sparsest(cold->index, cold->keep, &number, &here))",
    "    if (!index_sparsest(cold->index, cold->keep - 1, &number, &here))")
bug("failed_packing_takes_the_name", "a merge that failed in its middle is taken for done",
    "src/journal/cold.c",
    "    if (status == STATUS_OK)\n        status = end_pack(packing);\n    if (status == STATUS_OK)\n"
    "        status = compare(packing);\n    return packing_end(packing, status);",
    "    if (status == STATUS_OK)\n        status = end_pack(packing);\n    return packing_end(packing, packing->file == NULL ? status : "
    "STATUS_OK);")

# ---- retention ----
bug("dropped_before_the_beginning_is_known", "files go before what says so is durable: truncated logs of Kafka before their checkpoint",
    "src/journal/journal.c",
    "    if (status == STATUS_OK)\n        status = beginning_write(env, journal->directory, &beginning);",
    "    if (status == STATUS_OK)\n        retention_remove(env, journal->directory, beginning.first_seq);\n"
    "    if (status == STATUS_OK)\n        status = beginning_write(env, journal->directory, &beginning);")
bug("beginning_not_synced", "what says where the log begins is written and not synced",
    "src/journal/beginning.c",
    "    if (status == STATUS_OK)\n        status = env->file_sync(env->context, file);",
    "")
bug("beginning_name_not_synced", "the same of its name",
    "src/journal/beginning.c",
    "    return env->directory_sync(env->context, directory);",
    "    return STATUS_OK;")
bug("dropped_before_a_checkpoint_has_it", "a log that is cut before its snapshot is there: Raft, ZooKeeper's purge",
    "src/journal/retention.c",
    "    if (seq > checkpoints_seq)\n        return RETAINED_CHECKPOINT;",
    "    (void)checkpoints_seq;")
bug("dropped_segment_by_segment_too_many", "an off by one in what may go",
    "src/journal/retention.c",
    "        out_choice->end = i + 1;",
    "        out_choice->end = i + 2;")
bug("leftovers_stay", "files that a crash has left of what was given up",
    "src/journal/journal.c",
    "    if (!beginning_is_of_all(&end->beginning))\n        retention_remove(env, journal->directory, end->beginning.first_seq);",
    "")

# ---- names at a start ----
bug("names_not_synced_at_a_start", "a file named by the process that crashed, built on by the next, and lost by the one after",
    "src/journal/journal.c",
    "    if (status == STATUS_OK)\n        status = env->directory_sync(env->context, journal->directory);\n"
    "    if (status != STATUS_OK)\n        return status;\n    journal->block_bytes",
    "    if (status != STATUS_OK)\n        return status;\n    journal->block_bytes")

# ---- memory that is used again ----
bug("frame_memory_reused", "a buffer filled while it is being written",
    "src/journal/journal.c",
    "    journal->tail_used = (size_t)(journal->open.start % chunk_bytes) + frame_bytes;",
    "    journal->tail_used = (size_t)(journal->open.start % chunk_bytes);")
bug("offset_with_names_twice", "an offset that counts what came before it once too often",
    "src/journal/journal.c",
    "        offset += bytes;\n    }",
    "        offset += 2 * bytes;\n    }")
bug("place_reused", "two frames get one place: the position is not moved",
    "src/journal/journal.c",
    "    journal->offset += frame_bytes;\n",
    "    journal->offset += journal->unsealed && journal->open.seals ? 0 : frame_bytes;\n")
bug("reader_trusts_the_disk", "readers that check nothing: rot is told as truth",
    "src/journal/reader.c",
    "        if (!frame_payload_sound(out_frame, bytes))\n            return read_failed(",
    "        if (!frame_payload_sound(out_frame, bytes) && false)\n            return read_failed(")

# ---- time ----
bug("clock_goes_back", "time taken from a wall clock that is set: leases, TrueTime's imitators",
    "src/engine/inbox.c",
    "    if (wall_us > inbox->last_stamp_us || !inbox->started) {\n"
    "        inbox->last_stamp_us = max_i64(inbox->last_stamp_us, wall_us);",
    "    {\n        inbox->last_stamp_us = wall_us;")
bug("time_not_of_the_log", "a restart that takes the clock's time and not the log's",
    "src/engine/inbox.c",
    "    inbox->last_stamp_us = options->log_time_us;",
    "    inbox->last_stamp_us = 0;")
bug("leap_taken", "a clock that leaps ends every lease",
    "src/engine/inbox.c",
    "    bool jumped = inbox->started && ahead_us > inbox->options.clock_step_max_us;",
    "    bool jumped = false;")
bug("tick_lost", "what is forgotten in memory is remembered by the log",
    "src/engine/shard.c",
    "    ledger_evolve(shard->ledger, &tick);\n    journal_append_tick(shard->journal, now_us);",
    "    ledger_evolve(shard->ledger, &tick);")
bug("expiry_late", "one timer a turn: holds that have ended still hold",
    "src/engine/engine.c",
    "    } while (!engine_failed(engine) && shard_due(engine->shard, stamp_us));",
    "        (void)shard_due(engine->shard, stamp_us);\n    } while (false);")
bug("window_in_the_wrong_unit", "milliseconds taken for microseconds",
    "src/ledger/id.c",
    "*block_of(ids, ids->first) < now_us - ledger->id_window_ms * 1000;",
    "*block_of(ids, ids->first) < now_us - ledger->id_window_ms;")

# ---- space ----
bug("place_not_asked_for", "a write into space that is not there",
    "src/journal/journal.c",
    "    return place_find(journal, decision == NULL ? 0 : record_bytes_bound(decision));",
    "    (void)decision;\n    return true;")
bug("full_disk_decided_anyway", "applied, then refused for want of space",
    "src/engine/shard.c",
    "        if (UNLIKELY(!journal_has_place(shard->journal, &shard->decision))) {\n            shed_placeless(",
    "        if (UNLIKELY(!journal_has_place(shard->journal, &shard->decision))) {\n"
    "            ledger_evolve(shard->ledger, &shard->decision);\n            shed_placeless(")

# ---- figures ----
bug("claim_end_of_the_clock", "an end that is read back from another time than it was written from",
    "src/journal/record_decode.c",
    "        event->expires_at_us = wrapping_sum(recorded_at_us, unzigzag(take_varint(d)));",
    "        event->expires_at_us = wrapping_sum(recorded_at_us + 1, unzigzag(take_varint(d)));")
bug("figure_of_32_bits", "a figure that is cut to 32 bits on its way to the disk",
    "src/journal/record_encode.c",
    "        at = put_varint(at, zigzag(event->quantity));",
    "        at = put_varint(at, zigzag((int32_t)event->quantity));")


def compile_commands():
    with open(os.path.join(BUILD, "compile_commands.json"), encoding="utf-8") as file:
        return json.load(file)


def link_command():
    text = subprocess.run(["ninja", "-C", BUILD, "-t", "commands", "-s", TARGET], stdout=subprocess.PIPE, check=True).stdout
    return shlex.split(text.decode().strip().split("\n")[-1])


def command_for(commands, path):
    """That of the journal with short segments where there is one."""
    found = [c for c in commands if os.path.normpath(os.path.join(c["directory"], c["file"])) == os.path.join(ROOT, path)]
    small = [c for c in found if "journal_small" in c["output"]]
    return shlex.split((small or found)[0]["command"])


def with_bug(number, name, path, old, new, commands, link):
    """The test's program with the bug in it, or a sentence that says why there is none."""
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        source = file.read()
    if source.count(old) != 1:
        return None, "its piece of %s is there %d times: put it in anew" % (path, source.count(old))
    place = os.path.join(BUILD, "test/sim/bugs")
    os.makedirs(place, exist_ok=True)
    changed = os.path.join(place, "%s_%s" % (name, os.path.basename(path)))
    with open(changed, "w", encoding="utf-8") as file:
        file.write(source.replace(old, new))
    line = command_for(commands, path)
    line[line.index("-o") + 1] = changed + ".o"
    for option in ("-MF", "-MQ"):
        line[line.index(option) + 1] = changed + ".d"
    line[-1] = changed
    line += ["-w"]
    done = subprocess.run(line, cwd=BUILD, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        return None, "it does not compile:\n" + done.stdout.decode()
    program = os.path.join(place, "sim_" + name)
    line = list(link)
    line[line.index("-o") + 1] = program
    first = next(i for i, word in enumerate(line) if word.endswith(".o"))
    line.insert(first, changed + ".o")
    done = subprocess.run(line, cwd=BUILD, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return (program, "") if done.returncode == 0 else (None, "it does not link:\n" + done.stdout.decode())


def find(number, of, options, commands, link):
    name, met, path, old, new = of
    start = time.monotonic()
    program, problem = with_bug(number, name, path, old, new, commands, link)
    if program is None:
        return False, "%-36s %s" % (name, problem)
    try:
        done = subprocess.run([program, "--seeds", str(options.seeds), "--first", str(options.first), "--find"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=options.seconds)
        text, code = done.stdout.decode(errors="replace"), done.returncode
    except subprocess.TimeoutExpired:
        text, code = "ended", 0
    os.remove(program)
    seconds = time.monotonic() - start
    seed = re.search(r"seed (\d+) fails", text)
    if code == 0 or seed is None:
        return False, "%-36s NOT FOUND in %s, %.0f s: %s" % (
            name, "time" if text == "ended" else "%d seeds" % options.seeds, seconds, met)
    said = re.search(r"^not ok - (.*)$|^(.*: .*)$", re.sub(r"^#.*\n|^1\.\.1\n", "", text, flags=re.M), re.M)
    words = next((word for word in said.groups() if word), "") if said else ""
    return True, "%-36s seed %4d, %4.1f s: %s" % (name, int(seed.group(1)) - options.first + 1, seconds, words[:110])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=600, help="for each bug")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    if subprocess.run(["packaging/build", "build-pure", "pure", TARGET], cwd=ROOT).returncode != 0:
        sys.exit("the simulation does not build")
    commands, link = compile_commands(), link_command()
    wanted = [b for b in BUGS if not options.names or b[0] in options.names]
    missed = 0
    with ThreadPoolExecutor(options.jobs) as pool:
        for found, words in pool.map(lambda of: find(of[0], of[1], options, commands, link), enumerate(wanted)):
            missed += not found
            print(("   " if found else "-- ") + words, flush=True)
    print("%d passed, %d failed" % (len(wanted) - missed, missed))
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
