/* tva: threads versus async. The command line becomes options, among them a plan; the command
   carries them out; here alone is an error printed and the process ended. */
#include "harness/commands.h"
#include "harness/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define EXIT_COMMAND_LINE 2

int main(int argc, char **argv) {
    struct message message = {""};
    struct options options;
    int status = options_parse(&options, argc, argv, &message);
    if (status == 0) {
        status = commands_run(&options, &message);
        options_destroy(&options);
    }
    if ((fflush(stdout) || ferror(stdout)) && !message.text[0])
        status =
            message_fail(&message, 1, "standard output cannot be written: %s", strerror(errno));
    if (message.text[0])
        fprintf(stderr, "tva: %s\n", message.text);
    return status < 0 ? EXIT_COMMAND_LINE : status;
}
