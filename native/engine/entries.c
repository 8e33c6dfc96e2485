#include "entries.h"

#include <string.h>

#include "facts.h"
#include "instructions.h"

#define LONGEST_PATH 3 /* as in entries.py */
#define MOST_STEPS 5   /* as in entries.py */

const Entry null_entry = {.tag = ENTRY_NULL};
const Entry fresh_entry = {.tag = ENTRY_FRESH};
static const Entry within_entry = {.tag = ENTRY_WITHIN};

const Entry *
entry_new(Arena *arena, Entry content)
{
    Entry *entry = arena_get(arena, sizeof(Entry));
    if (entry != NULL) {
        *entry = content;
    }
    return entry;
}

static int
is_led_to(const Entry *entry)
{
    return has_tag(entry, ENTRY_PLACE) || has_tag(entry, ENTRY_ITEM) || has_tag(entry, ENTRY_WITHIN);
}

int
entry_equal(const Entry *one, const Entry *other)
{
    if (one == other) {
        return 1;
    }
    if (one == NULL || other == NULL || one->tag != other->tag || one->is_super != other->is_super
        || one->count != other->count || one->line != other->line || one->type != other->type
        || (one->way == NULL) != (other->way == NULL)
        || (one->way != NULL && !way_equal(one->way, other->way))
        || !key_equal(one->key, other->key) || !entry_equal(one->owner, other->owner)) {
        return 0;
    }
    if (one->name != other->name
        && (one->name == NULL || other->name == NULL
            || PyObject_RichCompareBool(one->name, other->name, Py_EQ) != 1)) {
        return 0;
    }
    for (int at = 0; one->sources != NULL && at < one->count; at++) {
        if (!entry_equal(one->sources[at], other->sources[at])) {
            return 0;
        }
    }
    return 1;
}

static LineFacts *
line_of(const Entry *entry)
{
    return has_tag(entry, ENTRY_ITEM) || has_tag(entry, ENTRY_WITHIN) ? entry->line : NULL;
}

static const Way *
way_of(Arena *arena, const Entry *entry)
{
    if (!is_led_to(entry)) {
        return NULL;
    }
    if (entry->tag != ENTRY_ITEM) {
        return entry->way;
    }
    const Way *way = entry->way;
    return entry->key == NULL
               ? NULL
               : way_new(arena, way->name, way->is_global, way, (WayStep){NULL, entry->key});
}

const Entry *
entry_part(Arena *arena, const Entry *entry, WayStep step, LineFacts *line)
{
    if (!is_led_to(entry)) {
        return NULL;
    }
    const Way *way = way_of(arena, entry);
    if (way == NULL || (step.name == NULL && step.key == NULL) || way->length >= MOST_STEPS) {
        return &within_entry;
    }
    way = way_new(arena, way->name, way->is_global, way, step);
    return way == NULL ? NULL
                       : entry_new(arena, (Entry){.tag = ENTRY_WITHIN,
                                                  .way = way,
                                                  .line = line == NULL ? line_of(entry) : line});
}

const Entry *
entry_attribute(Arena *arena, const Entry *entry, PyObject *name)
{
    if (has_tag(entry, ENTRY_PLACE) && entry->way->length < LONGEST_PATH) {
        const Way *way = way_new(arena, entry->way->name, entry->way->is_global, entry->way,
                                 (WayStep){name, NULL});
        return way == NULL ? NULL : entry_new(arena, (Entry){.tag = ENTRY_PLACE, .way = way});
    }
    return entry_part(arena, entry, (WayStep){name, NULL}, NULL);
}

int
entry_leads_from(const Entry *entry, PyObject *name, int is_global)
{
    if (has_tag(entry, ENTRY_METHOD)) {
        return entry_leads_from(entry->owner, name, is_global);
    }
    if (has_tag(entry, ENTRY_ITERATOR)) {
        for (int at = 0; at < entry->count; at++) {
            if (entry_leads_from(entry->sources[at], name, is_global)) {
                return 1;
            }
        }
        return 0;
    }
    if (!is_led_to(entry) || entry->way == NULL) {
        return 0;
    }
    const Key *key = entry->key;
    return way_leads(entry->way, name, is_global)
           || (key != NULL && key->way != NULL && way_leads(key->way, name, is_global));
}

