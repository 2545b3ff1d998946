#pragma once
// Presidio's analyser as its REST API has it (POST /analyze): what is asked, and what the answer means. Nothing waits
// here.
#include <string>
#include <string_view>
#include <vector>

#include "config/snapshot.h"
#include "gateway/base/result.h"
#include "pii/pii.h"

namespace tollgate::pipeline {

inline constexpr std::string_view kPresidioPath = "/analyze";
inline constexpr std::size_t kMostOfPresidio = std::size_t{4} << 20U;  // bytes of an answer

// REQUIRES: valid UTF-8
std::string presidio_request(const config::Analyser& analyser, std::string_view text);

// [{"entity_type", "start", "end", "score"}, ...], offsets in code points, in any order. Left out: what the analyser
// was not asked for, and scores below its least. Error upstream_error: not such an answer, or not to this text.
Result<std::vector<pii::Finding>> presidio_findings(const config::Analyser& analyser, std::string_view text,
                                                    std::string_view answer);

}  // namespace tollgate::pipeline
