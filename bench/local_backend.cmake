tollgate_bench(local_bench SRCS local_bench.cpp DEPS tollgate::local_backend)
target_compile_definitions(local_bench PRIVATE TOLLGATE_DEMO_MODEL="${PROJECT_SOURCE_DIR}/local_backend/demo/model")
tollgate_bench(local_speed SRCS local/local_speed.cpp DEPS tollgate::local_backend)
