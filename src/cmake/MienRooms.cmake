# Rooms: src/<name>/*.c become the static library mien_<name>, which is linked with the rooms below it and no other, so
# that a call upwards does not link. The same objects, together, become libmien.

include(CMakePackageConfigHelpers)
include(MienLists)
include(MienProfiles)

find_package(Threads REQUIRED)
find_path(CJSON_INCLUDE cjson/cJSON.h REQUIRED)
find_library(CJSON_LIBRARY cjson REQUIRED)

# JPEG as Pillow decodes it, where libjpeg-turbo is there; stb_image else. The older libjpeg gives other pixels.
option(MIEN_LIBJPEG "Decode JPEG by libjpeg-turbo where it is found" ON)
set(MIEN_HAVE_LIBJPEG OFF)
set(MIEN_JPEG_LIBRARY)
if(MIEN_LIBJPEG)
    find_package(JPEG QUIET)
    if(JPEG_FOUND)
        include(CheckSymbolExists)
        set(CMAKE_REQUIRED_INCLUDES ${JPEG_INCLUDE_DIRS})
        check_symbol_exists(LIBJPEG_TURBO_VERSION "stdio.h;jpeglib.h" MIEN_JPEG_IS_TURBO)
        unset(CMAKE_REQUIRED_INCLUDES)
    endif()
    if(JPEG_FOUND AND MIEN_JPEG_IS_TURBO)
        set(MIEN_HAVE_LIBJPEG ON)
        set(MIEN_JPEG_LIBRARY ${JPEG_LIBRARIES})
    else()
        message(STATUS "libjpeg-turbo not found: JPEG is decoded by stb_image, within 3 levels of Pillow")
    endif()
endif()

# What is linked from outside; MienConfig.cmake.in and mien.pc.in name the same for the static library.
add_library(mien_outside INTERFACE)
# Probes are fitted by liblbfgs, where it is there.
option(MIEN_LBFGS "Fit linear probes by liblbfgs where it is found" ON)
set(MIEN_HAVE_LBFGS OFF)
set(MIEN_LBFGS_LIBRARY)
if(MIEN_LBFGS)
    find_path(LBFGS_INCLUDE lbfgs.h)
    find_library(LBFGS_LIBRARY lbfgs)
    if(LBFGS_INCLUDE AND LBFGS_LIBRARY)
        set(MIEN_HAVE_LBFGS ON)
        set(MIEN_LBFGS_LIBRARY ${LBFGS_LIBRARY})
    else()
        message(STATUS "liblbfgs not found: mien eval has no linear-probe and few-shot")
    endif()
endif()

target_link_libraries(mien_outside INTERFACE ${CJSON_LIBRARY} ${MIEN_JPEG_LIBRARY} ${MIEN_LBFGS_LIBRARY}
                      Threads::Threads ${CMAKE_DL_LIBS} m)

add_library(mien_flags INTERFACE)
target_compile_definitions(mien_flags INTERFACE _POSIX_C_SOURCE=200809L _FILE_OFFSET_BITS=64)
target_compile_options(mien_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes
                       -Wmissing-prototypes -Wno-missing-field-initializers $<$<BOOL:${MIEN_WERROR}>:-Werror>
                       # one result on every compiler and architecture: no silent fused multiply-add
                       -ffp-contract=off)
target_include_directories(mien_flags INTERFACE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include
                           ${CMAKE_SOURCE_DIR}/shaders ${CMAKE_BINARY_DIR}/generated)

# The installed command finds the library beside it, wherever both are moved.
file(RELATIVE_PATH bin_to_lib ${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}
     ${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR})
set(CMAKE_INSTALL_RPATH $ORIGIN/${bin_to_lib})

# A program that is installed is linked as installed: a path that is to be written over later CMake ends and pads with
# ":", and an empty element is the working directory, from which libraries would be loaded. So the build has its
# libraries where such a program looks for them.
function(mien_same_rpath target)
    set_target_properties(${target} PROPERTIES BUILD_WITH_INSTALL_RPATH ON)
    get_filename_component(link ${CMAKE_CURRENT_BINARY_DIR}/${bin_to_lib} ABSOLUTE)
    get_filename_component(place ${link} DIRECTORY)
    file(MAKE_DIRECTORY ${place})
    file(RELATIVE_PATH libraries ${place} ${CMAKE_BINARY_DIR})
    file(CREATE_LINK ${libraries} ${link} SYMBOLIC)
endfunction()

