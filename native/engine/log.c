/* Writes the log's file. A window of the file is mapped into memory, a window has blocks, and a block
   has groups of records. writer.py gives the reasons. */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <structmember.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "_trace_format.h"
#include "_trace_records.h"
#include "again.h"
#include "checksum.h"
#include "constants.h"
#include "names.h"

#define OWNER_FILE 0600          /* as in private.py, which gives the reason */
#define WINDOW (16 * BLOCK_SIZE) /* as in writer.py */
#define KEPT (16 << 20)          /* as in writer.py */
#define KEPT_IN_LITTLE (2 * BLOCK_SIZE) /* as in writer.py */
#define PATIENCE (16 << 10)      /* as in writer.py */

/* ---- the file */

/* Creates the file, or opens it again if it is still the one that was created. Returns 0, or an
   errno. */
static int
open_file(Log *log, int *file)
{
    int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    struct stat found;
    if (log->state == LOG_NEW) {
        flags |= O_CREAT | O_EXCL;
    }
    do {
        *file = open(PyBytes_AsString(log->file), flags, OWNER_FILE);
    } while (*file < 0 && errno == EINTR);
    if (*file < 0) {
        return errno;
    }
    if (fstat(*file, &found) < 0) {
        int error = errno;
        close(*file);
        return error;
    }
    if (log->state == LOG_NEW) {
        if ((found.st_mode & 0777) != OWNER_FILE && fchmod(*file, OWNER_FILE) < 0) {
            /* Some file systems have no modes. */
            errno = 0;
        }
        log->device = found.st_dev;
        log->inode = found.st_ino;
    }
    else if (found.st_dev != log->device || found.st_ino != log->inode) {
        close(*file);
        return ESTALE;
    }
    return 0;
}

/* Allocates a part of the file on the disk and maps it. Returns 0, or an errno. */
static int
map_window(Log *log, size_t start, size_t size, unsigned char **map)
{
    int file;
    struct rlimit most;
    /* Beyond this limit the system sends the program a signal. */
    if (getrlimit(RLIMIT_FSIZE, &most) == 0 && most.rlim_cur != RLIM_INFINITY
        && start + size > most.rlim_cur) {
        return EFBIG;
    }
    int error = open_file(log, &file);
    if (error) {
        return error;
    }
    /* Allocate before mapping, because a store into a map on a full disk would kill the program. */
    do {
        error = posix_fallocate(file, (off_t)start, (off_t)size);
    } while (error == EINTR);
    if (!error) {
        void *found = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, (off_t)start);
        error = found == MAP_FAILED ? errno : 0;
        *map = found;
    }
    close(file);
    if (error && log->state == LOG_NEW) {
        unlink(PyBytes_AsString(log->file));
    }
    return error;
}

static void
take_window(Log *log, unsigned char *map, size_t start, size_t size)
{
    if (log->map != NULL) {
        munmap(log->map, log->map_size);
    }
    log->map = map;
    log->map_size = size;
    log->window_start = start;
}

/* ---- blocks */

static void
put_header(Log *log, size_t size, size_t used, uint32_t crc)
{
    write_block_header(log->map + log->block_start, BLOCK_MAGIC, log->block_number, (uint32_t)size,
                       (uint32_t)used, crc);
}

static void
begin_block(Log *log, size_t start, size_t size)
{
    log->block_start = start;
    log->position = log->payload = start + BLOCK_HEADER_SIZE;
    log->limit = start + size;
    put_header(log, size, 0, 0);
}

static void
seal_block(Log *log)
{
    size_t size = log->limit - log->block_start;
    size_t used = log->position - log->payload;
    uint32_t crc = checksum(log->map + log->payload, used);
    /* In two steps, because the process may be killed in between: a reader checks the checksum only if
       `used` is set. */
    put_header(log, size, 0, crc);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    put_header(log, size, used, crc);
}

static void
put_file_header(Log *log)
{
    write_file_header(log->map, LOG_MAGIC, LOG_VERSION, BLOCK_SIZE, log->pid, log->started,
                      PyBytes_AsString(log->recording));
}

/* Raises the exception for the caller of the log. */
static Written
refuse(Log *log, int error)
{
    PyObject *reason = PyUnicode_DecodeLocale(strerror(error), "surrogateescape");
    PyObject *told =
        reason == NULL ? NULL : PyObject_CallFunction(log->unwritable, "ON", log->path, reason);
    PyObject *problem = told == NULL ? NULL : get_attribute(told, "message");
    if (problem == NULL) {
        Py_XDECREF(told);
        return LOG_FAILED;
    }
    if (log->problem == Py_None) {
        Py_DECREF(log->problem);
        log->problem = Py_NewRef(problem);
    }
    Py_DECREF(problem);
    PyErr_SetObject((PyObject *)Py_TYPE(told), told);
    Py_DECREF(told);
    return LOG_FAILED;
}

/* Distinguishes a shortage, which may pass, from an error that will not. */
static Written
cannot_write(Log *log, int error)
{
    if (error == EMFILE || error == ENFILE || error == ENOMEM || error == EAGAIN) {
        log->shortage = error;
        return LOG_LATER;
    }
    return refuse(log, error);
}

