/* main.c: the `mien` command: finds the subcommand and runs it. */
#include "command.h"

#include <stdio.h>
#include <string.h>

#define COMMAND_ADDRESS(name) &command_##name,
static const struct command *const commands[] = {COMMAND_LIST(COMMAND_ADDRESS)};
#undef COMMAND_ADDRESS
enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void print_usage(FILE *out)
{
    fprintf(out, "mien SUBCOMMAND [options]\n\n"
                 "Trains and runs vision-language models of facial emotion on any GPU that has Vulkan.\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(out, "\nmien SUBCOMMAND --help says more; mien --version prints the version and what decodes\npictures.\n"
                 "Exit status: 0 done, 1 failed while running, 2 wrong usage, 3 no usable device or driver fault,\n"
                 "4 bad data or file, 128 + the signal that ended it.\n");
}

static int unknown_command(const char *word)
{
    const char *names[COMMANDS + 1] = {0};
    for (size_t i = 0; i < COMMANDS; i++)
        names[i] = commands[i]->name;
    const char *near = nearest(word, names);
    return complain(NULL, 2, "unknown subcommand %s%s%s; see mien --help", word, near ? "; did you mean " : "",
                    near ? near : "");
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_usage(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("mien %s\npictures: %s\n", mien_version(), mien_picture_decoders());
        return 0;
    }
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(argv[1], commands[i]->name) == 0) {
            int result = commands[i]->run(commands[i], argc - 2, argv + 2);
            args_free();
            if ((fflush(stdout) != 0 || ferror(stdout)) && result == 0)
                return complain(commands[i], 1, "standard output cannot be written");
            return result;
        }
    }
    return unknown_command(argv[1]);
}
