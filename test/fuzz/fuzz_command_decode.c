/* Any bytes as a command's binary form: refused, or exactly the encoding of what was read. */
#include "fuzz.h"

#include "ledger/command.h"

static struct command_line lines[COMMAND_LINES_MAX];
static uint8_t again[COMMAND_BYTES_MAX];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct command command;
    if (command_decode(data, size, lines, &command) != STATUS_OK)
        return 0;
    CHECK(command_encode(&command, again, sizeof(again)) == size);
    CHECK(memcmp(again, data, size) == 0);
    return 0;
}
