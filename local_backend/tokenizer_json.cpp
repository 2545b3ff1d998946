// Reads tokenizer.json: takes what this runtime implements, and refuses everything else by its name.
#include <algorithm>
#include <array>
#include <set>
#include <stdexcept>
#include <unordered_set>

#include "local_backend/json_document.h"
#include "local_backend/tokenizer.h"
#include "local_backend/unicode.h"

namespace tollgate::local_backend {
namespace {

constexpr std::int64_t kMaxId = 10'000'000;

// The printable characters that stand for bytes in byte-level vocabularies: printable Latin-1 for itself, the other 68
// bytes, in order, for U+0100 and up. -1 for characters that stand for none.
std::array<int, 0x144> byte_of_character() {
  std::array<int, 0x144> table{};
  table.fill(-1);
  int next = 0x100;
  for (int b = 0; b < 256; ++b) {
    const bool printable = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
    table[static_cast<std::size_t>(printable ? b : next++)] = b;
  }
  return table;
}

// False when the spelling uses characters outside the byte alphabet.
bool spelled_bytes(std::string_view spelling, std::string& out) {
  static const std::array<int, 0x144> kTable = byte_of_character();
  out.clear();
  for (std::size_t at = 0; at < spelling.size();) {
    const Decoded d = decode_utf8(spelling, at);
    if (!d.valid || d.code_point >= kTable.size() || kTable[d.code_point] < 0) return false;
    out.push_back(static_cast<char>(kTable[d.code_point]));
    at += d.length;
  }
  return true;
}

}  // namespace

class TokenizerReader {
 public:
  TokenizerReader(const Json& root, std::string what) : root_(root), what_(std::move(what)) {}

