tollgate_fuzz(token_answer_fuzz LABEL providers CORPUS token_answer SRCS token_answer_fuzz.cpp DEPS tollgate::providers)
tollgate_fuzz(sts_xml_fuzz LABEL providers CORPUS sts_xml SRCS sts_xml_fuzz.cpp DEPS tollgate::providers)
tollgate_fuzz(aws_profile_fuzz LABEL providers CORPUS aws_profile SRCS aws_profile_fuzz.cpp DEPS tollgate::providers)
tollgate_fuzz(google_key_fuzz LABEL providers CORPUS google_key SRCS google_key_fuzz.cpp DEPS tollgate::providers)
tollgate_fuzz(identity_text_fuzz LABEL providers CORPUS identity_text SRCS identity_text_fuzz.cpp
  DEPS tollgate::providers)
