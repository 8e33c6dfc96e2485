#include "capture.h"

#include "constants.h"
#include "hooks.h"
#include "input.h"
#include "pipes.h"
#include "targets.h"
#include "telling.h"

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
        layer->first = method_of_type(stream, method);
        if (layer->first == NULL) {
            PyErr_Clear();
            layer->first = Py_NewRef(original);
        }
        layer->next = layers;
        layers = layer;
    }
    /* `original` may be a hook of an earlier capture, which the program has kept. */
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
            /* The program may have kept this hook and call it later, so its entry stays. The entry of a
               stream's hook would keep the stream alive. */
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
    static const char *const names[] = {"record", "began_here", NULL};
    PyObject *record, *began_here;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OO", (char **)names, &record, &began_here)) {
        return NULL;
    }
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Capture *capture = (Capture *)allocate(type, 0);
    if (capture != NULL) {
        capture->state = PyType_GetModuleState(type);
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
capture_prepare(PyObject *module, ModuleState *state)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &capture_spec, NULL);
    int failed = type == NULL || PyModule_AddObjectRef(module, "Capture", type) < 0;
    Py_XDECREF(type);
    if (failed || telling_prepare() < 0 || input_prepare(module, state) < 0) {
        return -1;
    }
    return pipes_prepare(module);
}
