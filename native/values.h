/* How values become bytes; see codetracer/runtime/values.py and layouts.py. Hand-written. */
#ifndef CODETRACER_VALUES_H
#define CODETRACER_VALUES_H

#include "_trace_records.h"

#define MAX_KNOWN 100000 /* as in values.py */
#define MAX_NAME 1000    /* likewise */
#define NESTED 10        /* likewise */
#define ALLOW 0
#define REDACT 1
#define DROP 2
#define SECRET 3 /* redacted, and remembered */

#pragma GCC visibility push(hidden)

typedef struct Engine Engine;
typedef struct Plan Plan;

/* A slot of an instance, or a field of a named tuple. */
typedef struct {
    PyObject *name;
    Py_hash_t hash;   /* of the name */
    PyObject *owner;  /* a weak reference to the class that has the slot; None for a field */
    Py_ssize_t place; /* where the class's dict had it last */
} Member;

/* Something that is read of an instance of a known type; see known.py. */
typedef struct {
    PyObject *name;
    PyObject *steps;
    int optional; /* left out where it is nothing */
    int spread;   /* its own items stand for it */
} Read;

typedef struct {
    Py_ssize_t count;
    Read *reads;
} Reads;

/* How the instances of a known type are read. */
typedef struct {
    PyObject *base; /* the known type where its iterator gives the items; else None */
    int way;        /* how items are read; 0: as those of any type */
    Reads items;
    Reads attributes;
    PyObject *size;    /* steps to what says how large one is; none: nothing does */
    PyObject *by_name; /* dict: step by attribute */
    PyObject *hidden;  /* dict: what of an instance's dict is read already */
} Reading;

typedef struct {
    uint32_t number;
    int form;
    int has_dict;
    Py_ssize_t count; /* of members */
    Member *members;
    Reading *reading; /* or NULL */
    PyObject *alive; /* a weak reference to the type; None to one that is there for good */
    PyObject *formatter; /* by what name there is one for it; or NULL */
} Layout;

/* An object that has been written. */
typedef struct {
    const void *object; /* NULL: free */
    const void *kind;
    uint64_t content; /* hash of what was written, 0 for nothing */
    uint64_t event;   /* the event that looked at it last */
    uint32_t number;
    int depth; /* how deep that event looked */
} Known;

/* An object that is to be looked at. */
typedef struct {
    PyObject *object;
    uint32_t number;
    int depth; /* how deep */
    int room;  /* how deep the limit would allow */
} Queued;

typedef struct {
    PyObject *layout_of; /* callable: a type's name, form, slots and so on */
    PyObject *say;       /* callable: what a formatter of the program's says */
    int depth;           /* the limits */
    int items;
    int text;
    int objects;
    Known *known;
    size_t known_size; /* a power of 2, or 0 */
    size_t known_used;
    uint32_t next_object;
    uint32_t next_type;
    uint32_t next_attribute;
    uint64_t event;
    int room;    /* how deep the limit allows to look at what is encoded now */
    int refers;  /* whether a reference was encoded */
    int within;  /* whether what an object holds is encoded */
    Py_ssize_t spare; /* how many items of tuples in tuples there is still room for */
    Table layouts;        /* of types, by address */
    uint32_t sweep_at;    /* the number of the type at which those that are gone are let go of */
    PyObject *attributes; /* number by name */
    Queued *queue;
    size_t queue_used;
    size_t queue_size;
    Buffer content;
    Buffer items_held; /* those of the object that is looked at */
    Buffer fields;     /* and its attributes */
} Values;

/* What a formatter of the program's says of an object. */
typedef struct {
    int are_there;
    int failed;
    PyObject *text; /* what it says, or why it failed; NULL: it is hidden */
} Words;

/* The items of an object that is looked at. */
typedef struct {
    Buffer *to;
    Py_ssize_t total; /* how many it has */
    Py_ssize_t count; /* how many of them are there */
} Items;

/* The attributes of an object that is looked at. */
typedef struct {
    Plan *plan;
    int depth;
    Py_ssize_t count;
    Py_ssize_t cut;
} Fields;

