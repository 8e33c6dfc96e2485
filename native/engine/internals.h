/* Reads from memory those fields of CPython's objects that the stable ABI does not give.

   If the self-test in internals_prepare fails, only the stable ABI is used, as far as it goes.
   Hand-written. */
#ifndef CODETRACER_INTERNALS_H
#define CODETRACER_INTERNALS_H

#include <Python.h>

#include <stdint.h>
#include <string.h>

#pragma GCC visibility push(hidden)

/* Whether this CPython's objects have the memory layout that internals.c describes. */
extern int internals_known;

/* Where the items of a tuple are, in bytes. */
extern Py_ssize_t tuple_place;

int internals_prepare(PyObject *module);

/* Gets the next item of an object's dict, and makes no dict for an object that has none. `position`
   is 0 at first. Returns 0 at the end, else 1; the references are borrowed. The object may change
   between two calls. */
int object_next(PyObject *object, Py_ssize_t *position, PyObject **name, PyObject **value);

/* Returns a new reference to the value of an object's dict for a name; NULL, without an exception, if
   there is none. Makes no dict. */
PyObject *object_get(PyObject *object, PyObject *name);

/* Returns about how many items there are. */
Py_ssize_t object_count(PyObject *object);

/* Returns the current line of a generator, coroutine or asynchronous generator, which must be suspended
   or running; 0 if it is unknown. Reading the line through the attributes of its frame would call audit
   hooks, and make a frame object that stays. */
int generator_line(PyObject *generator);

/* Returns the value of a dict, or of an instance of a subclass, for a name that is exactly a str:
   a borrowed reference, or NULL without an exception if there is none. No code of a key runs, while
   PyDict_GetItem would call the __eq__ of a key whose class is a subclass of str. */
PyObject *plain_get(PyObject *dict, PyObject *name);

/* Gets what is in a slot of an instance, borrowed: NULL if the slot is unbound, or of another class. Sets the
   offset of the slot in bytes, or 0 if it is of another class. Returns 0 if only the descriptor, a member
   descriptor, can tell. */
int slot_read(PyObject *descriptor, PyObject *object, PyObject **value, Py_ssize_t *offset);

/* Returns a number that a type has only as long as nothing in it or its bases changes; 0 if it has none now.
   CPython's own instructions for slots rely on it. */
static inline uint32_t
type_version(PyTypeObject *type)
{
    /* PyTypeObject.tp_version_tag */
    uint32_t version = 0;
    if (internals_known) {
        memcpy(&version, (const char *)type + 384, sizeof(version));
    }
    return version;
}

/* Returns what is in a slot of an instance, borrowed, or NULL. */
static inline PyObject *
slot_at(PyObject *object, Py_ssize_t offset)
{
    PyObject *value;
    memcpy(&value, (const char *)object + offset, sizeof(value));
    return value;
}

/* Returns whether a str is known to be ASCII, so its own memory is its UTF-8. In any other str,
   PyUnicode_AsUTF8AndSize leaves a copy of the UTF-8. */
static inline int
is_ascii(PyObject *text)
{
    /* PyASCIIObject.state, after ob_base, length and hash: interned 2, kind 3, compact 1, ascii 1. */
    uint32_t state;
    memcpy(&state, (const char *)text + 32, sizeof(state));
    return internals_known && (state & 0x60) == 0x60;
}

/* Returns the hash of an object that is exactly a str. */
static inline Py_hash_t
text_hash(PyObject *text)
{
    /* PyASCIIObject.hash, after ob_base and length; -1 if it has not been calculated. */
    Py_hash_t hash = -1;
    if (internals_known) {
        memcpy(&hash, (const char *)text + 24, sizeof(hash));
    }
    return hash != -1 ? hash : PyObject_Hash(text);
}

/* Returns the number of characters of a str. */
static inline Py_ssize_t
text_length(PyObject *text)
{
    /* PyASCIIObject.length, after ob_base */
    Py_ssize_t length = 0;
    if (internals_known) {
        memcpy(&length, (const char *)text + 16, sizeof(length));
        return length;
    }
    return PyUnicode_GetLength(text);
}

/* Returns the items of a list; NULL if they are not known, or if there are none. */
static inline PyObject *const *
list_array(PyObject *list)
{
    /* PyListObject.ob_item, after ob_base and ob_size */
    PyObject *const *array = NULL;
    if (internals_known) {
        memcpy(&array, (const char *)list + 24, sizeof(array));
    }
    return array;
}

