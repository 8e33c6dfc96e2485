/* Says what is known of a value on the stack, of its parts, and of a call of it, as entries.py does.
   Entries are in the arena of the facts, and borrow their objects as facts do. Where memory is short, what
   returns an entry returns NULL, as of a value of which nothing is known. */
#ifndef CODETRACER_ENTRIES_H
#define CODETRACER_ENTRIES_H

#include <Python.h>

#include "facts.h"
#include "instructions.h"

#pragma GCC visibility push(hidden)

/* NULL is the entry of a value of which nothing is known. */
typedef enum {
    ENTRY_PLACE,    /* `way`: it is at a place */
    ENTRY_ITEM,     /* `way`, `key`, `line`: an item of the object at a place; the key or NULL */
    ENTRY_WITHIN,   /* `way` or NULL, `line`: a variable of the line leads to it */
    ENTRY_FRESH,    /* `name` or NULL: the line has made it; a function's name */
    ENTRY_NULL,     /* it is no value */
    ENTRY_METHOD,   /* `name`, `owner`, `is_super`: it is a method of the value */
    ENTRY_PLAIN,    /* `type`, `name` or NULL, `is_code`: a constant, and its value; code: its name */
    ENTRY_ITERATOR, /* `sources`, `count`: it iterates over the values */
    ENTRY_RETURNED, /* `count`, `line`: that call of a line has returned it */
    ENTRY_CALLABLE, /* `type`: it is a type of CPython's */
} Tag;

typedef struct Entry {
    Tag tag;
    int is_super;
    int is_code;
    int count;
    const Way *way;
    const Key *key;
    LineFacts *line;
    PyObject *name;
    PyObject *type;
    const struct Entry *owner;
    const struct Entry **sources;
} Entry;

extern const Entry null_entry;
extern const Entry fresh_entry;

static inline int
has_tag(const Entry *entry, Tag tag)
{
    return entry != NULL && entry->tag == tag;
}

const Entry *entry_new(Arena *arena, Entry content);

int entry_equal(const Entry *one, const Entry *other);

/* Returns what is known of an attribute of a value. */
const Entry *entry_attribute(Arena *arena, const Entry *entry, PyObject *name);

/* Returns what is known of a part of a value, which is no place. The step has neither name nor key if it
   is not known. `line` takes the part; NULL keeps the line of the value. */
const Entry *entry_part(Arena *arena, const Entry *entry, WayStep step, LineFacts *line);

/* Returns whether it is known of a value that a variable leads to it. */
int entry_leads_from(const Entry *entry, PyObject *name, int is_global);

/* Returns the function that a line has made of code. */
const Entry *entry_function(Arena *arena, const Entry *code);

/* Returns an iterator over values. */
const Entry *entry_iterator(Arena *arena, const Entry **values, int count);

/* Returns what is called as an attribute, as a method of what it is taken from. */
const Entry *entry_as_method(Arena *arena, const Entry *place);

/* Returns the key of an item that a line takes; NULL if it is not known. */
const Key *entry_key(Arena *arena, const Entry *entry, const LineFacts *line);

/* Returns what is known of a call by a line or a part of it; `whole` is the line. The caller sets the
   `start`. */
Call entry_call(Arena *arena, const Instructions *instructions, const Entry *callee,
                const LineFacts *line, const LineFacts *whole);

#pragma GCC visibility pop

#endif
