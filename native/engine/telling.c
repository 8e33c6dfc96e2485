#include "telling.h"

#include "frameobjects.h"

static Call *calls;
static void *python_buffer; /* Py_bf_getbuffer of every type whose __buffer__ is Python code */

/* ---- running calls */

/* Returns a key that identifies the running frame while it runs; NULL if none runs. */
static const void *
running_place(PyThreadState *thread)
{
    const void *place = frame_place(thread);
    if (place == NULL) {
        PyObject *frame = (PyObject *)PyThreadState_GetFrame(thread);
        place = frame;
        Py_XDECREF(frame);
    }
    return place;
}

Call *
call_around(Purpose purpose)
{
    PyThreadState *thread = PyThreadState_Get();
    const void *place = running_place(thread);
    for (Call *call = calls; call != NULL; call = call->next) {
        if (call->thread == thread && call->place == place && call->purpose == purpose) {
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
    call->place = running_place(call->thread);
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
    PyMem_Free(call);
}

/* ---- reports to the recorder */

/* Clears an exception that recording has raised. Returns -1 if the exception is the program's. */
static int
drop_ours(PyObject *began_here)
{
    if (PyErr_Occurred() == NULL) {
        return 0;
    }
    if (PyErr_ExceptionMatches(PyExc_RecursionError) || PyErr_ExceptionMatches(PyExc_MemoryError)) {
        /* The program has filled its stack or memory, so there may be no room for the call below. */
        PyErr_Clear();
        return 0;
    }
    PyObject *error = PyErr_GetRaisedException();
    PyObject *told = PyObject_CallFunctionObjArgs(began_here, error, NULL);
    /* An exception out of that call is the program's. */
    int is_ours = told == Py_True;
    Py_XDECREF(told);
    if (told == NULL || is_ours) {
        Py_DECREF(error);
        return told == NULL ? -1 : 0;
    }
    PyErr_SetRaisedException(error);
    return -1;
}

int
capture_give(Capture *capture, int stream, PyObject *data)
{
    if (data == NULL || capture->record == NULL) {
        Py_XDECREF(data);
        return 0;
    }
    PyObject *before = PyErr_GetRaisedException();
    PyObject *record = Py_NewRef(capture->record);
    PyObject *began_here = Py_NewRef(capture->began_here);
    PyObject *number = PyLong_FromLong(stream);
    PyObject *done = NULL;
    int made;
    PyObject *frame = frame_innermost(PyThreadState_Get(), &made);
    if (number != NULL) {
        PyObject *args[] = {number, data, frame == NULL ? Py_None : frame};
        done = PyObject_Vectorcall(record, args, 3, NULL);
    }
    int failed = done == NULL ? drop_ours(began_here) : 0;
    frame_release(frame, made);
    Py_XDECREF(done);
    Py_XDECREF(number);
    Py_DECREF(began_here);
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

/* Returns whether an object's memory can be read without running code of the program. */
static int
has_plain_buffer(PyObject *data)
{
    void *get = PyType_GetSlot(Py_TYPE(data), Py_bf_getbuffer);
    return get != NULL && get != python_buffer;
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
    PyObject *type = PyObject_CallFunction((PyObject *)&PyType_Type, "s(){sO}", "buffer",
                                           "__buffer__", Py_None);
    python_buffer = type == NULL ? NULL : PyType_GetSlot((PyTypeObject *)type, Py_bf_getbuffer);
    Py_XDECREF(type);
    return python_buffer == NULL ? -1 : 0;
}