/* Creates the file, with a first block that has room for `needed` bytes. */
static Written
create(Log *log, size_t needed)
{
    size_t size = BLOCK_SIZE;
    while (size < needed + FILE_HEADER_SIZE + BLOCK_HEADER_SIZE) {
        size += BLOCK_SIZE;
    }
    unsigned char *map;
    int error = map_window(log, 0, size, &map);
    if (error) {
        return cannot_write(log, error);
    }
    take_window(log, map, 0, size);
    log->state = LOG_OPEN;
    put_file_header(log);
    begin_block(log, FILE_HEADER_SIZE, size - FILE_HEADER_SIZE);
    return LOG_WRITTEN;
}

/* Closes the block and unmaps the window, because memory is short, and the next one needs its place. */
static void
give_up_window(Log *log)
{
    if (log->map == NULL) {
        return;
    }
    seal_block(log);
    take_window(log, NULL, log->window_start + log->limit, 0);
    log->block_start = log->payload = log->position = log->limit = 0;
}

/* Closes the block and begins another one with room for `needed` bytes. If that is impossible, nothing
   changes, except that the window may have been unmapped. */
static Written
next_block(Log *log, size_t needed)
{
    size_t start = log->limit;
    size_t size = BLOCK_SIZE;
    size_t window = 0;
    unsigned char *map = NULL;
    while (size < needed + BLOCK_HEADER_SIZE) {
        size += BLOCK_SIZE;
    }
    if (start + size > log->map_size) {
        /* The window begins small, so a short log takes little disk space. */
        window = log->map_size * 2 < WINDOW ? log->map_size * 2 : WINDOW;
        window = size > window ? size : window;
        int error = map_window(log, log->window_start + start, window, &map);
        if (error == ENOMEM) {
            give_up_window(log);
            start = 0;
            window = size;
            error = map_window(log, log->window_start, window, &map);
        }
        if (error) {
            return cannot_write(log, error);
        }
    }
    if (log->map != NULL) {
        seal_block(log);
    }
    if (map != NULL) {
        take_window(log, map, log->window_start + start, window);
        start = 0;
    }
    log->block_number++;
    begin_block(log, start, size);
    return LOG_WRITTEN;
}

static Written
make_room(Log *log, size_t count)
{
    if (log->state == LOG_CLOSED || log->problem != Py_None) {
        return refuse(log, EBADF);
    }
    if (count < log->waits_for) {
        return LOG_LATER;
    }
    Written written = log->state == LOG_NEW ? create(log, count) : next_block(log, count);
    size_t more = count / 8 > PATIENCE ? count / 8 : PATIENCE;
    log->waits_for = written == LOG_LATER ? count + more : 0;
    /* Waiting records take memory, which the program may need. */
    if (written == LOG_LATER && count > (log->shortage == ENOMEM ? KEPT_IN_LITTLE : KEPT)) {
        return refuse(log, log->shortage);
    }
    return written;
}

Written
log_write(Log *log, const unsigned char *bytes, size_t count)
{
    if (count == 0) {
        return LOG_WRITTEN;
    }
    if (log->limit - log->position < count) {
        Written written = make_room(log, count);
        if (written != LOG_WRITTEN) {
            return written;
        }
    }
    if (log->again.block != log->block_number) {
        again_begin(&log->again, log->block_number);
    }
    unsigned char *to = log->map + log->position;
    count = again_copy(&log->again, log->map + log->payload, log->position - log->payload, bytes, count);
    /* Write the first byte last. As long as it is 0, the block ends before it. */
    __atomic_store_n(to, bytes[0], __ATOMIC_RELEASE);
    log->position += count;
    return LOG_WRITTEN;
}

Written
log_settle(Log *log, const unsigned char *bytes, size_t count)
{
    log->waits_for = 0;
    Written written = log_write(log, bytes, count);
    if (written == LOG_LATER) {
        written = refuse(log, log->shortage);
    }
    return written;
}

/* ---- the methods, as in writer.py */

static PyObject *
log_open(PyObject *self, PyObject *unused)
{
    Log *log = (Log *)self;
    if (log->state != LOG_NEW) {
        Py_RETURN_NONE;
    }
    Written written = create(log, 0);
    if (written == LOG_LATER) {
        Py_RETURN_NONE;
    }
    return written == LOG_FAILED ? NULL : Py_NewRef(Py_None);
}

/* Joins a list of records, and empties the list if `write` has written them. Returns a new reference to
   None, or NULL with an exception. */
