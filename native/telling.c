/* What hooks tell the recorder, whose exceptions are its own concern, and which call is within
   which. */
#include "capture.h"

#include <string.h>

static Call *calls;
static PyObject *python_buffer; /* a type whose __buffer__ is Python code */

/* ---- calls under way */

PyObject *
running_frame(void)
{
    return (PyObject *)PyThreadState_GetFrame(PyThreadState_Get());
}

Call *
call_around(PyObject *frame, Purpose purpose)
{
    PyThreadState *thread = PyThreadState_Get();
    for (Call *call = calls; call != NULL; call = call->next) {
        if (call->thread == thread && call->frame == frame && call->purpose == purpose) {
            return call;
        }
    }
    return NULL;
}

Call *
call_of(const void *layer)
{
    PyThreadState *thread = PyThreadState_Get();
    for (Call *call = calls; call != NULL; call = call->next) {
        if (call->thread == thread && call->layer == layer) {
            return call;
        }
    }
    return NULL;
}

Call *
call_begin(Purpose purpose)
{
    Call *call = PyMem_Calloc(1, sizeof(Call));
    if (call == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    call->thread = PyThreadState_Get();
    call->frame = running_frame();
    call->purpose = purpose;
    call->next = calls;
    if (calls != NULL) {
        calls->previous = call;
    }
    calls = call;
    return call;
}

void
call_end(Call *call)
{
    if (call->next != NULL) {
        call->next->previous = call->previous;
    }
    if (call->previous != NULL) {
        call->previous->next = call->next;
    }
    else {
        calls = call->next;
    }
    Py_XDECREF(call->frame);
    PyMem_Free(call);
}

/* ---- telling the recorder */

static int
is_named_ours(PyObject *name)
{
    static const char *const packages[] = {"codetracer", "codetracer_bindings"};
    if (name == NULL || !PyUnicode_Check(name)) {
        return 0;
    }
    PyObject *bytes = PyUnicode_AsEncodedString(name, "utf-8", "surrogatepass");
    const char *text = bytes == NULL ? "" : PyBytes_AsString(bytes);
    int is_ours = 0;
    for (size_t at = 0; at < sizeof(packages) / sizeof(*packages); at++) {
        size_t size = strlen(packages[at]);
        is_ours |= strncmp(text, packages[at], size) == 0
                   && (text[size] == '.' || text[size] == '\0');
    }
    Py_XDECREF(bytes);
    return is_ours;
}

/* Whether the code that raised an exception is codetracer's, or `record` itself. */
static int
began_here(PyObject *error, PyObject *record)
{
    PyObject *traceback = PyException_GetTraceback(error);
    if (traceback == NULL) {
        return 1;
    }
    PyObject *last = Py_NewRef(traceback);
    PyObject *next;
    while ((next = get_attribute(last, "tb_next")) != NULL && next != Py_None) {
        Py_DECREF(last);
        last = next;
    }
    Py_XDECREF(next);
    int is_ours = last == traceback && !PyCFunction_Check(record);
    PyObject *frame = get_attribute(last, "tb_frame");
    PyObject *names = frame == NULL ? NULL : get_attribute(frame, "f_globals");
    if (!is_ours && names != NULL && PyDict_Check(names)) {
        is_ours = is_named_ours(PyDict_GetItemString(names, "__name__"));
    }
    Py_XDECREF(names);
    Py_XDECREF(frame);
    Py_DECREF(last);
    Py_DECREF(traceback);
    return is_ours;
}

/* Whether CPython or codetracer defines an exception's type: another one may be raised anywhere, by
   PyThreadState_SetAsyncExc. */
static int
is_of_our_kind(PyObject *error)
{
    PyTypeObject *type = Py_TYPE(error);
    if (!(PyType_GetFlags(type) & Py_TPFLAGS_HEAPTYPE)) {
        return 1;
    }
    getattrofunc get = (getattrofunc)PyType_GetSlot(&PyType_Type, Py_tp_getattro);
    PyObject *name = PyUnicode_FromString("__module__");
    PyObject *module = name == NULL ? NULL : get((PyObject *)type, name);
    int is_ours = is_named_ours(module);
    Py_XDECREF(module);
    Py_XDECREF(name);
    return is_ours;
}

int
drop_ours(PyObject *record)
{
    PyObject *error = PyErr_GetRaisedException();
    if (error == NULL) {
        return 0;
    }
    int is_ours = PyErr_GivenExceptionMatches(error, PyExc_Exception) && is_of_our_kind(error)
                  && began_here(error, record);
    PyErr_Clear();
    if (is_ours) {
        Py_DECREF(error);
        return 0;
    }
    PyErr_SetRaisedException(error);
    return -1;
}

int
capture_give(Capture *capture, int stream, PyObject *data, PyObject *frame)
{
    if (data == NULL || capture->record == NULL) {
        Py_XDECREF(data);
        return 0;
    }
    PyObject *before = PyErr_GetRaisedException();
    PyObject *record = Py_NewRef(capture->record);
    PyObject *number = PyLong_FromLong(stream);
    PyObject *done = NULL;
    if (number != NULL) {
        PyObject *args[] = {number, data, frame == NULL ? Py_None : frame};
        done = PyObject_Vectorcall(record, args, 3, NULL);
    }
    int failed = done == NULL ? drop_ours(record) : 0;
    Py_XDECREF(done);
    Py_XDECREF(number);
    Py_DECREF(record);
    Py_DECREF(data);
    if (!failed) {
        PyErr_SetRaisedException(before);
        return 0;
    }
    if (before != NULL) {
        PyObject *error = PyErr_GetRaisedException();
        PyException_SetContext(error, before);
        PyErr_SetRaisedException(error);
    }
    return -1;
}

/* Whether an object's memory can be had without running code of the program. */
static int
has_plain_buffer(PyObject *data)
{
    void *get = PyType_GetSlot(Py_TYPE(data), Py_bf_getbuffer);
    return get != NULL && get != PyType_GetSlot((PyTypeObject *)python_buffer, Py_bf_getbuffer);
}

PyObject *
bytes_of(PyObject *data, Py_ssize_t size)
{
    PyObject *before = PyErr_GetRaisedException();
    PyObject *bytes = NULL;
    Py_buffer view;
    if (PyUnicode_Check(data)) {
        bytes = PyUnicode_AsEncodedString(data, "utf-8", "surrogatepass");
    }
    else if (PyBytes_CheckExact(data) && (size < 0 || size == PyBytes_Size(data))) {
        bytes = Py_NewRef(data);
    }
    else if (has_plain_buffer(data) && PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) == 0) {
        if (size <= view.len) {
            bytes = PyBytes_FromStringAndSize(view.buf, size < 0 ? view.len : size);
        }
        PyBuffer_Release(&view);
    }
    if (bytes == NULL) {
        PyErr_Clear();
    }
    PyErr_SetRaisedException(before);
    return bytes;
}

int
telling_prepare(void)
{
    python_buffer = PyObject_CallFunction((PyObject *)&PyType_Type, "s(){sO}", "buffer",
                                          "__buffer__", Py_None);
    return python_buffer == NULL ? -1 : 0;
}
