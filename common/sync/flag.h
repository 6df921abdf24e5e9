/* Something that has happened or has not, for any number of tasks to await [asyncio.Event]; not
   called an event, which is libevent's word. */
#ifndef TVA_SYNC_FLAG_H
#define TVA_SYNC_FLAG_H

#include "task.h"

struct flag;

int flag_create(struct flag **out); /* -ENOMEM; not set */
void flag_destroy(struct flag *flag);
void flag_set(struct flag *flag);
void flag_clear(struct flag *flag);
bool flag_is_set(struct flag *flag);

/* Waits until it is set. [waits] */
int flag_await(struct flag *flag, int64_t deadline);

#endif
