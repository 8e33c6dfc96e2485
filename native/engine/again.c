#include "again.h"

#include <string.h>

#include "_trace_format.h"
#include "_trace_records.h"
#include "fields.h"
#include "spans.h"
#include "tables.h"

#define LEAST_AGAIN 5        /* as in trace_alone.py */
#define MOST_NOTED (1 << 13) /* as in writer.py */

/* What is copied, and where to. */
typedef struct {
    Again *again;
    unsigned char *block;
    size_t before;
    const unsigned char *first; /* the group's first byte, which is not copied */
    const unsigned char *copied; /* what is before it has been copied */
    unsigned char *to;
    Unread from;
} Copy;

static void
copy_until(Copy *copy, const unsigned char *end)
{
    const unsigned char *begin = copy->copied;
    size_t size = (size_t)(end - begin);
    size_t kept = begin == copy->first && size > 0;
    if (size > kept) {
        memcpy(copy->to + kept, begin + kept, size - kept);
    }
    copy->to += size;
    copy->copied = end;
}

/* Finds a value in the block. Returns its place, or 0; then notes where it will be. */
static size_t
find(Copy *copy, const unsigned char *value, size_t size)
{
    Again *again = copy->again;
    uint64_t hash = hash_bytes(value, size);
    uint32_t half = (uint32_t)(hash >> 48) << 16;
    size_t at = hash & (PLACES - 1);
    for (; again->slots[at] != 0; at = (at + 1) & (PLACES - 1)) {
        size_t place = again->slots[at] & 0xffff;
        if ((again->slots[at] & 0xffff0000u) == half && place < copy->before
            && size <= copy->before - place && memcmp(copy->block + place, value, size) == 0) {
            return place;
        }
    }
    size_t here = (size_t)(copy->to - copy->block) + (size_t)(value - copy->copied);
    if (here < BLOCK_SIZE && again->noted < MOST_NOTED) {
        again->noted++;
        again->slots[at] = half | (uint32_t)here;
    }
    return 0;
}

static enum refusal copy_value(Copy *copy);

static enum refusal
copy_field(Copy *copy, unsigned int tag, char letter)
{
    Unread *from = &copy->from;
    uint64_t number;
    Bytes bytes;
    switch (letter) {
    case 'n':
        return take_uint(from, &number);
    case 'd':
        return take_slice(from, 8, &bytes);
    case 's':
        return take_slice(from, tag - VALUE_TEXT_SHORT, &bytes);
    case 't':
    case 'b':
        return take_bytes(from, &bytes);
    case 'v':
        return copy_value(copy);
    default:
        break;
    }
    uint64_t count;
    TRY(take_uint(from, &count));
    for (uint64_t at = 0; at < count; at++) {
        if (letter == 'T') {
            TRY(take_bytes(from, &bytes));
            continue;
        }
        if (letter == 'A') {
            TRY(take_uint(from, &number));
        }
        TRY(copy_value(copy));
    }
    return READ;
}

static enum refusal
copy_value(Copy *copy)
{
    Unread *from = &copy->from;
    if (from->at >= from->end) {
        return ENDS_EARLY;
    }
    const unsigned char *begin = from->at;
    unsigned int tag = *from->at++;
    const char *letters = value_fields(tag);
    if (letters == NULL) {
        return NO_SUCH_VALUE;
    }
    for (; *letters != '\0'; letters++) {
        TRY(copy_field(copy, tag, *letters));
    }
    size_t size = (size_t)(from->at - begin);
    if (size < LEAST_AGAIN || size > LARGEST_AGAIN || !is_alone(tag)) {
        return READ;
    }
    size_t place = find(copy, begin, size);
    if (place != 0) {
        copy_until(copy, begin);
        copy->to = store_value_again(copy->to, place);
        copy->copied = from->at;
    }
    return READ;
}

static enum refusal
copy_record(Copy *copy)
{
    unsigned int tag = *copy->from.at++;
    const char *letters = record_fields(tag);
    if (letters == NULL) {
        return NO_SUCH_RECORD;
    }
    for (; *letters != '\0'; letters++) {
        TRY(copy_field(copy, tag, *letters));
    }
    return READ;
}

void
again_begin(Again *again, uint32_t block)
{
    memset(again->slots, 0, sizeof(again->slots));
    again->block = block;
    again->noted = 0;
}

size_t
again_copy(Again *again, unsigned char *block, size_t before, const unsigned char *bytes, size_t count)
{
    const unsigned char *end = bytes + count;
    Copy copy = {again, block, before, bytes, bytes, block + before, {bytes, end, NULL}};
    while (copy.from.at < end && copy_record(&copy) == READ) {
    }
    copy_until(&copy, end);
    return (size_t)(copy.to - block) - before;
}
