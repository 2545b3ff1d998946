tollgate_fuzz(safetensors_fuzz LABEL local_backend CORPUS safetensors SRCS safetensors_fuzz.cpp DEPS tollgate::local_backend)
tollgate_fuzz(tokenizer_fuzz LABEL local_backend CORPUS tokenizer SRCS tokenizer_fuzz.cpp DEPS tollgate::local_backend)
tollgate_fuzz(jinja_fuzz LABEL local_backend CORPUS jinja SRCS jinja_fuzz.cpp DEPS tollgate::local_backend)
