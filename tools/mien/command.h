/* command.h: what the subcommands share: options, messages, results, progress. The command uses the public headers
 * only; a subcommand parses, calls the library and prints. */
#ifndef COMMAND_H
#define COMMAND_H

#include "mien/mien.h"

/* ---- options ---- */

enum arg_kind {
    ARG_FLAG,   /* bool *out */
    ARG_TEXT,   /* const char **out */
    ARG_NUMBER, /* uint64_t *out */
    ARG_MAYBE,  /* struct arg_maybe *out: a flag that may take a value */
    ARG_LIST    /* struct arg_list *out: the option repeats and takes one or more values */
};

struct arg_list {
    const char **items; /* room for argc, made by args_parse */
    size_t count;
};

struct arg_maybe {
    bool given;
    const char *value; /* NULL = none */
};

struct arg {
    const char *name; /* "--manifest"; NULL ends an array */
    enum arg_kind kind;
    const char *value; /* "FILE", for the help */
    const char *help;
    void *out;
};

/* Options that every subcommand takes. */
struct common {
    const char *device, *caps, *precision_text, *trace;
    enum mien_dtype precision;
    uint64_t seed;
    bool seed_given, json, quiet;
    struct mien_ranks *ranks; /* by ranks_open, else NULL */
};

struct command {
    const char *name;
    const char *synopsis;     /* after the name: "--config FILE [--set key=value ...]" */
    const char *summary;      /* one line */
    const char *help;         /* more lines, may be NULL */
    void (*print_more)(void); /* prints what the library lists, after them; may be NULL */
    /* May be NULL: with NULL it prints lines after the options, else what --help WORD asks for. */
    enum mien_status (*explain)(const char *word);
    int (*run)(const struct command *command, int argc, char **argv); /* argv after the name; exit status */
    bool traces;                                                      /* takes --trace */
    bool halves;                                                      /* takes --precision bf16 and f16 */
    unsigned lacks;                                                   /* common options that it has no use for */
};

/* Of `lacks`. They are not in the help; --json is refused, the others have no effect. */
enum { LACKS_DEVICE = 1, LACKS_SEED = 2, LACKS_JSON = 4, LACKS_QUIET = 8 };

/* The subcommands, in the order of the help; each is a file with a `const struct command command_<name>`. */
#define COMMAND_LIST(X)                                                                                                \
    X(devices)                                                                                                         \
    X(check)                                                                                                           \
    X(import)                                                                                                          \
    X(synth)                                                                                                           \
    X(train)                                                                                                           \
    X(eval) X(report) X(classify) X(embed) X(search) X(tokenize) X(info) X(convert) X(manifest) X(bench) X(tune)
#define COMMAND_DECLARE(name) extern const struct command command_##name;
COMMAND_LIST(COMMAND_DECLARE)
#undef COMMAND_DECLARE

enum { ARGS_RUN = -1 }; /* args_parse: go on */

/* Parses a subcommand's options into `args` (NULL-ended) and `common`, the rest into `inputs` (NULL = none are taken).
 * ARGS_RUN, or the exit status to end with: 0 after --help, 2 after a message. */
int args_parse(const struct command *command, int argc, char **argv, const struct arg *args, struct common *common,
               struct arg_list *inputs);

/* Frees the lists that args_parse has made; for main, when the subcommand has ended. */
void args_free(void);

/* The nearest of `words` (NULL-ended) to a mistyped one, or NULL. */
const char *nearest(const char *word, const char *const *words);

/* ---- messages ---- */

/* "mien NAME: message" on standard error; returns `exit_code`. */
int complain(const struct command *command, int exit_code, const char *fmt, ...) MIEN_PRINTF(3, 4);

/* Zeroed memory, for free; NULL, and the message is printed, when the system has none. */
void *take(size_t count, size_t size);

/* ---- results ---- */

/* Before long work: 0, or the exit status after a message when no file of that name could be written. */
int output_check(const struct command *command, const char *path);

void print_json_number(double value, int digits); /* so many significant ones; null where it is not finite */
void print_json_string(const char *text); /* quoted and escaped, on standard output; what is not UTF-8 as U+FFFD */

/* Texts of others (names of files, labels) on standard output: as they are, but on a terminal without control
 * characters other than line breaks. */
void print_shown(const char *text);

/* Words broken into lines that begin at column `indent`, where the cursor is now; ends the last line. */
void print_wrapped(const char *text, int indent);

