/* onhand promote: makes a standby the server that takes commands, and says what became of the former one. */
#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "cli/client.h"
#include "connect/pull.h"

#define ANSWER_BYTES 8192
#define PATIENCE_MS  60000 /* the former primary is asked, waited for and copied from within */

static int explain(const struct client *client, const char *answer, bool json)
{
    char position[64] = "";
    char epoch[32] = "";
    char former[512] = "";
    char problem[1024] = "";
    if (json) {
        fputs(answer, stdout);
        return EXIT_DONE;
    }
    if (!pull_member(answer, "position", position, sizeof(position)) ||
        !pull_member(answer, "epoch", epoch, sizeof(epoch)) || !pull_member(answer, "former", former, sizeof(former))) {
        cli_error("promote", "%s gave an answer that is not understood: %s", client->base, answer);
        return EXIT_ANSWER;
    }
    printf("%s takes commands now, behind position %s, in epoch %s\n", client->base, position, epoch);
    if (strstr(answer, "\"fenced\":true") != NULL) {
        printf("%s takes none any more, and everything it acknowledged is here\n", former);
        return EXIT_DONE;
    }
    const char *copied = strstr(answer, "\"copied_to\":");
    (void)pull_member(answer, "problem", problem, sizeof(problem));
    printf("NOT FENCED: %s.\nWhat %s acknowledged behind event %.*s is not here. Stop it, and let nobody send to it: 'onhand verify "
           "--diverged' on its\ndirectory lists what only it has\n",
           problem, former, copied == NULL ? 0 : (int)strspn(copied + 12, "0123456789"), copied == NULL ? "" : copied + 12);
    return EXIT_DONE;
}

int cmd_promote(int argc, char **argv)
{
    const char *server = NULL;
    bool no_fence = false;
    bool json = false;
    const struct args_option table[] = {{"server", ARGS_TEXT, &server},
                                        {"no-fence", ARGS_FLAG, &no_fence},
                                        {"json", ARGS_FLAG, &json},
                                        {NULL, ARGS_FLAG, NULL}};
    const char *words[1];
    unsigned word_count;
    int code;
    if (!args_parse(argc, argv, table, words, 1, &word_count, &code))
        return code;
    struct client client;
    if (client_init(&client, "promote", args_server(word_count == 1 ? words[0] : server)) != STATUS_OK)
        return EXIT_USAGE;
    char answer[ANSWER_BYTES];
    long http = 0;
    enum status status = pull_call(client.base, no_fence ? "/v1/promote?fence=false" : "/v1/promote", "{}", PATIENCE_MS,
                                   answer, sizeof(answer), &http);
    if (status != STATUS_OK) {
        cli_error("promote", "no answer from %s (%s); what became of it, GET /v1/role tells", client.base, answer);
        code = EXIT_UNREACHABLE;
    } else if (http != 200) {
        code = client_refused(&client, http, text_of(answer, strlen(answer)));
    } else {
        code = explain(&client, answer, json);
    }
    client_deinit(&client);
    return cli_finish("promote", code);
}
