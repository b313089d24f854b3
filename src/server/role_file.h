/*
 * The file `role` of a data directory: that what is in it must not be decided upon, though the journal says nothing of it; or that it must be.
 * A standby's directory has one, and that of a server from which another one took over; and one that was promoted, so that whoever starts
 * it as the standby that it was does not end its taking in. It is a line of text; deleting it is an
 * operator's last word. Not in the journal: a fenced journal stays the beginning of the one that goes on.
 */
#ifndef ONHAND_SERVER_ROLE_FILE_H
#define ONHAND_SERVER_ROLE_FILE_H

#include <stdbool.h>

#include "base/check.h"
#include "base/status.h"
#include "engine/engine.h"

#define ROLE_TEXT_BYTES 512

/*
 * The role in the directory, and the address behind it: of the primary, of who took over, of whom it took over from. PRIMARY without an address when there is no
 * file. IO; INVALID when it is not such a file.
 */
MUST_USE enum status role_file_read(const char *data, enum engine_role *out_role, char out_address[ROLE_TEXT_BYTES]);
/* Writes it durably. IO or NO_SPACE. */
MUST_USE enum status role_file_write(const char *data, enum engine_role role, const char *address);

#endif
