/* The type Capture, and the layers that it has hooked: a hook looks like the method that it stands
   for, so its self is the stream, and what it needs besides is in a list. */
#include "capture.h"

#include <stdlib.h>
#include <string.h>

typedef struct Layer {
    struct Layer *next;
    PyObject *stream; /* borrowed: `original` keeps it */
    PyMethodDef *method;
    PyObject *original;
    Capture *capture; /* NULL when it has ended */
    int number;
    int descriptor; /* that a raw file writes to, or -1 */
    int is_plain;   /* `original` is what the stream's type has */
} Layer;

static Layer *layers;

/* ---- what every hook needs */


int
take_target(PyObject *stream, PyMethodDef *method, Target *target)
{
    for (Layer *layer = layers; layer != NULL; layer = layer->next) {
        if (layer->stream == stream && layer->method == method) {
            target->original = Py_NewRef(layer->original);
            target->capture = (Capture *)Py_XNewRef((PyObject *)layer->capture);
            target->pipes = layer->capture == NULL ? NULL : Py_XNewRef(layer->capture->pipes);
            target->number = layer->number;
            target->descriptor = layer->descriptor;
            return 1;
        }
    }
    /* Somebody has kept it beyond the capture's end. */
    PyObject *of_type = PyObject_GetAttrString((PyObject *)Py_TYPE(stream), method->ml_name);
    if (of_type == NULL) {
        return 0;
    }
    descrgetfunc bind = (descrgetfunc)PyType_GetSlot(Py_TYPE(of_type), Py_tp_descr_get);
    target->original =
        bind == NULL ? Py_NewRef(of_type) : bind(of_type, stream, (PyObject *)Py_TYPE(stream));
    target->capture = NULL;
    target->pipes = NULL;
    Py_DECREF(of_type);
    return target->original != NULL;
}

void
drop_target(Target *target)
{
    Py_DECREF(target->original);
    Py_XDECREF((PyObject *)target->capture);
    Py_XDECREF(target->pipes);
}

/* ---- the type Capture */

void
describe_as(PyMethodDef *method, PyObject *original)
{
    if (method->ml_doc != NULL) {
        return;
    }
    PyObject *signature = PyObject_GetAttrString(original, "__text_signature__");
    PyObject *text = PyObject_GetAttrString(original, "__doc__");
    if (signature != NULL && text != NULL && PyUnicode_Check(signature)) {
        PyObject *doc = text == Py_None
                            ? PyUnicode_FromFormat("%s%U\n--\n\n", method->ml_name, signature)
                            : PyUnicode_FromFormat("%s%U\n--\n\n%S", method->ml_name,
                                                   signature, text);
        PyObject *bytes = doc == NULL ? NULL : PyUnicode_AsUTF8String(doc);
        if (bytes != NULL) {
            /* For good: CPython keeps the address. */
            method->ml_doc = strdup(PyBytes_AsString(bytes));
        }
        Py_XDECREF(bytes);
        Py_XDECREF(doc);
    }
    Py_XDECREF(signature);
    Py_XDECREF(text);
    PyErr_Clear();
}

static PyObject *
capture_hook(PyObject *self, PyObject *args)
{
    const char *kind;
    PyObject *stream, *original;
    int number, descriptor, is_plain;
    if (!PyArg_ParseTuple(args, "sOiOip", &kind, &stream, &number, &original, &descriptor,
                          &is_plain)) {
        return NULL;
    }
    PyMethodDef *method = hook_method(kind);
    if (method == NULL) {
        return PyErr_Format(PyExc_ValueError, "there is no hook %s", kind);
    }
    describe_as(method, original);
    Layer *layer = layers;
    while (layer != NULL && (layer->stream != stream || layer->method != method)) {
        layer = layer->next;
    }
    if (layer == NULL) {
        layer = PyMem_Calloc(1, sizeof(Layer));
        if (layer == NULL) {
            return PyErr_NoMemory();
        }
        layer->stream = stream;
        layer->method = method;
        layer->original = Py_NewRef(original);
        layer->is_plain = is_plain;
        layer->next = layers;
        layers = layer;
    }
    /* Otherwise `original` may be that hook of ours, which a program has kept: once is enough. */
    PyObject *before = (PyObject *)layer->capture;
    layer->capture = (Capture *)Py_NewRef(self);
    Py_XDECREF(before);
    layer->number = number;
    layer->descriptor = descriptor;
    PyObject *module = NULL;
    if (method == hook_method("input")) {
        module = PyUnicode_FromString("builtins");
        if (module == NULL) {
            return NULL;
        }
    }
    PyObject *hook = PyCFunction_NewEx(method, stream, module);
    Py_XDECREF(module);
    return hook;
}

