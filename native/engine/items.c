#include "items.h"

#include "_trace_format.h"
#include "_trace_records.h"
#include "ask.h"
#include "constants.h"
#include "digests.h"
#include "internals.h"
#include "layouts.h"
#include "plans.h"
#include "secrets.h"
#include "state.h"
#include "tables.h"
#include "values.h"

#define LONGEST_KEY 100 /* as in values.py */
#define KEY_ITEMS 10    /* as in values.py */

static inline Py_ssize_t
at_most(Py_ssize_t count, Py_ssize_t limit)
{
    return count < limit ? count : limit;
}

/* Appends that another thread has removed an item meanwhile. */
static int
put_missing(Engine *engine, Buffer *to)
{
    return digest_lose(&engine->values) < 0 ? -1 : put_value_unbound(to);
}

static int
list_items(Engine *engine, Items *items, PyObject *list, int depth)
{
    Py_ssize_t total = PyList_Size(list);
    Py_ssize_t count = at_most(total, engine->values.items);
    items->total = total;
    items->count = count;
    int levels = engine->values.levels;
    if (engine->values.compares) {
        PyObject *const *array = list_array(list);
        for (Py_ssize_t at = 0; at < count; at++) {
            engine->values.levels = at < engine->values.old ? 0 : levels;
            PyObject *item = array == NULL ? PyList_GetItem(list, at) : array[at];
            if (values_compare(engine, item, depth) < 0) {
                engine->values.levels = levels;
                return -1;
            }
        }
        engine->values.levels = levels;
        return 0;
    }
    for (Py_ssize_t at = 0; at < count; at++) {
        engine->values.levels = at < engine->values.old ? 0 : levels;
        /* NULL if another thread has made it shorter meanwhile. */
        PyObject *item = PyList_GetItem(list, at);
        if (item == NULL) {
            PyErr_Clear();
            if (put_missing(engine, items->to) < 0) {
                return -1;
            }
            continue;
        }
        Py_INCREF(item);
        int failed = values_encode(engine, items->to, item, depth, 0) < 0;
        Py_DECREF(item);
        if (failed) {
            return -1;
        }
    }
    engine->values.levels = levels;
    return 0;
}

