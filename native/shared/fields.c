#include "fields.h"

#include "_trace_format.h"
#include "spans.h"

#define LAST_SHIFT 63 /* a number of 64 bits has its last one here */

enum refusal
take_long_uint(Unread *from, uint64_t *number)
{
    uint64_t sum = 0;
    for (unsigned int shift = 0; shift <= LAST_SHIFT; shift += 7) {
        if (from->at >= from->end) {
            return ENDS_EARLY;
        }
        unsigned char byte = *from->at++;
        if (shift == LAST_SHIFT && byte > 1) {
            return LONG_NUMBER;
        }
        sum |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *number = sum;
            return READ;
        }
    }
    return LONG_NUMBER;
}

/* Returns how many bytes the character takes that begins at `at`; 0 if none does. */
static size_t
character(const unsigned char *at, const unsigned char *end)
{
    size_t size = *at < 0xC2 ? 0 : *at < 0xE0 ? 2 : *at < 0xF0 ? 3 : *at < 0xF5 ? 4 : 0;
    if (size == 0 || (size_t)(end - at) < size) {
        return 0;
    }
    for (size_t byte = 1; byte < size; byte++) {
        if ((at[byte] & 0xC0) != 0x80) {
            return 0;
        }
    }
    /* Shorter forms exist, or it is above U+10FFFF. */
    if ((*at == 0xE0 && at[1] < 0xA0) || (*at == 0xF0 && at[1] < 0x90) || (*at == 0xF4 && at[1] > 0x8F)) {
        return 0;
    }
    return size;
}

static int
is_text(const unsigned char *at, size_t size)
{
    const unsigned char *end = at + size;
    while (at < end) {
        uint64_t word;
        if (end - at >= 8 && (memcpy(&word, at, 8), (word & 0x8080808080808080u) == 0)) {
            at += 8;
        }
        else if (*at < 0x80) {
            at++;
        }
        else {
            size_t taken = character(at, end);
            if (taken == 0) {
                return 0;
            }
            at += taken;
        }
    }
    return 1;
}

enum refusal
take_letters(Unread *from, uint64_t size, Bytes *text)
{
    TRY(take_slice(from, size, text));
    if (!is_text(text->bytes, text->size)) {
        from->end = from->at;
        from->at = text->bytes;
        return NO_TEXT;
    }
    return READ;
}

enum refusal
take_texts(Unread *from, Several *texts)
{
    Bytes text;
    TRY(take_uint(from, &texts->count));
    texts->bytes = from->at;
    for (uint64_t count = 0; count < texts->count; count++) {
        TRY(take_text(from, &text));
    }
    texts->size = (size_t)(from->at - (const unsigned char *)texts->bytes);
    return READ;
}

static enum refusal skip_value(Unread *from, unsigned int nesting);

/* Passes over one field of a value, as its letter says (`_trace_format.h`). */
static enum refusal
skip_field(Unread *from, unsigned int tag, char letter, unsigned int nesting)
{
    uint64_t number;
    double real;
    Bytes bytes;
    Several several;
    switch (letter) {
    case 'n':
        return take_uint(from, &number);
    case 'd':
        return take_f64(from, &real);
    case 's':
        return take_letters(from, tag - VALUE_TEXT_SHORT, &bytes);
    case 't':
        return take_text(from, &bytes);
    case 'b':
        return take_bytes(from, &bytes);
    case 'T':
        return take_texts(from, &several);
    case 'V':
        return take_values(from, nesting, &several);
    case 'A':
        return take_attributes(from, nesting, &several);
    default:
        return skip_value(from, nesting);
    }
}

/* Passes over a value that stands for an earlier one, and checks that one. */
static enum refusal
skip_again(Unread *from)
{
    const unsigned char *tag = from->at++;
    uint64_t place;
    TRY(take_uint(from, &place));
    if (from->begin == NULL || place >= (uint64_t)(tag - from->begin)
        || !is_alone(from->begin[place])) {
        return NOT_THERE;
    }
    Unread there = {from->begin + place, from->end, from->begin};
    enum refusal refused = skip_value(&there, 0);
    if (refused != READ) {
        *from = there;
        return refused;
    }
    return there.at - from->begin > (ptrdiff_t)(place + LARGEST_AGAIN) ? NOT_THERE : READ;
}

static enum refusal
skip_value(Unread *from, unsigned int nesting)
{
    if (nesting > NESTING) {
        return NESTED_TOO_DEEP;
    }
    if (from->at >= from->end) {
        return ENDS_EARLY;
    }
    unsigned int tag = *from->at;
    if (tag == VALUE_AGAIN) {
        return skip_again(from);
    }
    const char *letters = value_fields(tag);
    if (letters == NULL) {
        return NO_SUCH_VALUE;
    }
    from->at++;
    for (; *letters != '\0'; letters++) {
        TRY(skip_field(from, tag, *letters, nesting + 1));
    }
    return READ;
}

enum refusal
take_value(Unread *from, unsigned int nesting, Bytes *value)
{
    value->bytes = from->at;
    TRY(skip_value(from, nesting));
    value->size = (size_t)(from->at - (const unsigned char *)value->bytes);
    return READ;
}

enum refusal
take_attribute(Unread *from, unsigned int nesting, uint64_t *number, Bytes *value)
{
    TRY(take_uint(from, number));
    return take_value(from, nesting, value);
}

/* Reads a count, and passes over so many values or attributes. */
static enum refusal
take_several(Unread *from, unsigned int nesting, int numbered, Several *several)
{
    uint64_t number;
    Bytes value;
    TRY(take_uint(from, &several->count));
    several->bytes = from->at;
    if (several->count > 0 && nesting > NESTING) {
        return NESTED_TOO_DEEP;
    }
    for (uint64_t count = 0; count < several->count; count++) {
        TRY(numbered ? take_attribute(from, nesting, &number, &value) : skip_value(from, nesting));
    }
    several->size = (size_t)(from->at - (const unsigned char *)several->bytes);
    return READ;
}

enum refusal
take_values(Unread *from, unsigned int nesting, Several *values)
{
    return take_several(from, nesting, 0, values);
}

enum refusal
take_attributes(Unread *from, unsigned int nesting, Several *attributes)
{
    return take_several(from, nesting, 1, attributes);
}
