tollgate_fuzz(chat_request_fuzz LABEL providers CORPUS chat_request SRCS chat_request_fuzz.cpp
  DEPS tollgate::providers nlohmann_json::nlohmann_json)
tollgate_fuzz(sse_fuzz LABEL providers CORPUS sse SRCS sse_fuzz.cpp DEPS tollgate::providers)
tollgate_fuzz(anthropic_fuzz LABEL providers CORPUS anthropic SRCS anthropic_fuzz.cpp DEPS tollgate::providers)
tollgate_fuzz(bedrock_fuzz LABEL providers CORPUS bedrock SRCS bedrock_fuzz.cpp DEPS tollgate::providers)
tollgate_fuzz(generate_fuzz LABEL providers CORPUS generate SRCS generate_fuzz.cpp DEPS tollgate::providers)
tollgate_fuzz(sagemaker_fuzz LABEL providers CORPUS sagemaker SRCS sagemaker_fuzz.cpp DEPS tollgate::providers)
tollgate_fuzz(gemini_fuzz LABEL providers CORPUS gemini SRCS gemini_fuzz.cpp DEPS tollgate::providers)
tollgate_fuzz(dialect_request_fuzz LABEL providers CORPUS dialect_request SRCS dialect_request_fuzz.cpp
  DEPS tollgate::providers nlohmann_json::nlohmann_json)
tollgate_fuzz(messages_request_fuzz LABEL providers CORPUS messages_request SRCS messages_request_fuzz.cpp
  DEPS tollgate::providers nlohmann_json::nlohmann_json)
tollgate_fuzz(messages_event_fuzz LABEL providers CORPUS messages_event SRCS messages_event_fuzz.cpp
  DEPS tollgate::providers nlohmann_json::nlohmann_json)
tollgate_fuzz(messages_encoder_fuzz LABEL providers CORPUS messages_encoder SRCS messages_encoder_fuzz.cpp
  DEPS tollgate::providers nlohmann_json::nlohmann_json)
tollgate_fuzz(responses_request_fuzz LABEL providers CORPUS responses_request SRCS responses_request_fuzz.cpp
  DEPS tollgate::providers nlohmann_json::nlohmann_json)
tollgate_fuzz(responses_answer_fuzz LABEL providers CORPUS responses_answer SRCS responses_answer_fuzz.cpp
  DEPS tollgate::providers nlohmann_json::nlohmann_json)
tollgate_fuzz(embeddings_fuzz LABEL providers CORPUS embeddings SRCS embeddings_fuzz.cpp
  DEPS tollgate::providers nlohmann_json::nlohmann_json)
tollgate_fuzz(relay_fuzz LABEL providers CORPUS relay SRCS relay_fuzz.cpp DEPS tollgate::providers)
tollgate_fuzz(batch_lines_fuzz LABEL providers CORPUS batch_lines SRCS batch_lines_fuzz.cpp DEPS tollgate::providers)
tollgate_fuzz(gemini_call_fuzz LABEL providers CORPUS gemini_call SRCS gemini_call_fuzz.cpp
  DEPS tollgate::providers nlohmann_json::nlohmann_json)
tollgate_fuzz(converse_call_fuzz LABEL providers CORPUS converse_call SRCS converse_call_fuzz.cpp
  DEPS tollgate::providers nlohmann_json::nlohmann_json)
tollgate_fuzz(multipart_fuzz LABEL providers CORPUS multipart SRCS multipart_fuzz.cpp DEPS tollgate::providers)
