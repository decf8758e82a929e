/* main.c: the `mien` command: finds the subcommand and runs it. */
#include "base/system.h"
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
    fprintf(out,
            "\nmien help SUBCOMMAND (or mien SUBCOMMAND --help) says more; mien --version prints the version and what\n"
            "decodes pictures.\n"
            "Exit status: 0 done, 1 failed while running, 2 wrong usage, 3 no usable device or driver fault,\n"
            "4 bad data or file, 128 + the signal that ended it.\n");
}

static int unknown_command(const char *word)
{
    const char *names[COMMANDS + 4] = {[COMMANDS] = "help", "--help", "--version"};
    for (size_t i = 0; i < COMMANDS; i++)
        names[i] = commands[i]->name;
    const char *near = nearest(word, names);
    return complain(NULL, 2, "unknown subcommand %s%s%s; see mien --help", word, near ? "; did you mean " : "",
                    near ? near : "");
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(name, commands[i]->name) == 0)
            return commands[i];
    }
    return NULL;
}

/* What was printed must have arrived. */
static int end(const struct command *command, int result)
{
    args_free();
    if ((fflush(stdout) != 0 || ferror(stdout)) && result == 0)
        return complain(command, 1, "standard output cannot be written");
    return result;
}

/* "mien help train optim.lr" is "mien train --help optim.lr". */
static int help(int argc, char **argv)
{
    char option[] = "--help";
    const struct command *command;
    if (argc == 0 || strcmp(argv[0], "help") == 0) {
        print_usage(stdout);
        return end(NULL, 0);
    }
    command = find_command(argv[0]);
    if (!command)
        return unknown_command(argv[0]);
    if (argc > 2)
        return complain(NULL, 2, "unexpected \"%s\"; see mien help", argv[2]);
    return end(command, command->run(command, argc, (char *[]){option, argc == 2 ? argv[1] : NULL, NULL}));
}

static bool asks_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

int main(int argc, char **argv)
{
    const struct command *command;
    base_streams_guard();
    mien_gpu_prepare();
    if (argc < 2)
        return complain(NULL, 2, "a subcommand is missing, such as mien train; mien --help lists them");
    if (asks_help(argv[1]))
        return help(argc - 2, argv + 2);
    if (strcmp(argv[1], "--version") == 0) {
        printf("mien %s\npictures: %s\n", mien_version(), mien_picture_decoders());
        return end(NULL, 0);
    }
    command = find_command(argv[1]);
    return command ? end(command, command->run(command, argc - 2, argv + 2)) : unknown_command(argv[1]);
}
