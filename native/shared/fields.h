/* Reads the fields of the trace log, as codegen/static/trace_decoding.py does in Python: plain C, without
   any Python object. No function reads a byte behind the end, or allocates memory. */
#ifndef CODETRACER_FIELDS_H
#define CODETRACER_FIELDS_H

#include <stdint.h>
#include <string.h>

#include "spans.h"

#pragma GCC visibility push(hidden)

/* What is left to read. */
typedef struct {
    const unsigned char *at;
    const unsigned char *end;
    const unsigned char *begin; /* of the block's records; NULL: no value may be one that is earlier there */
} Unread;

/* Why bytes cannot be read; `at` is then where that was seen. */
enum refusal {
    READ = 0,
    ENDS_EARLY,      /* IndexError */
    NO_SUCH_RECORD,  /* ValueError; `at` is the tag */
    NO_SUCH_VALUE,   /* ValueError; `at` is the tag */
    LONG_NUMBER,     /* ValueError: it is longer than 64 bits */
    NO_TEXT,         /* UnicodeDecodeError; `at` and `end` are the text's */
    NESTED_TOO_DEEP, /* RecursionError */
    NOT_THERE,       /* ValueError */
};

/* Returns from the function around it, unless the field was read. */
#define TRY(reading) \
    do { \
        enum refusal refused = (reading); \
        if (refused != READ) { \
            return refused; \
        } \
    } while (0)

enum refusal take_long_uint(Unread *from, uint64_t *number);

static inline enum refusal
take_uint(Unread *from, uint64_t *number)
{
    if (from->at < from->end && *from->at < 0x80) {
        *number = *from->at++;
        return READ;
    }
    return take_long_uint(from, number);
}

static inline enum refusal
take_sint(Unread *from, int64_t *number)
{
    uint64_t twice = 0;
    TRY(take_uint(from, &twice));
    *number = (int64_t)(twice & 1 ? ~(twice >> 1) : twice >> 1);
    return READ;
}

static inline enum refusal
take_f64(Unread *from, double *number)
{
    if (from->end - from->at < 8) {
        return ENDS_EARLY;
    }
    uint64_t bits = 0;
    for (int byte = 0; byte < 8; byte++) {
        bits |= (uint64_t)from->at[byte] << 8 * byte;
    }
    memcpy(number, &bits, 8);
    from->at += 8;
    return READ;
}

static inline enum refusal
take_slice(Unread *from, uint64_t size, Bytes *bytes)
{
    if (size > (uint64_t)(from->end - from->at)) {
        return ENDS_EARLY;
    }
    bytes->bytes = from->at;
    bytes->size = (size_t)size;
    from->at += size;
    return READ;
}

static inline enum refusal
take_bytes(Unread *from, Bytes *bytes)
{
    uint64_t size = 0;
    TRY(take_uint(from, &size));
    return take_slice(from, size, bytes);
}

/* Bytes that have to be UTF-8; lone surrogates may be in it, encoded as if they were characters. */
enum refusal take_letters(Unread *from, uint64_t size, Bytes *text);

static inline enum refusal
take_text(Unread *from, Bytes *text)
{
    uint64_t size = 0;
    TRY(take_uint(from, &size));
    return take_letters(from, size, text);
}

enum refusal take_texts(Unread *from, Several *texts);

/* These pass over whole values. `nesting` is how many values are around them. */
enum refusal take_value(Unread *from, unsigned int nesting, Bytes *value);
enum refusal take_values(Unread *from, unsigned int nesting, Several *values);
enum refusal take_attribute(Unread *from, unsigned int nesting, uint64_t *number, Bytes *value);
enum refusal take_attributes(Unread *from, unsigned int nesting, Several *attributes);

#pragma GCC visibility pop

#endif
