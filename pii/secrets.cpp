// Finds the literals that announce a secret, and hands each to who can read it. The only file that knows RE2.
#include "pii/secrets.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <mutex>

#include "pii/literals.h"
#include "pii/secret_checks.h"
#include "pii/unit.h"

namespace tollgate::pii {
namespace {

struct Announcement {
  std::string_view literal;
  SecretKind kind;
};

constexpr auto kAnnouncements = std::to_array<Announcement>({
    {"-----BEGIN ", SecretKind::private_key},
    {"://", SecretKind::url},
    {":\\/\\/", SecretKind::url},  // JSON may escape a slash
    {"jdbc:oracle:thin:", SecretKind::oracle_url},
    {"password", SecretKind::password},
    {"passwd", SecretKind::password},
    {"passphrase", SecretKind::password},
    {"passwort", SecretKind::password},
    {"kennwort", SecretKind::password},
    {"mot de passe", SecretKind::password},
    {"wachtwoord", SecretKind::password},
    {"contraseña", SecretKind::password},
    {"senha", SecretKind::password},
    {"hasło", SecretKind::password},
    {"passord", SecretKind::password},
    {"lösenord", SecretKind::password},
    {"adgangskode", SecretKind::password},
    {"salasana", SecretKind::password},
    {"пароль", SecretKind::password},
    {"Пароль", SecretKind::password},
    {"密码", SecretKind::password},
    {"密碼", SecretKind::password},
    {"パスワード", SecretKind::password},
    {"비밀번호", SecretKind::password},
    {"db_pass", SecretKind::password},
    {"mail_pass", SecretKind::password},
    {"smtp_pass", SecretKind::password},
    {"user_pass", SecretKind::password},
    {"pwd", SecretKind::password},
    {"secret", SecretKind::token},
    {"token", SecretKind::token},
    {"apikey", SecretKind::token},
    {"api_key", SecretKind::token},
    {"api-key", SecretKind::token},
    {"api key", SecretKind::token},
    {"accesskey", SecretKind::token},
    {"access_key", SecretKind::token},
    {"access-key", SecretKind::token},
    {"authkey", SecretKind::token},
    {"auth_key", SecretKind::token},
    {"private_key", SecretKind::token},
    {"encryption_key", SecretKind::token},
    {"credential", SecretKind::token},
    {": bearer ", SecretKind::authorization},
    {"\"bearer ", SecretKind::authorization},
    {"'bearer ", SecretKind::authorization},
    {": basic ", SecretKind::authorization},
    {"\"basic ", SecretKind::authorization},
    {"'basic ", SecretKind::authorization},
    {"accountkey=", SecretKind::account_key},
    {"sharedaccesskey=", SecretKind::account_key},
    {"sig=", SecretKind::shared_access},
});

constexpr std::size_t kLongestKey = 8192;  // a JWT with many claims

std::vector<std::string_view> literals() {
  std::vector<std::string_view> out;
  for (const auto& announcement : kAnnouncements) out.push_back(announcement.literal);
  for (std::size_t i = 0; i < secret_format_count(); ++i) out.push_back(secret_format(i).literal);
  return out;
}

bool is_key_character(char c) { return is_alnum(c) || c == '_' || c == '-' || c == '+' || c == '/' || c == '~'; }

// Where a key starts whose literal stands at `at`: there, or as far back as its characters reach.
std::size_t key_start(std::string_view text, std::size_t at, std::size_t before) {
  std::size_t start = at;
  while (start > 0 && at - start < before && is_key_character(text[start - 1])) --start;
  return start;
}

// A letter or digit before the prefix makes it the tail of a word (task-, disk-), unless it ends an escape (\nsk-...).
// A JWT has no length to speak of, so it is tried once per run of its characters: the cost stays linear.
bool starts_word(std::string_view text, std::size_t start, std::string_view prefix) {
  if (start == 0) return true;
  const char before = unit_before(text, start).c;
  return !is_alnum(before) && before != '_' && (before != '-' || prefix != "eyJ");
}

Reason reason(std::size_t format) {
  Reason out{secret_format(format).check != nullptr ? Term::check : Term::entropy};
  out.rule = rule_of_secret(format);
  return out;
}

bool is_aws_id(const SecretFormat& format) { return format.literal == "AKIA" || format.literal == "ASIA"; }

double default_score(const SecretFormat& format, std::string_view key) {
  constexpr std::size_t kShort = 20;
  const auto body = key.substr(format.before + format.literal.size() <= key.size() ? format.literal.size() : 0);
  return entropy(body) < (body.size() < kShort ? 2.5 : 3.0) || is_placeholder(body) ? 0 : 0.98;
}

}  // namespace

// The form of a key, compiled when one is first announced: most are never met, and all of them take 35 ms.
class SecretDetector::Form {
 public:
  const re2::RE2& get(const char* form) const {
    // Keys are ASCII: bytes, no UTF-8 automaton.
    std::call_once(once_, [&] { compiled_ = std::make_unique<re2::RE2>(form, re2::RE2::Latin1); });
    return *compiled_;
  }

