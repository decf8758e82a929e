/* check_main.h: options and table of check_ops. */
#ifndef TESTS_OP_CHECK_MAIN_H
#define TESTS_OP_CHECK_MAIN_H

#include "check/check.h"

int check_main(int argc, char **argv, const struct check_suite *suite);

#endif