static PyObject *
capture_stdin(PyObject *self, PyObject *stream)
{
    Capture *capture = (Capture *)self;
    PyObject *proxy = input_proxy(stream, capture);
    if (proxy != NULL) {
        PyObject *before = capture->proxy;
        capture->proxy = Py_NewRef(proxy);
        Py_XDECREF(before);
    }
    return proxy;
}

static PyObject *
capture_set_pipes(PyObject *self, PyObject *pipes)
{
    Capture *capture = (Capture *)self;
    PyObject *before = capture->pipes;
    capture->pipes = pipes == Py_None ? NULL : Py_NewRef(pipes);
    Py_XDECREF(before);
    Py_RETURN_NONE;
}

static int
capture_clear(PyObject *self)
{
    Capture *capture = (Capture *)self;
    Py_CLEAR(capture->record);
    Py_CLEAR(capture->pipes);
    Py_CLEAR(capture->proxy);
    return 0;
}

static PyObject *
capture_release(PyObject *self, PyObject *unused)
{
    Layer *dropped = NULL;
    for (Layer **at = &layers; *at != NULL;) {
        Layer *layer = *at;
        if (layer->capture == (Capture *)self) {
            layer->capture = NULL;
            Py_DECREF(self);
            if (layer->is_plain) {
                *at = layer->next;
                layer->next = dropped;
                dropped = layer;
                continue;
            }
        }
        at = &layer->next;
    }
    /* What this frees may run code. */
    while (dropped != NULL) {
        Layer *layer = dropped;
        dropped = layer->next;
        Py_DECREF(layer->original);
        PyMem_Free(layer);
    }
    capture_clear(self);
    Py_RETURN_NONE;
}

static PyObject *
capture_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"record", NULL};
    PyObject *record;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O", names, &record)) {
        return NULL;
    }
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Capture *capture = (Capture *)allocate(type, 0);
    if (capture != NULL) {
        capture->record = Py_NewRef(record);
    }
    return (PyObject *)capture;
}

static int
capture_traverse(PyObject *self, visitproc visit, void *arg)
{
    Capture *capture = (Capture *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(capture->record);
    Py_VISIT(capture->pipes);
    Py_VISIT(capture->proxy);
    return 0;
}

static void
capture_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    capture_clear(self);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

static PyMethodDef capture_methods[] = {
    {"hook", capture_hook, METH_VARARGS, NULL},
    {"stdin", capture_stdin, METH_O, NULL},
    {"set_pipes", capture_set_pipes, METH_O, NULL},
    {"release", capture_release, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot capture_slots[] = {
    {Py_tp_new, capture_new},
    {Py_tp_traverse, capture_traverse},
    {Py_tp_clear, capture_clear},
    {Py_tp_dealloc, capture_dealloc},
    {Py_tp_methods, capture_methods},
    {0, NULL},
};

static PyType_Spec capture_spec = {
    .name = "codetracer_bindings._engine.Capture",
    .basicsize = sizeof(Capture),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = capture_slots,
};

int
capture_prepare(PyObject *module)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &capture_spec, NULL);
    int failed = type == NULL || PyModule_AddObjectRef(module, "Capture", type) < 0;
    Py_XDECREF(type);
    if (failed || telling_prepare() < 0 || input_prepare(module) < 0) {
        return -1;
    }
    return pipes_prepare(module);
}
