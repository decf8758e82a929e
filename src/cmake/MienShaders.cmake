# Shaders: every shaders/<family>/<name>.comp becomes an embedded SPIR-V module. The list is found, not kept by hand.
#
# The head of a shader is read here:
#   //! tech: group sg row    one module per word: <name> for the first, <name>_<word> for the others (-DTECH_SG)
#   //! dtype: f32 f16        of each, one per word: <name> for f32, <name>.<dtype> for others (-DDTYPE_F16)
#   //! target: vulkan1.1     lowest environment it claims (default), checked by spirv-val
#   //! spirv: kept           beyond this machine's glslc: its modules are in shaders/spirv (tools/spirv makes them)

find_program(GLSLC glslc REQUIRED)
find_program(SPIRV_VAL spirv-val REQUIRED)

set(MIEN_WORDS ${CMAKE_CURRENT_LIST_DIR}/MienWords.cmake)

# mien_spirv(OUT SOURCE ENVIRONMENT [FLAG ...]): compiles and checks OUT.spv, and lists its very words in OUT.inc.
function(mien_spirv out source env)
    get_filename_component(name ${out} NAME)
    add_custom_command(OUTPUT ${out}.inc
        COMMAND ${GLSLC} --target-env=${env} -O -Werror ${ARGN} -I ${CMAKE_SOURCE_DIR}/shaders -MD -MF ${out}.d
                -MT ${out}.inc -o ${out}.spv ${source}
        COMMAND ${SPIRV_VAL} --target-env ${env} ${out}.spv
        COMMAND ${CMAKE_COMMAND} -D IN=${out}.spv -D OUT=${out}.inc -P ${MIEN_WORDS}
        DEPENDS ${source} ${MIEN_WORDS} DEPFILE ${out}.d COMMENT "Shader ${name}" VERBATIM)
endfunction()

# The same of a module that is kept: lists the words of shaders/spirv/NAME.spv.
function(mien_kept_spirv out)
    get_filename_component(name ${out} NAME)
    set(kept ${CMAKE_SOURCE_DIR}/shaders/spirv/${name}.spv)
    add_custom_command(OUTPUT ${out}.inc
        COMMAND ${CMAKE_COMMAND} -D IN=${kept} -D OUT=${out}.inc -P ${MIEN_WORDS}
        DEPENDS ${kept} ${MIEN_WORDS} COMMENT "Shader ${name}, kept" VERBATIM)
endfunction()

# mien_shaders(TARGET DIR TABLE): embeds DIR/*/*.comp as `const struct op_shader TABLE[]`.
function(mien_shaders target root symbol)
    file(GLOB sources CONFIGURE_DEPENDS ${root}/*/*.comp)
    set(dir ${CMAKE_BINARY_DIR}/shaders/${symbol})
    file(MAKE_DIRECTORY ${dir})
    set(arrays "")
    set(table "")
    set(outputs)
    set(seen "")
    foreach(source ${sources})
        get_filename_component(base ${source} NAME_WE)
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
        mien_shader_head(${source} tech plain techs)
        mien_shader_head(${source} dtype f32 dtypes)
        mien_shader_head(${source} target vulkan1.1 env)
        mien_shader_head(${source} spirv made spirv)
        list(GET techs 0 first)
        foreach(tech ${techs})
            foreach(dtype ${dtypes})
                set(name ${base})
                if(NOT tech STREQUAL first)
                    string(APPEND name _${tech})
                endif()
                if(NOT dtype STREQUAL "f32")
                    string(APPEND name .${dtype})
                endif()
                if(name IN_LIST seen)
                    message(FATAL_ERROR "two shaders are called ${name}; the second is ${source}")
                endif()
                list(APPEND seen ${name})
                string(TOUPPER "-DTECH_${tech}=1;-DDTYPE_${dtype}=1" defines)
                set(out ${dir}/${name})
                if(spirv STREQUAL "kept")
                    mien_kept_spirv(${out})
                else()
                    mien_spirv(${out} ${source} ${env} ${defines} -I ${root})
                endif()
                list(APPEND outputs ${out}.inc)
                string(MAKE_C_IDENTIFIER ${name} id)
                string(APPEND arrays "static const uint32_t spv_${id}[] = {\n#include \"${out}.inc\"\n};\n")
                string(APPEND table "    {\"${name}\", spv_${id}, sizeof(spv_${id})},\n")
            endforeach()
        endforeach()
    endforeach()
    set(text "/* generated: the embedded shaders, sorted by name */\n#include \"op/shader.h\"\n${arrays}\n")
    string(APPEND text "const struct op_shader ${symbol}[] = {\n${table}    {0},\n};\n")
    file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/${symbol}.c CONTENT "${text}" @ONLY)
    set_source_files_properties(${CMAKE_BINARY_DIR}/generated/${symbol}.c PROPERTIES OBJECT_DEPENDS "${outputs}")
    target_sources(${target} PRIVATE ${CMAKE_BINARY_DIR}/generated/${symbol}.c)
endfunction()

# The words after `//! key:` in a shader's head, or the default.
function(mien_shader_head source key default result)
    file(STRINGS ${source} line REGEX "^//! ${key}:")
    string(REGEX REPLACE "^//! ${key}: *" "" line "${line}")
    separate_arguments(line)
    if(NOT line)
        set(line ${default})
    endif()
    set(${result} ${line} PARENT_SCOPE)
endfunction()
