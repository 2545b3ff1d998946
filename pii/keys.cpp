// API keys, tokens and private keys. The only file that knows RE2.
#include <re2/re2.h>

#include <algorithm>
#include <array>

#include "pii/detect.h"

namespace tollgate::pii {
namespace {

// A literal start, the three bytes of it that the trigger pass looks for, and what follows.
struct Rule {
  std::string_view prefix;
  std::size_t anchor;  // offset of those bytes
  const char* rest;    // RE2, right after the prefix
};

// Formats as their issuers publish them or print them; lengths as seen in use. Longer prefixes first: the first match
// of a position counts.
constexpr auto kRules = std::to_array<Rule>({
    {"sk-ant-", 0, "[a-z0-9]{3,10}-[A-Za-z0-9_-]{20,200}"},                      // Anthropic
    {"sk-proj-", 0, "[A-Za-z0-9_-]{20,200}"},                                    // OpenAI
    {"sk-svcacct-", 0, "[A-Za-z0-9_-]{20,200}"},                                 //
    {"sk-admin-", 0, "[A-Za-z0-9_-]{20,200}"},                                   //
    {"sk-or-v1-", 0, "[0-9a-f]{64}"},                                            // OpenRouter
    {"sk-", 0, "[A-Za-z0-9_-]{0,24}[A-Za-z0-9]{16,200}"},                        // OpenAI, DeepSeek and others
    {"sk_live_", 0, "[A-Za-z0-9]{10,250}"},                                      // Stripe
    {"sk_test_", 0, "[A-Za-z0-9]{10,250}"},                                      //
    {"rk_live_", 0, "[A-Za-z0-9]{10,250}"},                                      //
    {"gsk_", 1, "[A-Za-z0-9]{40,80}"},                                           // Groq
    {"hf_", 0, "[A-Za-z]{34}"},                                                  // Hugging Face
    {"tg_", 0, "[A-Za-z0-9]{12}_[A-Za-z0-9_-]{43}_[A-Za-z0-9]{6}"},              // Tollgate
    {"ghp_", 1, "[A-Za-z0-9]{36,255}"},                                          // GitHub
    {"gho_", 1, "[A-Za-z0-9]{36,255}"},                                          //
    {"ghu_", 1, "[A-Za-z0-9]{36,255}"},                                          //
    {"ghs_", 1, "[A-Za-z0-9]{36,255}"},                                          //
    {"ghr_", 1, "[A-Za-z0-9]{36,255}"},                                          //
    {"github_pat_", 8, "[A-Za-z0-9_]{40,255}"},                                  //
    {"glpat-", 3, "[A-Za-z0-9_.-]{20,80}"},                                      // GitLab
    {"npm_", 1, "[A-Za-z0-9]{36}"},                                              // npm
    {"xapp-", 2, "[A-Za-z0-9-]{20,250}"},                                        // Slack
    {"xoxb-", 0, "[A-Za-z0-9-]{20,250}"},                                        //
    {"xoxp-", 0, "[A-Za-z0-9-]{20,250}"},                                        //
    {"xoxa-", 0, "[A-Za-z0-9-]{20,250}"},                                        //
    {"xoxr-", 0, "[A-Za-z0-9-]{20,250}"},                                        //
    {"xoxs-", 0, "[A-Za-z0-9-]{20,250}"},                                        //
    {"AKIA", 0, "[A-Z2-7]{16}"},                                                 // AWS
    {"ASIA", 0, "[A-Z2-7]{16}"},                                                 //
    {"AIza", 0, "[A-Za-z0-9_-]{35}"},                                            // Google
    {"SG.", 0, "[A-Za-z0-9_-]{22}\\.[A-Za-z0-9_-]{43}"},                         // SendGrid
    {"eyJ", 0, "[A-Za-z0-9_-]{8,}\\.eyJ[A-Za-z0-9_-]{8,}\\.[A-Za-z0-9_-]{8,}"},  // JWT, RFC 7519
});

constexpr std::size_t kLongestKey = 8192;  // a JWT with many claims
constexpr std::string_view kPemBegin = "-----BEGIN ";
constexpr std::string_view kPemEnd = "-----END ";
constexpr std::string_view kPrivate = "PRIVATE KEY-----";

// A letter or digit before the prefix makes it the tail of a word (task-, disk-), unless it ends an escape (\nsk-...).
// A JWT has no length to speak of, so it is tried once per run of its characters: the cost stays linear.
bool starts_word(std::string_view text, std::size_t start, std::string_view prefix) {
  if (start == 0) return true;
  const char before = unit_before(text, start).c;
  return !is_alnum(before) && before != '_' && (before != '-' || prefix != "eyJ");
}

// Keys are random: they have digits, which words strung together with hyphens do not.
bool random_looking(std::string_view key, std::string_view prefix) {
  return prefix == "hf_" || std::any_of(key.begin() + static_cast<std::ptrdiff_t>(prefix.size()), key.end(), is_digit);
}

// The end of the header line "-----BEGIN RSA PRIVATE KEY-----", or 0 where it is another header.
std::size_t private_key_header_end(std::string_view text, std::size_t start) {
  const auto header = text.substr(start, 80);
  const auto label = header.find(kPrivate);
  const auto line = header.find_first_of("\r\n\\");
  return label == std::string_view::npos || line < label ? 0 : start + label + kPrivate.size();
}

bool is_pem_body(char c) {
  return is_alnum(c) || is_space(c) || c == '+' || c == '/' || c == '=' || c == '\\' || c == ':' || c == ',' ||
         c == '-';
}

// From the header to the footer; without one, to the end of what can be a body.
std::size_t private_key_end(std::string_view text, std::size_t pos) {
  while (pos < text.size() && is_pem_body(text[pos])) {
    if (text[pos] != '-' || !text.substr(pos).starts_with(kPemEnd)) {
      ++pos;
      continue;
    }
    const auto label = text.substr(pos, 80).find(kPrivate);
    return label == std::string_view::npos ? pos : pos + label + kPrivate.size();
  }
  return pos;
}

}  // namespace

struct KeyDetector::Rules {
  std::vector<std::unique_ptr<re2::RE2>> rest;  // by the index of the rule
};

KeyDetector::KeyDetector() : rules_(std::make_unique<Rules>()) {
  re2::RE2::Options options(re2::RE2::Latin1);  // keys are ASCII: bytes, no UTF-8 automaton
  for (const auto& rule : kRules) rules_->rest.push_back(std::make_unique<re2::RE2>(rule.rest, options));
}
KeyDetector::~KeyDetector() = default;

std::size_t KeyDetector::detect(std::string_view text, std::size_t pos, Findings& out) const {
  if (pos >= 3 && text.substr(pos - 3).starts_with(kPemBegin)) {
    const std::size_t body = private_key_header_end(text, pos - 3);
    if (body == 0) return pos + 1;
    const std::size_t end = private_key_end(text, body);
    out.push_back({EntityType::api_key, pos - 3, end, 1.0});
    return end;
  }
  for (std::size_t i = 0; i < kRules.size(); ++i) {
    const Rule& rule = kRules[i];
    if (text[pos] != rule.prefix[rule.anchor] || pos < rule.anchor) continue;
    const std::size_t start = pos - rule.anchor;
    if (!text.substr(start).starts_with(rule.prefix) || !starts_word(text, start, rule.prefix)) continue;
    const auto window = text.substr(start + rule.prefix.size(), kLongestKey);
    re2::StringPiece rest(window.data(), window.size());
    if (!re2::RE2::Consume(&rest, *rules_->rest[i])) continue;
    const std::size_t end = start + rule.prefix.size() + (window.size() - rest.size());
    if (end < text.size() && is_alnum(text[end])) continue;
    if (!random_looking(text.substr(start, end - start), rule.prefix)) continue;
    out.push_back({EntityType::api_key, start, end, 0.98});
    return end;
  }
  return pos + 1;
}

}  // namespace tollgate::pii
