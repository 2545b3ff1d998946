#pragma once
// Amazon Comprehend's DetectPiiEntities: one text a request, AWS's JSON 1.1 protocol, signed for `comprehend`.
// https://docs.aws.amazon.com/comprehend/latest/APIReference/API_DetectPiiEntities.html: Text of at most 100 KB of
// UTF-8 and at least one character; every type is looked for, so that types are chosen from the answer. Offsets count
// code points: "the position of each UTF-8 code point in the string"
// (https://docs.aws.amazon.com/sdk-for-ruby/v2/api/Aws/Comprehend/Types/PiiEntity.html).
#include "gateway/pipeline/analyser_api.h"

namespace tollgate::pipeline {

// {"Entities": [{"Type", "BeginOffset", "EndOffset", "Score"}, ...]}
extern const AnalyserApi kComprehend;

}  // namespace tollgate::pipeline
