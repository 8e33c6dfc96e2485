/* Lines. A line says what one line of a code object can change, as in lines.py. */
#ifndef CODETRACER_LINES_H
#define CODETRACER_LINES_H

#include <Python.h>

#include <stdint.h>

#include "bytecode.h"

#pragma GCC visibility push(hidden)

typedef struct Variable {
    PyObject *name; /* owned */
    uint32_t number;
    int is_global;
    int is_around;
    int action;
    Py_ssize_t slot; /* of a global variable: its slot in the plan's namespace */
} Variable;

/* A variable to look at, and how many objects deep; 0: as deep as the limit. */
typedef struct {
    Variable *variable;
    int reach;
} Look;

typedef struct {
    Look *looks;
    Py_ssize_t count;
} Looks;

struct Step;

/* Where an object can be found. The variable is the plan's, the other objects are owned. */
typedef struct {
    Variable *variable; /* NULL: nowhere */
    struct Step *path;
    int length;
    int has_items;
    int levels;
    int is_bound;     /* whether the line may bind the variable, other than by an operator in place */
    struct Step *key; /* where the only item is that a line changes there; or NULL */
    PyObject *method; /* NULL where the line does not store into it */
} Place;

/* An attribute or an item on the way to an object. */
typedef struct Step {
    PyObject *name;  /* of the attribute; NULL: it is an item */
    PyObject *value; /* the key, if it is a constant; else NULL */
    Place key;       /* where the key is otherwise */
} Step;

typedef struct {
    Place *places;
    Py_ssize_t count;
} Places;

/* A call. */
typedef struct {
    PyObject *name;         /* owned */
    PyTypeObject *constant; /* owned, or NULL */
    Place place;
    int before;
    int is_method;
    int is_super;
    int is_late;
    int is_rebound;
    int varies;
    int start; /* the offset of its instruction, in bytes */
    int is_ambiguous;
} Site;

typedef struct Line {
    int number;
    Looks named;
    Looks bound;
    Looks globals;
    Places known;
    Places attributes;
    Places containers;
    Places targets;
    Places moves;
    Site *sites;
    Py_ssize_t site_count;
    int births;
    int hides;
    int is_bare;
    int is_wide;
    int is_mixed;
    int stores_item; /* whether the first store is that of an item */
    int stores_at; /* the offset of the first store into an object, in bytes; or -1 */
    int loops;
    struct Line *again;
    int again_at;
    uint64_t looked;
} Line;

/* The variables of a plan, by number, and how many of them are local; those come first. */
typedef struct {
    Variable *variables;
    Py_ssize_t count;
    Py_ssize_t locals;
} Variables;

/* Frees the memory of looks. */
void looks_free(Looks *looks);

/* Fills lines, of which there are as many as in the reading, and which are zero. Returns -1 with an exception;
   line_clear then releases what has been filled of each. */
int lines_fill(Line *lines, Variables variables, const CodeReading *reading);
void line_clear(Line *line);

#pragma GCC visibility pop

#endif