static int
tuple_items(Engine *engine, Items *items, PyObject *tuple, int depth)
{
    Py_ssize_t total = PyTuple_Size(tuple);
    Py_ssize_t count = at_most(total, engine->values.items);
    items->total = total;
    items->count = count;
    for (Py_ssize_t at = 0; at < count; at++) {
        if (values_encode(engine, items->to, PyTuple_GetItem(tuple, at), depth, 0) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Returns the filter's action on the value of a dict under a key. A key that is a str or bytes counts
   as a name, as does each such item of a tuple. */
static int
key_action(Engine *engine, Plan *plan, PyObject *key)
{
    if (PyUnicode_CheckExact(key)) {
        return plan_action(engine, plan, key);
    }
    PyObject *name = NULL;
    if (PyUnicode_Check(key)) {
        /* A copy whose type is exactly str. */
        name = PyUnicode_Substring(key, 0, PyUnicode_GetLength(key));
    }
    else if (PyBytes_Check(key)) {
        Py_ssize_t size = PyBytes_Size(key);
        if (size > LONGEST_KEY) {
            return ALLOW;
        }
        name = PyUnicode_DecodeLatin1(PyBytes_AsString(key), size, NULL);
    }
    else if (PyTuple_Check(key)) {
        Py_ssize_t count = at_most(PyTuple_Size(key), KEY_ITEMS);
        for (Py_ssize_t at = 0; at < count; at++) {
            PyObject *item = PyTuple_GetItem(key, at);
            int action = PyTuple_Check(item) ? ALLOW : key_action(engine, plan, item);
            if (action != ALLOW) {
                return action;
            }
        }
        return ALLOW;
    }
    else {
        return ALLOW;
    }
    int action = name == NULL ? -1 : plan_action(engine, plan, name);
    Py_XDECREF(name);
    return action;
}

static int
dict_items(Engine *engine, Plan *plan, Items *items, PyObject *dict, int depth)
{
    Py_ssize_t total = PyDict_Size(dict);
    Py_ssize_t count = at_most(total, engine->values.items);
    items->total = total;
    items->count = count * 2;
    engine->values.was_cut |= total > count;
    PyObject *key;
    PyObject *item;
    Py_ssize_t position = 0;
    Py_ssize_t done = 0;
    if (engine->values.compares) {
        /* If contents have a digest, filters hide only what it covers. */
        Entries entries;
        int are_known = dict_entries(dict, &entries);
        while (done < count
               && (are_known ? entries_next(&entries, &key, &item)
                             : PyDict_Next(dict, &position, &key, &item))) {
            if (values_compare(engine, key, depth) < 0 || values_compare(engine, item, depth) < 0) {
                return -1;
            }
            done++;
        }
        return 0;
    }
    while (done < count && PyDict_Next(dict, &position, &key, &item)) {
        Py_INCREF(key);
        Py_INCREF(item);
        int action = key_action(engine, plan, key);
        int failed = action < 0 || (action == SECRET && secrets_learn(engine, item, 0) < 0)
                     || values_encode(engine, items->to, key, depth, 0) < 0
                     || (action == ALLOW ? values_encode(engine, items->to, item, depth, 0)
                                         : put_value_redacted(items->to))
                            < 0;
        if (action != ALLOW) {
            digest_hidden(&engine->values, item);
        }
        Py_DECREF(key);
        Py_DECREF(item);
        if (failed) {
            return -1;
        }
        done++;
    }
    for (; done < count; done++) {
        /* Another thread has made it smaller meanwhile. */
        if (put_missing(engine, items->to) < 0 || put_missing(engine, items->to) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Appends the items of one of CPython's own iterators. Steals the iterator; NULL is an error. */
int
iterator_items(Engine *engine, Items *items, PyObject *iterator, Py_ssize_t total, int depth)
{
    Py_ssize_t count = at_most(total, engine->values.items);
    if (iterator == NULL) {
        return -1;
    }
    items->total = total;
    items->count = count;
    Py_ssize_t done = 0;
    PyObject *item;
    while (done < count && (item = PyIter_Next(iterator)) != NULL) {
        int failed = values_encode(engine, items->to, item, depth, 0) < 0;
        Py_DECREF(item);
        if (failed) {
            Py_DECREF(iterator);
            return -1;
        }
        done++;
    }
    /* Another thread may have changed it meanwhile. */
    drop_error(engine, PyExc_RuntimeError);
    Py_DECREF(iterator);
    for (; done < count; done++) {
        if (put_missing(engine, items->to) < 0) {
            return -1;
        }
    }
    return 0;
}

static int
set_items(Engine *engine, Items *items, PyObject *set, int depth, PyTypeObject *base)
{
    SetEntries entries;
    if (engine->values.compares && set_entries(set, &entries)) {
        items->total = PySet_Size(set);
        items->count = at_most(items->total, engine->values.items);
        PyObject *item;
        for (Py_ssize_t at = 0; at < items->count && (item = set_next(&entries)) != NULL; at++) {
            if (values_compare(engine, item, depth) < 0) {
                return -1;
            }
        }
        return 0;
    }
    /* Use the base's iteration, because a subclass may have another. */
    getiterfunc iterate = (getiterfunc)PyType_GetSlot(base, Py_tp_iter);
    return iterator_items(engine, items, iterate(set), PySet_Size(set), depth);
}

/* Appends a name as the only item, and steals it. An object that is no str counts as an empty name. */
static int
name_item(Engine *engine, Items *items, PyObject *name)
{
    PyObject *first = NULL;
    if (name != NULL) {
        first = PyUnicode_Check(name) ? PyUnicode_Substring(name, 0, MAX_NAME)
                                      : PyUnicode_FromString("");
        Py_DECREF(name);
    }
    items->total = items->count = 1;
    int failed = first == NULL;
    if (!failed) {
        digest_add(&engine->values, DIGEST_TEXT, (uint64_t)text_hash(first));
        failed = !engine->values.compares && put_str(items->to, first) < 0;
    }
    Py_XDECREF(first);
    return failed ? -1 : 0;
}

/* Returns a new reference, or NULL with an exception. */
static PyObject *
method_name(const ModuleState *state, PyObject *method)
{
    PyObject *function = Py_NewRef(method);
    if (Py_TYPE(method) == state->method_type) {
        Py_DECREF(function);
        function = PyObject_GetAttr(method, state->name_func);
        if (function == NULL) {
            return NULL;
        }
    }
    PyObject *name = NULL;
    if (Py_TYPE(function) == state->function_type || Py_TYPE(function) == state->builtin_type) {
        name = PyObject_GetAttr(function, state->name_qualname);
    }
    else {
        name = PyUnicode_FromString("");
    }
    Py_DECREF(function);
    return name;
}

/* Returns a new reference, or NULL with an exception. */
static PyObject *
module_name(const ModuleState *state, PyObject *module)
{
    PyObject *namespace = PyModule_GetDict(module);
    PyObject *name = namespace == NULL ? NULL : plain_get(namespace, state->name_name);
    return name == NULL ? PyUnicode_FromString("") : Py_NewRef(name);
}

int
object_items(Engine *engine, Plan *plan, Items *items, PyObject *object, Layout *layout,
             int depth)
{
    switch (layout->form) {
    case FORM_LIST:
        return list_items(engine, items, object, depth);
    case FORM_TUPLE:
        return tuple_items(engine, items, object, depth);
    case FORM_DICT:
        return dict_items(engine, plan, items, object, depth);
    case FORM_SET:
        return set_items(engine, items, object, depth, &PySet_Type);
    case FORM_FROZENSET:
        return set_items(engine, items, object, depth, &PyFrozenSet_Type);
    case FORM_EXCEPTION: {
        PyObject *arguments = PyException_GetArgs(object);
        if (arguments == NULL) {
            return -1;
        }
        int outcome = tuple_items(engine, items, arguments, depth);
        Py_DECREF(arguments);
        return outcome;
    }
    case FORM_CLASS:
        return name_item(engine, items, PyType_GetQualName((PyTypeObject *)object));
    case FORM_FUNCTION:
        return name_item(engine, items, PyObject_GetAttr(object, engine->state->name_qualname));
    case FORM_METHOD:
        return name_item(engine, items, method_name(engine->state, object));
    case FORM_MODULE:
        return name_item(engine, items, module_name(engine->state, object));
    case FORM_WRAPPED:
        items->total = items->count = 1;
        return encode_plain(engine, items->to, object);
    default:
        return 0;
    }
}
