#include "targets.h"

#include <string.h>

#include "names.h"
#include "telling.h"

Layer *layers;

PyObject *
method_of_type(PyObject *stream, PyMethodDef *method)
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
                /* The program has put a function there that calls a hook, which it has kept. */
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
    /* The program has kept the hook beyond the end of the capture. */
    target->original = method_of_type(stream, method);
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
            /* This memory is never freed, because CPython keeps the address. */
            method->ml_doc = strdup(PyBytes_AsString(bytes));
        }
        Py_XDECREF(bytes);
        Py_XDECREF(doc);
    }
    Py_XDECREF(signature);
    Py_XDECREF(text);
    PyErr_Clear();
}
