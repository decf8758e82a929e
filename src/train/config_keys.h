/* config_keys.h: inside train: the table of a configuration's keys. It is read, written, compared on resuming and
 * explained by this table alone. */
#ifndef TRAIN_CONFIG_KEYS_H
#define TRAIN_CONFIG_KEYS_H

#include "train/config.h"
#include "train/loss.h"

#include <stddef.h>

enum train_key_kind {
    KIND_PATH, /* a string, relative to the configuration's file */
    KIND_U32,
    KIND_I32,
    KIND_NUMBER,
    KIND_BOOL,
    KIND_CHOICE, /* a word of a list; the struct holds its index */
    KIND_PAIR,   /* two numbers */
    KIND_TEXT,   /* a string */
    KIND_OWN,    /* a form of its own */
};

struct train_reader;
struct train_key;

/* Keys that take more than one form, or objects in a list (config_own.c). */
struct train_form {
    const char *takes; /* for people: "a number, or {\"text\": a, \"image\": b}" */
    enum mien_status (*read)(struct train_reader *r, const cJSON *item, const struct train_key *key);
    cJSON *(*write)(const struct train_config *config); /* &train_nothing = nothing to write; NULL: out of memory */
};

extern const struct train_form train_form_init, train_form_clip, train_form_tokenizer, train_form_threshold,
    train_form_milestones, train_form_groups, train_form_columns, train_form_targets, train_form_shares;

struct train_key {
    const char *name; /* "optim.lr" */
    enum train_key_kind kind;
    size_t at;         /* offset in struct train_config */
    const char *value; /* the default, JSON or a plain word; NULL = there is none */
    double low, high;  /* of numbers, both included */
    const char *help;  /* one sentence */
    const char *unit;
    const struct train_word *words;                   /* of a choice, ended by a NULL name, or */
    const struct train_word *(*word)(uint32_t index); /* the index-th, NULL beyond the last */
    const struct train_form *form;
    const char *also; /* other names that people know it by, separated by blanks */
    const char *left; /* the value where its section is given without it; NULL = the default */
    bool may_change;  /* on resuming */
    bool required;    /* there is no run without it */
};

/* In the order in which they are written; ended by a NULL name. */
extern const struct train_key train_keys[];

/* By full name; NULL when there is none. */
const struct train_key *train_key_find(const char *name);
/* Whether a dotted name is one of objects that hold keys: "loss.local". */
bool train_key_is_section(const char *name);
const struct train_word *train_key_word(const struct train_key *key, uint32_t index);
/* The part of a dotted name behind the last dot. */
const char *train_key_last(const char *name);

/* MIEN_ERR_ARG for a name that is no key, with the nearest keys: by full name, last part and other names. */
enum mien_status train_key_unknown(const char *where, const char *name);

/* ---- reading ---- */

/* A file being read. */
struct train_reader {
    struct train_config *config;
    const char *path;
    const char *dir;  /* of the file */
    const char *text; /* the file's, or NULL */
    const char *const *sets;
    size_t set_count;
    char where[512]; /* of the key being read, for messages: "c.json: optim", "--set optim.lr=x" */
    bool set;        /* it comes from a --set */
};

static inline void *train_member(const struct train_reader *r, const struct train_key *key)
{
    return (char *)r->config + key->at;
}

/* A path of the file is relative to it, one of a --set to the working directory. */
enum mien_status train_read_path(struct train_reader *r, const cJSON *item, const struct train_key *key,
                                 const char **out);
enum mien_status train_check_range(const struct train_reader *r, const struct train_key *key, double value);

/* Puts the sets into the tree of the file: the last one of a key wins, which is said. MIEN_ERR_ARG: no key=value, an
 * unknown key, a value that begins like JSON and is none. */
enum mien_status train_sets_apply(cJSON *root, const char *const *sets, size_t count);
/* The one that a key's value comes from, or NULL. */
const char *train_set_of(const char *const *sets, size_t count, const char *key);
/* A value as --set has it: JSON, or a plain word as a string. MIEN_ERR_DATA, with `where`: what begins like JSON is
 * none. */
enum mien_status train_value_parse(const char *text, const char *where, cJSON **out);

/* The object that holds a dotted name in a tree, made where `make`; NULL when there is none. */
cJSON *train_object_of(cJSON *root, const char *name, bool make);

/* The configuration with all values, into config->json. */
extern cJSON train_nothing; /* a mark */
enum mien_status train_config_resolve(struct train_config *config);

#endif
