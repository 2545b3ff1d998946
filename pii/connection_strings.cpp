// The secret part of connection strings and URLs; the rest of them stays readable.
#include <algorithm>
#include <string>

#include "pii/secret_checks.h"
#include "pii/secrets.h"
#include "pii/unit.h"

namespace tollgate::pii {
namespace {

constexpr std::size_t kLongestUserInfo = 256;
constexpr std::size_t kLongestKey = 200;

bool is_scheme(char c) { return is_alnum(c) || c == '+' || c == '.' || c == '-'; }

// Ends the part of a URL that can hold a user and password (RFC 3986 §3.2).
bool ends_authority(char c) {
  return is_space(c) || c == '/' || c == '?' || c == '#' || c == '"' || c == '\'' || c == '<' || c == '>' || c == '`' ||
         c == '|';
}

// The last '@' of the authority that starts at `pos`; npos where there is none.
std::size_t at_sign(std::string_view text, std::size_t pos) {
  std::size_t found = std::string_view::npos;
  const std::size_t limit = std::min(text.size(), pos + kLongestUserInfo);
  for (; pos < limit && !ends_authority(unit_at(text, pos).c); pos += unit_at(text, pos).length)
    if (text[pos] == '@') found = pos;
  return found;
}

bool is_key(char c) { return is_alnum(c) || c == '+' || c == '/' || c == '=' || c == '%' || c == '-' || c == '_'; }

// A signature says nothing alone: a URL that is signed for shared access names what it allows, too.
bool signs_access(std::string_view text, std::size_t end) {
  constexpr std::size_t kNear = 400;
  const std::size_t from = end > kNear ? end - kNear : 0;
  const auto near = text.substr(from, 2 * kNear);
  return near.find("sv=") != std::string_view::npos || near.find("se=") != std::string_view::npos;
}

}  // namespace

std::size_t detect_url_password(std::string_view text, std::size_t at, std::size_t end, Findings& out) {
  if (at == 0 || !is_scheme(text[at - 1])) return end;
  const std::size_t host = at_sign(text, end);
  if (host == std::string_view::npos) return end;
  const std::size_t colon = text.substr(0, host).find(':', end);
  if (colon == std::string_view::npos || colon + 1 == host) return end;
  const auto password = text.substr(colon + 1, host - colon - 1);
  const bool named = host + 1 < text.size() && !ends_authority(text[host + 1]);
  if (!named || is_placeholder(password) || password.front() == '$' || password.front() == '{') return end;
  out.push_back({EntityType::connection_string, colon + 1, host, 0.97});
  return host;
}

std::size_t detect_oracle_password(std::string_view text, std::size_t end, Findings& out) {
  const auto rest = text.substr(end, kLongestUserInfo);
  const std::size_t slash = rest.find_first_of("/@\"' \n");
  if (slash == 0 || slash == std::string_view::npos || rest[slash] != '/') return end;
  const std::size_t stop = rest.find_first_of("@\"' \n", slash + 1);
  if (stop == std::string_view::npos || rest[stop] != '@') return end;
  const auto password = rest.substr(slash + 1, stop - slash - 1);
  if (password.empty() || is_placeholder(password)) return end;
  out.push_back({EntityType::connection_string, end + slash + 1, end + stop, 0.97});
  return end + stop;
}

std::size_t detect_account_key(std::string_view text, SecretKind kind, std::size_t end, Findings& out) {
  constexpr std::size_t kShortest = 20;
  std::size_t stop = end;
  while (stop < text.size() && stop - end < kLongestKey && is_key(text[stop])) ++stop;
  const auto key = text.substr(end, stop - end);
  if (!looks_random(key, kShortest)) return end;
  if (kind == SecretKind::shared_access && !signs_access(text, end)) return end;
  out.push_back({EntityType::connection_string, end, stop, 0.95});
  return stop;
}

}  // namespace tollgate::pii
