tollgate_fuzz(config_fuzz LABEL config CORPUS config SRCS config_fuzz.cpp DEPS tollgate::config)
