/* What the example programs share: their command line, the run in a model, seconds that can be
   scaled, and lines that are written whole. The rest of each program is its own file and task.h. */
#ifndef TVA_EXAMPLES_PROGRAM_H
#define TVA_EXAMPLES_PROGRAM_H

#include "parameter.h"
#include "task.h"

/* What a command line may say beside --model, --second and --detect-blocking, which every
   program has. */
struct program {
    const char *summary;                /* for --help */
    const struct parameter *parameters; /* options of its own, into the values given; or NULL */
    bool has_lists; /* a text that is given again is a further one, behind a '|'; or replaces it */
    const char *arguments_help; /* the other arguments, "FILE..."; NULL: there are none */
};

/* Reads the command line into *values, unless NULL, whose texts the caller frees by
   parameters_destroy(). A flag is given without a value. Moves the other arguments to argv[1] and
   so on and returns their number. Ends the process after --help, with status 0, and after one line
   on what is wrong, with status 2. */
int program_start(const struct program *program, int argc, char **argv, void *values);

/* Prints "name: ..." as one line on standard error. */
void program_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, and ends the process with the status of a wrong command line, 2. */
_Noreturn void program_refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Runs main_function(arg) in the model of the command line [asyncio.run] and prints how long it
   took, "total: 3.00 s". Returns the exit status: what main returned, or 1 with a line on standard
   error if that was a negative errno. */
int program_run(task_function *main_function, void *arg);

/* A time of the program in nanoseconds as they pass: --second=10ms makes a second last 10 ms. */
int64_t program_seconds(double seconds);

/* The other way round, for printing what passed. */
double program_in_seconds(int64_t duration_ns);

/* Prints a line of up to 1 KiB by one write, so that tasks on several threads do not mix theirs.
   The line break is added. */
void program_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A call that is to become a task. */
struct program_call {
    const char *name;
    task_function *function;
    void *arg;
};

/* Spawns a task for each call. Returns 0, or what task_spawn() did for the first that could not be:
   then those before it have been cancelled and awaited. */
int program_spawn_all(struct task **tasks, const struct program_call *calls, size_t count);

#endif
