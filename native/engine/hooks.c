#include "hooks.h"

#include <string.h>

#include "_trace_format.h"
#include "names.h"
#include "pipes.h"
#include "targets.h"
#include "telling.h"

/* Steals `result`, and returns it; NULL if the report to the recorder failed with an exception of the
   program. */
static PyObject *
conclude(PyObject *result, int failed)
{
    if (failed) {
        Py_CLEAR(result);
    }
    return result;
}

/* Returns whether a raw file's method has to act on the original, and not on the pipe. */
static int
is_routed(PyObject *stream, Target *target)
{
    if (target->pipes == NULL || target->descriptor < 0) {
        return 0;
    }
    PyObject *closed = get_attribute(stream, "closed");
    int is_open = closed == Py_False;
    Py_XDECREF(closed);
    PyErr_Clear();
    return is_open && pipes_stand(target->pipes, target->descriptor);
}

#define HOOK_ARGUMENTS PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names

/* ---- writing */

/* Returns a new reference, or NULL with an exception. */
static PyObject *
write_text(HOOK_ARGUMENTS, PyMethodDef *method)
{
    Target target;
    if (!take_target(self, method, &target)) {
        return NULL;
    }
    Call *call = call_begin(WRITES);
    if (call == NULL) {
        PyErr_Clear();
        PyObject *result = PyObject_Vectorcall(target.original, args, (size_t)count, names);
        drop_target(&target);
        return result;
    }
    PyObject *result = PyObject_Vectorcall(target.original, args, (size_t)count, names);
    PyObject *data = NULL;
    if (count == 1 && names == NULL && target.capture != NULL) {
        if (result != NULL) {
            data = bytes_of(args[0], -1);
        }
        else if (PyErr_ExceptionMatches(PyExc_BlockingIOError)) {
            /* The buffer has taken all or part of the data, but could not write it out. */
            data = bytes_of(args[0], -1);
            Py_ssize_t size = data == NULL ? 0 : PyBytes_Size(data);
            Py_ssize_t taken = size - call->refused;
            if (data != NULL && call->refused > 0) {
                PyObject *all = data;
                data = taken > 0 ? bytes_of(all, taken) : NULL;
                Py_DECREF(all);
            }
        }
    }
    int failed =
        data != NULL && capture_give(target.capture, target.number, data) < 0;
    call_end(call);
    drop_target(&target);
    return conclude(result, failed);
}

/* Calls a method that writes to the buffer, and lets the buffer's hook know that it does.
   Returns a new reference, or NULL with an exception. */
static PyObject *
pass_on(HOOK_ARGUMENTS, PyMethodDef *method)
{
    Target target;
    if (!take_target(self, method, &target)) {
        return NULL;
    }
    Call *call = target.capture == NULL ? NULL : call_begin(WRITES);
    if (call == NULL) {
        PyErr_Clear();
    }
    PyObject *result = PyObject_Vectorcall(target.original, args, (size_t)count, names);
    if (call != NULL) {
        call_end(call);
    }
    drop_target(&target);
    return result;
}

/* Returns whether the data is memory without an owner, as a buffer passes it to its raw file. */
static int
is_bare_view(PyObject *data)
{
    if (!PyMemoryView_Check(data)) {
        return 0;
    }
    PyObject *owner = get_attribute(data, "obj");
    int is_bare = owner == Py_None;
    Py_XDECREF(owner);
    PyErr_Clear();
    return is_bare;
}

/* Returns a new reference, or NULL with an exception. */
static PyObject *
write_bytes(HOOK_ARGUMENTS, PyMethodDef *method)
{
    Target target;
    if (!take_target(self, method, &target)) {
        return NULL;
    }
    int is_one = count == 1 && names == NULL;
    PyObject *result = is_one && is_routed(self, &target)
                           ? pipes_write(target.pipes, target.descriptor, args[0])
                           : PyObject_Vectorcall(target.original, args, (size_t)count, names);
    Py_ssize_t taken = 0;
    int would_block = 0;
    if (!is_one || target.capture == NULL) {
        drop_target(&target);
        return result;
    }
    if (result != NULL) {
        taken = PyLong_Check(result) ? PyLong_AsSsize_t(result) : 0;
    }
    else if (PyErr_ExceptionMatches(PyExc_BlockingIOError)) {
        PyObject *error = PyErr_GetRaisedException();
        PyObject *written = get_attribute(error, "characters_written");
        taken = written == NULL ? 0 : PyLong_AsSsize_t(written);
        Py_XDECREF(written);
        PyErr_Clear();
        PyErr_SetRaisedException(error);
        would_block = 1;
    }
    int failed = 0;
    /* The caller is either a text stream whose own hook runs, or the program. */
    Call *above = call_around(WRITES);
    if (above != NULL) {
        if (would_block) {
            PyObject *all = bytes_of(args[0], -1);
            above->refused = all == NULL ? 0 : PyBytes_Size(all) - taken;
            Py_XDECREF(all);
        }
    }
    else if (taken > 0 && !is_bare_view(args[0])) {
        failed = capture_give(target.capture, target.number, bytes_of(args[0], taken));
    }
    drop_target(&target);
    return conclude(result, failed);
}

/* ---- the position of a raw file: that of the original, which may be a file on a disk */

typedef enum { SEEK, TELL, TRUNCATE, SEEKABLE } Position;

