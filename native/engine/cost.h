/* Measures the cost of recording: the CPU time of the engine, for one event in SAMPLED, and for every
   reading of new code, which is rare and takes long. */
#ifndef CODETRACER_COST_H
#define CODETRACER_COST_H

#include <stdint.h>
#include <time.h>

#define SAMPLED 61 /* as in events.py; a prime, because loops have few events */

/* Times in ns. */
typedef struct {
    unsigned int passed; /* events since the last sample */
    int is_sampled;      /* whether the current event is one */
    int64_t code;        /* of reading new code */
    int64_t events;      /* of everything else, from samples */
    int64_t writing;     /* of writing to the log, which is in `events` */
    int64_t left_out;    /* of what is counted elsewhere, in the current event */
    int64_t wrote;       /* of writing, in the current event */
    int writes;          /* how often that was measured */
} Cost;

static inline int64_t
cost_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Returns when a sampled event began; 0 for any other. */
static inline int64_t
cost_begin(Cost *cost)
{
    if (++cost->passed < SAMPLED) {
        return 0;
    }
    cost->passed = 0;
    cost->left_out = cost->wrote = cost->writes = 0;
    cost->is_sampled = 1;
    return cost_now();
}

/* Returns what the events took for which a sampled one stands, without writing; 0 for any other. */
static inline int64_t
cost_end(Cost *cost, int64_t began)
{
    if (began == 0) {
        return 0;
    }
    int64_t ended = cost_now();
    /* Reading the clock takes as long as a short event. */
    int64_t reading = cost_now() - ended;
    int64_t taken = ended - began - cost->left_out - (1 + 2 * cost->writes) * reading;
    int64_t wrote = cost->wrote - cost->writes * reading;
    cost->events += taken > 0 ? taken * SAMPLED : 0;
    cost->writing += wrote > 0 ? wrote * SAMPLED : 0;
    cost->is_sampled = 0;
    int64_t rest = taken - (wrote > 0 ? wrote : 0);
    return rest > 0 ? rest * SAMPLED : 0;
}

/* Counts writing in the current event, which is sampled. */
static inline void
cost_of_writing(Cost *cost, int64_t began)
{
    cost->wrote += cost_now() - began;
    cost->writes++;
}

/* Counts the time of asking the budget, which stands for itself alone. */
static inline void
cost_of_asking(Cost *cost, int64_t began)
{
    cost->events += cost_now() - began;
}

static inline void
cost_of_code(Cost *cost, int64_t began)
{
    int64_t taken = cost_now() - began;
    cost->code += taken;
    cost->left_out += taken;
}

#endif
