tollgate_bench(auth_bench SRCS auth_bench.cpp DEPS tollgate::auth)
