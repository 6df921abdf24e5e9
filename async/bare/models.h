/* The floor under the model async: libevent callbacks, written by hand. */
#ifndef TVA_ASYNC_BARE_MODELS_H
#define TVA_ASYNC_BARE_MODELS_H

#include "model.h"

extern const struct model model_bare_callbacks;

#endif
