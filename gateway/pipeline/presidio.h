#pragma once
// Presidio's analyser as its REST API has it: POST /analyze, one text, offsets in code points.
#include "gateway/pipeline/analyser_api.h"

namespace tollgate::pipeline {

// [{"entity_type", "start", "end", "score"}, ...], in any order.
extern const AnalyserApi kPresidio;

}  // namespace tollgate::pipeline
