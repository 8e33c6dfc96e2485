/* Reads from the memory of CPython 3.12 to 3.15 the attributes of instances, the entries of a dict, the
   items of a list, slots, the version of a type, whether a str is ASCII, its length and its hash, and small ints. The layouts are those of
   Include/internal/pycore_dict.h, pycore_object.h, Include/cpython/object.h, longintrepr.h and
   unicodeobject.h, with the GIL and pointers of 8 bytes. A program that includes these headers
   printed the offsets for 3.12.1, 3.13.0, 3.14.8 and 3.15.0.

   An instance of a class has no dict until one is requested. Its values are in an array; their names
   are in the class, and shared by all instances. PyObject_GenericGetDict makes the dict, which then
   stays. */
#include "internals.h"

#include "constants.h"
#include "names.h"

#define MANAGED_DICT (1UL << 4) /* Py_TPFLAGS_MANAGED_DICT */
#define INLINE_VALUES (1UL << 2) /* Py_TPFLAGS_INLINE_VALUES, 3.13 on */
#define MANAGED_DICT_PLACE (-3)  /* in pointers from the object */
#define BASICSIZE_PLACE 32       /* of PyTypeObject.tp_basicsize */
#define FLAGS_PLACE 168          /* of PyTypeObject.tp_flags */
#define KEYS_PLACE 32            /* of PyDictObject.ma_keys */
#define VALUES_PLACE 40          /* of PyDictObject.ma_values */
#define GENERAL_KEYS 0           /* DICT_KEYS_GENERAL */
#define OWNER_PLACE 16           /* of PyDescrObject.d_type */
#define MEMBER_PLACE 40          /* of PyMemberDescrObject.d_member */
#define FRAME_PLACE 72           /* of PyGenObject.gi_iframe */

/* PyDictKeysObject: dk_indices, of 1 << log2_index_bytes bytes, and the entries follow. */
typedef struct {
    Py_ssize_t refcnt;
    uint8_t log2_size;
    uint8_t log2_index_bytes;
    uint8_t kind;
    uint32_t version;
    Py_ssize_t usable;
    Py_ssize_t nentries;
} Keys;

typedef PyObject **(*GetDictPointer)(PyObject *);
typedef int (*GetLine)(void *);

int internals_known;
Py_ssize_t tuple_place;

static int minor;
static size_t cached_keys; /* the place of PyHeapTypeObject.ht_cached_keys */
static GetDictPointer get_dict_pointer;
static GetLine get_line; /* NULL if generators have another memory layout */

static void *
pointer_at(const void *object, size_t place)
{
    void *found;
    memcpy(&found, (const char *)object + place, sizeof(found));
    return found;
}

static int
has_flag(PyObject *object, unsigned long flag)
{
    return internals_known && ((uintptr_t)pointer_at(Py_TYPE(object), FLAGS_PLACE) & flag) != 0;
}

/* Returns the dict of an object, borrowed; NULL if there is none. */
static PyObject *
managed_dict(PyObject *object)
{
    PyObject *dict = ((PyObject **)object)[MANAGED_DICT_PLACE];
    /* In 3.12, if there is no dict, this is the address of the values less one. */
    return (uintptr_t)dict & 1 ? NULL : dict;
}

/* Finds the values of an object that has no dict. Returns 0 if it has none. */
static int
inline_values(PyObject *object, Inline *found)
{
    if (minor == 12) {
        /* PyDictValues: the values; before them, downwards, its size, the count, the order. */
        uintptr_t tagged = ((uintptr_t *)object)[MANAGED_DICT_PLACE];
        if ((tagged & 1) == 0) {
            return 0;
        }
        const uint8_t *start = (const uint8_t *)(tagged + 1);
        found->values = (PyObject **)start;
        found->order = start - 3;
        found->step = -1;
        found->count = start[-2];
        return 1;
    }
    if (!has_flag(object, INLINE_VALUES)) {
        return 0;
    }
    /* PyDictValues: capacity, size, embedded, valid; the values; the order. */
    const uint8_t *start =
        (const uint8_t *)object + (Py_ssize_t)pointer_at(Py_TYPE(object), BASICSIZE_PLACE);
    if (!start[3]) {
        return 0;
    }
    found->values = (PyObject **)(start + sizeof(PyObject *));
    found->order = (const uint8_t *)(found->values + start[0]);
    found->step = 1;
    found->count = start[1];
    return 1;
}

/* Returns where the entries of a dict's keys begin. */
static const void *
entries_of(const Keys *keys)
{
    return (const char *)(keys + 1) + ((size_t)1 << keys->log2_index_bytes);
}

