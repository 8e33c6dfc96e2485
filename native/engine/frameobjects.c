/* Makes frame objects for the recorder, and removes them again. The layouts are those of
   Include/internal/pycore_frame.h (since 3.14 also pycore_interpframe_structs.h) and
   Include/cpython/pystate.h of CPython 3.12 to 3.15, with the GIL and pointers of 8 bytes. A program
   that includes these headers printed the offsets for 3.12.1, 3.13.0, 3.14.8 and 3.15.0.

   A running frame is an interpreter frame, on a thread's stack or within its generator. It gets a frame
   object at the first request, and owns one reference to it. At the end of a function CPython releases
   that reference (_PyFrame_ClearExceptCode); frame_release does the same earlier.

   No pointer to the removed object can be left: - The object did not exist before the event, so nothing
   can have borrowed it then. - Any code that got it during the event either holds a counted reference
   or has released it, because the GIL is held, and only other threads, signal handlers and finalizers
   of the program may have run. - During an event, the interpreter itself keeps only the interpreter
   frame. And nothing is lost, because CPython makes an equal object at the next request. */
#include "frameobjects.h"

#include <stddef.h>
#include <string.h>

#include "constants.h"
#include "internals.h"
#include "names.h"

/* PyFrameObject */
#define BACK_PLACE 16
#define INNER_PLACE 24
#define TRACE_PLACE 32
#define LINE_PLACE 40
#define TRACE_LINES_PLACE 44
#define TRACE_OPCODES_PLACE 45
#define FAST_AS_LOCALS_PLACE 46 /* 3.12 */
#define MORE_PLACE 48 /* since 3.13: objects that f_locals keeps, one or more pointers */

/* _PyInterpreterFrame */
#define PREVIOUS_PLACE 8
#define OBJECT_PLACE 48
#define OWNED_BY_THREAD 0
#define OWNED_BY_GENERATOR 1
#define OWNED_BY_OBJECT 2 /* higher: not a frame of Python code */

#define GENERATOR_PLACE 72 /* of PyGenObject.gi_iframe */

typedef const unsigned char *Inner;
typedef PyFrameObject *(*GetBack)(PyFrameObject *);
typedef PyThreadState *(*FirstThread)(PyInterpreterState *);
typedef PyThreadState *(*NextThread)(PyThreadState *);

typedef struct {
    int minor;
    size_t current;      /* the place of PyThreadState.current_frame, in 3.12 of .cframe */
    size_t owner;        /* of _PyInterpreterFrame.owner */
    size_t frame_size;   /* sizeof(PyFrameObject), without the frame that it may own */
    size_t inner_size;   /* sizeof(_PyInterpreterFrame), without variables */
} Layout;

static const Layout layouts[] = {
    {12, 56, 70, 48, 72},
    {13, 72, 70, 64, 72},
    {14, 72, 74, 72, 80},
    {15, 72, 74, 72, 80},
};

static const Layout *layout; /* NULL: not known */
static GetBack get_back;
static FirstThread first_thread;
static NextThread next_thread;

static const void *
pointer_at(const void *object, size_t place)
{
    const void *found;
    memcpy(&found, (const unsigned char *)object + place, sizeof(found));
    return found;
}

static Inner
inner_of(PyObject *frame)
{
    return pointer_at(frame, INNER_PLACE);
}

static Inner
current_inner(PyThreadState *thread)
{
    const void *current = pointer_at(thread, layout->current);
    /* _PyCFrame.current_frame comes first. */
    return layout->minor == 12 && current != NULL ? pointer_at(current, 0) : current;
}

/* Returns whether this is the frame of a generator or coroutine, and has no frame object. */
static int
lacks_object(Inner inner)
{
    return inner != NULL && inner[layout->owner] == OWNED_BY_GENERATOR
           && pointer_at(inner, OBJECT_PLACE) == NULL;
}

/* Returns the interpreter frame that called this one, if that runs Python code. */
static Inner
previous_inner(Inner inner)
{
    do {
        inner = pointer_at(inner, PREVIOUS_PLACE);
    } while (inner != NULL && inner[layout->owner] > OWNED_BY_OBJECT);
    return inner;
}

PyObject *
frame_innermost(PyThreadState *thread, int *made)
{
    Inner inner = layout == NULL ? NULL : current_inner(thread);
    int lacking = lacks_object(inner);
    PyObject *frame = (PyObject *)PyThreadState_GetFrame(thread);
    *made = lacking && frame != NULL && inner_of(frame) == inner;
    return frame;
}