const Entry *
entry_function(Arena *arena, const Entry *code)
{
    return has_tag(code, ENTRY_PLAIN) && code->is_code
               ? entry_new(arena, (Entry){.tag = ENTRY_FRESH, .name = code->name})
               : &fresh_entry;
}

const Entry *
entry_iterator(Arena *arena, const Entry **values, int count)
{
    const Entry **sources = arena_get(arena, ((size_t)count + 1) * sizeof(*sources));
    if (sources == NULL) {
        return NULL;
    }
    if (count > 0) {
        memcpy(sources, values, (size_t)count * sizeof(*sources));
    }
    return entry_new(arena, (Entry){.tag = ENTRY_ITERATOR, .sources = sources, .count = count});
}

const Entry *
entry_as_method(Arena *arena, const Entry *place)
{
    const Way *way = place->way;
    if (way->length == 0) {
        return place;
    }
    Way *owner = (Way *)way_new(arena, way->name, way->is_global, way, (WayStep){NULL, NULL});
    if (owner == NULL) {
        return NULL;
    }
    owner->length--;
    return entry_new(arena, (Entry){.tag = ENTRY_METHOD,
                                    .name = way->steps[way->length - 1].name,
                                    .owner = entry_new(arena, (Entry){.tag = ENTRY_PLACE,
                                                                      .way = owner})});
}

/* Returns the place of what a line calls or takes, or of the object whose method that is. */
static const Way *
place_of(Arena *arena, const Entry *entry, const LineFacts *line)
{
    /* An item that an earlier line took may be another one now. */
    const LineFacts *taken_by = line_of(entry);
    return taken_by == NULL || taken_by == line ? way_of(arena, entry) : NULL;
}

const Key *
entry_key(Arena *arena, const Entry *entry, const LineFacts *line)
{
    Key *key;
    if (has_tag(entry, ENTRY_PLAIN) && entry->name != NULL) {
        if (entry->is_code) {
            return NULL;
        }
        key = arena_get(arena, sizeof(Key));
        if (key != NULL) {
            *key = (Key){entry->type, entry->name, NULL};
        }
        return key;
    }
    const Way *way = place_of(arena, entry, line);
    key = way == NULL ? NULL : arena_get(arena, sizeof(Key));
    if (key != NULL) {
        *key = (Key){NULL, NULL, way};
    }
    return key;
}

Call
entry_call(Arena *arena, const Instructions *instructions, const Entry *callee,
           const LineFacts *line, const LineFacts *whole)
{
    Call call = {.name = instructions->nothing,
                 .before = -1,
                 .is_late = line->targets.count > 0 || line->is_wide};
    if (has_tag(callee, ENTRY_CALLABLE)) {
        call.name = instructions->new;
        call.constant = callee->type;
        call.is_method = 1;
    }
    else if (has_tag(callee, ENTRY_METHOD)) {
        const Entry *owner = callee->owner;
        call.name = callee->name;
        call.is_method = 1;
        call.way = place_of(arena, owner, whole);
        if (call.way != NULL) {
            call.is_super = callee->is_super;
        }
        else {
            call.constant = has_tag(owner, ENTRY_PLAIN) ? owner->type : NULL;
            call.before = has_tag(owner, ENTRY_RETURNED) && owner->line == line ? owner->count : -1;
        }
    }
    else if (has_tag(callee, ENTRY_FRESH) && callee->name != NULL) {
        /* It tells of its changes when it runs, if it is recorded. */
        call.name = callee->name;
    }
    else {
        call.way = place_of(arena, callee, whole);
        if (call.way != NULL) {
            int length = call.way->length;
            PyObject *last = length > 0 ? call.way->steps[length - 1].name : call.way->name;
            call.name = last == NULL ? instructions->nothing : last;
        }
    }
    return call;
}
