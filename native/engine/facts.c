#include "facts.h"

#include <string.h>

#include "tables.h"

#define BLOCK 8192
#define MANY 32 /* from so many items on, they have an index */

typedef struct ArenaBlock {
    struct ArenaBlock *next;
    size_t size;
    max_align_t content[];
} ArenaBlock;

void *
arena_get(Arena *arena, size_t size)
{
    size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (size > arena->left || arena->blocks == NULL) {
        size_t room = size > BLOCK ? size : BLOCK;
        ArenaBlock *block = PyMem_Malloc(sizeof(ArenaBlock) + room);
        if (block == NULL) {
            arena->failed = 1;
            return NULL;
        }
        block->next = arena->blocks;
        block->size = room;
        arena->blocks = block;
        arena->left = room;
    }
    ArenaBlock *block = arena->blocks;
    char *got = (char *)block->content + (block->size - arena->left);
    arena->left -= size;
    return memset(got, 0, size);
}

void
arena_free(Arena *arena)
{
    while (arena->blocks != NULL) {
        ArenaBlock *block = arena->blocks;
        arena->blocks = block->next;
        PyMem_Free(block);
    }
    arena->left = 0;
}

/* Returns items with room for one more, which may have been moved; NULL if memory is short. */
static void *
more(Arena *arena, void *items, int count, int *size, size_t each)
{
    if (count < *size) {
        return items;
    }
    int grown = *size == 0 ? 4 : *size * 2;
    void *moved = arena_get(arena, (size_t)grown * each);
    if (moved != NULL) {
        if (count > 0) {
            memcpy(moved, items, (size_t)count * each);
        }
        *size = grown;
    }
    return moved;
}

LineFacts *
facts_new(Arena *arena, int number)
{
    LineFacts *line = arena_get(arena, sizeof(LineFacts));
    if (line != NULL) {
        line->number = number;
        line->stores_at = line->again_at = -1;
    }
    return line;
}

const Way *
way_new(Arena *arena, PyObject *name, int is_global, const Way *before, WayStep step)
{
    int length = before == NULL ? 0 : before->length;
    int grows = step.name != NULL || step.key != NULL;
    Way *way = arena_get(arena, sizeof(Way) + (size_t)(length + grows) * sizeof(WayStep));
    if (way == NULL) {
        return NULL;
    }
    way->name = name;
    way->is_global = is_global;
    way->length = length + grows;
    if (length > 0) {
        memcpy(way->steps, before->steps, (size_t)length * sizeof(WayStep));
    }
    if (grows) {
        way->steps[length] = step;
    }
    return way;
}

int
key_equal(const Key *one, const Key *other)
{
    if (one == other) {
        return 1;
    }
    if (one == NULL || other == NULL || (one->way == NULL) != (other->way == NULL)) {
        return 0;
    }
    if (one->way != NULL) {
        return way_equal(one->way, other->way);
    }
    if (one->type != other->type) {
        return 0;
    }
    return one->value == other->value
           || PyObject_RichCompareBool(one->value, other->value, Py_EQ) == 1;
}

int
way_equal(const Way *one, const Way *other)
{
    if (one == other) {
        return 1;
    }
    if (one->name != other->name || one->is_global != other->is_global
        || one->length != other->length) {
        return 0;
    }
    for (int at = 0; at < one->length; at++) {
        if (one->steps[at].name != other->steps[at].name
            || !key_equal(one->steps[at].key, other->steps[at].key)) {
            return 0;
        }
    }
    return 1;
}

int
way_leads(const Way *way, PyObject *name, int is_global)
{
    if (way->name == name && way->is_global == is_global) {
        return 1;
    }
    for (int at = 0; at < way->length; at++) {
        const Key *key = way->steps[at].key;
        if (key != NULL && key->way != NULL && way_leads(key->way, name, is_global)) {
            return 1;
        }
    }
    return 0;
}

/* The hash of a place goes by its names alone. */
static size_t
way_hash(const void *item)
{
    const Way *way = *(const Way *const *)item;
    size_t hash = address_hash(way->name) + (size_t)way->is_global;
    for (int at = 0; at < way->length; at++) {
        hash = hash * 31 + address_hash(way->steps[at].name);
    }
    return hash;
}

