// Reads tokenizer.json: takes what this runtime implements, and refuses everything else by its name.
#include <algorithm>
#include <array>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>

#include "local_backend/tokenizer_reading.h"
#include "local_backend/unicode.h"

namespace tollgate::local_backend {
namespace tokenizer_reading {
namespace {

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

class Reader {
 public:
  Reader(const Json& root, const std::string& what) : root_(root, what), what_(what) {}

  TokenizerParts read() {
    if (!root_.json().is(Json::Kind::object)) root_.refuse("is no JSON object");
    for (const char* part : {"truncation", "padding"}) {
      if (root_.json().find_set(part) != nullptr) root_.refuse(std::string(part) + " is not supported");
    }
    read_text_steps(root_, out_, by_bytes_);
    read_decoder(root_, by_bytes_, out_);
    out_.kind = by_bytes_ ? "byte-level BPE" : "BPE";
    read_added();
    read_model();
    return std::move(out_);
  }

 private:
  void read_added() {
    const Json* added = root_.json().find_set("added_tokens");
    if (added == nullptr) return;
    if (!added->is(Json::Kind::array) || added->items.size() > 100'000) root_.refuse("added_tokens is no list");
    for (const Json& json : added->items) add(root_.item(json));
  }

  // A special token is looked for in the text as it comes, whatever `normalized` says: what the user wrote must not
  // become one by normalisation.
  void add(const Section& token) {
    AddedToken out;
    out.spelling = token.member("content", Json::Kind::string).string;
    if (out.spelling.empty()) token.refuse("an added token is empty");
    out.id = id_of(token.member("id", Json::Kind::integer), out.spelling);
    out.special = token.member("special", Json::Kind::boolean).boolean;
    out.left_strip = token.flag("lstrip", false);
    out.right_strip = token.flag("rstrip", false);
    out.single_word = token.flag("single_word", false);
    if (!added_.try_emplace(out.spelling, out.id, out.special).second) {
      token.refuse("the added token \"" + out.spelling + "\" appears twice");
    }
    place(out_, out.id, {out.spelling, true, out.special}, out.spelling, what_);
    if (out.special || !token.flag("normalized", false)) {
      out_.added.push_back(std::move(out));
    } else {
      out.spelling = out_.normalizer.apply(out.spelling, true);
      if (!out.spelling.empty()) out_.normalised_added.push_back(std::move(out));
    }
  }

  int id_of(const Json& value, const std::string& spelling) const {
    if (!value.is(Json::Kind::integer) || value.integer < 0 || value.integer > kMaxId) {
      root_.refuse("the id of \"" + spelling + "\" is no token id");
    }
    return static_cast<int>(value.integer);
  }

  void check_model(const Section& model) const {
    if (model.type() != "BPE") model.refuse("model \"" + model.type() + "\" is not supported");
    if (model.json().find_set("dropout") != nullptr) model.refuse("dropout is not supported");
    for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
      if (!model.text(key, "").empty()) model.refuse(std::string(key) + " is not supported");
    }
    if (!by_bytes_) return;
    for (const char* key : {"byte_fallback", "fuse_unk"}) model.require_flag(key, false);
    if (model.json().find_set("unk_token") != nullptr) model.refuse("unk_token with ByteLevel is not supported");
  }

  void read_model() {
    const Section model = root_.section("model");
    check_model(model);
    BpeOptions options;
    options.by_bytes = by_bytes_;
    options.ignore_merges = model.flag("ignore_merges", false);
    options.byte_fallback = model.flag("byte_fallback", false);
    options.fuse_unknown = model.flag("fuse_unk", false);
    auto vocabulary = read_vocabulary(model, options.byte_fallback);
    options.unknown = unknown_id(model.text("unk_token", ""), vocabulary);
    std::vector<MergeRule> merges;
    for (const Json& merge : model.member("merges", Json::Kind::array).items) {
      merges.push_back(merge_of(merge, static_cast<int>(merges.size())));
    }
    try {
      out_.bpe = std::make_unique<Bpe>(std::move(vocabulary), merges, options);
    } catch (const std::runtime_error& error) {
      root_.refuse(error.what());
    }
  }

