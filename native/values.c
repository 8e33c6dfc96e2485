/* Values to bytes; see codetracer/runtime/values.py, which says why. Hand-written. */
#include "engine.h"

#include "_trace_format.h"

typedef PyObject *(*GetDict)(PyTypeObject *);

static GetDict get_dict;
static descrgetfunc get_member;

/* ---- types */

static void
layout_free(Layout *layout)
{
    for (Py_ssize_t at = 0; at < layout->count; at++) {
        Py_XDECREF(layout->members[at].name);
        Py_XDECREF(layout->members[at].owner);
    }
    PyMem_Free(layout->members);
    Py_XDECREF(layout->plain);
    Py_XDECREF(layout->alive);
    PyMem_Free(layout);
}

static int
layout_fill(Layout *layout, PyObject *told)
{
    /* name, form, has_dict, names, owners, plain or None, weak reference */
    PyObject *names = PyTuple_GetItem(told, 3);
    PyObject *owners = PyTuple_GetItem(told, 4);
    PyObject *plain = PyTuple_GetItem(told, 5);
    PyObject *alive = PyTuple_GetItem(told, 6);
    if (alive == NULL) {
        return -1;
    }
    layout->form = (int)PyLong_AsLong(PyTuple_GetItem(told, 1));
    layout->has_dict = (int)PyLong_AsLong(PyTuple_GetItem(told, 2));
    layout->plain = plain == Py_None ? NULL : Py_NewRef(plain);
    layout->alive = Py_NewRef(alive);
    Py_ssize_t count = PyTuple_Size(names);
    layout->members = PyMem_Calloc((size_t)count + 1, sizeof(Member));
    if (layout->members == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    layout->count = count;
    for (Py_ssize_t at = 0; at < count; at++) {
        layout->members[at].name = Py_NewRef(PyTuple_GetItem(names, at));
        layout->members[at].owner = Py_XNewRef(PyTuple_GetItem(owners, at));
    }
    return PyErr_Occurred() ? -1 : 0;
}

static Layout *
layout_new(Engine *engine, PyTypeObject *kind)
{
    Values *values = &engine->values;
    PyObject *told = call_one(values->layout_of, (PyObject *)kind);
    if (told == NULL) {
        return NULL;
    }
    Layout *layout = PyMem_Calloc(1, sizeof(Layout));
    if (layout == NULL) {
        Py_DECREF(told);
        PyErr_NoMemory();
        return NULL;
    }
    Py_ssize_t length = 0;
    const char *name = NULL;
    int failed = layout_fill(layout, told) < 0;
    PyObject *encoded = NULL;
    if (!failed) {
        encoded = PyUnicode_AsEncodedString(PyTuple_GetItem(told, 0), "utf-8", "surrogatepass");
        failed = encoded == NULL
                 || PyBytes_AsStringAndSize(encoded, (char **)&name, &length) < 0
                 || buffer_reserve(&engine->group, (size_t)length + 16) < 0;
    }
    if (!failed) {
        Layout *before = table_set(&values->layouts, kind, layout, &failed);
        if (!failed) {
            if (before != NULL) {
                layout_free(before);
            }
            layout->number = values->next_type++;
            put_byte(&engine->group, RECORD_TYPE);
            put_text(&engine->group, name, (size_t)length);
        }
    }
    Py_XDECREF(encoded);
    Py_DECREF(told);
    if (failed) {
        layout_free(layout);
        return NULL;
    }
    return layout;
}

static inline Layout *
layout_of(Engine *engine, PyTypeObject *kind)
{
    Layout *layout = table_get(&engine->values.layouts, kind);
    return layout != NULL ? layout : layout_new(engine, kind);
}

int
values_forget_type(Values *values, PyObject *alive)
{
    for (size_t at = 0; at < values->layouts.size; at++) {
        Layout *layout = values->layouts.slots[at].value;
        if (layout != NULL && layout->alive == alive) {
            table_take(&values->layouts, values->layouts.slots[at].key);
            layout_free(layout);
            return 1;
        }
    }
    return 0;
}

/* ---- objects that are known */

static Known *
known_find(Values *values, const void *object)
{
    size_t mask = values->known_size - 1;
    size_t at = address_hash(object) & mask;
    while (values->known[at].object != NULL && values->known[at].object != object) {
        at = (at + 1) & mask;
    }
    return &values->known[at];
}

static int
known_make_room(Values *values)
{
    if (values->known_used >= MAX_KNOWN) {
        memset(values->known, 0, values->known_size * sizeof(Known));
        values->known_used = 0;
    }
    if (values->known_used * 2 < values->known_size) {
        return 0;
    }
    Known *old = values->known;
    size_t old_size = values->known_size;
    size_t size = old_size ? old_size * 2 : 1024;
    Known *known = PyMem_Calloc(size, sizeof(Known));
    if (known == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    values->known = known;
    values->known_size = size;
    for (size_t from = 0; from < old_size; from++) {
        if (old[from].object != NULL) {
            *known_find(values, old[from].object) = old[from];
        }
    }
    PyMem_Free(old);
    return 0;
}

static int
write_unseen(Engine *engine, PyObject *object)
{
    Known *before = known_find(&engine->values, object);
    if (before->object == NULL || before->content != 0) {
        return 0;
    }
    /* The table may move while Python code runs. */
    Layout *layout = layout_of(engine, Py_TYPE(object));
    if (layout == NULL || buffer_reserve(&engine->group, 64) < 0) {
        return -1;
    }
    Known *known = known_find(&engine->values, object);
    if (known->object == NULL || known->content != 0) {
        return 0;
    }
    Buffer *group = &engine->group;
    size_t start = group->used;
    put_byte(group, RECORD_OBJECT);
    put_uint(group, known->number);
    put_byte(group, FORM_UNSEEN);
    put_uint(group, layout->number);
    put_bytes(group, "\0\0\0\0", 4);
    known->content = hash_bytes(group->bytes + start, group->used - start);
    return 0;
}

static int
queue_object(Values *values, PyObject *object, uint32_t number, int depth, int room)
{
    if (values->queue_used == values->queue_size) {
        size_t size = values->queue_size ? values->queue_size * 2 : 64;
        Queued *queue = PyMem_Realloc(values->queue, size * sizeof(Queued));
        if (queue == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        values->queue = queue;
        values->queue_size = size;
    }
    Queued *queued = &values->queue[values->queue_used++];
    queued->object = Py_NewRef(object);
    queued->number = number;
    queued->depth = depth;
    queued->room = room;
    return 0;
}

static int
encode_reference(Engine *engine, Buffer *to, PyObject *value, int depth, int nesting)
{
    Values *values = &engine->values;
    int room = values->room - nesting;
    values->refers = 1;
    Known *known = values->known_size ? known_find(values, value) : NULL;
    if (known == NULL || known->object == NULL || known->kind != (void *)Py_TYPE(value)) {
        int replaces = known != NULL && known->object != NULL;
        if (!replaces || values->known_used >= MAX_KNOWN) {
            if (known_make_room(values) < 0) {
                return -1;
            }
            known = known_find(values, value);
            values->known_used += known->object == NULL;
        }
        memset(known, 0, sizeof(*known));
        known->object = value;
        known->kind = Py_TYPE(value);
        known->number = values->next_object++;
    }
    uint32_t number = known->number;
    if (depth > 0) {
        if ((known->event != values->event || known->depth < depth)
            && queue_object(values, value, number, depth, room) < 0) {
            return -1;
        }
    }
    else if (room <= 0 && known->content == 0 && write_unseen(engine, value) < 0) {
        return -1;
    }
    if (number <= VALUE_REFERENCE_HIGHEST) {
        return put_byte(to, VALUE_REFERENCE_SHORT + number);
    }
    return put_byte(to, VALUE_REFERENCE) < 0 ? -1 : put_uint(to, number);
}

/* ---- atoms */

static int
encode_big(Buffer *to, PyObject *value)
{
    PyObject *bits = PyObject_CallMethod(value, "bit_length", NULL);
    if (bits == NULL) {
        return -1;
    }
    Py_ssize_t size = PyLong_AsSsize_t(bits) / 8 + 1;
    Py_DECREF(bits);
    /* int.from_bytes takes `signed` by keyword only. */
    PyObject *method = PyObject_GetAttrString(value, "to_bytes");
    PyObject *arguments = Py_BuildValue("(ns)", size, "little");
    PyObject *keywords = Py_BuildValue("{sO}", "signed", Py_True);
    PyObject *digits = NULL;
    if (method != NULL && arguments != NULL && keywords != NULL) {
        digits = PyObject_Call(method, arguments, keywords);
    }
    Py_XDECREF(method);
    Py_XDECREF(arguments);
    Py_XDECREF(keywords);
    if (digits == NULL) {
        return -1;
    }
    char *bytes;
    Py_ssize_t count;
    int failed = PyBytes_AsStringAndSize(digits, &bytes, &count) < 0
                 || put_byte(to, VALUE_BIG_INTEGER) < 0 || put_text(to, bytes, (size_t)count) < 0;
    Py_DECREF(digits);
    return failed ? -1 : 0;
}

static inline int
encode_integer(Buffer *to, PyObject *value)
{
    int overflow;
    long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow) {
        return encode_big(to, value);
    }
    if (VALUE_INTEGER_LOWEST <= number && number <= VALUE_INTEGER_HIGHEST) {
        return put_byte(to, (unsigned int)(VALUE_INTEGER_SHORT + number - VALUE_INTEGER_LOWEST));
    }
    return put_byte(to, VALUE_INTEGER) < 0 ? -1 : put_sint(to, number);
}

static int
put_str(Buffer *to, PyObject *text, int may_be_short)
{
    Py_ssize_t length;
    PyObject *encoded = NULL;
    const char *bytes = PyUnicode_AsUTF8AndSize(text, &length);
    if (bytes == NULL) {
        PyErr_Clear();
        encoded = PyUnicode_AsEncodedString(text, "utf-8", "surrogatepass");
        if (encoded == NULL || PyBytes_AsStringAndSize(encoded, (char **)&bytes, &length) < 0) {
            Py_XDECREF(encoded);
            return -1;
        }
    }
    int failed;
    if (!may_be_short) {
        failed = put_text(to, bytes, (size_t)length) < 0;
    }
    else if (length <= VALUE_TEXT_HIGHEST) {
        failed = put_byte(to, (unsigned int)(VALUE_TEXT_SHORT + length)) < 0
                 || put_bytes(to, bytes, (size_t)length) < 0;
    }
    else {
        failed = put_byte(to, VALUE_TEXT) < 0 || put_text(to, bytes, (size_t)length) < 0;
    }
    Py_XDECREF(encoded);
    return failed ? -1 : 0;
}

static inline int
encode_text(Engine *engine, Buffer *to, PyObject *value)
{
    Py_ssize_t length = PyUnicode_GetLength(value);
    if (length <= engine->values.text) {
        return put_str(to, value, 1);
    }
    PyObject *first = PyUnicode_Substring(value, 0, engine->values.text);
    if (first == NULL) {
        return -1;
    }
    int failed = put_byte(to, VALUE_CUT_TEXT) < 0 || put_uint(to, (uint64_t)length) < 0
                 || put_str(to, first, 0) < 0;
    Py_DECREF(first);
    return failed ? -1 : 0;
}

static int
put_double(Buffer *to, double number)
{
    /* The machines that CPython runs on are little-endian; hatch_build.py refuses others. */
    return put_bytes(to, &number, 8);
}

static int
encode_bytes(Engine *engine, Buffer *to, PyObject *value)
{
    char *bytes;
    Py_ssize_t length;
    if (PyBytes_AsStringAndSize(value, &bytes, &length) < 0) {
        return -1;
    }
    Py_ssize_t limit = engine->values.text;
    if (length <= limit) {
        return put_byte(to, VALUE_BINARY) < 0 ? -1 : put_text(to, bytes, (size_t)length);
    }
    if (put_byte(to, VALUE_CUT_BINARY) < 0 || put_uint(to, (uint64_t)length) < 0) {
        return -1;
    }
    return put_text(to, bytes, (size_t)limit);
}

static int
encode_range(Engine *engine, Buffer *to, PyObject *value)
{
    static const char *const names[] = {"start", "stop", "step"};
    if (put_byte(to, VALUE_RANGE) < 0) {
        return -1;
    }
    for (int at = 0; at < 3; at++) {
        PyObject *number = PyObject_GetAttrString(value, names[at]);
        if (number == NULL) {
            return -1;
        }
        int failed = values_encode(engine, to, number, 0, 0) < 0;
        Py_DECREF(number);
        if (failed) {
            return -1;
        }
    }
    return 0;
}

static int
encode_tuple(Engine *engine, Buffer *to, PyObject *value, int depth, int nesting)
{
    Py_ssize_t total = PyTuple_Size(value);
    Py_ssize_t count = total;
    if (count > engine->values.items) {
        count = engine->values.items;
    }
    if (total > 0 && nesting >= engine->values.depth) {
        count = 0;
    }
    if (count == total) {
        if (put_byte(to, VALUE_TUPLE) < 0) {
            return -1;
        }
    }
    else if (put_byte(to, VALUE_CUT_TUPLE) < 0 || put_uint(to, (uint64_t)total) < 0) {
        return -1;
    }
    if (put_uint(to, (uint64_t)count) < 0) {
        return -1;
    }
    for (Py_ssize_t at = 0; at < count; at++) {
        if (values_encode(engine, to, PyTuple_GetItem(value, at), depth - 1, nesting + 1) < 0) {
            return -1;
        }
    }
    return 0;
}

int
values_encode(Engine *engine, Buffer *to, PyObject *value, int depth, int nesting)
{
    PyTypeObject *kind = Py_TYPE(value);
    if (kind == &PyLong_Type) {
        return encode_integer(to, value);
    }
    if (kind == &PyUnicode_Type) {
        return encode_text(engine, to, value);
    }
    if (value == Py_None) {
        return put_byte(to, VALUE_NONE);
    }
    if (kind == &PyBool_Type) {
        return put_byte(to, value == Py_True ? VALUE_TRUE : VALUE_FALSE);
    }
    if (kind == &PyFloat_Type) {
        return put_byte(to, VALUE_FLOAT) < 0 ? -1 : put_double(to, PyFloat_AsDouble(value));
    }
    if (kind == &PyTuple_Type) {
        return encode_tuple(engine, to, value, depth, nesting);
    }
    if (kind == &PyBytes_Type) {
        return encode_bytes(engine, to, value);
    }
    if (kind == &PyComplex_Type) {
        if (put_byte(to, VALUE_COMPLEX) < 0 || put_double(to, PyComplex_RealAsDouble(value)) < 0) {
            return -1;
        }
        return put_double(to, PyComplex_ImagAsDouble(value));
    }
    if (kind == &PyRange_Type) {
        return encode_range(engine, to, value);
    }
    if (value == Py_Ellipsis) {
        return put_byte(to, VALUE_ELLIPSIS);
    }
    if (value == Py_NotImplemented) {
        return put_byte(to, VALUE_NOT_IMPLEMENTED);
    }
    return encode_reference(engine, to, value, depth, nesting);
}

/* ---- what objects hold */

static int
put_counts(Buffer *to, Py_ssize_t total, Py_ssize_t count)
{
    return put_uint(to, (uint64_t)total) < 0 ? -1 : put_uint(to, (uint64_t)count);
}

static inline Py_ssize_t
at_most(Py_ssize_t count, Py_ssize_t limit)
{
    return count < limit ? count : limit;
}

static int
list_items(Engine *engine, Buffer *to, PyObject *list, int depth)
{
    Py_ssize_t total = PyList_Size(list);
    Py_ssize_t count = at_most(total, engine->values.items);
    if (put_counts(to, total, count) < 0) {
        return -1;
    }
    for (Py_ssize_t at = 0; at < count; at++) {
        /* NULL if another thread made it shorter meanwhile. */
        PyObject *item = PyList_GetItem(list, at);
        if (item == NULL) {
            PyErr_Clear();
            if (put_byte(to, VALUE_UNBOUND) < 0) {
                return -1;
            }
            continue;
        }
        Py_INCREF(item);
        int failed = values_encode(engine, to, item, depth, 0) < 0;
        Py_DECREF(item);
        if (failed) {
            return -1;
        }
    }
    return 0;
}

static int
tuple_items(Engine *engine, Buffer *to, PyObject *tuple, int depth)
{
    Py_ssize_t total = PyTuple_Size(tuple);
    Py_ssize_t count = at_most(total, engine->values.items);
    if (put_counts(to, total, count) < 0) {
        return -1;
    }
    for (Py_ssize_t at = 0; at < count; at++) {
        if (values_encode(engine, to, PyTuple_GetItem(tuple, at), depth, 0) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Returns what a filter does with a value that has the name `key`, or -1. */
static int
key_action(Plan *plan, PyObject *key)
{
    if (!PyUnicode_CheckExact(key)) {
        return ALLOW;
    }
    /* By its hash, which two names do not share by chance; 0 and 1 are no keys of a table. */
    const void *hash = (const void *)((uintptr_t)PyObject_Hash(key) | 2);
    void *known = table_get(&plan->keys, hash);
    if (known != NULL) {
        return (int)(uintptr_t)known - 1;
    }
    PyObject *told = PyObject_GetItem(plan->attributes, key);
    if (told == NULL) {
        return -1;
    }
    int action = (int)PyLong_AsLong(told);
    Py_DECREF(told);
    if (plan->keys.filled >= MAX_NAMES) {
        table_free(&plan->keys);
    }
    int failed;
    table_set(&plan->keys, hash, (void *)(uintptr_t)(action + 1), &failed);
    return failed ? -1 : action;
}

static int
dict_items(Engine *engine, Plan *plan, Buffer *to, PyObject *dict, int depth)
{
    Py_ssize_t total = PyDict_Size(dict);
    Py_ssize_t count = at_most(total, engine->values.items);
    if (put_uint(to, (uint64_t)total) < 0 || put_uint(to, (uint64_t)count * 2) < 0) {
        return -1;
    }
    PyObject *key;
    PyObject *item;
    Py_ssize_t position = 0;
    Py_ssize_t done = 0;
    while (done < count && PyDict_Next(dict, &position, &key, &item)) {
        Py_INCREF(key);
        Py_INCREF(item);
        int action = key_action(plan, key);
        int failed = action < 0 || values_encode(engine, to, key, depth, 0) < 0
                     || (action == ALLOW ? values_encode(engine, to, item, depth, 0)
                                         : put_byte(to, VALUE_REDACTED))
                            < 0;
        Py_DECREF(key);
        Py_DECREF(item);
        if (failed) {
            return -1;
        }
        done++;
    }
    for (; done < count; done++) {
        /* Another thread made it smaller meanwhile. */
        if (put_byte(to, VALUE_UNBOUND) < 0 || put_byte(to, VALUE_UNBOUND) < 0) {
            return -1;
        }
    }
    return 0;
}

static int
set_items(Engine *engine, Buffer *to, PyObject *set, int depth, PyTypeObject *base)
{
    /* The base's own iteration: a subclass may have another. */
    getiterfunc iterate = (getiterfunc)PyType_GetSlot(base, Py_tp_iter);
    Py_ssize_t total = PySet_Size(set);
    Py_ssize_t count = at_most(total, engine->values.items);
    PyObject *iterator = iterate(set);
    if (iterator == NULL || put_counts(to, total, count) < 0) {
        Py_XDECREF(iterator);
        return -1;
    }
    Py_ssize_t done = 0;
    PyObject *item;
    while (done < count && (item = PyIter_Next(iterator)) != NULL) {
        int failed = values_encode(engine, to, item, depth, 0) < 0;
        Py_DECREF(item);
        if (failed) {
            Py_DECREF(iterator);
            return -1;
        }
        done++;
    }
    PyErr_Clear();
    Py_DECREF(iterator);
    for (; done < count; done++) {
        if (put_byte(to, VALUE_UNBOUND) < 0) {
            return -1;
        }
    }
    return 0;
}

/* One item: a name, which the caller gives up. */
static int
name_item(Buffer *to, PyObject *name)
{
    if (name == NULL) {
        return -1;
    }
    int failed = put_counts(to, 1, 1) < 0;
    if (!failed && PyUnicode_CheckExact(name)) {
        failed = put_str(to, name, 1) < 0;
    }
    else if (!failed) {
        failed = put_byte(to, VALUE_TEXT_SHORT) < 0;
    }
    Py_DECREF(name);
    return failed ? -1 : 0;
}

static PyTypeObject *function_type;
static PyTypeObject *method_type;
static PyTypeObject *builtin_type;

static PyObject *
method_name(PyObject *method)
{
    PyObject *function = Py_NewRef(method);
    if (Py_TYPE(method) == method_type) {
        Py_DECREF(function);
        function = PyObject_GetAttrString(method, "__func__");
        if (function == NULL) {
            return NULL;
        }
    }
    PyObject *name = NULL;
    if (Py_TYPE(function) == function_type || Py_TYPE(function) == builtin_type) {
        name = PyObject_GetAttrString(function, "__qualname__");
    }
    else {
        name = PyUnicode_FromString("");
    }
    Py_DECREF(function);
    return name;
}

static PyObject *
module_name(PyObject *module)
{
    PyObject *namespace = PyModule_GetDict(module);
    PyObject *name = namespace == NULL ? NULL : PyDict_GetItemString(namespace, "__name__");
    return name == NULL ? PyUnicode_FromString("") : Py_NewRef(name);
}

/* Appends the total, the count and the items. */
static int
object_items(Engine *engine, Plan *plan, Buffer *to, PyObject *object, Layout *layout,
             int depth)
{
    switch (layout->form) {
    case FORM_LIST: {
        if (layout->plain == NULL) {
            return list_items(engine, to, object, depth);
        }
        PyObject *list = call_one(layout->plain, object);
        if (list == NULL) {
            return -1;
        }
        int outcome = list_items(engine, to, list, depth);
        Py_DECREF(list);
        return outcome;
    }
    case FORM_TUPLE:
        return tuple_items(engine, to, object, depth);
    case FORM_DICT:
        return dict_items(engine, plan, to, object, depth);
    case FORM_SET:
        return set_items(engine, to, object, depth, &PySet_Type);
    case FORM_FROZENSET:
        return set_items(engine, to, object, depth, &PyFrozenSet_Type);
    case FORM_EXCEPTION: {
        PyObject *arguments = PyException_GetArgs(object);
        if (arguments == NULL) {
            return -1;
        }
        int outcome = tuple_items(engine, to, arguments, depth);
        Py_DECREF(arguments);
        return outcome;
    }
    case FORM_CLASS:
        return name_item(to, PyType_GetQualName((PyTypeObject *)object));
    case FORM_FUNCTION:
        return name_item(to, PyObject_GetAttrString(object, "__qualname__"));
    case FORM_METHOD:
        return name_item(to, method_name(object));
    case FORM_MODULE:
        return name_item(to, module_name(object));
    case FORM_WRAPPED: {
        PyObject *plain = call_one(layout->plain, object);
        if (plain == NULL) {
            return -1;
        }
        int failed = put_counts(to, 1, 1) < 0 || values_encode(engine, to, plain, 0, 0) < 0;
        Py_DECREF(plain);
        return failed ? -1 : 0;
    }
    default:
        return put_counts(to, 0, 0);
    }
}

typedef struct {
    Plan *plan;
    int depth;
    Py_ssize_t count;
    Py_ssize_t cut;
} Fields;

/* Returns number * 4 + action of an attribute; it has no number yet when that is negative. */
static long
attribute_action(Plan *plan, PyObject *name)
{
    PyObject *known = PyDict_GetItemWithError(plan->numbers, name);
    if (known != NULL) {
        return PyLong_AsLong(known);
    }
    if (PyErr_Occurred()) {
        return -1;
    }
    PyObject *action = PyObject_GetItem(plan->attributes, name);
    if (action == NULL) {
        return -1;
    }
    long number = PyLong_AsLong(action);
    Py_DECREF(action);
    return number < 0 ? -1 : -2 - number;
}

/* Returns an attribute's number, defined in the group if it is new. */
static long
attribute_number(Engine *engine, PyObject *name)
{
    Values *values = &engine->values;
    PyObject *known = PyDict_GetItemWithError(values->attributes, name);
    if (known != NULL) {
        return PyLong_AsLong(known);
    }
    if (PyErr_Occurred()) {
        return -1;
    }
    PyObject *number = PyLong_FromUnsignedLong(values->next_attribute);
    Buffer record = {0};
    int failed = number == NULL || put_byte(&record, RECORD_ATTRIBUTE) < 0
                 || put_str(&record, name, 0) < 0
                 || buffer_reserve(&engine->group, record.used) < 0
                 || PyDict_SetItem(values->attributes, name, number) < 0;
    long result = -1;
    if (!failed) {
        put_bytes(&engine->group, record.bytes, record.used);
        result = (long)values->next_attribute++;
    }
    buffer_free(&record);
    Py_XDECREF(number);
    return result;
}

static int
put_attribute(Engine *engine, Fields *fields, PyObject *name, PyObject *value)
{
    Values *values = &engine->values;
    long known = attribute_action(fields->plan, name);
    if (known == -1) {
        return -1;
    }
    long action = known < 0 ? -2 - known : known & 3;
    if (action == DROP) {
        return 0;
    }
    if (fields->count >= values->items) {
        fields->cut++;
        return 0;
    }
    Buffer *to = &values->fields;
    size_t start = to->used;
    if (known >= 0) {
        if (put_uint(to, (uint64_t)known >> 2) < 0) {
            return -1;
        }
        fields->count++;
        if (action == REDACT) {
            return put_byte(to, VALUE_REDACTED);
        }
        return values_encode(engine, to, value, fields->depth, 0);
    }
    /* Its number is given after what its value needs, and stands before it. */
    Buffer encoded = {0};
    int failed = action == REDACT ? put_byte(&encoded, VALUE_REDACTED) < 0
                                  : values_encode(engine, &encoded, value, fields->depth, 0) < 0;
    long number = failed ? -1 : attribute_number(engine, name);
    if (number >= 0) {
        PyObject *entry = PyLong_FromLong(number * 4 + action);
        failed = entry == NULL || PyDict_SetItem(fields->plan->numbers, name, entry) < 0
                 || put_uint(to, (uint64_t)number) < 0
                 || put_bytes(to, encoded.bytes, encoded.used) < 0;
        Py_XDECREF(entry);
    }
    buffer_free(&encoded);
    if (failed || number < 0) {
        to->used = start;
        return -1;
    }
    fields->count++;
    return 0;
}

/* The class whose slots are read right now, and its dict. */
typedef struct {
    PyObject *alive; /* borrowed: the weak reference to it */
    PyObject *type;  /* None when it is gone */
    PyObject *namespace;
} Owner;

static void
owner_leave(Owner *owner)
{
    Py_CLEAR(owner->namespace);
    Py_CLEAR(owner->type);
    owner->alive = NULL;
}

static int
owner_turn(Owner *owner, PyObject *alive)
{
    if (owner->alive == alive) {
        return 0;
    }
    owner_leave(owner);
    owner->type = PyObject_CallNoArgs(alive);
    if (owner->type == NULL) {
        return -1;
    }
    if (owner->type != Py_None) {
        owner->namespace = get_dict((PyTypeObject *)owner->type);
    }
    owner->alive = alive;
    return 0;
}

/* Returns what a class's dict has by a member's name, borrowed, or NULL. No key is hashed or
   compared but by identity, for it may be the program's; the name is the very key that was there
   when the layout was told. */
static PyObject *
namespace_entry(PyObject *namespace, Member *member)
{
    PyObject *name;
    PyObject *value;
    Py_ssize_t position = member->place;
    if (PyDict_Next(namespace, &position, &name, &value) && name == member->name) {
        return value;
    }
    Py_ssize_t place = position = 0;
    while (PyDict_Next(namespace, &position, &name, &value)) {
        if (name == member->name
            || (PyUnicode_CheckExact(name) && PyUnicode_Compare(name, member->name) == 0)) {
            member->place = place;
            return value;
        }
        place = position;
    }
    return NULL;
}

/* Returns what a slot holds; NULL, without an exception, if it is not bound or none any more. */
static PyObject *
slot_value(Owner *owner, Member *member, PyObject *object)
{
    if (owner->namespace == NULL) {
        return NULL;
    }
    PyObject *descriptor = namespace_entry(owner->namespace, member);
    if (descriptor == NULL || Py_TYPE(descriptor) != &PyMemberDescr_Type) {
        /* The program has put something else there. */
        return NULL;
    }
    Py_INCREF(descriptor);
    PyObject *value = get_member(descriptor, object, (PyObject *)Py_TYPE(object));
    Py_DECREF(descriptor);
    if (value == NULL
        && (PyErr_ExceptionMatches(PyExc_AttributeError)
            || PyErr_ExceptionMatches(PyExc_TypeError))) {
        /* It is not bound, or another class's. */
        PyErr_Clear();
    }
    return value;
}

static int
member_attributes(Engine *engine, Fields *fields, PyObject *object, Layout *layout)
{
    Owner owner = {NULL, NULL, NULL};
    int failed = 0;
    for (Py_ssize_t at = 0; !failed && at < layout->count; at++) {
        Member *member = &layout->members[at];
        PyObject *value = NULL;
        if (layout->form == FORM_NAMED_TUPLE) {
            value = at < PyTuple_Size(object) ? Py_NewRef(PyTuple_GetItem(object, at)) : NULL;
        }
        else if (owner_turn(&owner, member->owner) < 0) {
            failed = 1;
        }
        else {
            value = slot_value(&owner, member, object);
            failed = value == NULL && PyErr_Occurred() != NULL;
        }
        if (value != NULL) {
            failed = put_attribute(engine, fields, member->name, value) < 0;
            Py_DECREF(value);
        }
    }
    owner_leave(&owner);
    return failed ? -1 : 0;
}

static int
dict_attributes(Engine *engine, Fields *fields, PyObject *namespace)
{
    PyObject *name;
    PyObject *value;
    Py_ssize_t position = 0;
    while (PyDict_Next(namespace, &position, &name, &value)) {
        if (!PyUnicode_CheckExact(name)) {
            continue;
        }
        Py_INCREF(name);
        Py_INCREF(value);
        int failed = put_attribute(engine, fields, name, value) < 0;
        Py_DECREF(name);
        Py_DECREF(value);
        if (failed) {
            return -1;
        }
    }
    return 0;
}

static int
enum_attributes(Engine *engine, Fields *fields, PyObject *namespace)
{
    static const char *const names[][2] = {{"name", "_name_"}, {"value", "_value_"}};
    for (int at = 0; at < 2; at++) {
        PyObject *name = PyUnicode_InternFromString(names[at][0]);
        if (name == NULL) {
            return -1;
        }
        PyObject *value = namespace == NULL ? NULL : PyDict_GetItemString(namespace, names[at][1]);
        value = Py_NewRef(value == NULL ? Py_None : value);
        int failed = put_attribute(engine, fields, name, value) < 0;
        Py_DECREF(value);
        Py_DECREF(name);
        if (failed) {
            return -1;
        }
    }
    return 0;
}

static int
named_attribute(Engine *engine, Fields *fields, const char *text, PyObject *value)
{
    PyObject *name = PyUnicode_InternFromString(text);
    if (name == NULL) {
        return -1;
    }
    int outcome = put_attribute(engine, fields, name, value);
    Py_DECREF(name);
    return outcome;
}

static int
method_attributes(Engine *engine, Fields *fields, PyObject *method)
{
    PyObject *owner = PyObject_GetAttrString(method, "__self__");
    if (owner == NULL) {
        return -1;
    }
    int outcome = 0;
    if (owner != Py_None && !PyModule_CheckExact(owner)) {
        /* It is looked at in place of the method. */
        fields->depth++;
        engine->values.room++;
        outcome = named_attribute(engine, fields, "__self__", owner);
    }
    Py_DECREF(owner);
    return outcome;
}

static int
object_attributes(Engine *engine, Fields *fields, PyObject *object, Layout *layout)
{
    if (layout->form == FORM_METHOD) {
        return method_attributes(engine, fields, object);
    }
    if (layout->count && member_attributes(engine, fields, object, layout) < 0) {
        return -1;
    }
    if (layout->has_dict) {
        PyObject *namespace = PyObject_GenericGetDict(object, NULL);
        if (namespace == NULL) {
            PyErr_Clear();
        }
        int outcome = 0;
        PyObject *exact = namespace != NULL && PyDict_CheckExact(namespace) ? namespace : NULL;
        if (layout->form == FORM_ENUM) {
            outcome = enum_attributes(engine, fields, exact);
        }
        else if (exact != NULL) {
            outcome = dict_attributes(engine, fields, exact);
        }
        Py_XDECREF(namespace);
        if (outcome < 0) {
            return -1;
        }
    }
    if (layout->form == FORM_EXCEPTION) {
        PyObject *cause = PyException_GetCause(object);
        if (cause != NULL) {
            int failed = named_attribute(engine, fields, "__cause__", cause) < 0;
            Py_DECREF(cause);
            return failed ? -1 : 0;
        }
    }
    return 0;
}

static int
put_content(Engine *engine, Plan *plan, PyObject *object, uint32_t number, int depth)
{
    Values *values = &engine->values;
    Layout *layout = layout_of(engine, Py_TYPE(object));
    if (layout == NULL) {
        return -1;
    }
    Buffer *to = &values->content;
    to->used = 0;
    values->fields.used = 0;
    Fields fields = {plan, depth, 0, 0};
    if (put_byte(to, RECORD_OBJECT) < 0 || put_uint(to, number) < 0
        || put_byte(to, (unsigned int)layout->form) < 0 || put_uint(to, layout->number) < 0
        || object_items(engine, plan, to, object, layout, depth) < 0
        || object_attributes(engine, &fields, object, layout) < 0
        || put_uint(to, (uint64_t)fields.cut) < 0 || put_uint(to, (uint64_t)fields.count) < 0) {
        return -1;
    }
    return put_bytes(to, values->fields.bytes, values->fields.used);
}

/* Puts the record of what an object holds into `values->content`. */
static int
object_content(Engine *engine, Plan *plan, PyObject *object, uint32_t number, int depth)
{
    /* Its layout is there as long as its type is. Another thread may give the object another type
       where Python code is called. */
    PyObject *type = Py_NewRef((PyObject *)Py_TYPE(object));
    int outcome = put_content(engine, plan, object, number, depth);
    Py_DECREF(type);
    return outcome;
}

static int
write_object(Engine *engine, Plan *plan, Queued queued)
{
    Values *values = &engine->values;
    Known *known = known_find(values, queued.object);
    int is_known = known->object == queued.object && known->number == queued.number;
    if (is_known) {
        if (known->event == values->event && known->depth >= queued.depth) {
            return 0;
        }
        known->event = values->event;
        known->depth = queued.depth;
    }
    size_t waiting = values->queue_used;
    values->refers = 0;
    values->room = queued.room - 1;
    if (object_content(engine, plan, queued.object, queued.number, queued.depth - 1) < 0) {
        return -1;
    }
    Buffer *content = &values->content;
    uint64_t hash = hash_bytes(content->bytes, content->used);
    known = known_find(values, queued.object);
    is_known = known->object == queued.object && known->number == queued.number;
    if (is_known && known->content == hash) {
        return 0;
    }
    if (put_bytes(&engine->group, content->bytes, content->used) < 0) {
        return -1;
    }
    if (is_known) {
        known->content = hash;
    }
    if (!values->refers || queued.depth >= queued.room) {
        return 0;
    }
    /* What is in it now may be new, even where an object of that number is known: the address may
       have been another's. */
    while (values->queue_used > waiting) {
        Py_DECREF(values->queue[--values->queue_used].object);
    }
    if (is_known) {
        known->depth = queued.room;
    }
    values->room = queued.room - 1;
    return object_content(engine, plan, queued.object, queued.number, queued.room - 1);
}

int
values_write(Engine *engine, Plan *plan)
{
    Values *values = &engine->values;
    int looked = 0;
    int outcome = 0;
    for (size_t at = 0; outcome == 0 && at < values->queue_used; at++) {
        if (looked++ < values->objects) {
            outcome = write_object(engine, plan, values->queue[at]);
        }
        else {
            outcome = write_unseen(engine, values->queue[at].object);
        }
    }
    if (values->queue_used) {
        values_drop_queue(values);
    }
    values->event++;
    values->room = values->depth;
    return outcome;
}

void
values_drop_queue(Values *values)
{
    while (values->queue_used > 0) {
        Py_DECREF(values->queue[--values->queue_used].object);
    }
}

/* ---- all of it */

int
values_prepare(void)
{
    get_dict = (GetDict)engine_find("PyType_GetDict");
    get_member = (descrgetfunc)PyType_GetSlot(&PyMemberDescr_Type, Py_tp_descr_get);
    return get_dict == NULL || get_member == NULL ? -1 : 0;
}

int
values_init(Values *values)
{
    values->event = 1;
    values->room = values->depth;
    values->attributes = PyDict_New();
    PyObject *types = PyImport_ImportModule("types");
    if (values->attributes == NULL || types == NULL) {
        Py_XDECREF(types);
        return -1;
    }
    function_type = (PyTypeObject *)PyObject_GetAttrString(types, "FunctionType");
    method_type = (PyTypeObject *)PyObject_GetAttrString(types, "MethodType");
    builtin_type = (PyTypeObject *)PyObject_GetAttrString(types, "BuiltinFunctionType");
    Py_DECREF(types);
    return PyErr_Occurred() ? -1 : known_make_room(values);
}

void
values_forget(Values *values)
{
    values_drop_queue(values);
    if (values->known != NULL) {
        memset(values->known, 0, values->known_size * sizeof(Known));
    }
    values->known_used = 0;
    values->next_object = values->next_type = values->next_attribute = 0;
    for (size_t at = 0; at < values->layouts.size; at++) {
        if (values->layouts.slots[at].value != NULL) {
            layout_free(values->layouts.slots[at].value);
        }
    }
    table_free(&values->layouts);
    if (values->attributes != NULL) {
        PyDict_Clear(values->attributes);
    }
}

void
values_clear(Values *values)
{
    values_forget(values);
    PyMem_Free(values->known);
    values->known = NULL;
    values->known_size = 0;
    PyMem_Free(values->queue);
    values->queue = NULL;
    buffer_free(&values->content);
    buffer_free(&values->fields);
    Py_CLEAR(values->attributes);
    Py_CLEAR(values->layout_of);
}
