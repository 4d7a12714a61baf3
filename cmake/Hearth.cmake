# SPDX-License-Identifier: MIT
# What every target shares: the language, the warnings, the sanitizers, and one function per kind
# of target. A folder's sources are all the .cpp files in it; a target never reaches into another folder.

option(HEARTH_TESTS "Build the tests" ON)
option(HEARTH_WERROR "Warnings are errors" OFF)
option(HEARTH_TIDY "A target that runs clang-tidy-19 over every file (clang)" OFF)
option(HEARTH_COVERAGE "Instrument for gcov" OFF)
option(HEARTH_FUZZ "Build the fuzzers (clang)" OFF)
option(HEARTH_NEXT_STATE_VERSION "Write state of the next version (units/state_versions.cpp)" OFF)
set(HEARTH_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize=")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS ON) # statement expressions, for HEARTH_TRY
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(FMT REQUIRED IMPORTED_TARGET fmt)
pkg_check_modules(INIH REQUIRED IMPORTED_TARGET inih)
pkg_check_modules(SYSTEMD REQUIRED IMPORTED_TARGET libsystemd)
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)
pkg_check_modules(CAP REQUIRED IMPORTED_TARGET libcap)
pkg_check_modules(SPDLOG REQUIRED IMPORTED_TARGET spdlog)

add_library(hearth_options INTERFACE)
target_include_directories(hearth_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(hearth_options INTERFACE _GNU_SOURCE HEARTH_VERSION="${PROJECT_VERSION}")
target_compile_options(
    hearth_options INTERFACE -Wall -Wextra -Wconversion -Wshadow -Wold-style-cast -Wnon-virtual-dtor
)
if(HEARTH_WERROR)
    target_compile_options(hearth_options INTERFACE -Werror)
endif()
# libstdc++ and libgcc are linked statically: a client's start-up is mostly the loader (DESIGN 7).
if(NOT HEARTH_SANITIZE)
    target_link_options(hearth_options INTERFACE -static-libstdc++ -static-libgcc)
endif()
if(HEARTH_SANITIZE)
    target_compile_options(
        hearth_options INTERFACE -fsanitize=${HEARTH_SANITIZE} -fno-omit-frame-pointer
                                 -fno-sanitize-recover=all
    )
    target_link_options(hearth_options INTERFACE -fsanitize=${HEARTH_SANITIZE})
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        # GCC 12 sees uninitialised optionals that are not, under UBSan only.
        target_compile_options(hearth_options INTERFACE -Wno-maybe-uninitialized)
    endif()
endif()
if(HEARTH_COVERAGE)
    target_compile_options(hearth_options INTERFACE --coverage)
    target_link_options(hearth_options INTERFACE --coverage)
endif()
if(HEARTH_FUZZ)
    target_compile_options(hearth_options INTERFACE -fsanitize=fuzzer-no-link,address,undefined)
    target_link_options(hearth_options INTERFACE -fsanitize=address,undefined)
endif()
# Beside a compiler clang-tidy would cost as much again: it needs the commands, not the objects.
if(HEARTH_TIDY)
    add_custom_target(
        tidy COMMAND run-clang-tidy-19 -quiet -p ${CMAKE_BINARY_DIR} VERBATIM USES_TERMINAL
    )
endif()

# hearth_library(NAME [DEPENDS TARGET...] [EXCLUDE FILE...]): the .cpp files of this folder.
function(hearth_library name)
    cmake_parse_arguments(ARG "" "" "DEPENDS;EXCLUDE;FOLDERS" ${ARGN})
    set(sources)
    foreach(folder . ${ARG_FOLDERS})
        file(GLOB found CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*.cpp)
        list(APPEND sources ${found})
    endforeach()
    foreach(excluded ${ARG_EXCLUDE})
        list(FILTER sources EXCLUDE REGEX "/${excluded}$")
    endforeach()
    add_library(${name} STATIC ${sources})
    set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX)
    target_link_libraries(${name} PUBLIC hearth_options ${ARG_DEPENDS})
endfunction()

# hearth_program(NAME SOURCES FILE... [DEPENDS TARGET...]): an installed program.
function(hearth_program name)
    cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE hearth_options ${ARG_DEPENDS})
    install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()
