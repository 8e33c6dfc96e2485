/* The items that an object holds: a container's, an exception's arguments, or the name of what has
   one. */
#include "engine.h"

#include "_trace_format.h"

static PyTypeObject *function_type;
static PyTypeObject *method_type;
static PyTypeObject *builtin_type;

#define LONGEST_KEY 100 /* as in values.py */
#define KEY_ITEMS 10    /* likewise */

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

/* Returns what a filter does with what a dict has under a key: whether it is a text or bytes, or has
   one among its own items, it is a name. */
static int
key_action(Engine *engine, Plan *plan, PyObject *key)
{
    if (PyUnicode_CheckExact(key)) {
        return plan_action(engine, plan, key);
    }
    PyObject *name = NULL;
    if (PyUnicode_Check(key)) {
        /* A plain copy. */
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
        int action = key_action(engine, plan, key);
        int failed = action < 0 || (action == SECRET && secrets_learn(engine, item, 0) < 0)
                     || values_encode(engine, to, key, depth, 0) < 0
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

/* What an iterator of CPython's own gives; a NULL is an error. The iterator is given up. */
int
iterator_items(Engine *engine, Buffer *to, PyObject *iterator, Py_ssize_t total, int depth)
{
    Py_ssize_t count = at_most(total, engine->values.items);
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
    /* Another thread may have changed it meanwhile. */
    drop_error(engine, PyExc_RuntimeError);
    Py_DECREF(iterator);
    for (; done < count; done++) {
        if (put_byte(to, VALUE_UNBOUND) < 0) {
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
    return iterator_items(engine, to, iterate(set), PySet_Size(set), depth);
}

/* One item: a name, which the caller gives up; what is no str stands for an empty one. */
static int
name_item(Buffer *to, PyObject *name)
{
    PyObject *first = NULL;
    if (name != NULL) {
        first = PyUnicode_Check(name) ? PyUnicode_Substring(name, 0, MAX_NAME)
                                      : PyUnicode_FromString("");
        Py_DECREF(name);
    }
    int failed = first == NULL || put_counts(to, 1, 1) < 0 || put_str(to, first, 1) < 0;
    Py_XDECREF(first);
    return failed ? -1 : 0;
}

static PyObject *
method_name(PyObject *method)
{
    PyObject *function = Py_NewRef(method);
    if (Py_TYPE(method) == method_type) {
        Py_DECREF(function);
        function = PyObject_GetAttr(method, name_func);
        if (function == NULL) {
            return NULL;
        }
    }
    PyObject *name = NULL;
    if (Py_TYPE(function) == function_type || Py_TYPE(function) == builtin_type) {
        name = PyObject_GetAttr(function, name_qualname);
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
    PyObject *name = namespace == NULL ? NULL : plain_get(namespace, name_name);
    return name == NULL ? PyUnicode_FromString("") : Py_NewRef(name);
}

/* Appends the total, the count and the items. */
int
object_items(Engine *engine, Plan *plan, Buffer *to, PyObject *object, Layout *layout,
             int depth)
{
    if (layout->reading != NULL && layout->reading->way) {
        return known_items(engine, to, object, layout->reading, depth);
    }
    switch (layout->form) {
    case FORM_LIST:
        return list_items(engine, to, object, depth);
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
        return name_item(to, PyObject_GetAttr(object, name_qualname));
    case FORM_METHOD:
        return name_item(to, method_name(object));
    case FORM_MODULE:
        return name_item(to, module_name(object));
    case FORM_WRAPPED:
        return put_counts(to, 1, 1) < 0 ? -1 : encode_plain(engine, to, object);
    default:
        return put_counts(to, 0, 0);
    }
}

int
items_prepare(void)
{
    PyObject *types = PyImport_ImportModule("types");
    if (types == NULL) {
        return -1;
    }
    function_type = (PyTypeObject *)get_attribute(types, "FunctionType");
    method_type = (PyTypeObject *)get_attribute(types, "MethodType");
    builtin_type = (PyTypeObject *)get_attribute(types, "BuiltinFunctionType");
    Py_DECREF(types);
    return PyErr_Occurred() ? -1 : 0;
}
