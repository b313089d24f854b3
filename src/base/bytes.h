/*
 * Fixed-width little-endian integers and variable-length integers (LEB128), encoded byte by byte so that the same
 * value gives the same bytes on every machine. Nothing on disk or wire is ever a copied struct.
 *
 * struct reader reads from a borrowed buffer. After the first read past the end `bad` is set, every later read gives 0
 * and never moves: decode a whole record, then look at `bad` once.
 * struct writer writes into a borrowed buffer of fixed capacity and sets `full` instead of growing.
 */
#ifndef ONHAND_BASE_BYTES_H
#define ONHAND_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"

/*
 * Sets n bytes, some hundreds, to 0 through the C library: for a size it knows the compiler writes `rep stosq`, which
 * costs more to begin than the library's wide stores cost in all. So the size is hidden from it.
 */
static inline void bytes_clear(void *bytes, size_t n)
{
    __asm__("" : "+r"(n));
    memset(bytes, 0, n);
}

/* As hexadecimal digits, and a NUL: 2n + 1 bytes. */
static inline void bytes_hex(const uint8_t *bytes, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = 0;
}

static inline void put_u16(uint8_t *out, uint16_t v)
{
    out[0] = (uint8_t)v;
    out[1] = (uint8_t)(v >> 8);
}
static inline void put_u32(uint8_t *out, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        out[i] = (uint8_t)(v >> (8 * i));
}
static inline void put_u64(uint8_t *out, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        out[i] = (uint8_t)(v >> (8 * i));
}
static inline uint16_t get_u16(const uint8_t *in)
{
    return (uint16_t)(in[0] | (unsigned)in[1] << 8);
}
static inline uint32_t get_u32(const uint8_t *in)
{
    return (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}
static inline uint64_t get_u64(const uint8_t *in)
{
    return (uint64_t)get_u32(in) | (uint64_t)get_u32(in + 4) << 32;
}

/* Longest variable-length integer. */
#define VARINT_BYTES_MAX 10

static inline uint64_t zigzag(int64_t v)
{
    return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}
static inline int64_t unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

struct writer {
    uint8_t *start; /* borrowed */
    uint8_t *at;
    uint8_t *end;
    bool full; /* something did not fit; what was written is not usable */
};

static inline struct writer writer_of(uint8_t *bytes, size_t capacity)
{
    return (struct writer){bytes, bytes, bytes + capacity, false};
}
static inline size_t writer_bytes(const struct writer *w)
{
    return (size_t)(w->at - w->start);
}
static inline bool writer_room(struct writer *w, size_t n)
{
    if ((size_t)(w->end - w->at) >= n)
        return true;
    w->full = true;
    return false;
}
static inline void write_u8(struct writer *w, uint8_t v)
{
    if (writer_room(w, 1))
        *w->at++ = v;
}
static inline void write_u16(struct writer *w, uint16_t v)
{
    if (writer_room(w, 2)) {
        put_u16(w->at, v);
        w->at += 2;
    }
}
static inline void write_u32(struct writer *w, uint32_t v)
{
    if (writer_room(w, 4)) {
        put_u32(w->at, v);
        w->at += 4;
    }
}
static inline void write_u64(struct writer *w, uint64_t v)
{
    if (writer_room(w, 8)) {
        put_u64(w->at, v);
        w->at += 8;
    }
}
static inline void write_varint(struct writer *w, uint64_t v)
{
    if (!writer_room(w, VARINT_BYTES_MAX)) {
        /* Near the end of the buffer: count exactly before giving up. */
        size_t n = 1;
        for (uint64_t rest = v >> 7; rest != 0; rest >>= 7)
            n++;
        w->full = (size_t)(w->end - w->at) < n;
        if (w->full)
            return;
    }
    while (v >= 0x80) {
        *w->at++ = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    *w->at++ = (uint8_t)v;
}
static inline void write_zigzag(struct writer *w, int64_t v)
{
    write_varint(w, zigzag(v));
}
static inline void write_bytes(struct writer *w, const void *bytes, size_t n)
{
    if (n != 0 && writer_room(w, n)) {
        memcpy(w->at, bytes, n);
        w->at += n;
    }
}
/* Length as varint, then the bytes. */
static inline void write_text(struct writer *w, struct text text)
{
    write_varint(w, text.length);
    write_bytes(w, text.bytes, text.length);
}

struct reader {
    const uint8_t *at; /* borrowed */
    const uint8_t *end;
    bool bad;
};

static inline struct reader reader_of(const void *bytes, size_t n)
{
    const uint8_t *start = bytes;
    return (struct reader){start, start + n, false};
}
static inline size_t reader_left(const struct reader *r)
{
    return (size_t)(r->end - r->at);
}
static inline bool reader_need(struct reader *r, size_t n)
{
    if (!r->bad && reader_left(r) >= n)
        return true;
    r->bad = true;
    return false;
}
static inline uint8_t read_u8(struct reader *r)
{
    return reader_need(r, 1) ? *r->at++ : 0;
}
static inline uint16_t read_u16(struct reader *r)
{
    if (!reader_need(r, 2))
        return 0;
    r->at += 2;
    return get_u16(r->at - 2);
}
static inline uint32_t read_u32(struct reader *r)
{
    if (!reader_need(r, 4))
        return 0;
    r->at += 4;
    return get_u32(r->at - 4);
}
static inline uint64_t read_u64(struct reader *r)
{
    if (!reader_need(r, 8))
        return 0;
    r->at += 8;
    return get_u64(r->at - 8);
}
/* Only the shortest form is accepted: one value has one encoding. */
static inline uint64_t read_varint(struct reader *r)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = read_u8(r);
        if (r->bad)
            return 0;
        if ((shift == 63 && byte > 1) || (shift != 0 && byte == 0)) {
            r->bad = true;
            return 0;
        }
        v |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return v;
    }
    r->bad = true;
    return 0;
}
static inline int64_t read_zigzag(struct reader *r)
{
    return unzigzag(read_varint(r));
}
/* The text borrows the reader's buffer. A length above max_bytes is bad. Never absent: an empty text has non-NULL bytes. */
static inline struct text read_text(struct reader *r, uint32_t max_bytes)
{
    uint64_t n = read_varint(r);
    if (n > max_bytes)
        r->bad = true;
    if (!reader_need(r, (size_t)n))
        return TEXT_NONE;
    r->at += n;
    return text_of((const char *)r->at - n, (size_t)n);
}

#endif
