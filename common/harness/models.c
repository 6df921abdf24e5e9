/* The table of models. A new model is a folder and one line here. */
#include "harness/tables.h"

#include "async/bare/models.h"
#include "async/models.h"
#include "threaded/bare/models.h"
#include "threaded/models.h"

const struct model *const models[] = {
    &model_threads,      &model_pool,           &model_async, &model_async_multi,
    &model_bare_threads, &model_bare_callbacks, NULL};
