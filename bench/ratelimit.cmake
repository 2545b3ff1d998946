tollgate_bench(limiter_bench SRCS limiter_bench.cpp DEPS tollgate::ratelimit)
