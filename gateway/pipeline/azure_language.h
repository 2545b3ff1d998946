#pragma once
// Azure AI Language's detection of personal data: POST /language/:analyze-text, kind PiiEntityRecognition, at once (no
// job). https://learn.microsoft.com/en-us/rest/api/language/text-analysis-runtime/analyze-text, and in more detail
// specification/cognitiveservices/data-plane/LanguageAnalyzeText of github.com/Azure/azure-rest-api-specs.
// - stringIndexType is UnicodeCodePoint, the one of the three that needs no table of graphemes and no UTF-16.
// - At most 5 documents of 5,120 text elements (never more than code points), 1 MB in all
//   (https://learn.microsoft.com/en-us/azure/ai-services/language-service/concepts/data-limits).
// - An answer of 200 may hold errors for single documents, and the warning DocumentTruncated where not all was read.
#include "gateway/pipeline/analyser_api.h"

namespace tollgate::pipeline {

// {"results": {"documents": [{"id", "entities": [{"category", "offset", "length", "confidenceScore"}], "warnings"}],
// "errors": [{"id", "error"}]}}. An entity may also say a finer `type` or `subcategory`, by which it may be asked for.
extern const AnalyserApi kAzureLanguage;

}  // namespace tollgate::pipeline
