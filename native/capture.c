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
    PyObject *first;  /* what is beneath whatever a program has put there */
    PyObject *hook;
    Capture *capture; /* NULL when it has ended */
    int number;
    int descriptor; /* that a raw file writes to, or -1 */
} Layer;

static Layer *layers;

/* ---- what every hook needs */

/* Returns the method that the stream's type has. */
static PyObject *
of_type(PyObject *stream, PyMethodDef *method)
{
    PyTypeObject *type = Py_TYPE(stream);
    PyObject *found = get_attribute((PyObject *)type, method->ml_name);
    if (found == NULL) {
        return NULL;
    }
    descrgetfunc bind = (descrgetfunc)PyType_GetSlot(Py_TYPE(found), Py_tp_descr_get);
    PyObject *bound = bind == NULL ? Py_NewRef(found) : bind(found, stream, (PyObject *)type);
    Py_DECREF(found);
    return bound;
}

int
take_target(PyObject *stream, PyMethodDef *method, Target *target)
{
    for (Layer *layer = layers; layer != NULL; layer = layer->next) {
        if (layer->stream == stream && layer->method == method) {
            int is_patched = !PyCFunction_Check(layer->original);
            if (is_patched && call_of(layer) != NULL) {
                /* A program has put there what calls a hook that it has kept. */
                target->original = Py_NewRef(layer->first);
                target->capture = NULL;
                target->pipes = NULL;
                target->call = NULL;
                target->descriptor = -1;
                return 1;
            }
            target->call = is_patched ? call_begin(PATCHED) : NULL;
            if (target->call != NULL) {
                target->call->layer = layer;
            }
            PyErr_Clear();
            target->original = Py_NewRef(layer->original);
            target->capture = (Capture *)Py_XNewRef((PyObject *)layer->capture);
            target->pipes = layer->capture == NULL ? NULL : Py_XNewRef(layer->capture->pipes);
            target->number = layer->number;
            target->descriptor = layer->descriptor;
            return 1;
        }
    }
    /* Somebody has kept the hook beyond the capture's end. */
    target->original = of_type(stream, method);
    target->capture = NULL;
    target->pipes = NULL;
    target->call = NULL;
    target->descriptor = -1;
    return target->original != NULL;
}

void
drop_target(Target *target)
{
    if (target->call != NULL) {
        call_end(target->call);
    }
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
    PyObject *signature = get_attribute(original, "__text_signature__");
    PyObject *text = get_attribute(original, "__doc__");
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
    int number, descriptor;
    if (!PyArg_ParseTuple(args, "sOiOi", &kind, &stream, &number, &original, &descriptor)) {
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
        layer->first = of_type(stream, method);
        if (layer->first == NULL) {
            PyErr_Clear();
            layer->first = Py_NewRef(original);
        }
        layer->next = layers;
        layers = layer;
    }
    /* It may be the hook of an earlier capture, which a program has kept. */
    PyObject *old = layer->original;
    int is_hook = PyCFunction_Check(original) && PyCFunction_GetSelf(original) == stream
                  && PyCFunction_GetFunction(original) == method->ml_meth;
    layer->original = Py_NewRef(is_hook ? layer->first : original);
    Py_XDECREF(old);
    PyObject *before = (PyObject *)layer->capture;
    layer->capture = (Capture *)Py_NewRef(self);
    Py_XDECREF(before);
    layer->number = number;
    layer->descriptor = descriptor;
    if (layer->hook == NULL) {
        int is_input = method == hook_method("input");
        PyObject *module = is_input ? PyUnicode_FromString("builtins") : NULL;
        layer->hook = is_input && module == NULL ? NULL : PyCFunction_NewEx(method, stream, module);
        Py_XDECREF(module);
    }
    return Py_XNewRef(layer->hook);
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
    Py_CLEAR(capture->began_here);
    Py_CLEAR(capture->pipes);
    Py_CLEAR(capture->proxy);
    return 0;
}

static PyObject *
capture_release(PyObject *self, PyObject *unused)
{
    Layer *ended = NULL;
    for (Layer **at = &layers; *at != NULL;) {
        Layer *layer = *at;
        if (layer->capture != (Capture *)self) {
            at = &layer->next;
            continue;
        }
        *at = layer->next;
        layer->next = ended;
        ended = layer;
    }
    while (ended != NULL) {
        Layer *layer = ended;
        ended = layer->next;
        PyObject *original = layer->original;
        layer->original = Py_NewRef(layer->first);
        layer->capture = NULL;
        if (layer->method == hook_method("input")) {
            /* Whoever has kept it asks what stands here; a stream would be kept alive by it. */
            layer->next = layers;
            layers = layer;
        }
        else {
            Py_XDECREF(layer->hook);
            Py_DECREF(layer->original);
            Py_DECREF(layer->first);
            PyMem_Free(layer);
        }
        Py_DECREF(original);
        Py_DECREF(self);
    }
    capture_clear(self);
    Py_RETURN_NONE;
}

static PyObject *
capture_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"record", "began_here", NULL};
    PyObject *record, *began_here;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OO", names, &record, &began_here)) {
        return NULL;
    }
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Capture *capture = (Capture *)allocate(type, 0);
    if (capture != NULL) {
        capture->record = Py_NewRef(record);
        capture->began_here = Py_NewRef(began_here);
    }
    return (PyObject *)capture;
}

static int
capture_traverse(PyObject *self, visitproc visit, void *arg)
{
    Capture *capture = (Capture *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(capture->record);
    Py_VISIT(capture->began_here);
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
