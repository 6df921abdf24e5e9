/* The floor under the model threads: pthreads, written by hand. */
#ifndef TVA_THREADED_BARE_MODELS_H
#define TVA_THREADED_BARE_MODELS_H

#include "model.h"

extern const struct model model_bare_threads;

#endif
