#include "masks.h"

#include "_trace_format.h"
#include "secrets.h"
#include "state.h"

typedef struct {
    const Secrets *secrets;
    unsigned char *bytes;
    size_t at;
    size_t end;
} Walk;

static int
take_number(Walk *walk, uint64_t *number)
{
    *number = 0;
    for (unsigned int shift = 0; walk->at < walk->end && shift < 64; shift += 7) {
        unsigned char byte = walk->bytes[walk->at++];
        *number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return 1;
        }
    }
    return 0;
}

static int
take_text(Walk *walk, uint64_t count, int is_text)
{
    if (count > walk->end - walk->at) {
        return 0;
    }
    size_t at = walk->at;
    size_t end = walk->at + (size_t)count;
    const Secret *secret;
    while ((secret = secrets_next(walk->secrets, walk->bytes, end, &at)) != NULL) {
        if (is_text && is_continued(walk->bytes, at)) {
            at++;
            continue;
        }
        size_t start = at;
        at += secret->compared;
        while (is_text && at < end && is_continued(walk->bytes, at)) {
            at++;
        }
        memset(walk->bytes + start, '*', at - start);
    }
    walk->at = end;
    return 1;
}

static int take_value(Walk *walk);

static int
take_field(Walk *walk, unsigned int tag, char letter)
{
    uint64_t number;
    if (letter == 'v') {
        return take_value(walk);
    }
    if (letter == 'd') {
        walk->at += 8;
        return walk->at <= walk->end;
    }
    if (letter == 's') {
        return take_text(walk, tag - VALUE_TEXT_SHORT, 1);
    }
    if (!take_number(walk, &number)) {
        return 0;
    }
    if (letter == 't' || letter == 'b') {
        return take_text(walk, number, letter == 't');
    }
    for (uint64_t at = 0; letter != 'n' && at < number; at++) {
        uint64_t before;
        if ((letter != 'V' && !take_number(walk, &before))
            || !(letter == 'T' ? take_text(walk, before, 1) : take_value(walk))) {
            return 0;
        }
    }
    return 1;
}

static int
take_fields(Walk *walk, const char *(*fields_of)(unsigned int))
{
    if (walk->at >= walk->end) {
        return 0;
    }
    unsigned int tag = walk->bytes[walk->at++];
    const char *fields = fields_of(tag);
    int taken = fields != NULL;
    for (; taken && *fields != '\0'; fields++) {
        taken = take_field(walk, tag, *fields);
    }
    return taken;
}

static int
take_value(Walk *walk)
{
    return take_fields(walk, value_fields);
}

void
secrets_mask(Engine *engine)
{
    Secrets *secrets = &engine->secrets;
    Walk walk = {secrets, engine->group.bytes, 0, engine->group.used};
    size_t at = 0;
    secrets->masked = secrets->count;
    if (secrets_next(secrets, walk.bytes, walk.end, &at) != NULL) {
        while (walk.at < walk.end && take_fields(&walk, record_fields)) {
        }
    }
}