  Tokenizer read() {
    if (!root_.is(Json::Kind::object)) refuse("is no JSON object");
    for (const char* part : {"normalizer", "truncation", "padding"}) {
      if (root_.find_set(part) != nullptr) refuse(std::string(part) + " is not supported");
    }
    read_pretokenizer();
    check_decoder();
    read_added();
    read_model();
    return std::move(out_);
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const { throw std::runtime_error(what_ + ": " + why); }

  const Json& member(const Json& object, const std::string& key, Json::Kind kind) const {
    const Json* found = object.find(key);
    if (found == nullptr || !found->is(kind)) refuse(key + " is missing or of the wrong type");
    return *found;
  }

  std::string type_of(const Json& object) const { return member(object, "type", Json::Kind::string).string; }

  void require_flag(const Json& object, const std::string& key, bool wanted) const {
    const Json* value = object.find_set(key);
    if (value != nullptr && (!value->is(Json::Kind::boolean) || value->boolean != wanted)) {
      refuse(key + " must be " + (wanted ? "true" : "false"));
    }
  }

  void read_pretokenizer() {
    const Json& sequence = member(root_, "pre_tokenizer", Json::Kind::object);
    if (type_of(sequence) != "Sequence") refuse("pre_tokenizer \"" + type_of(sequence) + "\" is not supported");
    const auto& parts = member(sequence, "pretokenizers", Json::Kind::array).items;
    if (parts.size() != 2 || type_of(parts[0]) != "Split" || type_of(parts[1]) != "ByteLevel") {
      refuse("pre_tokenizer must be Split and ByteLevel");
    }
    if (member(parts[0], "behavior", Json::Kind::string).string != "Isolated") refuse("Split must be Isolated");
    require_flag(parts[0], "invert", false);
    require_flag(parts[1], "add_prefix_space", false);
    if (member(parts[1], "use_regex", Json::Kind::boolean).boolean) refuse("ByteLevel with use_regex is not supported");
    const Json& pattern = member(member(parts[0], "pattern", Json::Kind::object), "Regex", Json::Kind::string);
    try {
      out_.pretokenizer_ = make_pretokenizer(pattern.string);
    } catch (const std::runtime_error& error) {
      refuse(error.what());
    }
  }

  void check_decoder() const {
    const std::string type = type_of(member(root_, "decoder", Json::Kind::object));
    if (type != "ByteLevel") refuse("decoder \"" + type + "\" is not supported");
  }

  void read_added() {
    const Json* added = root_.find_set("added_tokens");
    if (added == nullptr) return;
    if (!added->is(Json::Kind::array) || added->items.size() > 100'000) refuse("added_tokens is no list");
    for (const Json& token : added->items) {
      for (const char* key : {"single_word", "lstrip", "rstrip"}) require_flag(token, key, false);
      const std::string& spelling = member(token, "content", Json::Kind::string).string;
      if (spelling.empty()) refuse("an added token is empty");
      const int id = id_of(member(token, "id", Json::Kind::integer), spelling);
      const bool special = member(token, "special", Json::Kind::boolean).boolean;
      if (!added_spellings_.insert(spelling).second) refuse("the added token \"" + spelling + "\" appears twice");
      place(id, {spelling, true, special}, spelling);
      out_.added_.push_back({spelling, id, special});
    }
    std::sort(out_.added_.begin(), out_.added_.end(), [](const auto& a, const auto& b) {
      return std::pair(b.spelling.size(), a.id) < std::pair(a.spelling.size(), b.id);
    });
  }

  int id_of(const Json& value, const std::string& spelling) const {
    if (!value.is(Json::Kind::integer) || value.integer < 0 || value.integer > kMaxId) {
      refuse("the id of \"" + spelling + "\" is no token id");
    }
    return static_cast<int>(value.integer);
  }

  void place(int id, Tokenizer::Piece piece, const std::string& spelling) {
    const auto at = static_cast<std::size_t>(id);
    if (at >= out_.pieces_.size()) out_.pieces_.resize(at + 1);
    if (!out_.pieces_[at].bytes.empty()) refuse("the id of \"" + spelling + "\" is taken");
    out_.longest_piece_ = std::max(out_.longest_piece_, piece.bytes.size());
    out_.pieces_[at] = std::move(piece);
  }

  void check_model(const Json& model) const {
    if (type_of(model) != "BPE") refuse("model \"" + type_of(model) + "\" is not supported");
    for (const char* key : {"dropout", "unk_token"}) {
      if (model.find_set(key) != nullptr) refuse(std::string(key) + " is not supported");
    }
    for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
      const Json* value = model.find_set(key);
      if (value != nullptr && !value->string.empty()) refuse(std::string(key) + " is not supported");
    }
    for (const char* key : {"byte_fallback", "fuse_unk"}) require_flag(model, key, false);
  }

  void read_model() {
    const Json& model = member(root_, "model", Json::Kind::object);
    check_model(model);
    std::unordered_map<std::string, int> vocabulary;
    std::string bytes;
    const Json& pieces = member(model, "vocab", Json::Kind::object);
    for (std::size_t i = 0; i < pieces.keys.size(); ++i) {
      const std::string& spelling = pieces.keys[i];
      const Json& id = pieces.items[i];
      if (added_spellings_.contains(spelling)) continue;  // some files list them in both places
      if (!spelled_bytes(spelling, bytes) || bytes.empty()) refuse("\"" + spelling + "\" is no byte-level piece");
      place(id_of(id, spelling), {bytes, false, false}, spelling);
      vocabulary.emplace(bytes, static_cast<int>(id.integer));
    }
    std::vector<std::pair<std::string, std::string>> merges;
    for (const Json& merge : member(model, "merges", Json::Kind::array).items) merges.push_back(merge_of(merge));
    const Json* ignore = model.find_set("ignore_merges");
    if (ignore != nullptr && !ignore->is(Json::Kind::boolean)) refuse("ignore_merges must be true or false");
    try {
      out_.bpe_ = std::make_unique<Bpe>(std::move(vocabulary), merges, ignore != nullptr && ignore->boolean);
    } catch (const std::runtime_error& error) {
      refuse(error.what());
    }
  }

  // Old files write "a b", newer ones ["a", "b"].
  std::pair<std::string, std::string> merge_of(const Json& merge) const {
    std::string left;
    std::string right;
    if (merge.is(Json::Kind::array) && merge.items.size() == 2) {
      left = merge.items[0].string;
      right = merge.items[1].string;
    } else if (const std::size_t space = merge.string.find(' '); space != std::string::npos) {
      left = merge.string.substr(0, space);
      right = merge.string.substr(space + 1);
    }
    std::pair<std::string, std::string> out;
    if (left.empty() || right.empty() || !spelled_bytes(left, out.first) || !spelled_bytes(right, out.second)) {
      refuse("a merge is no pair of byte-level pieces");
    }
    return out;
  }

  const Json& root_;
  std::string what_;
  Tokenizer out_;
  std::unordered_set<std::string> added_spellings_;
};

Tokenizer Tokenizer::parse(std::string_view json, const std::string& what) {
  const Json root = parse_json(json, what);
  return TokenizerReader(root, what).read();
}

}  // namespace tollgate::local_backend
