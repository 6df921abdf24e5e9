/* The async engine's model: coroutine tasks on one libevent loop. */
#ifndef TVA_ASYNC_MODELS_H
#define TVA_ASYNC_MODELS_H

#include "model.h"

extern const struct model model_async;

#endif
