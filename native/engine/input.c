#include "input.h"

#include <string.h>

#include "_trace_format.h"
#include "constants.h"
#include "names.h"
#include "targets.h"
#include "telling.h"

typedef struct {
    PyObject *stream;
    PyObject *capture;
    PyObject *buffer; /* the buffer's proxy, after its first use */
} State;

/* The types of proxies have no subclasses. */
static State *
state_of(PyObject *self)
{
    return PyObject_GetTypeData(self, Py_TYPE(self));
}

/* Returns a new reference, or NULL with an exception. */
static PyObject *
proxy_new(PyTypeObject *type, PyObject *stream, PyObject *capture)
{
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    PyObject *proxy = allocate(type, 0);
    if (proxy != NULL) {
        State *state = PyObject_GetTypeData(proxy, type);
        state->stream = Py_NewRef(stream);
        state->capture = Py_NewRef(capture);
    }
    return proxy;
}

/* ---- reading */

/* Returns a new reference to the data that was read as bytes, or NULL without an exception. */
static PyObject *
bytes_read(const char *name, PyObject *result, PyObject *const *args)
{
    if (PyLong_Check(result)) {
        return strncmp(name, "readinto", 8) == 0 ? bytes_of(args[0], PyLong_AsSsize_t(result))
                                                 : NULL;
    }
    if (!PyList_CheckExact(result)) {
        return bytes_of(result, -1);
    }
    PyObject *all = PyBytes_FromStringAndSize(NULL, 0);
    for (Py_ssize_t at = 0; all != NULL && at < PyList_Size(result); at++) {
        PyObject *line = bytes_of(PyList_GetItem(result, at), -1);
        if (line != NULL) {
            PyBytes_ConcatAndDel(&all, line);
        }
    }
    PyErr_Clear();
    return all;
}

/* Reports a method's result to the recorder. Steals `result`, and returns it; NULL with an exception. */
static PyObject *
tell(PyObject *capture, const char *name, PyObject *result, PyObject *const *args)
{
    Call *asking = call_around(ASKS);
    if (asking != NULL) {
        asking->answered = 1;
    }
    PyObject *data = result == NULL || result == Py_None ? NULL : bytes_read(name, result, args);
    if (data != NULL && PyBytes_Size(data) == 0) {
        Py_CLEAR(data);
    }
    if (capture_give((Capture *)capture, STREAM_STDIN, data) < 0) {
        Py_CLEAR(result);
    }
    return result;
}

/* Returns a new reference, or NULL with an exception. */
static PyObject *
read_by(const char *name, PyObject *self, PyObject *const *args, Py_ssize_t count,
        PyObject *names)
{
    State *state = state_of(self);
    PyObject *capture = Py_NewRef(state->capture);
    PyObject *method = get_attribute(state->stream, name);
    PyObject *result =
        method == NULL ? NULL : PyObject_Vectorcall(method, args, (size_t)count, names);
    Py_XDECREF(method);
    result = tell(capture, name, result, args);
    Py_DECREF(capture);
    return result;
}