PyObject *
frame_back(PyObject *frame, int *made)
{
    Inner inner = NULL;
    if (layout != NULL && pointer_at(frame, BACK_PLACE) == NULL) {
        inner = previous_inner(inner_of(frame));
    }
    int lacking = lacks_object(inner);
    PyObject *back = (PyObject *)get_back((PyFrameObject *)frame);
    *made = lacking && back != NULL && inner_of(back) == inner;
    return back;
}

const void *
frame_back_key(PyObject *frame)
{
    if (layout == NULL || pointer_at(frame, BACK_PLACE) != NULL) {
        return NULL;
    }
    Inner inner = previous_inner(inner_of(frame));
    if (inner == NULL || inner[layout->owner] == OWNED_BY_GENERATOR) {
        return inner;
    }
    return pointer_at(inner, OBJECT_PLACE);
}

/* Returns whether a frame object is unchanged since it was made. */
static int
is_bare(PyObject *frame)
{
    const unsigned char *bytes = (const unsigned char *)frame;
    int line;
    memcpy(&line, bytes + LINE_PLACE, sizeof(line));
    if (pointer_at(frame, BACK_PLACE) != NULL || pointer_at(frame, TRACE_PLACE) != NULL || line != 0
        || bytes[TRACE_LINES_PLACE] != 1 || bytes[TRACE_OPCODES_PLACE] != 0
        || (layout->minor == 12 && bytes[FAST_AS_LOCALS_PLACE] != 0)) {
        return 0;
    }
    for (size_t place = MORE_PLACE; place < layout->frame_size; place += sizeof(void *)) {
        if (pointer_at(frame, place) != NULL) {
            return 0;
        }
    }
    return 1;
}

/* Returns whether only the interpreter frame, which is a generator's, and the caller refer to an
   object. */
static int
is_ours_alone(PyObject *frame)
{
    Inner inner = inner_of(frame);
    Py_ssize_t references;
    /* Since 3.14 this field also has flags; this object has none. */
    memcpy(&references, frame, sizeof(references));
    return references == 2 && inner[layout->owner] == OWNED_BY_GENERATOR
           && pointer_at(inner, OBJECT_PLACE) == frame && !PyObject_GC_IsTracked(frame)
           && is_bare(frame);
}

void
frame_release(PyObject *frame, int made)
{
    if (made && is_ours_alone(frame)) {
        memset((unsigned char *)inner_of(frame) + OBJECT_PLACE, 0, sizeof(void *));
        Py_DECREF(frame);
    }
    Py_XDECREF(frame);
}

const void *
frame_key(PyObject *frame)
{
    if (layout != NULL) {
        Inner inner = inner_of(frame);
        if (inner[layout->owner] == OWNED_BY_GENERATOR) {
            return inner;
        }
    }
    return frame;
}

const void *
frame_place(PyThreadState *thread)
{
    return layout == NULL ? NULL : current_inner(thread);
}

/* ---- the self-test */

static int
has_size(PyObject *type, size_t expected)
{
    PyObject *size = get_attribute(type, "__basicsize__");
    int fits = size != NULL && PyLong_AsSize_t(size) == expected;
    Py_XDECREF(size);
    return fits;
}

/* Returns whether this unit finds the running frame and its caller. Reads only from addresses that are
   known from the stable ABI, or from memory that the test has already checked. */
static int
running_fits(void)
{
    PyThreadState *thread = PyThreadState_Get();
    PyObject *frame = (PyObject *)PyThreadState_GetFrame(thread);
    PyObject *back =
        frame == NULL ? NULL : (PyObject *)get_back((PyFrameObject *)frame);
    int fits = back != NULL
               && has_size((PyObject *)Py_TYPE(frame), layout->frame_size + layout->inner_size)
               && current_inner(thread) == inner_of(frame)
               && pointer_at(inner_of(frame), OBJECT_PLACE) == frame
               && inner_of(frame)[layout->owner] == OWNED_BY_THREAD
               && pointer_at(inner_of(back), OBJECT_PLACE) == back
               && pointer_at(frame, BACK_PLACE) == NULL
               && previous_inner(inner_of(frame)) == inner_of(back);
    Py_XDECREF(back);
    Py_XDECREF(frame);
    return fits;
}

static int
set_attribute(PyObject *object, const char *name, PyObject *value)
{
    PyObject *text = PyUnicode_InternFromString(name);
    int outcome = text == NULL ? -1 : PyObject_SetAttr(object, text, value);
    Py_XDECREF(text);
    return outcome;
}

