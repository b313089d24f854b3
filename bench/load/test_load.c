/*
 * Goal: what measures others must itself be right: framing is read strictly however the bytes are cut, the distribution
 * is the one named, the same seed gives the same draws.
 * Method: whole responses fed in pieces of every size; draws against the exact weights.
 */
#include "../../test/unit/unit.h"

#include <math.h>

#include "http.h"
#include "resp.h"
#include "zipf.h"

struct seen {
    char body[256];
    size_t length;
    unsigned responses;
    unsigned status; /* of the last */
    bool bad;
};

/* Feeds `bytes` in pieces of `step` and notes what comes out. */
static struct seen feed_http(const char *bytes, size_t step)
{
    struct seen seen = {0};
    struct http_reader reader = {0};
    struct bytequeue in = {0};
    for (size_t at = 0, n = strlen(bytes); at < n && !seen.bad; at += step) {
        bytequeue_append(&in, bytes + at, n - at < step ? n - at : step);
        struct text piece;
        for (enum http_step next = HTTP_BODY; next == HTTP_BODY || next == HTTP_END;) {
            next = http_read(&reader, &in, &piece);
            if (next == HTTP_BODY) {
                assert_true(seen.length + piece.length < sizeof(seen.body));
                memcpy(seen.body + seen.length, piece.bytes, piece.length);
                seen.length += piece.length;
            } else if (next == HTTP_END) {
                seen.responses++;
                seen.status = reader.status;
            }
            seen.bad = next == HTTP_BAD;
        }
    }
    bytequeue_deinit(&in);
    return seen;
}

static void responses_are_read_however_they_are_cut(void **state)
{
    (void)state;
    static const char bytes[] = "HTTP/1.1 100 Continue\r\n\r\n"
                                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
                                "HTTP/1.1 204 No Content\r\n\r\n"
                                "HTTP/1.1 409 Conflict\r\ntransfer-encoding: Chunked\r\n\r\n"
                                "3\r\n, w\r\n00005\r\norld!\r\n0\r\n\r\n";
    for (size_t step = 1; step < sizeof(bytes); step++) {
        struct seen seen = feed_http(bytes, step);
        assert_false(seen.bad);
        assert_int_equal(seen.responses, 3);
        assert_int_equal(seen.status, 409);
        assert_int_equal(seen.length, 13);
        assert_memory_equal(seen.body, "hello, world!", 13);
    }
}

static void wrong_framing_is_noticed(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ng\r\nx\r\n",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (size_t step = 1; step < 8; step++)
            if (!feed_http(rows[i], step).bad)
                fail_msg("taken for good: %s", rows[i]);
}

static void chunks_written_are_chunks_read(void **state)
{
    (void)state;
    struct bytequeue out = {0};
    bytequeue_print(&out, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (unsigned n = 1; n <= 20; n++) {
        size_t mark = http_chunk_open(&out);
        for (unsigned i = 0; i < n; i++)
            bytequeue_literal(&out, "x");
        http_chunk_close(&out, mark);
    }
    http_chunk_last(&out);
    bytequeue_append(&out, "", 1);
    struct seen seen = feed_http(bytequeue_front(&out), 7);
    assert_int_equal(seen.responses, 1);
    assert_int_equal(seen.length, 210);
    bytequeue_deinit(&out);
}

static void replies_of_redis_are_read_however_they_are_cut(void **state)
{
    (void)state;
    static const char bytes[] = "+OK\r\n:10000\r\n$-1\r\n$4\r\na\r\nb\r\n$0\r\n\r\n-ERR no\r\n";
    static const struct resp_reply wanted[] = {{'+', {"OK", 2}},     {':', {"10000", 5}}, {'$', {NULL, 0}},
                                               {'$', {"a\r\nb", 4}}, {'$', {"", 0}},      {'-', {"ERR no", 6}}};
    for (size_t step = 1; step < sizeof(bytes); step++) {
        struct bytequeue in = {0};
        size_t count = 0;
        for (size_t at = 0; at < sizeof(bytes) - 1; at += step) {
            struct resp_reply reply;
            size_t left = sizeof(bytes) - 1 - at;
            bytequeue_append(&in, bytes + at, left < step ? left : step);
            while (resp_read(&in, &reply) == RESP_REPLY) {
                assert_true(count < sizeof(wanted) / sizeof(wanted[0]));
                assert_int_equal(reply.kind, wanted[count].kind);
                assert_true(text_equal(reply.text, wanted[count].text));
                assert_int_equal(text_present(reply.text), text_present(wanted[count].text));
                count++;
            }
        }
        assert_int_equal(count, sizeof(wanted) / sizeof(wanted[0]));
        bytequeue_deinit(&in);
    }
}

static void lines_survive_growth(void **state)
{
    (void)state;
    struct bytequeue queue = {0};
    struct text line;
    uint64_t written = 0, read = 0;
    struct prng prng = prng_of(3);
    for (unsigned turn = 0; turn < 2000; turn++) {
        for (uint64_t n = prng_below(&prng, 200); n > 0; n--) {
            bytequeue_number(&queue, written++);
            bytequeue_literal(&queue, "\n");
        }
        for (uint64_t n = prng_below(&prng, 200); n > 0 && bytequeue_line(&queue, &line); n--) {
            char text[24];
            int length = snprintf(text, sizeof(text), "%llu", (unsigned long long)read++);
            assert_int_equal(line.length, length);
            assert_memory_equal(line.bytes, text, line.length);
        }
    }
    assert_true(read > 100000);
    bytequeue_deinit(&queue);
}

#define ZIPF_COUNT 1000u
#define ZIPF_DRAWS 4000000u

static void draws_follow_the_weights(void **state)
{
    (void)state;
    static uint32_t counts[ZIPF_COUNT];
    struct zipf zipf;
    zipf_init(&zipf, ZIPF_COUNT, 0.99);
    struct prng prng = prng_of(1), same = prng_of(1);
    for (uint32_t i = 0; i < ZIPF_DRAWS; i++) {
        uint32_t k = zipf_next(&zipf, &prng);
        assert_true(k < ZIPF_COUNT);
        if (i < 1000)
            assert_int_equal(k, zipf_next(&zipf, &same));
        counts[k]++;
    }
    double sum = 0;
    for (uint32_t k = 0; k < ZIPF_COUNT; k++)
        sum += pow(k + 1.0, -0.99);
    for (uint32_t k = 0; k < ZIPF_COUNT; k++) {
        double expected = ZIPF_DRAWS * pow(k + 1.0, -0.99) / sum;
        assert_true(fabs(counts[k] - expected) < 6 * sqrt(expected)); /* six standard deviations */
    }
    zipf_deinit(&zipf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(responses_are_read_however_they_are_cut),
        cmocka_unit_test(wrong_framing_is_noticed),
        cmocka_unit_test(chunks_written_are_chunks_read),
        cmocka_unit_test(replies_of_redis_are_read_however_they_are_cut),
        cmocka_unit_test(lines_survive_growth),
        cmocka_unit_test(draws_follow_the_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