/* ---- layouts.c */

/* Returns a type's layout; defines the type in the group if it has not been met before. */
Layout *layout_of(Engine *engine, PyTypeObject *kind);
void layout_free(Layout *layout);

/* ---- values.c */

int values_prepare(void);

/* Appends a value to `to`; what it refers to is queued for values_write. */
int values_encode(Engine *engine, Buffer *to, PyObject *value, int depth, int nesting);

#define SHORT_TEXT 64 /* characters that are encoded in place */

/* A str in UTF-8, surrogates like any other character: what it is needed for ends before the str. */
typedef struct {
    Bytes bytes;
    PyObject *owner; /* or NULL */
    char place[4 * SHORT_TEXT];
} Utf8;

int utf8_take(Utf8 *utf8, PyObject *text);
void utf8_end(Utf8 *utf8);

/* Appends a str as a value. */
int put_str(Buffer *to, PyObject *text);

/* Appends what an instance of int, float, complex, str, bytes, bytearray or of a subclass is. */
int encode_plain(Engine *engine, Buffer *to, PyObject *value);

/* Appends bytes, or as many of them as the limit allows; so many and LOOKED_AHEAD must be there. */
int encode_bytes(Engine *engine, Buffer *to, const char *bytes, Py_ssize_t length);

/* ---- objects.c */

int values_init(Values *values);
void values_clear(Values *values);
void values_forget(Values *values);

/* Appends a reference to an object, which is queued where it is to be looked at. */
int encode_reference(Engine *engine, Buffer *to, PyObject *value, int depth, int nesting);

/* Appends records of the queued objects to the group, as far as they are new. */
int values_write(Engine *engine, Plan *plan);

/* Lets go of what an event that failed has begun to look at; the next one looks at it again. */
void values_give_up(Values *values);

/* ---- items.c */

int items_prepare(void);

/* Appends the items. */
int object_items(Engine *engine, Plan *plan, Items *items, PyObject *object, Layout *layout,
                 int depth);

/* Appends what an iterator of CPython's own gives, which is given up; it is NULL with an exception. */
int iterator_items(Engine *engine, Items *items, PyObject *iterator, Py_ssize_t total, int depth);

/* ---- known.c */

Reading *reading_new(PyObject *told);
void reading_free(Reading *reading);

/* The same as object_items and object_attributes, of what is read in a way of its own. */
int known_items(Engine *engine, Items *items, PyObject *object, Reading *reading, int depth);
int known_attributes(Engine *engine, Fields *fields, PyObject *object, Reading *reading);

/* ---- words.c */

/* Has a formatter asked, which runs code of the program's: the text is for words_end. */
int words_ask(Engine *engine, Plan *plan, PyObject *formatter, PyObject *object, Words *words);

/* Appends the words. */
int words_put(Engine *engine, Buffer *to, const Words *words);
void words_end(Words *words);

/* ---- buffers.c */

int buffers_prepare(PyObject *module);

/* Returns the first items of an object's buffer as a tuple, and how many it has; none where they
   cannot be read. */
PyObject *buffer_items(PyObject *object, Py_ssize_t limit, Py_ssize_t *total);

/* Returns the first bytes of an object's buffer, and how many it has; None where there are none. A
   copy: while Python is asked, another thread may change them. */
PyObject *buffer_bytes(PyObject *object, Py_ssize_t most, Py_ssize_t *total);

/* ---- attributes.c */

int attributes_prepare(void);

/* Appends the attributes to the fields of the values. */
int object_attributes(Engine *engine, Fields *fields, PyObject *object, Layout *layout);

/* Appends one, as its filter has it. */
int field_add(Engine *engine, Fields *fields, PyObject *name, PyObject *value);

/* Returns what a slot holds of the class that a weak reference refers to; NULL, without an exception
   if it is not bound or none any more. */
PyObject *read_slot(PyObject *owner, PyObject *name, PyObject *object);

#pragma GCC visibility pop

#endif
