tollgate_fuzz(analyser_answer_fuzz LABEL pipeline CORPUS analyser_answer SRCS analyser_answer_fuzz.cpp DEPS tollgate::pipeline)
tollgate_fuzz(analyser_documents_fuzz LABEL pipeline CORPUS analyser_documents SRCS analyser_documents_fuzz.cpp DEPS tollgate::pipeline)
