# Capability profiles: src/vk/profiles/<name>.json as C strings, so that an installed library needs no file beside it.

# mien_profiles(TARGET DIR SYMBOL): DIR/*.json become `const struct vk_profile SYMBOL[]`, sorted by name, ended by
# a NULL name.
function(mien_profiles target dir symbol)
    file(GLOB sources CONFIGURE_DEPENDS ${dir}/*.json)
    set(table "")
    foreach(source ${sources})
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
        get_filename_component(name ${source} NAME_WE)
        file(READ ${source} text)
        string(REPLACE "\\" "\\\\" text "${text}")
        string(REPLACE "\"" "\\\"" text "${text}")
        string(REPLACE "\n" "\\n\"\n     \"" text "${text}")
        string(APPEND table "    {\"${name}\",\n     \"${text}\"},\n")
    endforeach()
    set(code "/* generated: the profiles, sorted by name */\n#include \"vk/vk_internal.h\"\n\n")
    string(APPEND code "const struct vk_profile ${symbol}[] = {\n${table}    {NULL, NULL},\n};\n")
    file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/${symbol}.c CONTENT "${code}" @ONLY)
    target_sources(${target} PRIVATE ${CMAKE_BINARY_DIR}/generated/${symbol}.c)
endfunction()
