/*
 * The file `role` of a data directory: that what is in it must not be decided upon, though the journal says nothing of it.
 * A standby's directory has one, and that of a server from which another one took over. It is a line of text; deleting it is an
 * operator's last word. Not in the journal: a fenced journal stays the beginning of the one that goes on.
 */
#ifndef ONHAND_SERVER_ROLE_FILE_H
#define ONHAND_SERVER_ROLE_FILE_H

#include <stdbool.h>

#include "base/check.h"
#include "base/status.h"
#include "engine/engine.h"

#define ROLE_TEXT_BYTES 512

/* The role in the directory, PRIMARY when there is no file, and the address behind it. IO; INVALID when it is not such a file. */
MUST_USE enum status role_file_read(const char *data, enum engine_role *out_role, char out_address[ROLE_TEXT_BYTES]);
/* Writes it durably, or removes it (PRIMARY). IO or NO_SPACE. */
MUST_USE enum status role_file_write(const char *data, enum engine_role role, const char *address);

#endif
