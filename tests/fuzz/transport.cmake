tollgate_fuzz(endpoint_fuzz LABEL providers CORPUS endpoint SRCS endpoint_fuzz.cpp DEPS tollgate::providers)
tollgate_fuzz(pool_caller_fuzz LABEL providers CORPUS pool_caller SRCS pool_caller_fuzz.cpp DEPS tollgate::providers)
