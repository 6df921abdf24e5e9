/* The async engine's models: coroutine tasks on one libevent loop, or on several. */
#ifndef TVA_ASYNC_MODELS_H
#define TVA_ASYNC_MODELS_H

#include "model.h"

extern const struct model model_async;
extern const struct model model_async_multi;

#endif
