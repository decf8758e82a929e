/* ops.c: the library's ops. */
#include "check_main.h"

int main(int argc, char **argv)
{
    static const struct check_suite suite = {.ops = op_list};
    return check_main(argc, argv, &suite);
}