# What differs between operating systems is one folder; the command compiles it too.
set(MIEN_SYSTEM posix)
file(GLOB MIEN_SYSTEM_SOURCES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/base/${MIEN_SYSTEM}/*.c)

function(mien_room name)
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.c)
    if(name STREQUAL "base")
        list(APPEND sources ${MIEN_SYSTEM_SOURCES})
    endif()
    if(NOT sources) # a room without code yet
        add_library(mien_${name} INTERFACE)
        return()
    endif()
    add_library(mien_${name} STATIC ${sources})
    target_compile_definitions(mien_${name} PRIVATE MIEN_BUILDING INTERFACE MIEN_STATIC)
    target_link_libraries(mien_${name} PUBLIC mien_flags)
    foreach(below ${ARGN})
        target_link_libraries(mien_${name} PUBLIC mien_${below})
    endforeach()
    if(name STREQUAL "base")
        target_include_directories(mien_base SYSTEM PUBLIC ${CJSON_INCLUDE})
        target_link_libraries(mien_base PUBLIC mien_outside)
    elseif(name STREQUAL "data")
        # stb_image, given damaged files, shifts and adds beyond what C defines; nothing depends on the results
        set_source_files_properties(${CMAKE_SOURCE_DIR}/src/data/stb.c PROPERTIES
                                    COMPILE_OPTIONS "-fwrapv;-fno-sanitize=shift")
        if(MIEN_HAVE_LIBJPEG)
            target_include_directories(mien_data SYSTEM PRIVATE ${JPEG_INCLUDE_DIRS})
            target_compile_definitions(mien_data PRIVATE MIEN_HAVE_LIBJPEG)
        endif()
        mien_list(data/import_*.c import_layout import)
    elseif(name STREQUAL "eval")
        if(MIEN_HAVE_LBFGS)
            target_include_directories(mien_eval SYSTEM PRIVATE ${LBFGS_INCLUDE})
            target_compile_definitions(mien_eval PRIVATE MIEN_HAVE_LBFGS)
        endif()
        mien_list(eval/task_*.c eval_task eval_task)
    elseif(name STREQUAL "dist")
        if(MIEN_HAVE_MPI)
            target_compile_definitions(mien_dist PRIVATE MIEN_HAVE_MPI)
        elseif(NOT MIEN_MPI)
            target_compile_definitions(mien_dist PRIVATE MIEN_NO_MPI)
        endif()
    elseif(name STREQUAL "vk")
        mien_profiles(mien_vk ${CMAKE_SOURCE_DIR}/src/vk/profiles vk_profiles)
    elseif(name STREQUAL "op")
        mien_shaders(mien_op ${CMAKE_SOURCE_DIR}/shaders op_shaders)
        mien_list(op/*.c op_desc op)
    elseif(name STREQUAL "train")
        mien_list(train/loss_*.c train_loss train_loss)
        mien_list(train/local_*.c train_local train_local)
        mien_list(train/optim_*.c train_optimizer train_optimizer)
    endif()
endfunction()

# libmien: all rooms in one library. The shared one exports what src/mien.symbols lists; before 1.0 each minor version
# may break what is linked with an older one, and has a soname of its own.
function(mien_library)
    set(objects)
    foreach(room ${ARGN})
        get_target_property(type mien_${room} TYPE)
        if(type STREQUAL "STATIC_LIBRARY")
            list(APPEND objects $<TARGET_OBJECTS:mien_${room}>)
        endif()
    endforeach()
    add_library(mien SHARED ${objects})
    mien_exports(mien ${CMAKE_SOURCE_DIR}/src/mien.symbols)
    target_link_libraries(mien PRIVATE mien_outside)
    set(soversion ${PROJECT_VERSION_MAJOR})
    if(PROJECT_VERSION_MAJOR EQUAL 0)
        set(soversion 0.${PROJECT_VERSION_MINOR})
    endif()
    # it needs nothing from a place of its own; with a path, CMake would pad that of the build with empty elements, and
    # those are the working directory
    set_target_properties(mien PROPERTIES INSTALL_RPATH "")
    set_target_properties(mien PROPERTIES LINKER_LANGUAGE C VERSION ${PROJECT_VERSION} SOVERSION ${soversion})
    set(targets mien)
    if(MIEN_STATIC)
        mien_static_library("${objects}")
        list(APPEND targets mien_static)
    endif()
    foreach(target ${targets})
        target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>
                                   $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
        add_library(Mien::${target} ALIAS ${target})
    endforeach()
    install(TARGETS ${targets} EXPORT MienTargets RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
            LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
    install(DIRECTORY include/mien DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.h)
    mien_package()
endfunction()

# Only the names in a list (one a line, # begins a comment) leave a shared library. They carry the version, so that two
# versions can be in one process. Windows exports by MIEN_API alone.
function(mien_exports target list)
    file(STRINGS ${list} names REGEX "^[a-z]")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${list})
    if(APPLE)
        set(script ${CMAKE_BINARY_DIR}/generated/mien.exports)
        list(TRANSFORM names PREPEND _)
        list(JOIN names "\n" text)
        set(flag -Wl,-exported_symbols_list,${script})
    elseif(UNIX)
        set(script ${CMAKE_BINARY_DIR}/generated/mien.map)
        list(JOIN names ";\n    " text)
        set(version MIEN_${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
        set(text "${version} {\nglobal:\n    ${text};\nlocal:\n    *;\n};\n")
        set(flag -Wl,--version-script=${script})
    else()
        return()
    endif()
    file(CONFIGURE OUTPUT ${script} CONTENT "${text}" @ONLY)
    target_link_options(${target} PRIVATE ${flag})
    set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${script})
endfunction()

# libmien.a. Where objcopy is there it is one object whose hidden names are local to it: an application may have a volk,
# a cJSON or a function `vk_alloc` of its own.
function(mien_static_library objects)
    set(whole ${objects})
    if(CMAKE_OBJCOPY AND UNIX AND NOT APPLE)
        set(whole ${CMAKE_BINARY_DIR}/generated/mien_whole.o)
        separate_arguments(flags UNIX_COMMAND "${CMAKE_C_FLAGS}")
        # clang would put a sanitizer's runtime into it, which the program has too
        add_custom_command(OUTPUT ${whole}
            COMMAND ${CMAKE_C_COMPILER} ${flags} -fno-sanitize=all -r -nostdlib -o ${whole} ${objects}
            COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${whole}
            DEPENDS ${objects} COMMENT "Combining the rooms" COMMAND_EXPAND_LISTS VERBATIM)
    endif()
    add_library(mien_static STATIC ${whole})
    target_compile_definitions(mien_static INTERFACE MIEN_STATIC)
    target_link_libraries(mien_static INTERFACE $<BUILD_INTERFACE:mien_outside>)
    set(jpeg)
    if(MIEN_HAVE_LIBJPEG)
        set(jpeg jpeg)
    endif()
    set(lbfgs)
    if(MIEN_HAVE_LBFGS)
        set(lbfgs lbfgs)
    endif()
    foreach(outside cjson ${jpeg} ${lbfgs} Threads::Threads ${CMAKE_DL_LIBS} m)
        target_link_libraries(mien_static INTERFACE $<INSTALL_INTERFACE:${outside}>)
    endforeach()
    set_target_properties(mien_static PROPERTIES LINKER_LANGUAGE C OUTPUT_NAME mien$<$<BOOL:${WIN32}>:_static>)
endfunction()

# What find_package(Mien) and pkg-config read. Both find the rest relative to themselves: the tree may be moved.
function(mien_package)
    set(generated ${CMAKE_BINARY_DIR}/generated)
    set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Mien)
    set(pc_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
    set(MIEN_PC_JPEG)
    if(MIEN_HAVE_LIBJPEG)
        set(MIEN_PC_JPEG " -ljpeg")
    endif()
    if(MIEN_HAVE_LBFGS)
        string(APPEND MIEN_PC_JPEG " -llbfgs")
    endif()
    file(RELATIVE_PATH MIEN_PC_TO_PREFIX ${CMAKE_INSTALL_PREFIX}/${pc_dir} ${CMAKE_INSTALL_PREFIX})
    configure_file(src/cmake/mien.pc.in ${generated}/mien.pc @ONLY)
    install(FILES ${generated}/mien.pc DESTINATION ${pc_dir})
    configure_package_config_file(src/cmake/MienConfig.cmake.in ${generated}/MienConfig.cmake
                                  INSTALL_DESTINATION ${config_dir})
    # before 1.0 a minor version may change the interface
    write_basic_package_version_file(${generated}/MienConfigVersion.cmake COMPATIBILITY SameMinorVersion)
    install(FILES ${generated}/MienConfig.cmake ${generated}/MienConfigVersion.cmake DESTINATION ${config_dir})
    install(EXPORT MienTargets NAMESPACE Mien:: DESTINATION ${config_dir})
endfunction()
