/* Names who held the loop: a thread of its own looks several times within the limit which task the
   loop runs and since when. A loop without it pays nothing; one with it counts its turns. */
#ifndef TVA_ASYNC_DETECTOR_H
#define TVA_ASYNC_DETECTOR_H

#include <stdint.h>

struct detector;
struct loop;

/* Watches a loop: a task that holds it for `limit_ns` is told of on standard error when it lets go,
   with the place where it was when the limit passed. Durations are exact to an eighth of the limit
   or better; limits below 4 ms to 0.5 ms. Returns 0 or -ENOMEM, -EAGAIN. */
int detector_create(struct detector **out, struct loop *l, int64_t limit_ns);

/* Ends the watch and tells what is left to tell. Before the loop's tasks and stacks go. */
void detector_destroy(struct detector *detector);

/* The loop's side. The calling thread is the one that runs the loop from now on. Told of each time
   that the loop knows while no task runs, it knows better since when one does; and it must hear of
   each turn's end. */
void detector_take_thread(struct detector *detector);
void detector_note_time(struct detector *detector, int64_t now_ns);
void detector_end_turn(struct detector *detector);

#endif
