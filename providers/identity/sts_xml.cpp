#include "providers/identity/sts_xml.h"

#include <charconv>
#include <optional>
#include <vector>

#include "providers/identity/url_text.h"

namespace tollgate::providers {
namespace {

constexpr std::size_t kMaxBytes = 64 * 1024;
constexpr std::size_t kMaxDepth = 16;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// Walks the elements of a small document. next() stops at the end tag of each element that has only text in it.
class XmlWalk {
 public:
  explicit XmlWalk(std::string_view xml) : rest_(xml) {
    if (rest_.size() > kMaxBytes) fail();
    skip_space();
    if (rest_.starts_with("<?xml ")) take_until("?>");
  }

  // The next leaf: its name, its parent's name, and its decoded text. False: the document has ended, or is not one.
  bool next() {
    while (ok_ && !rest_.empty()) {
      if (rest_.front() != '<') {
        take_text();
      } else if (rest_.starts_with("</")) {
        if (take_end_tag()) return true;
      } else {
        take_start_tag();
      }
    }
    if (!open_.empty() || !seen_root_) ok_ = false;
    return false;
  }

  bool ok() const { return ok_; }
  std::string_view name() const { return name_; }
  std::string_view parent() const { return open_.empty() ? std::string_view() : open_.back(); }
  const std::string& text() const { return text_; }

 private:
  void fail() {
    ok_ = false;
    rest_ = {};
  }

  void skip_space() {
    while (!rest_.empty() && is_space(rest_.front())) rest_.remove_prefix(1);
  }

  std::string_view take_until(std::string_view mark) {
    const auto end = rest_.find(mark);
    if (end == std::string_view::npos) {
      fail();
      return {};
    }
    const auto taken = rest_.substr(0, end);
    rest_.remove_prefix(end + mark.size());
    return taken;
  }

  // A name without its prefix: "ns:Code" is "Code".
  std::string_view take_name() {
    std::size_t size = 0;
    while (size < rest_.size() && is_word(rest_.substr(size, 1), "_-.:")) ++size;
    const auto name = rest_.substr(0, size);
    rest_.remove_prefix(size);
    const auto local = name.substr(name.find(':') + 1);  // npos + 1 is 0
    if (local.empty()) fail();
    return local;
  }

  void take_start_tag() {
    rest_.remove_prefix(1);
    const auto name = take_name();  // fails at "<!" and "<?"
    take_attributes();
    if (!ok_ || (open_.empty() && seen_root_) || open_.size() == kMaxDepth) return fail();
    seen_root_ = true;
    text_.clear();
    if (rest_.starts_with("/>")) {
      rest_.remove_prefix(2);
      leaf_ = false;
      return;
    }
    if (!rest_.starts_with(">")) return fail();
    rest_.remove_prefix(1);
    open_.push_back(name);
    leaf_ = true;
  }

  // Checked for their form and forgotten.
  void take_attributes() {
    while (ok_) {
      const bool spaced = !rest_.empty() && is_space(rest_.front());
      skip_space();
      if (rest_.empty() || rest_.front() == '>' || rest_.front() == '/') return;
      if (!spaced) return fail();
      take_name();
      const char quote = rest_.size() > 1 && rest_.front() == '=' ? rest_[1] : '\0';
      if (quote != '"' && quote != '\'') return fail();
      rest_.remove_prefix(2);
      const auto value = take_until(std::string_view(&quote, 1));
      if (value.find('<') != std::string_view::npos) return fail();
    }
  }

  bool take_end_tag() {
    rest_.remove_prefix(2);
    name_ = take_name();
    skip_space();
    if (open_.empty() || open_.back() != name_ || !rest_.starts_with(">")) {
      fail();
      return false;
    }
    rest_.remove_prefix(1);
    open_.pop_back();
    const bool was_leaf = leaf_;
    leaf_ = false;
    return was_leaf;
  }

  void take_text() {
    const auto end = std::min(rest_.find('<'), rest_.size());
    const auto raw = rest_.substr(0, end);
    rest_.remove_prefix(end);
    if (open_.empty() && !strip(raw).empty()) return fail();
    for (std::size_t at = 0; at < raw.size() && ok_; ++at) {
      if (raw[at] != '&') {
        text_.push_back(raw[at]);
        continue;
      }
      const auto close = raw.find(';', at);
      if (close == std::string_view::npos) return fail();
      take_entity(raw.substr(at + 1, close - at - 1));
      at = close;
    }
  }

  void take_entity(std::string_view name) {
    static constexpr std::pair<std::string_view, char> kNamed[] = {
        {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    for (const auto& [known, c] : kNamed) {
      if (name != known) continue;
      text_.push_back(c);
      return;
    }
    const bool hex = name.starts_with("#x");
    if (!name.starts_with('#')) return fail();
    name.remove_prefix(hex ? 2 : 1);
    unsigned code = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), code, hex ? 16 : 10);
    const bool whole = error == std::errc() && end == name.data() + name.size();
    if (!whole || code == 0 || code > 0x7e) return fail();
    text_.push_back(static_cast<char>(code));
  }

  std::string_view rest_;
  std::vector<std::string_view> open_;
  std::string_view name_;
  std::string text_;
  bool ok_ = true;
  bool leaf_ = false;  // nothing but text since the last start tag
  bool seen_root_ = false;
};

Error refused(std::string_view why) { return no_credential("the answer of STS " + std::string(why)); }

struct Members {
  std::optional<std::string> access_key_id;
  std::optional<Secret> secret;
  std::optional<Secret> session_token;
  std::optional<std::string> expiration;
};

// False: it was there before, or is no text for a header.
bool put(Members& members, std::string_view name, std::string text) {
  const bool good = is_token_text(text);
  const auto once = [&](auto& slot) {
    const bool is_new = !slot.has_value();
    slot.emplace(std::move(text));
    return is_new && good;
  };
  if (name == "AccessKeyId") return once(members.access_key_id);
  if (name == "SecretAccessKey") return once(members.secret);
  if (name == "SessionToken") return once(members.session_token);
  if (name == "Expiration") return once(members.expiration);
  return true;
}

}  // namespace

Result<Credential> parse_sts_credentials(std::string_view xml) {
  Members found;
  XmlWalk walk(xml);
  while (walk.next())
    if (walk.parent() == "Credentials" && !put(found, walk.name(), std::string(strip(walk.text()))))
      return refused("has a credential twice, or with bytes that cannot be one");
  if (!walk.ok()) return refused("is not the XML that was expected");
  if (!found.access_key_id || !found.secret || !found.session_token || !found.expiration)
    return refused("has no complete credentials");
  Credential out;
  out.access_key_id = *std::move(found.access_key_id);
  out.secret = *std::move(found.secret);
  out.session_token = *std::move(found.session_token);
  out.expires_at = parse_rfc3339(*found.expiration);
  if (!out.expires_at) return refused("has no readable expiry");
  return out;
}

std::string parse_sts_error_code(std::string_view xml) {
  XmlWalk walk(xml);
  while (walk.next())
    if (walk.name() == "Code" && walk.text().size() <= 64 && is_word(walk.text(), ".")) return walk.text();
  return {};
}

}  // namespace tollgate::providers