int
dict_entries(PyObject *dict, Entries *entries)
{
    if (!internals_known || pointer_at(dict, VALUES_PLACE) != NULL) {
        return 0;
    }
    const Keys *keys = pointer_at(dict, KEYS_PLACE);
    /* PyDictKeyEntry has the hash first. */
    int has_hash = keys->kind == GENERAL_KEYS;
    entries->next = (PyObject *const *)entries_of(keys) + has_hash;
    entries->left = keys->nentries;
    entries->step = has_hash ? 3 : 2;
    return 1;
}

int
object_inline(PyObject *object, Inline *found)
{
    if (!has_flag(object, MANAGED_DICT) || managed_dict(object) != NULL) {
        return 0;
    }
    const Keys *keys = pointer_at(Py_TYPE(object), cached_keys);
    if (keys == NULL || !inline_values(object, found)) {
        return 0;
    }
    found->entries = entries_of(keys);
    found->names = keys->nentries;
    return 1;
}

PyObject *
object_dict(PyObject *object)
{
    PyObject *dict = has_flag(object, MANAGED_DICT) ? managed_dict(object) : NULL;
    return dict != NULL && PyDict_CheckExact(dict) ? dict : NULL;
}

/* Moves on to the next attribute whose value is inline; 0 at the end. The references are borrowed. */
static int
inline_next(PyObject *object, Py_ssize_t *position, PyObject **name, PyObject **value)
{
    Inline found;
    *value = object_inline(object, &found) ? inline_item(&found, position, name) : NULL;
    return *value != NULL;
}

/* Returns a new reference to the dict of an object that keeps no values beside it, or NULL. */
static PyObject *
other_dict(PyObject *object)
{
    PyObject *dict = NULL;
    if (get_dict_pointer != NULL && internals_known) {
        PyObject **place = get_dict_pointer(object);
        dict = place == NULL ? NULL : Py_XNewRef(*place);
    }
    else {
        dict = PyObject_GenericGetDict(object, NULL);
        PyErr_Clear();
    }
    return dict;
}

/* Returns a new reference to the dict of an object, or NULL. */
static PyObject *
dict_of(PyObject *object)
{
    return has_flag(object, MANAGED_DICT) ? Py_XNewRef(managed_dict(object)) : other_dict(object);
}

int
object_next(PyObject *object, Py_ssize_t *position, PyObject **name, PyObject **value)
{
    if (has_flag(object, MANAGED_DICT)) {
        PyObject *dict = managed_dict(object);
        if (dict == NULL) {
            return inline_next(object, position, name, value);
        }
        /* If the dict has been made since the last call, its order is the same. */
        return PyDict_CheckExact(dict) && PyDict_Next(dict, position, name, value);
    }
    PyObject *dict = other_dict(object);
    int found = dict != NULL && PyDict_CheckExact(dict)
                && PyDict_Next(dict, position, name, value);
    Py_XDECREF(dict);
    return found;
}

Py_ssize_t
object_count(PyObject *object)
{
    PyObject *dict = dict_of(object);
    Inline found;
    Py_ssize_t count = 0;
    if (dict != NULL) {
        count = PyDict_CheckExact(dict) ? PyDict_Size(dict) : 0;
        Py_DECREF(dict);
    }
    else if (has_flag(object, MANAGED_DICT) && inline_values(object, &found)) {
        count = found.count;
    }
    return count;
}

PyObject *
object_get(PyObject *object, PyObject *name)
{
    PyObject *dict = dict_of(object);
    if (dict != NULL) {
        PyObject *found = PyDict_CheckExact(dict) ? Py_XNewRef(plain_get(dict, name)) : NULL;
        Py_DECREF(dict);
        return found;
    }
    PyObject *key;
    PyObject *value;
    Py_ssize_t position = 0;
    while (has_flag(object, MANAGED_DICT) && inline_next(object, &position, &key, &value)) {
        if (key == name || (PyUnicode_CheckExact(key) && PyUnicode_Compare(key, name) == 0)) {
            return Py_NewRef(value);
        }
    }
    return NULL;
}

PyObject *
plain_get(PyObject *dict, PyObject *name)
{
    if (internals_known) {
        const Keys *keys = pointer_at(dict, KEYS_PLACE);
        if (keys->kind != GENERAL_KEYS) {
            PyObject *found = PyDict_GetItemWithError(dict, name);
            if (found == NULL) {
                PyErr_Clear();
            }
            return found;
        }
    }
    PyObject *key;
    PyObject *value;
    Py_ssize_t position = 0;
    while (PyDict_Next(dict, &position, &key, &value)) {
        if (key == name || (PyUnicode_CheckExact(key) && PyUnicode_Compare(key, name) == 0)) {
            return value;
        }
    }
    return NULL;
}

