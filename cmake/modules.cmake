# One static library per folder; the folder is the architecture. DEPS is the only place a dependency is declared.
include(GoogleTest)

# PRECOMPILED: see precompiled.cmake; default precompiled_std.
# tollgate_library(pii SRCS a.cpp b.cpp DEPS tollgate::base PRIVATE_DEPS re2::re2)
function(tollgate_library NAME)
  cmake_parse_arguments(PARSE_ARGV 1 A "" "PRECOMPILED" "SRCS;DEPS;PRIVATE_DEPS")
  add_library(tollgate_${NAME} STATIC ${A_SRCS})
  add_library(tollgate::${NAME} ALIAS tollgate_${NAME})
  target_link_libraries(tollgate_${NAME} PUBLIC tollgate_options ${A_DEPS} PRIVATE tollgate_guided ${A_PRIVATE_DEPS})
  if(NOT A_PRECOMPILED)
    set(A_PRECOMPILED precompiled_std)
  endif()
  target_precompile_headers(tollgate_${NAME} REUSE_FROM ${A_PRECOMPILED})
endfunction()

# What has threads of its own, and the program: what ThreadSanitizer needs built (ctest -L threads).
add_custom_target(threaded)

# tollgate_test(pii_test LABEL pii SRCS x_test.cpp y_test.cpp DEPS tollgate::pii): one program, one ctest per case.
# THREADS: it is worth a run under ThreadSanitizer, and carries the label "threads".
function(tollgate_test NAME)
  cmake_parse_arguments(PARSE_ARGV 1 A "THREADS" "LABEL" "SRCS;DEPS")
  add_executable(${NAME} ${A_SRCS})
  target_link_libraries(${NAME} PRIVATE tollgate_options ${A_DEPS} GTest::gmock GTest::gtest_main)
  target_precompile_headers(${NAME} REUSE_FROM ${TOLLGATE_TESTS_PRECOMPILED})
  gtest_discover_tests(${NAME} NO_PRETTY_VALUES PROPERTIES LABELS "${A_LABEL}" TIMEOUT 120 DISCOVERY_TIMEOUT 60
                       WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  if(A_THREADS)  # gtest_discover_tests takes one label only
    add_dependencies(threaded ${NAME})
    set(labels ${CMAKE_CURRENT_BINARY_DIR}/${NAME}_labels.cmake)
    file(WRITE ${labels} "foreach(test IN LISTS ${NAME}_TESTS)\n"
      "  set_tests_properties(\"\${test}\" PROPERTIES LABELS \"${A_LABEL};threads\")\nendforeach()\n")
    set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${labels})
  endif()
endfunction()

# tollgate_fuzz(sse_fuzz LABEL providers CORPUS sse SRCS sse_fuzz.cpp DEPS tollgate::providers)
# Every build compiles it with a replay main that runs its corpus, so a fuzzer cannot rot; the fuzz preset links libFuzzer.
option(TOLLGATE_FUZZ "Link the fuzz targets with libFuzzer" OFF)
function(tollgate_fuzz NAME)
  cmake_parse_arguments(PARSE_ARGV 1 A "" "LABEL;CORPUS" "SRCS;DEPS")
  add_executable(${NAME} ${A_SRCS})
  target_link_libraries(${NAME} PRIVATE tollgate_options ${A_DEPS})
  if(TOLLGATE_FUZZ)
    target_link_options(${NAME} PRIVATE -fsanitize=fuzzer)
  else()
    if(NOT TARGET fuzz_replay)
      add_library(fuzz_replay OBJECT ${PROJECT_SOURCE_DIR}/tests/fuzz/replay_main.cpp)
      target_link_libraries(fuzz_replay PRIVATE tollgate_options)
    endif()
    target_link_libraries(${NAME} PRIVATE fuzz_replay)
    add_test(NAME ${NAME}.replay COMMAND ${NAME} ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${A_CORPUS})
    set_tests_properties(${NAME}.replay PROPERTIES LABELS "fuzz;${A_LABEL}" TIMEOUT 120)
  endif()
endfunction()

# tollgate_bench(pii_bench SRCS pii_bench.cpp DEPS tollgate::pii)
function(tollgate_bench NAME)
  cmake_parse_arguments(PARSE_ARGV 1 A "" "" "SRCS;DEPS")
  add_executable(${NAME} ${A_SRCS})
  target_link_libraries(${NAME} PRIVATE tollgate_options ${A_DEPS} benchmark::benchmark)
endfunction()
