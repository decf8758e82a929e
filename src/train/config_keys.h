/* config_keys.h: inside train: the table of a configuration's keys, from which it is read and written. */
#ifndef TRAIN_CONFIG_KEYS_H
#define TRAIN_CONFIG_KEYS_H

#include "train/config.h"

#include <stddef.h>

enum train_key_kind {
    KIND_PATH, /* a string, relative to the configuration's file */
    KIND_U32,
    KIND_I32,
    KIND_NUMBER,
    KIND_BOOL,
    KIND_CHOICE,
    KIND_PAIR,      /* two numbers */
    KIND_OBJECT,    /* a section of its own */
    KIND_LIST,      /* milestones */
    KIND_OWN,       /* read by a function of its own */
    KIND_THRESHOLD, /* one number, or {"text":..,"image":..} */
    KIND_GROUPS,
    KIND_LATER, /* not served yet: the value in `only`, or nothing */
};

struct train_key {
    const char *name;
    enum train_key_kind kind;
    size_t at;        /* offset in struct train_config */
    double low, high; /* numbers */
    const char *const *choices;
    uint32_t served;  /* choices: bit i = choice i works in this version */
    const char *only; /* LATER: the value as JSON that changes nothing */
};

/* A file being read. */
struct train_reader {
    struct train_config *config;
    const char *path;
    char *dir; /* of the file */
    char where[512];
    const char *section; /* being read: "data" */
    const char *const *sets;
    size_t set_count;
};

/* Keys of a form of their own (config_own.c). */
enum mien_status train_read_threshold(struct train_reader *r, const cJSON *object, const struct train_key *key);
enum mien_status train_read_groups(struct train_reader *r, const cJSON *item);

#define TRAIN_AT(member) offsetof(struct train_config, member)
#define TRAIN_BIT(i) (1u << (i))

/* Dotted names of the sections ("" = the whole), those that contain others first. The list ends with NULL. */
struct train_section {
    const char *name;
    const struct train_key *keys; /* ended by a NULL name */
};
extern const struct train_section train_sections[];

/* The configuration with all values, into config->json. */
enum mien_status train_config_resolve(struct train_config *config);

#endif
