# Rooms: src/<name>/*.c become the static library mien_<name>.

include(CMakePackageConfigHelpers)
include(MienProfiles)

find_package(Threads REQUIRED)
find_path(CJSON_INCLUDE cjson/cJSON.h REQUIRED)
find_library(CJSON_LIBRARY cjson REQUIRED)

add_library(mien_flags INTERFACE)
target_compile_definitions(mien_flags INTERFACE _POSIX_C_SOURCE=200809L _FILE_OFFSET_BITS=64
                           MIEN_VERSION="${PROJECT_VERSION}")
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

function(mien_room name)
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.c)
    if(NOT sources) # a room without code yet
        add_library(mien_${name} INTERFACE)
        return()
    endif()
    add_library(mien_${name} STATIC ${sources})
    target_link_libraries(mien_${name} PUBLIC mien_flags)
    foreach(below ${ARGN})
        target_link_libraries(mien_${name} PUBLIC mien_${below})
    endforeach()
    if(name STREQUAL "base")
        target_include_directories(mien_base SYSTEM PUBLIC ${CJSON_INCLUDE})
        target_link_libraries(mien_base PUBLIC ${CJSON_LIBRARY} Threads::Threads m)
    elseif(name STREQUAL "data")
        # stb_image, given damaged files, shifts and adds beyond what C defines; nothing depends on the results
        set_source_files_properties(${CMAKE_SOURCE_DIR}/src/data/stb.c PROPERTIES
                                    COMPILE_OPTIONS "-fwrapv;-fno-sanitize=shift")
    elseif(name STREQUAL "vk")
        target_link_libraries(mien_vk PUBLIC ${CMAKE_DL_LIBS})
        mien_profiles(mien_vk ${CMAKE_SOURCE_DIR}/src/vk/profiles vk_profiles)
    elseif(name STREQUAL "op")
        mien_shaders(mien_op ${CMAKE_SOURCE_DIR}/shaders op_shaders)
        mien_op_list(mien_op)
    endif()
endfunction()

# libmien: all rooms in one shared library; only symbols marked MIEN_API leave it.
function(mien_library)
    file(WRITE ${CMAKE_BINARY_DIR}/generated/mien_empty.c "typedef int mien_empty;\n")
    add_library(mien SHARED ${CMAKE_BINARY_DIR}/generated/mien_empty.c)
    set(archives)
    foreach(room ${ARGN})
        get_target_property(type mien_${room} TYPE)
        if(type STREQUAL "STATIC_LIBRARY")
            list(APPEND archives mien_${room})
        endif()
    endforeach()
    target_link_libraries(mien PRIVATE -Wl,--whole-archive ${archives} -Wl,--no-whole-archive)
    target_include_directories(mien PUBLIC $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>
                               $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    set_target_properties(mien PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
    add_library(Mien::mien ALIAS mien)
    install(TARGETS mien EXPORT MienTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
    install(DIRECTORY include/mien DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.h)
    mien_package()
endfunction()

# What find_package(Mien) and pkg-config read. Both find the rest relative to themselves: the tree may be moved.
function(mien_package)
    set(generated ${CMAKE_BINARY_DIR}/generated)
    set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Mien)
    set(pc_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
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
