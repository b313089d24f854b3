/* The pages of `onhand help`, one per subcommand. docs/cli.md tells the same at greater length. */
#include "cli/cli.h"

#define COMMON_SERVER                                                                                                  \
    "  --server ADDRESS    the server, http://host:port; else ONHAND_SERVER, else " SERVER_DEFAULT "\n"
#define COMMON_PATIENCE                                                                                                \
    "  --patience SECONDS  how long a server may stay away before giving up (60). When it is given, the\n"             \
    "                      first connection is waited for, too; else a server that is not there ends at once\n"

const char help_serve[] =
    "onhand serve: run the server on a data directory\n\n"
    "usage: onhand serve --data DIR [options]\n\n"
    "Prints \"listening on http://...\" when it is ready; what an operator must know goes to standard error. SIGTERM or\n"
    "SIGINT stops it: what is under way is answered first.\n\n"
    "  --data DIR          the data directory, made when it is not there; else ONHAND_DATA\n"
    "  --listen ADDR:PORT  an IPv4 or IPv6 address, port 0 for any free one; else ONHAND_LISTEN, else 127.0.0.1:4760\n"
    "  --host NAME         a name requests may have in Host, beside localhost and the address; may be repeated\n"
    "  --insecure          allow an address that is not loopback: there are neither keys nor TLS yet\n"
    "  --io-threads N      threads that serve connections, 1 to 32 (a quarter of the processors, at least 1)\n"
    "  --connections-max N open connections per I/O thread (12000)\n"
    "  --strict            facts do not make unknown items and locations; they are refused\n"
    "  --id-window S       seconds for which ids and ended holds are remembered (604800: 7 days)\n"
    "  --id-capacity N     ids remembered at once; full means 503. It cannot become smaller later (67108864)\n"
    "  --items-max N       items (16777216)\n"
    "  --cells-max N       cells: items at locations (33554432)\n"
    "  --holds-max N       holds, live ones and those ended within the window (33554432)\n"
    "  --hold-lines-max N  cells named by those holds (67108864)\n"
    "  --locations-max N   locations (65536)\n"
    "  --sources-max N     sources (65536)\n"
    "  --config-mib N      memory for bodies of configuration in MiB, used as it fills (4096)\n"
    "  --aliases-max N     names that items have for sources, and merged ones (16777216)\n"
    "  --segment-mib N     size of the journal's files in MiB, 8 to 4096 (256)\n"
    "  --spin US           microseconds to look for work before sleeping, 0 to 1000 (0)\n"
    "  --clock-step S      seconds the clock may step ahead while running; beyond, nothing is taken in (60)\n"
    "  --accept-clock      start although the clock is more than 30 days ahead of the journal\n"
    "  --fault-no-flush    for tests only: acknowledges without flushing; a power cut loses acknowledged commands\n\n"
    "exit codes: 0 stopped as asked; 2 usage; 4 the data directory or the address cannot be used;\n"
    "            70 the journal could not be written: start again, it recovers from disk\n\n"
    "examples:\n"
    "  onhand serve --data /var/lib/onhand\n"
    "  onhand serve --data stock --listen 127.0.0.1:0 --segment-mib 16\n"
    "docs/operations.md says more about each.\n";

const char help_send[] =
    "onhand send: send commands (NDJSON) from a file or standard input\n\n"
    "usage: onhand send [FILE|-] [options]\n\n"
    "One command a line. Lines go out while answers come in. When the connection breaks it is made anew and the\n"
    "lines without an answer are repeated; lines the server put off (retry, unknown) are sent again. The ids in the\n"
    "commands make that safe: nothing is applied twice.\n\n" COMMON_SERVER
    "  --answers WHICH     which answers are printed: all, errors (what is not accepted), summary (errors)\n"
    "  --json              the server's answers as NDJSON, `line` counted in the input; with errors and summary\n"
    "                      a last line {\"summary\":{...}}\n"
    "  --from LINE         begin with this line of the input, counted from 1\n"
    "  --state FILE        keep in FILE how far the input is answered, and begin there\n" COMMON_PATIENCE "\n"
    "exit codes: 0 all accepted; 1 some refused or invalid; 2 usage; 3 server not reached; 4 file; 5 bad answer\n\n"
    "examples:\n"
    "  onhand send events.ndjson\n"
    "  onhand send events.ndjson --state events.state       # the same again after a kill\n"
    "  tail -F till.ndjson | onhand send - --answers all --json\n";

const char help_get[] =
    "onhand get: show stock, holds, items and figures\n\n"
    "usage: onhand get stock ITEM [LOCATION]\n"
    "       onhand get hold ID\n"
    "       onhand get item NAME\n"
    "       onhand get figures [--item ITEM]... [--location LOCATION]...\n"
    "       onhand get ready\n\n" COMMON_SERVER
    "  --item ITEM         figures: only this item, or ITEM* for all that begin so; may be repeated\n"
    "  --location LOCATION figures: only this location; may be repeated\n"
    "  --json              the server's JSON\n\n"
    "exit codes: 0 shown; 1 there is no such thing, or the server is not ready; 2 usage; 3 server not reached;\n"
    "            4 output; 5 bad answer\n\n"
    "examples:\n"
    "  onhand get stock 85123A\n"
    "  onhand get stock 'BANK CHARGES' LON --json\n"
    "  onhand get figures --item '8512*'\n";

