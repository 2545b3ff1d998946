tollgate_bench(chat_request_bench SRCS chat_request_bench.cpp DEPS tollgate::providers)
tollgate_bench(sse_bench SRCS sse_bench.cpp DEPS tollgate::providers)
tollgate_bench(dialects_bench SRCS dialects_bench.cpp DEPS tollgate::providers)
tollgate_bench(responses_bench SRCS responses_bench.cpp DEPS tollgate::providers)