#define READING(name)                                                                           \
    static PyObject *reading_##name(PyObject *self, PyObject *const *args, Py_ssize_t count,    \
                                    PyObject *names)                                            \
    {                                                                                           \
        return read_by(#name, self, args, count, names);                                        \
    }
#define METHOD(name)                                                                            \
    {#name, (PyCFunction)(void (*)(void))reading_##name, METH_FASTCALL | METH_KEYWORDS, NULL}

READING(read)
READING(read1)
READING(readinto)
READING(readinto1)
READING(readline)
READING(readlines)

static PyObject *
proxy_next(PyObject *self)
{
    State *state = state_of(self);
    PyObject *capture = Py_NewRef(state->capture);
    PyObject *stream = Py_NewRef(state->stream);
    iternextfunc next = (iternextfunc)PyType_GetSlot(Py_TYPE(stream), Py_tp_iternext);
    PyObject *result = tell(capture, "__next__", next(stream), NULL);
    Py_DECREF(stream);
    Py_DECREF(capture);
    return result;
}

static PyObject *
proxy_iter(PyObject *self)
{
    /* It raises if the stream is closed. */
    PyObject *iterator = PyObject_GetIter(state_of(self)->stream);
    if (iterator == NULL) {
        return NULL;
    }
    Py_DECREF(iterator);
    return Py_NewRef(self);
}

/* ---- everything else */

static const char *const own_text[] = {"__iter__", "__next__", "buffer",    "detach",
                                       "read",     "readline", "readlines", NULL};
static const char *const own_buffer[] = {"__iter__",  "__next__", "read",      "read1", "readinto",
                                         "readinto1", "readline", "readlines", NULL};

/* Returns a new reference to the attribute of a proxy itself, if it is one of these, or of the stream; NULL with
   an exception. */
static PyObject *
own_getattro(PyObject *self, PyObject *name, const char *const *own)
{
    for (; PyUnicode_Check(name) && *own != NULL; own++) {
        if (PyUnicode_CompareWithASCIIString(name, *own) == 0) {
            return PyObject_GenericGetAttr(self, name);
        }
    }
    return PyObject_GetAttr(state_of(self)->stream, name);
}

static PyObject *
text_getattro(PyObject *self, PyObject *name)
{
    return own_getattro(self, name, own_text);
}

static PyObject *
buffer_getattro(PyObject *self, PyObject *name)
{
    return own_getattro(self, name, own_buffer);
}

static int
proxy_setattro(PyObject *self, PyObject *name, PyObject *value)
{
    return PyObject_SetAttr(state_of(self)->stream, name, value);
}

static PyObject *
proxy_repr(PyObject *self)
{
    return PyObject_Repr(state_of(self)->stream);
}

static PyObject *
proxy_dir(PyObject *self, PyObject *unused)
{
    return PyObject_Dir(state_of(self)->stream);
}

/* Does nothing, because the inherited function would close the stream, which is the program's. */
static void
proxy_finalize(PyObject *self)
{
}

static void
proxy_dealloc(PyObject *self)
{
    PyTypeObject *base = PyType_GetSlot(Py_TYPE(self), Py_tp_base);
    State before = *state_of(self);
    memset(state_of(self), 0, sizeof(State));
    destructor deallocate = (destructor)PyType_GetSlot(base, Py_tp_dealloc);
    deallocate(self);
    Py_XDECREF(before.buffer);
    Py_XDECREF(before.capture);
    Py_XDECREF(before.stream);
}

/* Returns the proxy of a text stream's buffer. Steals the buffer. */
static PyObject *
buffer_proxy(PyObject *self, PyObject *buffer)
{
    State *state = state_of(self);
    const ModuleState *bound = ((Capture *)state->capture)->state;
    if (buffer == NULL || Py_TYPE(buffer) != bound->buffer_base) {
        return buffer;
    }
    if (state->buffer == NULL || state_of(state->buffer)->stream != buffer) {
        PyObject *before = state->buffer;
        state->buffer = proxy_new(bound->buffer_type, buffer, state->capture);
        Py_XDECREF(before);
    }
    Py_DECREF(buffer);
    return Py_XNewRef(state->buffer);
}

static PyObject *
get_buffer(PyObject *self, void *unused)
{
    return buffer_proxy(self, get_attribute(state_of(self)->stream, "buffer"));
}

static PyObject *
text_detach(PyObject *self, PyObject *unused)
{
    PyObject *detach = get_attribute(state_of(self)->stream, "detach");
    PyObject *buffer = detach == NULL ? NULL : PyObject_CallNoArgs(detach);
    Py_XDECREF(detach);
    return buffer_proxy(self, buffer);
}

/* ---- the types */

static PyMethodDef text_methods[] = {
    METHOD(read),
    METHOD(readline),
    METHOD(readlines),
    {"detach", text_detach, METH_NOARGS, NULL},
    {"__dir__", proxy_dir, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef text_attributes[] = {
    {"buffer", get_buffer, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef buffer_methods[] = {
    METHOD(read),
    METHOD(read1),
    METHOD(readinto),
    METHOD(readinto1),
    METHOD(readline),
    METHOD(readlines),
    {"__dir__", proxy_dir, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

#define PROXY_SLOTS                                                                             \
    {Py_tp_setattro, proxy_setattro}, {Py_tp_repr, proxy_repr}, {Py_tp_iter, proxy_iter},       \
        {Py_tp_iternext, proxy_next}, {Py_tp_finalize, proxy_finalize},                         \
        {Py_tp_dealloc, proxy_dealloc}

static PyType_Slot text_slots[] = {
    PROXY_SLOTS,
    {Py_tp_getattro, text_getattro},
    {Py_tp_methods, text_methods},
    {Py_tp_getset, text_attributes},
    {0, NULL},
};

static PyType_Slot buffer_slots[] = {
    PROXY_SLOTS,
    {Py_tp_getattro, buffer_getattro},
    {Py_tp_methods, buffer_methods},
    {0, NULL},
};

/* A negative size is added to the size of the base. */
static PyType_Spec text_spec = {
    .name = "_io.TextIOWrapper",
    .basicsize = -(int)sizeof(State),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = text_slots,
};

static PyType_Spec buffer_spec = {
    .name = "_io.BufferedReader",
    .basicsize = -(int)sizeof(State),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = buffer_slots,
};

static void
describe_all(PyMethodDef *methods, PyTypeObject *base)
{
    for (; methods->ml_name != NULL; methods++) {
        PyObject *original = get_attribute((PyObject *)base, methods->ml_name);
        if (original != NULL) {
            describe_as(methods, original);
            Py_DECREF(original);
        }
    }
    PyErr_Clear();
}

PyObject *
input_proxy(PyObject *stream, Capture *capture)
{
    return proxy_new(capture->state->text_type, stream, (PyObject *)capture);
}

int
input_prepare(PyObject *module, ModuleState *state)
{
    describe_all(text_methods, state->text_base);
    describe_all(buffer_methods, state->buffer_base);
    state->text_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &text_spec,
                                                                (PyObject *)state->text_base);
    state->buffer_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &buffer_spec,
                                                                  (PyObject *)state->buffer_base);
    return state->text_type == NULL || state->buffer_type == NULL ? -1 : 0;
}