const char help_feed[] =
    "onhand feed: show what happened, or follow it as it happens\n\n"
    "usage: onhand feed [options]\n\n" COMMON_SERVER
    "  --after POSITION    only what came after it; now: only what comes from here on; left out: from the oldest\n"
    "  --follow            go on as events happen; after a broken connection from the last event seen\n"
    "  --limit COUNT       end after so many events\n"
    "  --item ITEM         only this item, or ITEM* for all that begin so; may be repeated, as the next four\n"
    "  --location LOCATION only this location\n"
    "  --kind KIND         only events caused by commands of this kind\n"
    "  --source SOURCE     only events caused by this source\n"
    "  --type TYPE         only events of this type\n"
    "  --include-refused   also refusals\n"
    "  --json              one event a line as JSON\n" COMMON_PATIENCE "\n"
    "exit codes: 0 done; 1 the position is no longer kept or of another epoch; 2 usage; 3 server not reached;\n"
    "            4 output; 5 bad answer\n\n"
    "examples:\n"
    "  onhand feed --after now --follow\n"
    "  onhand feed --item 85123A --json\n"
    "  onhand feed --type oversold --type discrepancy --follow\n";

const char help_import[] =
    "onhand import: turn the rows of a CSV file into commands\n\n"
    "usage: onhand import FILE.csv --map FIELD=COLUMN,... [--kind KIND] [--location LOCATION] [options]\n\n"
    "The file is an ordered source, named by the hash of its bytes; the line a row begins on is its id and seq. The\n"
    "same file imported again applies nothing twice. Rows that are no CSV, make no command, or are refused go to a\n"
    "rejects file with their reasons; mended, that file is imported alone.\n\n"
    "  --map FIELD=COLUMN  a field of the command from a column, by its header or number (#2); several with commas,\n"
    "                      or repeated. meta.NAME=COLUMN puts a column into the command's meta\n"
    "  --set FIELD=VALUE   a field that is the same in every row; may be repeated\n"
    "  --kind KIND         the kind of command: receive, sale, return, adjust, ...; auto: receive for quantities\n"
    "                      from 0, sale below\n"
    "  --kind-negative KIND  the kind of rows with a quantity below 0, which then becomes its magnitude\n"
    "  --location LOCATION the same as --set location=LOCATION\n"
    "  --zone OFFSET       added to times without one: Z, +01:00\n"
    "  --separator CHAR    between columns: one character, or tab (,)\n"
    "  --no-header         the first row is data; columns are #1, #2, ...\n"
    "  --source-prefix P   the source is P:HASH (import:HASH); another one imports the same file again\n"
    "  --rejects FILE      where rejected rows go, written anew (FILE.rejects.csv beside the file, numbered)\n"
    "  --dry-run           show the mapping, the first commands and counts of odd rows; send nothing\n"
    "  --json              the result as JSON\n"
    "  --quiet             no progress\n" COMMON_SERVER COMMON_PATIENCE "\n"
    "exit codes: 0 all rows accepted, now or before; 1 some rejected; 2 usage; 3 server not reached; 4 file; 5 bad "
    "answer\n\n"
    "examples:\n"
    "  onhand import invoices.csv --map item=StockCode,quantity=Quantity,document=InvoiceNo \\\n"
    "      --kind sale --kind-negative return --location UK\n"
    "  onhand import stock.csv --map item=sku,quantity=qty,location=shop --kind receive --dry-run\n";

const char help_verify[] =
    "onhand verify: check a data directory offline\n\n"
    "usage: onhand verify DIR [--json]\n\n"
    "Reads the journal from its first record to its last and replays it into a ledger of its own: checksums, chain, order,\n"
    "sums, invariants. Prints what is there and the state hash, which is the same for every program that replays the same\n"
    "journal. Changes nothing. The server must be stopped, or the directory be a copy.\n\n"
    "  --json              the report as JSON\n\n"
    "exit codes: 0 all is right; 1 something acknowledged is damaged, or of a newer version; 2 usage; 4 the directory\n"
    "            cannot be read\n\n"
    "examples:\n"
    "  onhand verify /var/lib/onhand\n"
    "  onhand verify backup --json\n";

const char help_version[] = "onhand version: show the version\n\n"
                            "usage: onhand version [--json]\n\n"
                            "example:\n"
                            "  onhand version\n";

const char help_help[] = "onhand help: what there is, or the page of one subcommand\n\n"
                         "usage: onhand help [SUBCOMMAND]\n\n"
                         "example:\n"
                         "  onhand help import\n";
