# The two functions that every folder's CMakeLists.txt uses, and the flags that all code is built with.

add_library(fed_flags INTERFACE)
target_compile_options(fed_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  # What g++ means by -Wconversion in C++.
  target_compile_options(fed_flags INTERFACE -Wno-sign-conversion)
endif()
target_compile_definitions(fed_flags INTERFACE BOOST_ASIO_NO_DEPRECATED)
target_include_directories(fed_flags INTERFACE
  ${PROJECT_SOURCE_DIR}/common ${PROJECT_SOURCE_DIR}/server ${PROJECT_SOURCE_DIR}/client)
if(FED_SANITIZE)
  target_compile_options(fed_flags INTERFACE -fsanitize=${FED_SANITIZE} -fno-omit-frame-pointer
                                             -fno-sanitize-recover=all)
  target_link_options(fed_flags INTERFACE -fsanitize=${FED_SANITIZE})
  # The thread sanitizer does not follow stand-alone fences; Asio then relies on its mutexes.
  target_compile_definitions(fed_flags INTERFACE BOOST_ASIO_DISABLE_FENCED_BLOCK)
  if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
    # clang 14 cannot emit this check's prologue in a coroutine.
    target_compile_options(fed_flags INTERFACE -fno-sanitize=function)
  else()
    # g++ 12 warns inside std::regex once it is instrumented.
    target_compile_options(fed_flags INTERFACE -Wno-maybe-uninitialized)
  endif()
endif()

find_program(FED_CCACHE ccache)
if(FED_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${FED_CCACHE})
endif()
find_program(FED_MOLD mold)
if(FED_MOLD AND NOT CMAKE_CXX_COMPILER_ID MATCHES Clang)
  add_link_options(-B/usr/libexec/mold)
endif()

# fed_layer(NAME SOURCES a.cc ... DEPENDS layer ... LIBRARIES package ...)
# One layer of the design: a static library `fed_NAME` that may include only its own headers and those of the
# layers it names in DEPENDS (public, so that what they need comes along).
function(fed_layer NAME)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;LIBRARIES" ${ARGN})
  add_library(fed_${NAME} STATIC ${ARG_SOURCES})
  target_link_libraries(fed_${NAME} PUBLIC fed_flags)
  foreach(layer IN LISTS ARG_DEPENDS)
    target_link_libraries(fed_${NAME} PUBLIC fed_${layer})
  endforeach()
  target_link_libraries(fed_${NAME} PRIVATE ${ARG_LIBRARIES})
endfunction()

# fed_test(NAME SOURCES a_test.cc ... DEPENDS layer ...)
# One test program `test_NAME` of Catch2 cases, each registered with ctest under the label NAME.
function(fed_test NAME)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;LIBRARIES" ${ARGN})
  add_executable(test_${NAME} ${ARG_SOURCES})
  target_link_libraries(test_${NAME} PRIVATE fed_catch_main fed_flags ${ARG_LIBRARIES})
  foreach(layer IN LISTS ARG_DEPENDS)
    target_link_libraries(test_${NAME} PRIVATE fed_${layer})
  endforeach()
  catch_discover_tests(test_${NAME} TEST_PREFIX "${NAME}: " PROPERTIES LABELS ${NAME})
endfunction()