/* Returns a new reference, or NULL with an exception. */
static PyObject *
position(HOOK_ARGUMENTS, PyMethodDef *method, Position what)
{
    Target target;
    if (!take_target(self, method, &target)) {
        return NULL;
    }
    PyObject *result;
    if (names != NULL || !is_routed(self, &target)) {
        result = PyObject_Vectorcall(target.original, args, (size_t)count, names);
    }
    else {
        PyObject *pipes = target.pipes;
        int descriptor = target.descriptor;
        if (what == SEEK && (count == 1 || count == 2)) {
            result = pipes_seek(pipes, descriptor, args, count);
        }
        else if (what == TELL && count == 0) {
            result = pipes_tell(pipes, descriptor);
        }
        else if (what == TRUNCATE && count <= 1) {
            result = pipes_truncate(pipes, descriptor, count ? args[0] : Py_None);
        }
        else if (what == SEEKABLE && count == 0) {
            result = pipes_seekable(pipes, descriptor);
        }
        else {
            result = PyObject_Vectorcall(target.original, args, (size_t)count, names);
        }
    }
    drop_target(&target);
    return result;
}

/* ---- input() on a terminal, where C's readline reads in place of sys.stdin */

/* Returns a new reference, or NULL with an exception. */
static PyObject *
ask(HOOK_ARGUMENTS, PyMethodDef *method)
{
    Target target;
    if (!take_target(self, method, &target)) {
        return NULL;
    }
    Call *call = target.capture == NULL ? NULL : call_begin(ASKS);
    PyObject *result = PyObject_Vectorcall(target.original, args, (size_t)count, names);
    if (call == NULL) {
        drop_target(&target);
        return result;
    }
    int has_asked = result != NULL || PyErr_ExceptionMatches(PyExc_EOFError)
                    || PyErr_ExceptionMatches(PyExc_KeyboardInterrupt);
    int failed = 0;
    if (has_asked && !call->answered && target.capture->proxy != NULL
        && PySys_GetObject("stdin") == target.capture->proxy) {
        if (target.pipes == NULL && count == 1 && PyUnicode_CheckExact(args[0])
            && PyUnicode_GetLength(args[0]) > 0) {
            failed = capture_give(target.capture, STREAM_STDOUT, bytes_of(args[0], -1));
        }
        if (result != NULL && !failed && PyUnicode_Check(result)) {
            PyObject *line = PyUnicode_FromFormat("%U\n", result);
            PyObject *data = line == NULL ? NULL : bytes_of(line, -1);
            Py_XDECREF(line);
            PyErr_Clear();
            failed = capture_give(target.capture, STREAM_STDIN, data);
        }
    }
    call_end(call);
    drop_target(&target);
    return conclude(result, failed);
}

/* ---- the hooks, by kind */

#define DECLARE(hook) static PyObject *hook(HOOK_ARGUMENTS);
#define METHOD(name, hook)                                                                      \
    {name, (PyCFunction)(void (*)(void))hook, METH_FASTCALL | METH_KEYWORDS, NULL}

DECLARE(text_write)
DECLARE(text_flush)
DECLARE(text_tell)
DECLARE(bytes_write)
DECLARE(raw_write)
DECLARE(raw_seek)
DECLARE(raw_tell)
DECLARE(raw_truncate)
DECLARE(raw_seekable)
DECLARE(builtin_input)

enum {
    TEXT_WRITE,
    TEXT_FLUSH,
    TEXT_TELL,
    BYTES_WRITE,
    RAW_WRITE,
    RAW_SEEK,
    RAW_TELL,
    RAW_TRUNCATE,
    RAW_SEEKABLE,
    INPUT,
    KINDS,
};

static struct {
    const char *kind;
    PyMethodDef method;
} hooks[KINDS] = {
    [TEXT_WRITE] = {"text.write", METHOD("write", text_write)},
    [TEXT_FLUSH] = {"text.flush", METHOD("flush", text_flush)},
    [TEXT_TELL] = {"text.tell", METHOD("tell", text_tell)},
    [BYTES_WRITE] = {"bytes.write", METHOD("write", bytes_write)},
    [RAW_WRITE] = {"raw.write", METHOD("write", raw_write)},
    [RAW_SEEK] = {"raw.seek", METHOD("seek", raw_seek)},
    [RAW_TELL] = {"raw.tell", METHOD("tell", raw_tell)},
    [RAW_TRUNCATE] = {"raw.truncate", METHOD("truncate", raw_truncate)},
    [RAW_SEEKABLE] = {"raw.seekable", METHOD("seekable", raw_seekable)},
    [INPUT] = {"input", METHOD("input", builtin_input)},
};

#define DEFINE(hook, body, ...)                                                                 \
    static PyObject *hook(HOOK_ARGUMENTS)                                                       \
    {                                                                                           \
        return body(self, args, count, names, __VA_ARGS__);                                     \
    }

DEFINE(text_write, write_text, &hooks[TEXT_WRITE].method)
DEFINE(text_flush, pass_on, &hooks[TEXT_FLUSH].method)
DEFINE(text_tell, pass_on, &hooks[TEXT_TELL].method)
DEFINE(bytes_write, write_bytes, &hooks[BYTES_WRITE].method)
DEFINE(raw_write, write_bytes, &hooks[RAW_WRITE].method)
DEFINE(raw_seek, position, &hooks[RAW_SEEK].method, SEEK)
DEFINE(raw_tell, position, &hooks[RAW_TELL].method, TELL)
DEFINE(raw_truncate, position, &hooks[RAW_TRUNCATE].method, TRUNCATE)
DEFINE(raw_seekable, position, &hooks[RAW_SEEKABLE].method, SEEKABLE)
DEFINE(builtin_input, ask, &hooks[INPUT].method)

PyMethodDef *
hook_method(const char *kind)
{
    for (int at = 0; at < KINDS; at++) {
        if (strcmp(hooks[at].kind, kind) == 0) {
            return &hooks[at].method;
        }
    }
    return NULL;
}