/* Returns whether a frame object counts as changed while this attribute is set, and not after that. */
static int
attribute_fits(PyObject *frame, const char *name, PyObject *value, PyObject *before)
{
    return is_bare(frame) && set_attribute(frame, name, value) == 0 && !is_bare(frame)
           && set_attribute(frame, name, before) == 0 && is_bare(frame);
}

/* Returns whether a frame object counts as changed after a variable was added to its f_locals. */
static int
variables_fit(PyObject *frame)
{
    PyObject *variables = get_attribute(frame, "f_locals");
    int fits = variables != NULL && PyMapping_SetItemString(variables, "added", Py_None) == 0;
    Py_XDECREF(variables);
    return fits && !is_bare(frame);
}

/* Returns whether the frame object of a generator that has not begun is removed and made again. */
static int
generator_fits(PyObject *generator)
{
    Inner inner = (Inner)generator + GENERATOR_PLACE;
    if (!has_size((PyObject *)Py_TYPE(generator), GENERATOR_PLACE + layout->inner_size)
        || !lacks_object(inner)) {
        return 0;
    }
    PyObject *frame = get_attribute(generator, "gi_frame");
    int fits = frame != NULL && inner_of(frame) == inner && !lacks_object(inner)
               && is_ours_alone(frame) && attribute_fits(frame, "f_trace", Py_True, Py_None)
               && attribute_fits(frame, "f_trace_lines", Py_False, Py_True);
    if (!fits) {
        Py_XDECREF(frame);
        return 0;
    }
    PyObject *held = Py_NewRef(frame);
    fits = !is_ours_alone(frame);
    frame_release(frame, 1);
    fits = fits && !lacks_object(inner) && is_ours_alone(held);
    frame_release(held, 1);
    if (!fits || !lacks_object(inner)) {
        return 0;
    }
    frame = get_attribute(generator, "gi_frame");
    fits = frame != NULL && inner_of(frame) == inner && is_ours_alone(frame) && variables_fit(frame)
           && !is_ours_alone(frame);
    Py_XDECREF(frame);
    return fits;
}

/* Returns a new reference to a generator that has not begun, or NULL with an exception. Its code never
   runs. */
static PyObject *
generator_new(void)
{
    PyObject *namespace = PyDict_New();
    PyObject *code =
        Py_CompileString("def generate(first, second):\n yield first\n", "<codetracer>", Py_file_input);
    PyObject *done = NULL;
    PyObject *generator = NULL;
    if (namespace != NULL && code != NULL) {
        done = PyEval_EvalCode(code, namespace, namespace);
    }
    if (done != NULL) {
        PyObject *function = PyDict_GetItemString(namespace, "generate");
        generator = PyObject_CallFunction(function, "OO", Py_None, Py_None);
    }
    Py_XDECREF(done);
    Py_XDECREF(code);
    Py_XDECREF(namespace);
    return generator;
}

PyObject *
running_frames(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    PyObject *frames = PyList_New(0);
    PyThreadState *thread = frames == NULL ? NULL : first_thread(PyInterpreterState_Get());
    for (; thread != NULL; thread = next_thread(thread)) {
        PyObject *frame = (PyObject *)PyThreadState_GetFrame(thread);
        int failed = frame != NULL && PyList_Append(frames, frame) < 0;
        Py_XDECREF(frame);
        if (failed) {
            Py_DECREF(frames);
            return NULL;
        }
    }
    return frames;
}

int
frames_prepare(PyObject *module)
{
    get_back = (GetBack)find_function("PyFrame_GetBack");
    first_thread = (FirstThread)find_function("PyInterpreterState_ThreadHead");
    next_thread = (NextThread)find_function("PyThreadState_Next");
    if (get_back == NULL || first_thread == NULL || next_thread == NULL) {
        return -1;
    }
    for (size_t at = 0; internals_known && at < sizeof(layouts) / sizeof(*layouts); at++) {
        if (Py_Version >> 16 == (0x300u | (unsigned)layouts[at].minor)) {
            layout = &layouts[at];
        }
    }
    if (layout != NULL) {
        PyObject *generator = running_fits() ? generator_new() : NULL;
        if (generator == NULL || !generator_fits(generator)) {
            layout = NULL;
        }
        Py_XDECREF(generator);
    }
    PyErr_Clear();
    return PyModule_AddIntConstant(module, "frames_known", layout != NULL);
}
