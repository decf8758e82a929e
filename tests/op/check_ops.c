/* check_ops.c: the library's ops. */
#include "harness.h"

int main(int argc, char **argv)
{
    static const struct check_suite suite = {.ops = op_list};
    return check_main(argc, argv, &suite);
}
