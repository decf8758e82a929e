/* shader.c: finds an embedded SPIR-V module by name. */
#include "op/shader.h"

#include <string.h>

const struct op_shader *op_shader_find(const char *name)
{
    for (const struct op_shader *s = op_shaders; s->name; s++) {
        if (strcmp(s->name, name) == 0)
            return s;
    }
    return NULL;
}
