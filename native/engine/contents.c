#include "contents.h"

#include "_trace_fields.h"
#include "_trace_format.h"
#include "_trace_records.h"
#include "fields.h"
#include "spans.h"
#include "state.h"
#include "tables.h"

/* A content that was written. */
typedef struct {
    size_t room;
    int is_in_parts; /* 0: its record has more than these, and none of them are kept */
    ObjectRecord record;
    unsigned char bytes[]; /* its items and attributes */
} Held;

/* An item or attribute, as bytes. */
typedef struct Part {
    uint64_t number; /* the attribute's */
    const unsigned char *value;
    size_t size;
} Part;

/* A content in parts: first the items, then the attributes. */
typedef struct {
    const ObjectRecord *record;
    size_t items;
    size_t attributes;
    const Part *parts;
} Content;

static const void *
held_key(uint32_t number)
{
    return (const void *)((uintptr_t)number + 2);
}

/* Appends items or attributes to the parts. Returns 0 if there are more than can be changed, and -1 with
   MemoryError. */
static int
take_parts(Parts *parts, const Several *several, int are_numbered)
{
    if (several->count == 0 || several->count > LARGEST_CHANGED) {
        return several->count == 0;
    }
    size_t count = (size_t)several->count;
    if (parts->used + count > parts->room) {
        size_t room = parts->used + count + 64;
        Part *found = PyMem_Realloc(parts->parts, room * sizeof(Part));
        if (found == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        parts->parts = found;
        parts->room = room;
    }
    const unsigned char *bytes = several->bytes;
    Unread from = {bytes, bytes + several->size, NULL};
    for (size_t at = 0; at < count; at++) {
        Part *part = &parts->parts[parts->used++];
        part->number = 0;
        Bytes value;
        if ((are_numbered ? take_attribute(&from, 0, &part->number, &value) : take_value(&from, 0, &value))
            != READ) {
            return 0;
        }
        part->value = value.bytes;
        part->size = value.size;
    }
    return 1;
}

/* Parts a content. Returns 0 if changes cannot be written, and -1 with MemoryError. */
static int
take_content(Parts *parts, const ObjectRecord *record, Content *content)
{
    parts->used = 0;
    int taken = take_parts(parts, &record->items, 0);
    if (taken > 0) {
        taken = take_parts(parts, &record->attributes, 1);
    }
    *content = (Content){record, (size_t)record->items.count, (size_t)record->attributes.count, parts->parts};
    return taken;
}

static int
is_same(const Part *one, const Part *other)
{
    return one->size == other->size && memcmp(one->value, other->value, one->size) == 0;
}

static int
put_part(Buffer *to, uint64_t number, const Part *part)
{
    return begin_attribute(to, number) < 0 || put_bytes(to, part->value, part->size) < 0 ? -1 : 0;
}

static int
items_set(Contents *contents, uint32_t number, const Content *before, const Content *now)
{
    Buffer *some = &contents->some;
    some->used = 0;
    uint64_t most = now->record->form == FORM_DICT ? now->record->total * 2 : now->record->total;
    size_t kept = before->items < most ? before->items : (size_t)most;
    if (now->items < kept) {
        return 0;
    }
    uint64_t count = 0;
    for (size_t at = 0; at < now->items; at++) {
        if (at >= kept || !is_same(&now->parts[at], &before->parts[at])) {
            if (put_part(some, at, &now->parts[at]) < 0) {
                return -1;
            }
            count++;
        }
    }
    ItemsSetRecord record = {
        .number = number,
        .total = now->record->total,
        .items = {count, some->bytes, some->used},
    };
    return put_items_set_record(&contents->set, &record);
}

static int
items_replaced(Contents *contents, uint32_t number, const Content *before, const Content *now)
{
    size_t most = before->items < now->items ? before->items : now->items;
    size_t first = 0;
    size_t last = 0;
    while (first < most && is_same(&before->parts[first], &now->parts[first])) {
        first++;
    }
    while (last < most - first
           && is_same(&before->parts[before->items - 1 - last], &now->parts[now->items - 1 - last])) {
        last++;
    }
    size_t count = now->items - first - last;
    const Part *parts = now->parts + first;
    /* The items stand one behind the other. */
    size_t size = 0;
    if (count > 0) {
        size = (size_t)(parts[count - 1].value - parts->value) + parts[count - 1].size;
    }
    ItemsReplacedRecord record = {
        .number = number,
        .total = now->record->total,
        .first = first,
        .last = last,
        .items = {count, count > 0 ? parts->value : NULL, size},
    };
    return put_items_replaced_record(&contents->replaced, &record);
}

static int
are_items_same(const Content *before, const Content *now)
{
    if (before->record->total != now->record->total || before->items != now->items) {
        return 0;
    }
    for (size_t at = 0; at < now->items; at++) {
        if (!is_same(&before->parts[at], &now->parts[at])) {
            return 0;
        }
    }
    return 1;
}

static int
put_items(Contents *contents, uint32_t number, const Content *before, const Content *now)
{
    if (are_items_same(before, now)) {
        return 0;
    }
    Buffer *set = &contents->set;
    Buffer *replaced = &contents->replaced;
    set->used = replaced->used = 0;
    if (items_set(contents, number, before, now) < 0
        || items_replaced(contents, number, before, now) < 0) {
        return -1;
    }
    const Buffer *shorter = set->used > 0 && set->used <= replaced->used ? set : replaced;
    return put_bytes(&contents->changes, shorter->bytes, shorter->used);
}

/* Returns whether an attribute is there more than once. */
static int
is_repeated(const Content *content, uint64_t number)
{
    int found = 0;
    const Part *attributes = content->parts + content->items;
    for (size_t at = 0; at < content->attributes; at++) {
        found += attributes[at].number == number;
    }
    return found > 1;
}

/* Returns 0 if an attribute that differs is there more than once. */
static int
put_attributes(Contents *contents, uint32_t number, const Content *before, const Content *now)
{
    unsigned char unbound[RECORD_ROOM];
    size_t size = (size_t)(store_value_unbound(unbound) - unbound);
    const Part *old = before->parts + before->items;
    const Part *new = now->parts + now->items;
    Buffer *some = &contents->some;
    some->used = 0;
    uint64_t count = 0;
    size_t position = 0;
    for (size_t at = 0; at < before->attributes + now->attributes; at++) {
        Part gone = {0, unbound, size};
        const Part *found = NULL;
        if (at >= before->attributes) {
            if (position == now->attributes) {
                break;
            }
            found = &new[position++];
        }
        else if (position == now->attributes || new[position].number != old[at].number) {
            gone.number = old[at].number;
            found = &gone;
        }
        else if (!is_same(&new[position++], &old[at])) {
            found = &new[position - 1];
        }
        if (found == NULL) {
            continue;
        }
        if (is_repeated(before, found->number) || is_repeated(now, found->number)) {
            return 0;
        }
        if (put_part(some, found->number, found) < 0) {
            return -1;
        }
        count++;
    }
    AttributesSetRecord record = {.number = number, .attributes = {count, some->bytes, some->used}};
    if (count > 0 && put_attributes_set_record(&contents->changes, &record) < 0) {
        return -1;
    }
    return 1;
}

/* Puts the records of what is new into `contents->changes`. Returns 0 if there can be none. */
static int
put_changes(Contents *contents, uint32_t number, const ObjectRecord *held, const ObjectRecord *whole)
{
    if (held->form != whole->form || held->type_number != whole->type_number || held->more != whole->more) {
        return 0;
    }
    Content before;
    Content now;
    contents->changes.used = 0;
    int taken = take_content(&contents->before, held, &before);
    if (taken > 0) {
        taken = take_content(&contents->now, whole, &now);
    }
    if (taken <= 0) {
        return taken;
    }
    if (put_items(contents, number, &before, &now) < 0) {
        return -1;
    }
    taken = put_attributes(contents, number, &before, &now);
    return taken > 0 ? contents->changes.used > 0 : taken;
}

/* Returns the place for a content, with room for it; NULL with MemoryError. */
static Held *
make_room(Contents *contents, uint32_t number, Held *held, size_t size)
{
    if (held != NULL && held->room >= size) {
        return held;
    }
    size_t room = held == NULL ? size : size + size / 2;
    Held *made = PyMem_Malloc(sizeof(Held) + room);
    int failed = made == NULL;
    if (!failed) {
        table_set(&contents->held, held_key(number), made, &failed);
    }
    if (failed) {
        PyMem_Free(made);
        PyErr_NoMemory();
        return NULL;
    }
    PyMem_Free(held);
    made->room = room;
    return made;
}

static void
hold(Held *held, const ObjectRecord *now)
{
    held->is_in_parts = now != NULL;
    if (now != NULL) {
        held->record = *now;
        held->record.items.bytes = held->bytes;
        unsigned char *end = store_bytes(held->bytes, now->items.bytes, now->items.size);
        held->record.attributes.bytes = end;
        store_bytes(end, now->attributes.bytes, now->attributes.size);
    }
}

int
contents_put(Contents *contents, Buffer *to, uint32_t number, const Buffer *whole, const ObjectRecord *now)
{
    Held *held = table_get(&contents->held, held_key(number));
    int changes = 0;
    if (held != NULL && held->is_in_parts && now != NULL) {
        changes = put_changes(contents, number, &held->record, now);
    }
    if (changes < 0) {
        return -1;
    }
    size_t size = now == NULL ? 0 : now->items.size + now->attributes.size;
    const Buffer *records = changes && contents->changes.used < whole->used ? &contents->changes : whole;
    if (buffer_reserve(to, records->used) < 0
        || (held = make_room(contents, number, held, size)) == NULL) {
        return -1;
    }
    hold(held, now);
    return put_bytes(to, records->bytes, records->used);
}

void
contents_passed(Contents *contents, size_t size)
{
    contents->passed += size;
    if (contents->passed >= BLOCK_SIZE) {
        contents_forget(contents);
    }
}

void
contents_forget(Contents *contents)
{
    for (size_t at = 0; at < contents->held.size; at++) {
        PyMem_Free(contents->held.slots[at].value);
    }
    table_free(&contents->held);
    contents->passed = 0;
}

void
contents_free(Contents *contents)
{
    contents_forget(contents);
    PyMem_Free(contents->before.parts);
    PyMem_Free(contents->now.parts);
    contents->before = contents->now = (Parts){0};
    buffer_free(&contents->some);
    buffer_free(&contents->set);
    buffer_free(&contents->replaced);
    buffer_free(&contents->changes);
}
