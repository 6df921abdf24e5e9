/* The threaded engine's models: a pthread for each task, and a pool of pthreads. */
#ifndef TVA_THREADED_MODELS_H
#define TVA_THREADED_MODELS_H

#include "model.h"

extern const struct model model_threads;
extern const struct model model_pool;

#endif