static PyObject *
write_records(PyObject *self, PyObject *records, Written (*write)(Log *, const unsigned char *, size_t))
{
    PyObject *separator = PyBytes_FromStringAndSize("", 0);
    PyObject *join = separator == NULL ? NULL : get_attribute(separator, "join");
    PyObject *group = join == NULL ? NULL : PyObject_CallFunctionObjArgs(join, records, NULL);
    Py_XDECREF(join);
    Py_XDECREF(separator);
    char *bytes;
    Py_ssize_t count;
    if (group == NULL || PyBytes_AsStringAndSize(group, &bytes, &count) < 0) {
        Py_XDECREF(group);
        return NULL;
    }
    Written written = write((Log *)self, (unsigned char *)bytes, (size_t)count);
    Py_DECREF(group);
    if (written == LOG_FAILED
        || (written == LOG_WRITTEN && PyList_SetSlice(records, 0, PyList_Size(records), NULL) < 0)) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
log_write_records(PyObject *self, PyObject *records)
{
    return write_records(self, records, log_write);
}

static PyObject *
log_settle_records(PyObject *self, PyObject *records)
{
    return write_records(self, records, log_settle);
}

static PyObject *
log_flush(PyObject *self, PyObject *unused)
{
    Log *log = (Log *)self;
    if (log->map != NULL && msync(log->map, log->map_size, MS_SYNC) < 0) {
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    Py_RETURN_NONE;
}

static PyObject *
log_abandon(PyObject *self, PyObject *unused)
{
    Log *log = (Log *)self;
    take_window(log, NULL, log->window_start, 0);
    log->position = log->limit = 0;
    log->state = LOG_CLOSED;
    Py_RETURN_NONE;
}

static PyObject *
log_close(PyObject *self, PyObject *unused)
{
    Log *log = (Log *)self;
    int file;
    if (log->state != LOG_OPEN) {
        log->state = LOG_CLOSED;
        Py_RETURN_NONE;
    }
    if (log->map != NULL) {
        log->limit = log->position;
        seal_block(log);
    }
    size_t end = log->window_start + log->position;
    /* The bytes after the end are zeros, which a reader skips. */
    if (open_file(log, &file) == 0) {
        if (ftruncate(file, (off_t)end) < 0) {
            errno = 0;
        }
        close(file);
    }
    log_abandon(self, NULL);
    log->window_start = end;
    Py_RETURN_NONE;
}

static PyObject *
log_size(PyObject *self, void *unused)
{
    Log *log = (Log *)self;
    return PyLong_FromSize_t(log->window_start + log->position);
}

static PyObject *
log_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static const char *const names[] = {"path", "recording", "pid", "started", "unwritable", NULL};
    PyObject *path, *recording, *unwritable, *numbers[2];
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "USO!O!O", (char **)names, &path, &recording,
                                     &PyLong_Type, &numbers[0], &PyLong_Type, &numbers[1], &unwritable)) {
        return NULL;
    }
    /* The format "K" does not check for overflow. */
    unsigned long long pid = PyLong_AsUnsignedLongLong(numbers[0]);
    unsigned long long started = PyErr_Occurred() ? 0 : PyLong_AsUnsignedLongLong(numbers[1]);
    if (PyErr_Occurred()) {
        return NULL;
    }
    if (PyBytes_Size(recording) != 16) {
        PyErr_SetString(PyExc_ValueError, "a recording's UUID has 16 bytes");
        return NULL;
    }
    PyObject *file;
    if (!PyUnicode_FSConverter(path, &file)) {
        return NULL;
    }
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Log *log = (Log *)allocate(type, 0);
    if (log == NULL) {
        Py_DECREF(file);
        return NULL;
    }
    log->path = Py_NewRef(path);
    log->file = file;
    log->recording = Py_NewRef(recording);
    log->unwritable = Py_NewRef(unwritable);
    log->problem = Py_NewRef(Py_None);
    log->pid = pid;
    log->started = started;
    return (PyObject *)log;
}

static void
log_dealloc(PyObject *self)
{
    Log *log = (Log *)self;
    PyTypeObject *type = Py_TYPE(self);
    take_window(log, NULL, 0, 0);
    Py_XDECREF(log->path);
    Py_XDECREF(log->file);
    Py_XDECREF(log->recording);
    Py_XDECREF(log->unwritable);
    Py_XDECREF(log->problem);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

static PyMethodDef log_methods[] = {
    {"open", log_open, METH_NOARGS, NULL},
    {"write", log_write_records, METH_O, NULL},
    {"settle", log_settle_records, METH_O, NULL},
    {"flush", log_flush, METH_NOARGS, NULL},
    {"abandon", log_abandon, METH_NOARGS, NULL},
    {"close", log_close, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef log_members[] = {
    {"path", T_OBJECT, offsetof(Log, path), READONLY, NULL},
    {"problem", T_OBJECT, offsetof(Log, problem), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef log_getters[] = {
    {"size", log_size, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot log_slots[] = {
    {Py_tp_new, log_new},
    {Py_tp_dealloc, log_dealloc},
    {Py_tp_methods, log_methods},
    {Py_tp_members, log_members},
    {Py_tp_getset, log_getters},
    {0, NULL},
};

static PyType_Spec log_spec = {
    .name = "codetracer_bindings._engine.LogWriter",
    .basicsize = sizeof(Log),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = log_slots,
};

int
log_prepare(PyObject *module, ModuleState *state)
{
    checksum_prepare();
    PyObject *type = PyType_FromModuleAndSpec(module, &log_spec, NULL);
    state->log_type = (PyTypeObject *)type;
    return type == NULL ? -1 : PyModule_AddObjectRef(module, "LogWriter", type);
}