/* Returns the items of a tuple; NULL if they are not known. */
static inline PyObject *const *
tuple_array(PyObject *tuple)
{
    return internals_known ? (PyObject *const *)((const char *)tuple + tuple_place) : NULL;
}

/* Gets the value of an int. Returns 0 if it takes more than 64 bits. */
static inline int
small_integer(PyObject *value, int64_t *number)
{
    /* _PyLongValue, after ob_base: lv_tag (sign 2, reserved 1, the number of digits) and the digits. */
    uintptr_t tag = (uintptr_t)-1;
    if (internals_known) {
        memcpy(&tag, (const char *)value + 16, sizeof(tag));
    }
    if (tag >> 3 <= 1) {
        uint32_t digit;
        memcpy(&digit, (const char *)value + 24, sizeof(digit));
        *number = (1 - (int64_t)(tag & 3)) * (int64_t)digit;
        return 1;
    }
    int overflow;
    *number = PyLong_AsLongLongAndOverflow(value, &overflow);
    return !overflow;
}

/* PyDictUnicodeEntry */
typedef struct {
    PyObject *key;
    PyObject *value;
} DictEntry;

/* The attributes of an instance whose values are in an array. `order` is the order in which they were
   set, as indices. The names are those of the class. */
typedef struct {
    PyObject **values;
    const uint8_t *order;
    Py_ssize_t step; /* from one place in `order` to the next */
    Py_ssize_t count;
    const DictEntry *entries;
    Py_ssize_t names;
} Inline;

/* The entries of a dict. */
typedef struct {
    PyObject *const *next; /* the key; its value follows */
    Py_ssize_t left;
    size_t step; /* in pointers */
} Entries;

/* setentry: the key is NULL where there is none, and the hash -1 where there was one. */
typedef struct {
    PyObject *key;
    Py_hash_t hash;
} SetEntry;

/* The entries of a set. */
typedef struct {
    const SetEntry *next;
    Py_ssize_t left;
} SetEntries;

/* Finds the entries of a set or frozenset. Returns 0 if the layout is unknown. */
static inline int
set_entries(PyObject *set, SetEntries *entries)
{
    /* PySetObject.mask and table, after ob_base, fill and used */
    if (!internals_known) {
        return 0;
    }
    memcpy(&entries->left, (const char *)set + 32, sizeof(entries->left));
    memcpy(&entries->next, (const char *)set + 40, sizeof(entries->next));
    entries->left++;
    return 1;
}

/* Returns the next item, borrowed; NULL at the end. The set must not change between two calls. */
static inline PyObject *
set_next(SetEntries *entries)
{
    while (entries->left > 0) {
        const SetEntry *entry = entries->next++;
        entries->left--;
        if (entry->key != NULL && entry->hash != -1) {
            return entry->key;
        }
    }
    return NULL;
}

/* Finds the entries of a dict. Returns 0 if its values are in another object, or the layout is unknown. */
int dict_entries(PyObject *dict, Entries *entries);

/* Gets the next entry, borrowed. Returns 0 at the end. The dict must not change between two calls. */
static inline int
entries_next(Entries *entries, PyObject **key, PyObject **value)
{
    while (entries->left > 0) {
        *key = entries->next[0];
        *value = entries->next[1];
        entries->next += entries->step;
        entries->left--;
        if (*value != NULL) {
            return 1;
        }
    }
    return 0;
}

/* Finds the attributes of an object that has no dict. Returns 0 if it has one, or none of these. */
int object_inline(PyObject *object, Inline *found);

/* Returns the dict, if it is exactly a dict, of an object whose class keeps one for each instance; borrowed,
   or NULL. */
PyObject *object_dict(PyObject *object);

/* Returns the next attribute's value, borrowed, and sets its name; NULL at the end. */
static inline PyObject *
inline_item(const Inline *found, Py_ssize_t *position, PyObject **name)
{
    while (*position < found->count) {
        uint8_t index = found->order[*position * found->step];
        ++*position;
        if (index < found->names && found->values[index] != NULL) {
            *name = found->entries[index].key;
            return found->values[index];
        }
    }
    return NULL;
}

/* In the stable ABI, but not in the headers from 3.15 on. */
PyAPI_FUNC(PyObject *) PyWeakref_GetObject(PyObject *);

/* Returns a borrowed reference to the object that a weak reference refers to; None if that is gone. */
static inline PyObject *
referent(PyObject *reference)
{
    /* PyWeakref_GetRef is newer than 3.12; the stable ABI keeps this one. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    return PyWeakref_GetObject(reference);
#pragma GCC diagnostic pop
}

#pragma GCC visibility pop

#endif
