/* onhand version: which build this is. */
#include <stdio.h>

#include "cli/args.h"
#include "cli/client.h"

int cmd_version(int argc, char **argv)
{
    unsigned word_count = 0;
    int code = EXIT_DONE;
    bool json = false;
    const struct args_option options[] = {{"json", ARGS_FLAG, &json}, {NULL, ARGS_FLAG, NULL}};
    if (!args_parse(argc, argv, options, NULL, 0, &word_count, &code))
        return code;
    if (json)
        printf("{\"version\":\"%s\",\"libcurl\":\"%s\"}\n", ONHAND_VERSION,
               curl_version_info(CURLVERSION_NOW)->version);
    else
        printf("onhand %s (libcurl %s)\n", ONHAND_VERSION, curl_version_info(CURLVERSION_NOW)->version);
    return cli_finish("version", EXIT_DONE);
}
