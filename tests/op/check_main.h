/* check_main.h: the parent of check_ops: options, children, the table. */
#ifndef TESTS_OP_CHECK_MAIN_H
#define TESTS_OP_CHECK_MAIN_H

#include "check/check.h"

int check_main(int argc, char **argv, const struct check_suite *suite);

#endif