int
slot_read(PyObject *descriptor, PyObject *object, PyObject **value, Py_ssize_t *offset)
{
    *offset = 0;
    if (!internals_known) {
        return 0;
    }
    const PyMemberDef *member = pointer_at(descriptor, MEMBER_PLACE);
    if (member->type != Py_T_OBJECT_EX || member->flags != 0) {
        return 0;
    }
    PyTypeObject *owner = pointer_at(descriptor, OWNER_PLACE);
    *offset = PyObject_TypeCheck(object, owner) ? member->offset : 0;
    *value = *offset ? slot_at(object, *offset) : NULL;
    return 1;
}

int
generator_line(PyObject *generator)
{
    return get_line == NULL ? 0 : get_line((char *)generator + FRAME_PLACE);
}

/* ---- the functions that codetracer/runtime/layouts.py calls */

static PyObject *
instance_dict(PyObject *module, PyObject *object)
{
    PyObject *dict = dict_of(object);
    if (dict != NULL || !has_flag(object, MANAGED_DICT)) {
        return dict != NULL ? dict : Py_NewRef(Py_None);
    }
    PyObject *copy = PyDict_New();
    PyObject *name;
    PyObject *value;
    Py_ssize_t position = 0;
    while (copy != NULL && inline_next(object, &position, &name, &value)) {
        if (PyDict_SetItem(copy, name, value) < 0) {
            Py_CLEAR(copy);
        }
    }
    return copy;
}

/* ---- the self-test */

static const struct {
    int minor;
    size_t cached_keys;
    Py_ssize_t heap_type_size; /* sizeof(PyHeapTypeObject): other builds have another */
    Py_ssize_t generator_size; /* PyGen_Type.tp_basicsize */
} versions[] = {{12, 880, 920, 144}, {13, 880, 928, 144}, {14, 880, 936, 152}, {15, 888, 944, 152}};

static Py_ssize_t
size_of(PyObject *type)
{
    PyObject *size = type == NULL ? NULL : get_attribute(type, "__basicsize__");
    Py_ssize_t found = size == NULL ? -1 : PyLong_AsSsize_t(size);
    Py_XDECREF(size);
    return found;
}

static int
version_fits(void)
{
    Py_ssize_t heap_type_size = size_of((PyObject *)&PyType_Type);
    for (size_t at = 0; at < sizeof(versions) / sizeof(*versions); at++) {
        if (Py_Version >> 16 == (0x300u | (unsigned)versions[at].minor)) {
            minor = versions[at].minor;
            cached_keys = versions[at].cached_keys;
            return sizeof(void *) == 8 && heap_type_size == versions[at].heap_type_size;
        }
    }
    return 0;
}

/* Returns whether this unit reads these names, in this order, from an object. */
static int
reads(PyObject *object, const char *const *expected)
{
    PyObject *name;
    PyObject *value;
    Py_ssize_t position = 0;
    for (; *expected != NULL; expected++) {
        if (!object_next(object, &position, &name, &value) || !PyUnicode_CheckExact(name)
            || PyUnicode_CompareWithASCIIString(name, *expected) != 0
            || value != (**expected == 'a' ? Py_True : Py_None)) {
            return 0;
        }
    }
    return !object_next(object, &position, &name, &value);
}

static int
instances_fit(PyObject *type)
{
    static const char *const none[] = {NULL};
    static const char *const both[] = {"a", "b", NULL};
    static const char *const turned[] = {"b", "a", NULL};
    static const char *const one[] = {"b", NULL};
    PyObject *first = PyObject_CallNoArgs(type);
    PyObject *second = PyObject_CallNoArgs(type);
    int fits = first != NULL && second != NULL && (PyType_GetFlags((PyTypeObject *)type) & MANAGED_DICT)
               && has_flag(first, MANAGED_DICT) && reads(first, none)
               && PyObject_SetAttrString(first, "a", Py_True) == 0
               && PyObject_SetAttrString(first, "b", Py_None) == 0 && reads(first, both)
               && PyObject_SetAttrString(second, "b", Py_None) == 0
               && PyObject_SetAttrString(second, "a", Py_True) == 0 && reads(second, turned)
               && PyObject_SetAttrString(second, "a", NULL) == 0 && reads(second, one)
               && managed_dict(first) == NULL && managed_dict(second) == NULL;
    PyObject *dict = fits ? PyObject_GenericGetDict(first, NULL) : NULL;
    fits = dict != NULL && managed_dict(first) == dict && reads(first, both);
    Py_XDECREF(dict);
    Py_XDECREF(first);
    Py_XDECREF(second);
    return fits;
}

