/* What the bytecode says of one line; facts.py explains the parts. Everything is in one arena, which is
   freed at once, and borrows its objects from the code object. Names are interned, so that they are equal
   if they are the same. */
#ifndef CODETRACER_FACTS_H
#define CODETRACER_FACTS_H

#include <Python.h>

#include <stddef.h>

#pragma GCC visibility push(hidden)

struct ArenaBlock;

typedef struct {
    struct ArenaBlock *blocks;
    size_t left; /* bytes that are free in the first block */
    int failed;  /* whether memory was short */
} Arena;

/* Returns zeroed memory; NULL if memory is short, and `failed` is set. */
void *arena_get(Arena *arena, size_t size);
void arena_free(Arena *arena);

struct Way;

/* The key of an item: a constant of a builtin type, or the place that has it. */
typedef struct {
    PyObject *type;
    PyObject *value;       /* NULL: it is at a place */
    const struct Way *way; /* or NULL */
} Key;

/* An attribute or an item. */
typedef struct {
    PyObject *name; /* NULL: it is an item */
    const Key *key; /* or NULL */
} WayStep;

/* A place: a variable, and the way from there. */
typedef struct Way {
    PyObject *name;
    int is_global;
    int length;
    WayStep steps[];
} Way;

typedef struct {
    PyObject *name;
    int binds;
} NameFact;

/* Finds an item by its hash. */
typedef struct {
    int *places; /* the indexes of items, plus 1; 0: free */
    int size;    /* a power of 2; 0 while there are few items, which are looked through */
} Index;

typedef struct {
    NameFact *items;
    int count;
    int size;
    Index index;
} NameFacts;

typedef struct {
    const Way **items;
    int count;
    int size;
    Index index;
} Ways;

/* A place that a line stores into, with its `levels`, `keys` and `in_place`. */
typedef struct {
    const Way *way;
    PyObject *method;
    const Key *key; /* or NULL */
    int levels;
    int is_in_place;
} TargetFact;

typedef struct {
    TargetFact *items;
    int count;
    int size;
} TargetFacts;

typedef struct {
    PyObject *name;
    const Way *way;     /* or NULL */
    PyObject *constant; /* or NULL */
    int is_method;
    int is_super;
    int before;
    int is_late;
    int is_rebound;
    int start;
} Call;

typedef struct {
    Call *items;
    int count;
    int size;
} Calls;

typedef struct LineFacts {
    int number;
    NameFacts locals;
    NameFacts globals;
    int reach;
    TargetFacts targets;
    Ways rebinds; /* without steps */
    Ways moves;
    Ways attributes;
    Ways containers;
    int births;
    int hides;
    int is_wide;
    int is_mixed;
    int stores_at;
    int stores_item;
    int pauses;
    int loops;
    Calls calls;
    struct LineFacts *again;
    int again_at;
    /* Of the scanner: how much this line has been told of what others may have made. */
    int told;
    unsigned int told_in;
} LineFacts;

/* Returns the facts of a line of which nothing is known yet; NULL if memory is short. */
LineFacts *facts_new(Arena *arena, int number);

/* Returns a place; NULL if memory is short. The steps are those of another place, which may be NULL, and
   then one more, if it has a name or key. */
const Way *way_new(Arena *arena, PyObject *name, int is_global, const Way *before, WayStep more);

int way_equal(const Way *one, const Way *other);

/* Compares two keys, which may be NULL. Runs no code of the program: constants are of builtin types. */
int key_equal(const Key *one, const Key *other);

/* Returns whether a variable leads to a place: it is its own, or that of a key. */
int way_leads(const Way *way, PyObject *name, int is_global);

/* Adds a place, unless it is there already. It may be NULL: memory was short. */
void ways_add(Arena *arena, Ways *ways, const Way *way);

/* Notes that a line names a variable. */
void names_add(Arena *arena, NameFacts *names, PyObject *name, int binds);

/* Return room for one more; NULL if memory is short. */
TargetFact *targets_more(Arena *arena, TargetFacts *targets);
Call *calls_more(Arena *arena, Calls *calls);

#pragma GCC visibility pop

#endif
