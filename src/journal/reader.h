/* Reading older records from the segment files, from any thread, beside the writer. */
#ifndef ONHAND_JOURNAL_READER_H
#define ONHAND_JOURNAL_READER_H

#include "journal/index.h"
#include "journal/replay.h"

struct reader_pool;

/* Reads that failed since the start. */
uint64_t reader_pool_failures(const struct reader_pool *pool);
/* The last of them in words: file, offset and why; "" for none. */
void reader_pool_failure(struct reader_pool *pool, char *out_text, size_t n);

/* Borrowed: env, directory, index. NULL when memory cannot be had. */
struct reader_pool *reader_pool_create(const struct env *env, struct env_directory *directory, struct index *index,
                                       const uint8_t ledger_id[16]);
void reader_pool_destroy(struct reader_pool *pool);

/* The segment of this name is another file from here on: those that are open are closed, when nobody reads in them. */
void reader_pool_forget(struct reader_pool *pool, uint64_t first_seq);

/* As journal_read, for what is durable on disk. The caller has made sure that from_seq is durable. */
enum status reader_pool_read(struct reader_pool *pool, uint64_t from_seq, uint8_t *bytes, size_t n, size_t *out_bytes);

/* As journal_replay_until, with the bounds that are set in replay. */
enum status reader_pool_replay(struct reader_pool *pool, struct journal_place *place, struct replay *replay);

/* As journal_copy_find, but for the beginning of all. */
enum status reader_pool_find(struct reader_pool *pool, uint64_t seq, uint64_t ordinal, uint32_t chain,
                             struct journal_cursor *out_cursor);
/* As journal_copy. The caller has made sure that there is a durable frame behind the cursor. */
enum status reader_pool_copy(struct reader_pool *pool, struct journal_cursor *cursor, uint64_t until_ordinal,
                             uint8_t *bytes, size_t n, size_t *out_bytes);

#endif
