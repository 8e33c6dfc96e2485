/* The hooks: methods of the standard streams' layers, and `input`. Each looks like what it stands
   for, so its self is the stream; what it needs besides is in a list of layers. */
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

/* Not on C's stack: greenlets move it away. */
static Call *
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

static void
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
    while ((next = PyObject_GetAttrString(last, "tb_next")) != NULL && next != Py_None) {
        Py_DECREF(last);
        last = next;
    }
    Py_XDECREF(next);
    int is_ours = last == traceback && !PyCFunction_Check(record);
    PyObject *frame = PyObject_GetAttrString(last, "tb_frame");
    PyObject *names = frame == NULL ? NULL : PyObject_GetAttrString(frame, "f_globals");
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

/* ---- what every hook does */

/* A layer as it was when its hook was called: the capture may end meanwhile. */
typedef struct {
    PyObject *original;
    Capture *capture; /* or NULL */
    PyObject *pipes;  /* or NULL */
    int number;
    int descriptor;
} Target;

/* Returns 0 with an exception if the stream's type does not have the method any more. */
static int
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

static void
drop_target(Target *target)
{
    Py_DECREF(target->original);
    Py_XDECREF((PyObject *)target->capture);
    Py_XDECREF(target->pipes);
}

/* Returns `result`, or NULL instead if telling the recorder has failed with the program's error. */
static PyObject *
conclude(PyObject *result, int failed)
{
    if (failed) {
        Py_CLEAR(result);
    }
    return result;
}

/* Whether a raw file's method is to be done to the original around the pipe. */
static int
is_routed(PyObject *stream, Target *target)
{
    if (target->pipes == NULL || target->descriptor < 0) {
        return 0;
    }
    PyObject *closed = PyObject_GetAttrString(stream, "closed");
    int is_open = closed == Py_False;
    Py_XDECREF(closed);
    PyErr_Clear();
    return is_open && pipes_stand(target->pipes, target->descriptor);
}

#define HOOK_ARGUMENTS PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names

/* ---- writing */

static PyObject *
write_text(HOOK_ARGUMENTS, PyMethodDef *method)
{
    Target target;
    if (!take_target(self, method, &target)) {
        return NULL;
    }
    Call *call = target.capture == NULL ? NULL : call_begin(WRITES);
    if (call == NULL) {
        PyErr_Clear();
        PyObject *result = PyObject_Vectorcall(target.original, args, (size_t)count, names);
        drop_target(&target);
        return result;
    }
    PyObject *result = PyObject_Vectorcall(target.original, args, (size_t)count, names);
    PyObject *data = NULL;
    if (count == 1 && names == NULL) {
        if (result != NULL) {
            data = bytes_of(args[0], -1);
        }
        else if (PyErr_ExceptionMatches(PyExc_BlockingIOError)) {
            /* The buffer has taken it, or a part of it; to write that out was not possible. */
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
    int failed = capture_give(target.capture, target.number, data, call->frame);
    call_end(call);
    drop_target(&target);
    return conclude(result, failed);
}

/* Calls a method that writes to the buffer, which has to see that it does. */
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

/* Whether it is memory that is no object's: a buffer gives its raw file that. */
static int
is_bare_view(PyObject *data)
{
    if (!PyMemoryView_Check(data)) {
        return 0;
    }
    PyObject *owner = PyObject_GetAttrString(data, "obj");
    int is_bare = owner == Py_None;
    Py_XDECREF(owner);
    PyErr_Clear();
    return is_bare;
}

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
        PyObject *written = PyObject_GetAttrString(error, "characters_written");
        taken = written == NULL ? 0 : PyLong_AsSsize_t(written);
        Py_XDECREF(written);
        PyErr_Clear();
        PyErr_SetRaisedException(error);
        would_block = 1;
    }
    int failed = 0;
    /* A text stream below a hook of ours calls it, or the program does. */
    PyObject *frame = running_frame();
    Call *above = call_around(frame, WRITES);
    if (above != NULL) {
        if (would_block) {
            PyObject *all = bytes_of(args[0], -1);
            above->refused = all == NULL ? 0 : PyBytes_Size(all) - taken;
            Py_XDECREF(all);
        }
    }
    else if (taken > 0 && !is_bare_view(args[0])) {
        failed = capture_give(target.capture, target.number, bytes_of(args[0], taken), frame);
    }
    Py_XDECREF(frame);
    drop_target(&target);
    return conclude(result, failed);
}

/* ---- a raw file's position, which is the original's: that may be a file on a disk */

typedef enum { SEEK, TELL, TRUNCATE, SEEKABLE } Position;

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

/* ---- input() on a terminal, where C's readline reads and not sys.stdin */

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
            failed = capture_give(target.capture, STREAM_OUT, bytes_of(args[0], -1), call->frame);
        }
        if (result != NULL && !failed) {
            PyObject *line = PyUnicode_FromFormat("%U\n", result);
            PyObject *data = line == NULL ? NULL : bytes_of(line, -1);
            Py_XDECREF(line);
            PyErr_Clear();
            failed = capture_give(target.capture, STREAM_IN, data, call->frame);
        }
    }
    call_end(call);
    drop_target(&target);
    return conclude(result, failed);
}

/* ---- the hooks by their kinds */

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
    PyMethodDef *method = NULL;
    for (int at = 0; at < KINDS; at++) {
        if (strcmp(hooks[at].kind, kind) == 0) {
            method = &hooks[at].method;
        }
    }
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
    if (method == &hooks[INPUT].method) {
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
    if (failed || input_prepare(module) < 0 || pipes_prepare(module) < 0) {
        return -1;
    }
    python_buffer = PyObject_CallFunction((PyObject *)&PyType_Type, "s(){sO}", "buffer",
                                          "__buffer__", Py_None);
    return python_buffer == NULL ? -1 : 0;
}
