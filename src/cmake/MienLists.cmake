# Lists of descriptors that the build finds, so that a new one is its own file and nothing else.

# mien_list(FILES TYPE PREFIX): every `const struct TYPE PREFIX_<name> = ` that begins a line of src/FILES (a pattern)
# becomes X(<name>) of the macro <PREFIX>_LIST(X) in the generated <PREFIX>_list.h, in the order of files and lines.
function(mien_list files type prefix)
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${files})
    string(TOUPPER ${prefix} upper)
    set(text "/* generated: X(name) for every ${type} */\n#define ${upper}_LIST(X)")
    foreach(source ${sources})
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
        file(STRINGS ${source} lines REGEX "^const struct ${type} ${prefix}_[a-z0-9_]+ = ")
        foreach(line ${lines})
            string(REGEX REPLACE "^const struct ${type} ${prefix}_([a-z0-9_]+) = .*" "\\1" name "${line}")
            string(APPEND text " \\\n    X(${name})")
        endforeach()
    endforeach()
    file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/${prefix}_list.h CONTENT "${text}\n" @ONLY)
endfunction()
