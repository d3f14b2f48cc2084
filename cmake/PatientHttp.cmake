# How this project compiles, and the functions that declare its parts.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})

# Paths count relative to the checkout, so that worktrees and clones share what is compiled.
find_program(CCACHE ccache)
if(CCACHE)
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
endif()

add_library(patient_http_options INTERFACE)
target_compile_options(patient_http_options INTERFACE
  -Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor
  -Woverloaded-virtual -Wold-style-cast -Wimplicit-fallthrough -fno-omit-frame-pointer
  -g1  # line tables: what a stack trace needs, and a fifth less to compile than -g
  # GCC 12 warns of overlapping and of endless copies inside its own std::string (bugs 105651,
  # 105329).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict -Wno-stringop-overflow>
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>)
if(PATIENT_HTTP_SANITIZE)
  string(APPEND CMAKE_CXX_FLAGS " -O1")  # comes first, so that what says otherwise counts
  target_compile_options(patient_http_options INTERFACE
    -fsanitize=${PATIENT_HTTP_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(patient_http_options INTERFACE -fsanitize=${PATIENT_HTTP_SANITIZE})
endif()

# patient_http_install(NAME …): the modules that other projects link, with the public headers and
# a CMake package: find_package(patient-http), patient_http::service.
function(patient_http_install)
  include(CMakePackageConfigHelpers)
  foreach(name ${ARGN})
    string(REPLACE "/" "_" id ${name})
    install(TARGETS patient_http_${id} EXPORT patient-http-targets)
  endforeach()
  install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/patient_http DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/patient-http)
  install(EXPORT patient-http-targets NAMESPACE patient_http:: DESTINATION ${package_dir})
  write_basic_package_version_file(${CMAKE_BINARY_DIR}/patient-http-config-version.cmake
    COMPATIBILITY SameMinorVersion)
  install(FILES ${CMAKE_SOURCE_DIR}/cmake/patient-http-config.cmake
                ${CMAKE_BINARY_DIR}/patient-http-config-version.cmake
          DESTINATION ${package_dir})
endfunction()

# patient_http_module(NAME
#   SOURCES a.cc …            relative to the module's folder
#   PUBLIC_HEADERS a.h …      relative to include/patient_http
#   DEPENDS patient_http::…   modules that this one may include
#   THIRD_PARTY Lib::lib …)   linked PRIVATE: it stops at this module
#
# Makes the library patient_http_NAME ('/' becomes '_') and its alias patient_http::NAME.
function(patient_http_module name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC_HEADERS;DEPENDS;THIRD_PARTY" ${ARGN})
  string(REPLACE "/" "_" id ${name})
  set(target patient_http_${id})
  list(TRANSFORM ARG_PUBLIC_HEADERS PREPEND ${CMAKE_SOURCE_DIR}/include/patient_http/
       OUTPUT_VARIABLE public_headers)
  add_library(${target} STATIC ${ARG_SOURCES} ${public_headers})
  target_include_directories(${target} PUBLIC
    $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>
    $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/src>
    $<BUILD_INTERFACE:${CMAKE_BINARY_DIR}/generated>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${target}
    PUBLIC ${ARG_DEPENDS} Threads::Threads
    PRIVATE ${ARG_THIRD_PARTY} $<BUILD_INTERFACE:patient_http_options>)
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${id})
  add_library(patient_http::${id} ALIAS ${target})
  if(PATIENT_HTTP_CHECK_HEADERS)
    file(GLOB private_headers ${CMAKE_CURRENT_SOURCE_DIR}/*.h)
    patient_http_check_headers(${target} ${public_headers} ${private_headers})
  endif()
endfunction()

# Compiles each header alone, so that none relies on what was included before it.
function(patient_http_check_headers target)
  set(checks "")
  foreach(header ${ARGN})
    file(RELATIVE_PATH relative ${CMAKE_SOURCE_DIR} ${header})
    string(MAKE_C_IDENTIFIER ${relative} id)
    set(check ${CMAKE_CURRENT_BINARY_DIR}/check_${id}.cc)
    file(GENERATE OUTPUT ${check} CONTENT "#include \"${header}\"\n#include \"${header}\"\n")
    list(APPEND checks ${check})
  endforeach()
  if(checks)
    add_library(${target}_headers OBJECT ${checks})
    target_link_libraries(${target}_headers PRIVATE ${target} patient_http_options)
  endif()
endfunction()

# patient_http_embed(TARGET file): makes `file` the constant `embedded::k<Name>` in
# "embedded/<file>.h" ("schema.sql" becomes embedded::kSchemaSql).
function(patient_http_embed target file)
  set(header ${CMAKE_BINARY_DIR}/generated/embedded/${file}.h)
  add_custom_command(
    OUTPUT ${header}
    COMMAND ${CMAKE_COMMAND} -DINPUT=${CMAKE_CURRENT_SOURCE_DIR}/${file} -DOUTPUT=${header}
            -P ${CMAKE_SOURCE_DIR}/cmake/Embed.cmake
    DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${file} ${CMAKE_SOURCE_DIR}/cmake/Embed.cmake)
  target_sources(${target} PRIVATE ${header})
  # All of them can be made alone, for tools that read the sources without building them.
  if(NOT TARGET embedded_headers)
    add_custom_target(embedded_headers)
  endif()
  string(MAKE_C_IDENTIFIER ${file} id)
  add_custom_target(embedded_${id} DEPENDS ${header})
  add_dependencies(embedded_headers embedded_${id})
  add_dependencies(${target} embedded_${id})
endfunction()

# patient_http_test(MODULE SOURCES a_test.cc … [DEPENDS patient_http::…] [TIMEOUT seconds]):
# one program per module; CTest lists its cases one by one.
function(patient_http_test module)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;DEPENDS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  string(REPLACE "/" "_" id ${module})
  set(target ${id}_test)
  add_executable(${target} ${ARG_SOURCES})
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/tests ${CMAKE_BINARY_DIR}/generated)
  target_link_libraries(${target}
    PRIVATE ${ARG_DEPENDS} patient_http_options GTest::gmock GTest::gtest_main)
  target_compile_options(${target} PRIVATE -O0)  # they compile more than run
  # What a cache of compilers needs to know that a precompiled header is the same.
  target_compile_options(${target} PRIVATE
    $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>
    "$<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>")
  target_precompile_headers(${target} PRIVATE <gtest/gtest.h> <gmock/gmock.h> <string> <vector>)
  include(GoogleTest)
  gtest_discover_tests(${target}
    TEST_PREFIX "${module}." DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT ${ARG_TIMEOUT})
endfunction()

# patient_http_fuzz(NAME SOURCES NAME_fuzz.cc … DEPENDS patient_http::…): a fuzz target. With
# PATIENT_HTTP_FUZZ it is the program NAME_fuzz with libFuzzer's main(), which scripts/fuzz runs; else
# it is a test that runs the target over the files of fuzz/corpus/NAME.
function(patient_http_fuzz name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  if(PATIENT_HTTP_FUZZ)
    set(target ${name}_fuzz)
    add_executable(${target} ${ARG_SOURCES})
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    add_dependencies(fuzz_targets ${target})
  else()
    set(target ${name}_replay)
    add_executable(${target} ${ARG_SOURCES} ${CMAKE_SOURCE_DIR}/fuzz/replay_main.cc)
    add_test(NAME fuzz.${name} COMMAND ${target} ${CMAKE_SOURCE_DIR}/fuzz/corpus/${name})
    set_tests_properties(fuzz.${name} PROPERTIES TIMEOUT 120)
  endif()
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${target} PRIVATE ${ARG_DEPENDS} patient_http_options)
endfunction()