static int
slots_fit(void)
{
    PyObject *type =
        PyObject_CallFunction((PyObject *)&PyType_Type, "s(){ss}", "SelfTest", "__slots__", "ab");
    PyObject *descriptor = type == NULL ? NULL : get_attribute(type, "ab");
    PyObject *object = descriptor == NULL ? NULL : PyObject_CallNoArgs(type);
    PyObject *value;
    Py_ssize_t offset;
    int fits = object != NULL && Py_TYPE(descriptor) == &PyMemberDescr_Type
               && slot_read(descriptor, object, &value, &offset) && value == NULL
               && PyObject_SetAttrString(object, "ab", Py_True) == 0
               && slot_read(descriptor, object, &value, &offset) && value == Py_True
               && slot_at(object, offset) == Py_True
               && slot_read(descriptor, type, &value, &offset) && value == NULL && offset == 0;
    Py_XDECREF(object);
    Py_XDECREF(descriptor);
    Py_XDECREF(type);
    return fits;
}

/* Returns whether a change of a type, and of its base, gives it another version. */
static int
versions_fit(void)
{
    PyObject *base = PyObject_CallFunction((PyObject *)&PyType_Type, "s(){}", "SelfTest");
    PyObject *type = base == NULL ? NULL
                                  : PyObject_CallFunction((PyObject *)&PyType_Type, "s(O){}",
                                                          "SelfTest", base);
    PyObject *found = type == NULL ? NULL : get_attribute(type, "__init__");
    uint32_t first = found == NULL ? 0 : type_version((PyTypeObject *)type);
    int fits = first != 0 && PyObject_SetAttrString(type, "a", Py_None) == 0
               && type_version((PyTypeObject *)type) != first;
    Py_XDECREF(found);
    found = fits ? get_attribute(type, "__init__") : NULL;
    uint32_t second = found == NULL ? 0 : type_version((PyTypeObject *)type);
    fits = second != 0 && second != first && PyObject_SetAttrString(base, "a", Py_None) == 0
           && type_version((PyTypeObject *)type) != second;
    Py_XDECREF(found);
    Py_XDECREF(type);
    Py_XDECREF(base);
    return fits;
}

/* Returns whether a dict has an entry, and after it another one with this key, if it is not NULL. */
static int
has_entries(PyObject *dict, PyObject *key, PyObject *value, PyObject *other)
{
    Entries entries;
    PyObject *found;
    PyObject *item;
    return dict_entries(dict, &entries) && entries_next(&entries, &found, &item) && found == key
           && item == value
           && (other == NULL || (entries_next(&entries, &found, &item) && found == other))
           && !entries_next(&entries, &found, &item);
}

static int
keys_fit(PyObject *name)
{
    PyObject *dict = PyDict_New();
    int fits = dict != NULL && PyDict_SetItem(dict, name, Py_None) == 0
               && ((const Keys *)pointer_at(dict, KEYS_PLACE))->kind != GENERAL_KEYS
               && has_entries(dict, name, Py_None, NULL)
               && PyDict_SetItem(dict, Py_None, name) == 0
               && ((const Keys *)pointer_at(dict, KEYS_PLACE))->kind == GENERAL_KEYS
               && has_entries(dict, name, Py_None, Py_None)
               && plain_get(dict, name) == Py_None && PyDict_DelItem(dict, name) == 0
               && has_entries(dict, Py_None, name, NULL);
    Py_XDECREF(dict);
    return fits;
}

static int
lists_fit(PyObject *item)
{
    PyObject *list = PyList_New(0);
    int fits = list != NULL && PyList_Append(list, item) == 0 && PyList_Append(list, Py_None) == 0
               && list_array(list)[0] == item && list_array(list)[1] == Py_None;
    Py_XDECREF(list);
    return fits;
}

/* Finds out where tuples have their items: from 3.14 on, a hash is before them. */
static int
tuples_fit(PyObject *item)
{
    PyObject *tuple = Py_BuildValue("(OO)", item, Py_None);
    int fits = 0;
    for (tuple_place = 24; tuple != NULL && !fits && tuple_place <= 32; tuple_place += 8) {
        fits = slot_at(tuple, tuple_place) == item && slot_at(tuple, tuple_place + 8) == Py_None;
    }
    tuple_place -= 8;
    Py_XDECREF(tuple);
    return fits;
}

