tollgate_fuzz(limits_reply_fuzz LABEL ratelimit CORPUS limits_reply SRCS limits_reply_fuzz.cpp DEPS tollgate::ratelimit)
