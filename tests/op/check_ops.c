/* check_ops.c: the library's ops. */
#include "check_main.h"

int main(int argc, char **argv)
{
    return check_main(argc, argv, &check_library);
}