static int
is_way(const void *item, const void *other)
{
    return way_equal(*(const Way *const *)item, *(const Way *const *)other);
}

static size_t
name_hash(const void *item)
{
    return address_hash(((const NameFact *)item)->name);
}

static int
is_name(const void *item, const void *other)
{
    return ((const NameFact *)item)->name == ((const NameFact *)other)->name;
}

/* Items that are found by comparing and hashing them. */
typedef struct {
    char *items;
    int count;
    size_t each;
    size_t (*hash)(const void *);
    int (*is_equal)(const void *, const void *);
} Items;

/* Returns the position of an item that is equal to this one; -1 if there is none. */
static int
index_find(const Index *index, const Items *items, const void *item)
{
    if (index->size == 0) {
        for (int at = 0; at < items->count; at++) {
            if (items->is_equal(items->items + (size_t)at * items->each, item)) {
                return at;
            }
        }
        return -1;
    }
    size_t mask = (size_t)index->size - 1;
    for (size_t at = items->hash(item) & mask; index->places[at] != 0; at = (at + 1) & mask) {
        int found = index->places[at] - 1;
        if (items->is_equal(items->items + (size_t)found * items->each, item)) {
            return found;
        }
    }
    return -1;
}

static void
index_put(const Index *index, const Items *items, int position)
{
    size_t mask = (size_t)index->size - 1;
    size_t at = items->hash(items->items + (size_t)position * items->each) & mask;
    while (index->places[at] != 0) {
        at = (at + 1) & mask;
    }
    index->places[at] = position + 1;
}

/* Notes the last item. */
static void
index_add(Arena *arena, Index *index, const Items *items)
{
    if (items->count < MANY) {
        return;
    }
    if (items->count * 2 <= index->size) {
        index_put(index, items, items->count - 1);
        return;
    }
    int size = index->size == 0 ? 4 * MANY : index->size * 4;
    int *places = arena_get(arena, (size_t)size * sizeof(*places));
    if (places == NULL) {
        return;
    }
    *index = (Index){places, size};
    for (int at = 0; at < items->count; at++) {
        index_put(index, items, at);
    }
}

void
ways_add(Arena *arena, Ways *ways, const Way *way)
{
    Items items = {(char *)ways->items, ways->count, sizeof(*ways->items), way_hash, is_way};
    if (way == NULL || index_find(&ways->index, &items, &way) >= 0) {
        return;
    }
    const Way **moved = more(arena, ways->items, ways->count, &ways->size, sizeof(*moved));
    if (moved != NULL) {
        ways->items = moved;
        moved[ways->count++] = way;
        items.items = (char *)moved;
        items.count = ways->count;
        index_add(arena, &ways->index, &items);
    }
}

void
names_add(Arena *arena, NameFacts *names, PyObject *name, int binds)
{
    NameFact fact = {name, binds};
    Items items = {(char *)names->items, names->count, sizeof(fact), name_hash, is_name};
    int known = index_find(&names->index, &items, &fact);
    if (known >= 0) {
        names->items[known].binds |= binds;
        return;
    }
    NameFact *moved = more(arena, names->items, names->count, &names->size, sizeof(*moved));
    if (moved != NULL) {
        names->items = moved;
        moved[names->count++] = fact;
        items.items = (char *)moved;
        items.count = names->count;
        index_add(arena, &names->index, &items);
    }
}

TargetFact *
targets_more(Arena *arena, TargetFacts *targets)
{
    TargetFact *items =
        more(arena, targets->items, targets->count, &targets->size, sizeof(*items));
    if (items == NULL) {
        return NULL;
    }
    targets->items = items;
    return &items[targets->count++];
}

Call *
calls_more(Arena *arena, Calls *calls)
{
    Call *items = more(arena, calls->items, calls->count, &calls->size, sizeof(*items));
    if (items == NULL) {
        return NULL;
    }
    calls->items = items;
    return &items[calls->count++];
}