/* Returns whether a set gives its items in its order, and no item that is gone. */
static int
sets_fit(PyObject *item)
{
    PyObject *set = PySet_New(NULL);
    int fits = set != NULL && PySet_Add(set, item) == 0 && PySet_Add(set, Py_None) == 0
               && PySet_Add(set, Py_True) == 0 && PySet_Discard(set, Py_None) == 1;
    PyObject *iterator = fits ? PyObject_GetIter(set) : NULL;
    SetEntries entries;
    fits = iterator != NULL && set_entries(set, &entries) && entries.left == 8;
    for (int at = 0; fits && at < 3; at++) {
        PyObject *wanted = PyIter_Next(iterator);
        fits = (wanted == NULL) == (at == 2) && set_next(&entries) == wanted;
        Py_XDECREF(wanted);
    }
    Py_XDECREF(iterator);
    Py_XDECREF(set);
    return fits;
}

static int
texts_fit(void)
{
    static const struct {
        const char *text;
        int ascii;
    } texts[] = {{"", 1}, {"a", 1}, {"not interned", 1}, {"\xc3\xa9", 0}, {"\xe2\x82\xac", 0},
                 {"a \xf0\x9f\x98\x80", 0}};
    for (size_t at = 0; at < sizeof(texts) / sizeof(*texts); at++) {
        PyObject *text = PyUnicode_FromString(texts[at].text);
        int fits = text != NULL && is_ascii(text) == texts[at].ascii
                   && text_length(text) == PyUnicode_GetLength(text)
                   && text_hash(text) == PyObject_Hash(text)
                   && text_hash(text) == PyObject_Hash(text);
        Py_XDECREF(text);
        if (!fits) {
            return 0;
        }
    }
    return 1;
}

static int
integers_fit(void)
{
    static const int64_t numbers[] = {0, 1, -1, 5, -6, 1 << 20, -(1 << 20), (1 << 30) - 1,
                                      1 - (1 << 30), 1 << 30, INT64_MAX, INT64_MIN};
    for (size_t at = 0; at < sizeof(numbers) / sizeof(*numbers); at++) {
        PyObject *value = PyLong_FromLongLong(numbers[at]);
        int64_t found;
        int fits = value != NULL && small_integer(value, &found) && found == numbers[at];
        Py_XDECREF(value);
        if (!fits) {
            return 0;
        }
    }
    return 1;
}

/* Finds the function that gives the line of a generator, if generators have the expected layout. */
static int
prepare_line(void)
{
    PyObject *types = PyImport_ImportModule("types");
    PyObject *generator = types == NULL ? NULL : get_attribute(types, "GeneratorType");
    Py_ssize_t size = size_of(generator);
    for (size_t at = 0; at < sizeof(versions) / sizeof(*versions); at++) {
        if (internals_known && versions[at].minor == minor && versions[at].generator_size == size) {
            get_line = (GetLine)find_function("PyUnstable_InterpreterFrame_GetLine");
            PyErr_Clear();
        }
    }
    Py_XDECREF(generator);
    Py_XDECREF(types);
    return PyErr_Occurred() ? -1 : 0;
}

static PyMethodDef functions[] = {
    {"instance_dict", instance_dict, METH_O,
     "Return what an object has in its dict: the dict, a new one where it has none, or None."},
    {NULL, NULL, 0, NULL},
};

int
internals_prepare(PyObject *module)
{
    get_dict_pointer = (GetDictPointer)find_function("_PyObject_GetDictPtr");
    PyErr_Clear();
    PyObject *name = PyUnicode_InternFromString("a");
    PyObject *type = PyObject_CallFunction((PyObject *)&PyType_Type, "s(){}", "SelfTest");
    if (name == NULL || type == NULL) {
        Py_XDECREF(name);
        Py_XDECREF(type);
        return -1;
    }
    internals_known = version_fits();
    internals_known = internals_known && instances_fit(type) && keys_fit(name) && lists_fit(name) && texts_fit()
                     && tuples_fit(name) && sets_fit(name) && integers_fit() && slots_fit()
                     && versions_fit();
    PyErr_Clear();
    Py_DECREF(type);
    Py_DECREF(name);
    return prepare_line() < 0 || PyModule_AddFunctions(module, functions) < 0
                   || PyModule_AddIntConstant(module, "internals_known", internals_known) < 0
               ? -1
               : 0;
}