 private:
  mutable std::once_flag once_;
  mutable std::unique_ptr<re2::RE2> compiled_;
};

struct SecretDetector::Rules {
  LiteralSet literals{pii::literals()};
  std::vector<Form> forms = std::vector<Form>(secret_format_count());  // by the index of the format

  // Where the key ends whose literal stands at `at`; `at` where there is none.
  std::size_t detect_format(std::string_view text, std::size_t index, std::size_t at, Findings& out) const {
    const SecretFormat& format = secret_format(index);
    const std::size_t start = key_start(text, at, format.before);
    if (!starts_word(text, start, format.literal)) return at;
    const auto window = text.substr(start, kLongestKey);
    re2::StringPiece rest(window.data(), window.size());
    if (!re2::RE2::Consume(&rest, forms[index].get(format.form))) return at;
    const auto key = window.substr(0, window.size() - rest.size());
    const std::size_t end = start + key.size();
    if (end < text.size() && is_alnum(text[end])) return at;
    const double score = format.check != nullptr ? format.check(key) : default_score(format, key);
    if (score > 0) out.push_back({format.type, start, end, score, 0, reason(index)});
    if (score > 0 && is_aws_id(format)) detect_aws_secret(text, end, out);
    return score > 0 ? end : at;
  }

  // Where the reader of this announcement stopped.
  std::size_t detect_announced(std::string_view text, const Announcement& what, std::size_t start,
                               Findings& out) const {
    const std::size_t end = start + what.literal.size();
    switch (what.kind) {
      case SecretKind::private_key:
        return detect_private_key(text, start, out);
      case SecretKind::url:
        return detect_url_password(text, start, end, out);
      case SecretKind::oracle_url:
        return detect_oracle_password(text, end, out);
      case SecretKind::authorization:
        return detect_authorization(text, end, out);
      case SecretKind::account_key:
      case SecretKind::shared_access:
        return detect_account_key(text, what.kind, end, out);
      default:
        return detect_assignment(text, what.kind, start, end, out);
    }
  }
};

SecretDetector::SecretDetector() : rules_(std::make_unique<Rules>()) {}
SecretDetector::~SecretDetector() = default;

void SecretDetector::detect(std::string_view text, Findings& out) const {
  LiteralFinder finder(rules_->literals, text);
  Run key;  // the last one: what stands inside it is part of it, but its start may announce something longer
  for (LiteralMatch match; finder.next(match);) {
    if (match.start > key.start && match.start < key.end) continue;
    const bool announced = match.literal < kAnnouncements.size();
    const std::size_t found = out.size();
    const std::size_t end = announced
                                ? rules_->detect_announced(text, kAnnouncements[match.literal], match.start, out)
                                : rules_->detect_format(text, match.literal - kAnnouncements.size(), match.start, out);
    // A value after its name may be a key of a known form, which tells more: only keys are jumped over.
    if (out.size() > found && (!announced || out.back().type == EntityType::private_key)) key = {match.start, end};
  }
}

}  // namespace tollgate::pii
