/* The writer of the log's file in C. It has the interface of LogWriter in
 * codetracer/recording/writer.py, and writes the same bytes. Hand-written.
 *
 * The writer keeps no descriptor, because the program may close any number, and open another file under
 * it. The window is a memory map, which needs none. Nothing here runs Python code or releases the GIL.
 */
#ifndef CODETRACER_LOG_H
#define CODETRACER_LOG_H

#include <Python.h>

#include <stdint.h>
#include <sys/types.h>

#include "again.h"
#include "constants.h"

#pragma GCC visibility push(hidden)

typedef struct {
    PyObject_HEAD
    PyObject *path;
    PyObject *file;       /* bytes: the path in the encoding of the file system */
    PyObject *unwritable; /* callable: makes an exception of a path and a reason */
    PyObject *problem;    /* str: why nothing can be written, or None */
    PyObject *recording;  /* bytes: the UUID */
    uint64_t pid;
    uint64_t started;
    enum { LOG_NEW, LOG_OPEN, LOG_CLOSED } state;
    dev_t device; /* identifies the file, together with the inode */
    ino_t inode;
    unsigned char *map;
    size_t map_size;
    size_t window_start; /* where the map begins in the file */
    uint32_t block_number;
    size_t block_start; /* this and the next three are offsets in the map */
    size_t payload;
    size_t position;
    size_t limit;
    int shortage;     /* the errno of a shortage of memory or disk space, or 0 */
    Again again;
    size_t waits_for; /* waiting records are not tried again before they have this many bytes */
} Log;

/* The outcome of writing a group. */
typedef enum {
    LOG_FAILED = -1, /* an exception is set; nothing more can be written */
    LOG_WRITTEN = 0,
    LOG_LATER = 1 /* memory or disk space is short; the caller keeps the group, so nothing is lost */
} Written;

/* Appends a group of records. A reader finds either the whole group or nothing of it. */
Written log_write(Log *log, const unsigned char *bytes, size_t count);

/* Appends the last group, together with those that waited. Returns LOG_WRITTEN or LOG_FAILED. */
Written log_settle(Log *log, const unsigned char *bytes, size_t count);

/* Adds the type LogWriter to the module. */
int log_prepare(PyObject *module, ModuleState *state);

#pragma GCC visibility pop

#endif
