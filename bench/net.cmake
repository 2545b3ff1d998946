tollgate_bench(http1_bench SRCS http1_bench.cpp DEPS tollgate::net)
tollgate_bench(stream_bench SRCS stream_bench.cpp DEPS tollgate::net)
