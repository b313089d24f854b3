/* What a copy of a journal begins with that no longer has its beginning: beginning.h, and the oldest checkpoint. */
#ifndef ONHAND_JOURNAL_COPY_H
#define ONHAND_JOURNAL_COPY_H

#include "journal/index.h"
#include "journal/journal.h"

/* Where a copy of all that is kept begins. NOT_FOUND when the beginning is gone and no checkpoint stands for it. IO. */
MUST_USE enum status copy_from_beginning(const struct env *env, struct env_directory *directory, struct index *index,
                                         struct journal_cursor *out_cursor);
/* As journal_copy, of what comes before the first segment. NOT_FOUND when it is gone meanwhile: begin anew. */
MUST_USE enum status copy_beginning(const struct env *env, struct env_directory *directory, struct index *index,
                                    const struct genesis *genesis, struct journal_cursor *cursor, uint8_t *bytes, size_t n,
                                    size_t *out_bytes);

#endif
