/* Reading older records from the segment files, from any thread, beside the writer. */
#ifndef ONHAND_JOURNAL_READER_H
#define ONHAND_JOURNAL_READER_H

#include "journal/index.h"
#include "journal/replay.h"

struct reader_pool;

/* Borrowed: env, directory, index. NULL when memory cannot be had. */
struct reader_pool *reader_pool_create(const struct env *env, struct env_directory *directory, struct index *index,
                                       const uint8_t ledger_id[16]);
void reader_pool_destroy(struct reader_pool *pool);

/* As journal_read, for what is durable on disk. The caller has made sure that from_seq is durable. */
enum status reader_pool_read(struct reader_pool *pool, uint64_t from_seq, uint8_t *bytes, size_t n, size_t *out_bytes);

/* As journal_replay_until, with the bounds that are set in replay. */
enum status reader_pool_replay(struct reader_pool *pool, struct journal_place *place, struct replay *replay);

#endif
