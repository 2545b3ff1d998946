tollgate_fuzz(endpoint_fuzz LABEL providers CORPUS endpoint SRCS endpoint_fuzz.cpp DEPS tollgate::providers)