/* ---- texts ---- */

/* Bytes of the well-formed UTF-8 character at text (RFC 3629: shortest form, no surrogates, at most U+10FFFF), or 0. */
size_t utf8_length(const char *text);
/* ARGS_RUN, or the exit status after a message when the text, which `option` gives, is not UTF-8. */
int check_utf8(const struct command *command, const char *option, const char *text);

struct words {
    const char **lines; /* malloc'ed each */
    size_t count;
};
/* The words of --labels, separated by commas, spaces around them dropped; 0, or the exit status after a message. An
 * empty one is refused. */
int labels_split(const struct command *command, const char *text, struct words *out);
void words_free(struct words *words);

/* ---- a device in use ---- */

/* The device that the common options ask for. */
enum mien_status gpu_open(const struct common *common, struct mien_gpu **gpu);
/* Ends the trace, closes; `status` of the work until now or, where that is MIEN_OK, a failure of the trace. */
enum mien_status gpu_close(struct mien_gpu **gpu, enum mien_status status);

/* ---- several processes that work as one ---- */

struct ranks {
    struct mien_ranks *ranks; /* NULL: one */
    struct mien_ranks_info info;
    char device[16], trace[4096];
};
/* Of what mpirun or srun has started: this rank's device, where none is named, and trace, into *common; all ranks but 0
 * are quiet from now on. */
enum mien_status ranks_open(struct ranks *ranks, struct common *common);
bool ranks_lead(const struct ranks *ranks); /* rank 0 prints the results */
/* From now on other ranks tell what only they see: warnings of the data of their share. */
void ranks_speak(struct ranks *ranks);
/* For the end; gives exit_status. One that tells of a failure (not of a signal) ends all ranks. */
int ranks_close(struct ranks *ranks, int exit_status);

/* ---- a model in use ---- */

/* Options of the subcommands that look at pictures. */
#define LOOKING_USUAL UINT64_MAX
#define PICTURE_LIMITS                                                                                                 \
    "Pictures are PNG and JPEG, told by their bytes. Before it is decoded one is refused that has more than 64 "       \
    "million\n"                                                                                                        \
    "pixels, takes more than 512 MB to decode (16-bit RGBA above 32 million pixels), or is a JPEG of more than 500\n"  \
    "scans or 1,280 million pixels in all scans."
#define LOOKING_FRAMES "frames of a clip, at equal spacing; 0 = all (default: what the model was trained with, else 32)"
#define LOOKING_DRAFT "decode a JPEG at 1/2, 1/4 or 1/8 where twice the model's image size remains: faster, not exact"
#define STORED_HELP "what mien embed wrote with this model: what has not changed since then is not embedded again"
struct looking {
    const char *box_text;
    uint64_t frame_count; /* as given: 0 = all; LOOKING_USUAL = not given */
    bool no_exif, jpeg_draft, has_box;
    int32_t box[4];
};
/* After args_parse: 0, or the exit status after a message. */
int looking_check(const struct command *command, struct looking *looking);
struct mien_embed_params looking_params(const struct looking *looking);
uint32_t looking_frames(const struct looking *looking); /* as mien_embed_params has it */
/* A picture, a folder of frames or a video, by what the path is. */
struct mien_input looking_input(const struct looking *looking, const char *path);

struct use {
    struct mien_gpu *gpu;
    struct mien_model *model;
    struct mien_model_info info;
};
/* In the precision that the common options ask for. */
enum mien_status model_open(const struct common *common, struct mien_gpu *gpu, const char *dir,
                            struct mien_model **model);
enum mien_status use_open(struct use *use, const struct common *common, const char *dir);
enum mien_status use_close(struct use *use, enum mien_status status); /* as gpu_close */

/* ---- progress ---- */

/* A bar on a terminal, else a plain line now and then; nothing when quiet. */
struct progress {
    const char *what; /* "train" */
    bool quiet, terminal;
    double began, last; /* seconds */
    uint64_t last_done;
};
void progress_begin(struct progress *progress, const char *what, bool quiet);
/* note: text after the numbers ("loss 3.21"), may be "". */
void progress_show(struct progress *progress, uint64_t done, uint64_t total, const char *unit, const char *note);
/* Takes the bar off the terminal before results are printed; the next show draws it again. */
void progress_clear(struct progress *progress);
void progress_end(struct progress *progress);

#endif
