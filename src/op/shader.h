/* shader.h: the SPIR-V modules embedded by the build. */
#ifndef OP_SHADER_H
#define OP_SHADER_H

#include <stddef.h>
#include <stdint.h>

struct op_shader {
    const char *name; /* "layernorm_fwd_sg"; the list ends with NULL */
    const uint32_t *words;
    size_t size; /* bytes */
};
extern const struct op_shader op_shaders[];

const struct op_shader *op_shader_find(const char *name); /* NULL when there is none */

#endif
