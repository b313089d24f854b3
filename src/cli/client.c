#include "cli/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "cli/cli.h"
#include "cli/document.h"

#define KEEPALIVE_S 15 /* a peer that vanished is noticed within a minute */

enum status client_init(struct client *client, const char *subcommand, const char *server)
{
    memset(client, 0, sizeof(*client));
    client->subcommand = subcommand;
    bool has_scheme = strstr(server, "://") != NULL;
    if (has_scheme && strncmp(server, "http://", 7) != 0 && strncmp(server, "https://", 8) != 0) {
        cli_error(subcommand, "the server's address '%s' is neither http nor https; example: " SERVER_DEFAULT, server);
        return STATUS_INVALID;
    }
    size_t length = strlen(server) + sizeof("http://");
    client->base = malloc(length);
    if (client->base == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        goto fail_memory;
    snprintf(client->base, length, "%s%s", has_scheme ? "" : "http://", server);
    for (size_t n = strlen(client->base); n > 0 && client->base[n - 1] == '/'; n--)
        client->base[n - 1] = '\0';
    CURLU *url = curl_url();
    if (url == NULL)
        goto fail_memory;
    CURLUcode code = curl_url_set(url, CURLUPART_URL, client->base, 0);
    curl_url_cleanup(url);
    if (code != CURLUE_OK) {
        cli_error(subcommand, "'%s' is no address of a server (%s); example: " SERVER_DEFAULT, server,
                  curl_url_strerror(code));
        client_deinit(client);
        return STATUS_INVALID;
    }
    client->easy = curl_easy_init();
    if (client->easy != NULL)
        return STATUS_OK;
fail_memory:
    cli_error(subcommand, "memory for the connection cannot be had");
    client_deinit(client);
    return STATUS_MEMORY;
}

void client_deinit(struct client *client)
{
    if (client->easy != NULL)
        curl_easy_cleanup(client->easy);
    free(client->base);
    client->easy = NULL;
    client->base = NULL;
}

CURL *client_prepare(struct client *client, const char *path, const struct curl_slist *headers)
{
    CURL *easy = client->easy;
    size_t length = strlen(client->base) + strlen(path) + 1;
    char *url = malloc(length);
    if (url == NULL)
        return NULL;
    snprintf(url, length, "%s%s", client->base, path);
    curl_easy_reset(easy); /* keeps open connections */
    client->problem[0] = '\0';
    CURLcode code = curl_easy_setopt(easy, CURLOPT_URL, url);
    free(url);
    if (code != CURLE_OK)
        return NULL;
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, client->problem);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* one meant for the web would buffer streams, or not know the host */
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CLIENT_CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_S);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_S);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "onhand/" ONHAND_VERSION);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    return easy;
}

static size_t append_body(char *bytes, size_t size, size_t n, void *argument)
{
    struct buffer *body = argument;
    buffer_append(body, bytes, size * n);
    return body->failed ? 0 : size * n;
}

enum status client_get(struct client *client, const char *path, struct client_answer *out_answer)
{
    struct buffer *body = &out_answer->body;
    buffer_reset(body);
    CURL *easy = client_prepare(client, path, NULL);
    if (easy == NULL)
        return STATUS_MEMORY;
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, append_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, body);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)CLIENT_SILENCE_S);
    CURLcode code = curl_easy_perform(easy);
    if (body->failed || (code == CURLE_OK && buffer_room(body, JSON_PADDING) == NULL)) {
        snprintf(client->problem, sizeof(client->problem), "the answer is too large to be read whole");
        return STATUS_FULL;
    }
    if (code != CURLE_OK) {
        if (client->problem[0] == '\0')
            snprintf(client->problem, sizeof(client->problem), "%s", curl_easy_strerror(code));
        return STATUS_IO;
    }
    memset(body->bytes + body->length, 0, JSON_PADDING);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &out_answer->http);
    return STATUS_OK;
}

void client_encode(struct buffer *out, struct text text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (uint32_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.bytes[i];
        bool plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
                     byte == '-' || byte == '.' || byte == '_' || byte == '~';
        if (plain) {
            buffer_byte(out, (char)byte);
            continue;
        }
        buffer_byte(out, '%');
        buffer_byte(out, digits[byte >> 4]);
        buffer_byte(out, digits[byte & 15]);
    }
}

void client_parameter(struct buffer *out, bool *first, const char *key, const char *value)
{
    if (value == NULL)
        return;
    buffer_byte(out, *first ? '?' : '&');
    buffer_append(out, key, strlen(key));
    buffer_byte(out, '=');
    client_encode(out, text_of(value, strlen(value)));
    *first = false;
}

int client_unreachable(const struct client *client)
{
    cli_error(
        client->subcommand,
        "no answer from %s (%s); is 'onhand serve' running there? --server or ONHAND_SERVER names another address",
        client->base, client->problem[0] != '\0' ? client->problem : "no reason given");
    return EXIT_UNREACHABLE;
}

int client_refused(const struct client *client, long http, struct text body)
{
    struct document document;
    struct text code = TEXT("none"), field = TEXT_NONE, detail = TEXT_NONE;
    enum status status = body.length == 0 ? STATUS_INVALID : document_init(&document, body);
    if (status == STATUS_OK) {
        if (text_present(document_text(&document, 0, TEXT("code"))))
            code = document_text(&document, 0, TEXT("code"));
        field = document_text(&document, 0, TEXT("field"));
        detail = document_text(&document, 0, TEXT("detail"));
        if (!text_present(detail))
            detail = document_text(&document, 0, TEXT("title"));
    }
    if (!text_present(detail))
        detail =
            body.length == 0 ? TEXT("no reason given") : text_of(body.bytes, body.length < 200 ? body.length : 200);
    cli_error(client->subcommand, "%s answered %ld, code %.*s%s%.*s: %.*s", client->base, http, (int)code.length,
              code.bytes, field.length == 0 ? "" : ", field ", (int)field.length, field.length == 0 ? "" : field.bytes,
              (int)detail.length, detail.bytes);
    if (status == STATUS_OK)
        document_deinit(&document);
    return http == 404 || http == 409 || http == 410 ? EXIT_REFUSED : EXIT_ANSWER;
}
