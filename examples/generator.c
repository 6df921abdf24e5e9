/* Values made one at a time, when they are asked for: here, the pages of a catalogue. Who has found
   what it looked for stops early, and the generator's cleanup runs then as it does at the end.

     async def pages():
         connection = await open()
         try:
             for number in range(1, 6):
                 await asyncio.sleep(1)
                 yield Page(number, ...)
         finally:
             connection.close()

     async def find(item):
         async with contextlib.aclosing(pages()) as all_pages:
             async for page in all_pages:
                 if page.first <= item <= page.last:
                     return page.number */
#include "program.h"

#include "sync/generator.h"

#include <errno.h>
#include <stdlib.h>

#define PAGES 5
#define ITEMS_EACH 10

struct page {
    int number;
    int first, last; /* items on it */
};

static int turn_pages(struct generator *self, struct page *page) {
    for (page->number = 1; page->number <= PAGES; page->number++) {
        int err = task_sleep(program_seconds(1));
        if (err)
            return err;
        page->last = page->number * ITEMS_EACH;
        page->first = page->last - ITEMS_EACH + 1;
        err = generator_yield(self, page);
        if (err) /* the consumer wants no more */
            return err;
    }
    return 0;
}

/* A page is the generator's, and the consumer's to look at until it asks for the next. */
static int pages(struct generator *self, void *unused) {
    (void)unused;
    struct page *page = calloc(1, sizeof *page);
    if (!page)
        return -ENOMEM;
    program_print("pages: open");
    int err = turn_pages(self, page);
    free(page);
    program_print("pages: closed");
    return err;
}

/* Returns 1 when it has found the item, 0 when there is none, or a negative errno. */
static int look_for(int item, struct generator *generator) {
    void *value;
    int more;
    while ((more = generator_next(generator, &value)) == 1) {
        const struct page *page = value;
        program_print("page %d: items %d to %d", page->number, page->first, page->last);
        if (item >= page->first && item <= page->last) {
            program_print("found %d", item);
            return 1;
        }
    }
    if (more == 0)
        program_print("there is no %d", item);
    return more;
}

static int find(int item) {
    struct generator *generator;
    program_print("looking for %d", item);
    int err = generator_create(&generator, "pages", pages, NULL);
    if (err)
        return err;
    int found = look_for(item, generator);
    err = generator_close(generator);
    return found < 0 ? found : err;
}

static int generator_main(void *unused) {
    (void)unused;
    int err = find(25);
    return err ? err : find(99);
}

int main(int argc, char **argv) {
    const struct program program = {
        .summary = "Looks for two items in pages that take 1 s each: the first is found on page 3, "
                   "the other nowhere."};
    program_start(&program, argc, argv, NULL);
    return program_run(generator_main, NULL);
}
