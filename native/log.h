/* The log's file in C, with the interface of LogWriter in codetracer/recording/writer.py, and the same
 * bytes. Hand-written.
 *
 * No descriptor is kept: the program may close any number, and open a file of its own under it. The
 * window is a memory map, which needs none. Nothing here runs Python code or lets go of the GIL.
 */
#ifndef CODETRACER_LOG_H
#define CODETRACER_LOG_H

#include <Python.h>

#include <stdint.h>
#include <sys/types.h>

#pragma GCC visibility push(hidden)

typedef struct {
    PyObject_HEAD
    PyObject *path;
    PyObject *file;       /* bytes: the path as the system has it */
    PyObject *unwritable; /* callable: path and reason to an exception */
    PyObject *problem;    /* str, or None as long as it can be written */
    PyObject *recording;  /* bytes: the UUID */
    uint64_t pid;
    uint64_t started;
    enum { LOG_NEW, LOG_OPEN, LOG_CLOSED } state;
    dev_t device; /* with the inode: which file it is */
    ino_t inode;
    unsigned char *map;
    size_t map_size;
    size_t window_start; /* of the map in the file */
    uint32_t block_number;
    size_t block_start; /* these in the map */
    size_t payload;
    size_t position;
    size_t limit;
    int shortage;     /* the errno of what the machine is short of */
    size_t waits_for; /* bytes: what waits is not tried again before it is so much */
} Log;

/* What became of a group. */
typedef enum {
    LOG_FAILED = -1, /* an exception is set; nothing more can be written */
    LOG_WRITTEN = 0,
    LOG_LATER = 1 /* the machine is short of something; nothing is lost, the caller keeps it */
} Written;

/* Appends a group of records; a reader will find all of it or nothing. */
Written log_write(Log *log, const unsigned char *bytes, size_t count);

/* Appends the last group, and what has waited with it: LOG_WRITTEN, or LOG_FAILED. */
Written log_settle(Log *log, const unsigned char *bytes, size_t count);

/* Adds the type LogWriter to the module. */
int log_prepare(PyObject *module);

extern PyTypeObject *log_type;

#pragma GCC visibility pop

#endif
