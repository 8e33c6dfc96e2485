#include "facts.h"

#include <string.h>

#define BLOCK 8192

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

int
ways_have(const Ways *ways, const Way *way)
{
    for (int at = 0; at < ways->count; at++) {
        if (way_equal(ways->items[at], way)) {
            return 1;
        }
    }
    return 0;
}

void
ways_add(Arena *arena, Ways *ways, const Way *way)
{
    if (way == NULL || ways_have(ways, way)) {
        return;
    }
    const Way **items = more(arena, ways->items, ways->count, &ways->size, sizeof(*items));
    if (items != NULL) {
        ways->items = items;
        items[ways->count++] = way;
    }
}

void
names_add(Arena *arena, NameFacts *names, PyObject *name, int binds)
{
    NameFact *known = names_find(names, name);
    if (known != NULL) {
        known->binds |= binds;
        return;
    }
    NameFact *items = more(arena, names->items, names->count, &names->size, sizeof(*items));
    if (items != NULL) {
        names->items = items;
        items[names->count++] = (NameFact){name, binds};
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