  // Some files list added tokens in both places. A special one stays out of the vocabulary: no text may become it.
  std::unordered_map<std::string, int> read_vocabulary(const Section& model, bool byte_fallback) {
    std::unordered_map<std::string, int> vocabulary;
    const Json& pieces = model.member("vocab", Json::Kind::object);
    for (std::size_t i = 0; i < pieces.keys.size(); ++i) {
      const std::string& spelling = pieces.keys[i];
      const int id = id_of(pieces.items[i], spelling);
      const auto added = added_.find(spelling);
      if (added != added_.end() && added->second.special) continue;
      std::string text = spelling;
      if (by_bytes_ && !spelled_bytes(spelling, text)) {
        if (added != added_.end()) continue;
        root_.refuse("\"" + spelling + "\" is no byte-level piece");
      }
      if (text.empty()) root_.refuse("\"\" is no piece");
      if (added == added_.end()) {
        place(out_, id, {by_bytes_ ? text : text_of_piece(text, byte_fallback), false, false}, spelling, what_);
      }
      vocabulary.emplace(std::move(text), id);
    }
    return vocabulary;
  }

  int unknown_id(const std::string& token, const std::unordered_map<std::string, int>& vocabulary) const {
    if (token.empty()) return -1;
    if (const auto added = added_.find(token); added != added_.end()) return added->second.id;
    const auto found = vocabulary.find(token);
    if (found == vocabulary.end()) root_.refuse("unk_token is not in the vocabulary");
    return found->second;
  }

  // Old files write "a b", newer ones ["a", "b"].
  MergeRule merge_of(const Json& merge, int rank) const {
    MergeRule out{{}, {}, rank};
    if (merge.is(Json::Kind::array) && merge.items.size() == 2) {
      out.left = merge.items[0].string;
      out.right = merge.items[1].string;
    } else if (const std::size_t space = merge.string.find(' '); space != std::string::npos) {
      out.left = merge.string.substr(0, space);
      out.right = merge.string.substr(space + 1);
    }
    for (std::string* part : {&out.left, &out.right}) {
      std::string bytes = *part;
      const bool good = !part->empty() && (!by_bytes_ || spelled_bytes(*part, bytes));
      if (!good) root_.refuse("a merge is no pair of pieces");
      *part = std::move(bytes);
    }
    return out;
  }

  struct Added {
    Added(int an_id, bool is_special) : id(an_id), special(is_special) {}
    int id;
    bool special;
  };
  Section root_;
  const std::string& what_;
  TokenizerParts out_;
  bool by_bytes_ = true;
  std::unordered_map<std::string, Added> added_;
};

}  // namespace

void place(TokenizerParts& parts, int id, TokenizerParts::Piece piece, const std::string& spelling,
           const std::string& what) {
  const auto at = static_cast<std::size_t>(id);
  if (at >= parts.pieces.size()) parts.pieces.resize(at + 1);
  if (!parts.pieces[at].bytes.empty()) throw std::runtime_error(what + ": the id of \"" + spelling + "\" is taken");
  parts.pieces[at] = std::move(piece);
}

std::string text_of_piece(std::string_view spelling, bool byte_fallback) {
  if (byte_fallback && spelling.size() == 6 && spelling.starts_with("<0x")) {
    for (unsigned b = 0; b < 256; ++b) {
      if (byte_piece(static_cast<unsigned char>(b)) == spelling) return std::string(1, static_cast<char>(b));
    }
  }
  const TextSteps marks({{TextStep::Kind::replace, std::string(kSpaceMark), " ", false}});
  return marks.apply(std::string(spelling), false);
}

}  // namespace tokenizer_reading

Tokenizer Tokenizer::parse(std::string_view json, const std::string& what) {
  const Json root = parse_json(json, what);
  return Tokenizer(tokenizer_reading::Reader(root, what).read());
}

}  // namespace tollgate::local_backend
