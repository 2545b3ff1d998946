// Reads SentencePiece's tokenizer.model: a protocol buffer (sentencepiece_model.proto) with pieces and their scores.
// BPE models without a table of character replacements; what else there is is refused by its name.
#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>
#include <unordered_map>

#include "local_backend/tokenizer_reading.h"
#include "local_backend/unicode.h"

namespace tollgate::local_backend {
namespace tokenizer_reading {
namespace {

constexpr std::size_t kMaxPieces = 2'000'000;
constexpr std::size_t kMaxPieceBytes = 512;

// The fields of one message, one after the other.
class Fields {
 public:
  Fields(std::string_view bytes, const std::string& what) : bytes_(bytes), what_(what) {}

  int number = 0;
  std::uint64_t value = 0;  // of a varint, or the bits of a fixed-size number
  std::string_view bytes;   // of a string or message

  // False at the end. Throws std::runtime_error when the message is cut or malformed.
  bool next() {
    if (bytes_.empty()) return false;
    const std::uint64_t tag = varint();
    number = static_cast<int>(std::min<std::uint64_t>(tag >> 3U, 1U << 29U));
    bytes = {};
    switch (tag & 7U) {
      case 0:
        value = varint();
        return true;
      case 1:
        value = fixed(8);
        return true;
      case 2:
        bytes = take(varint());
        return true;
      case 5:
        value = fixed(4);
        return true;
      default:
        refuse();
    }
  }

  float as_float() const { return __builtin_bit_cast(float, static_cast<std::uint32_t>(value)); }

 private:
  [[noreturn]] void refuse() const { throw std::runtime_error(what_ + ": is no SentencePiece model"); }

  std::string_view take(std::uint64_t size) {
    if (size > bytes_.size()) refuse();
    const std::string_view out = bytes_.substr(0, static_cast<std::size_t>(size));
    bytes_.remove_prefix(out.size());
    return out;
  }
  std::uint64_t varint() {
    std::uint64_t out = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1).front());
      out |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) return out;
    }
    refuse();
  }
  std::uint64_t fixed(unsigned size) {
    std::uint64_t out = 0;
    unsigned shift = 0;
    for (const char c : take(size)) {
      out |= std::uint64_t{static_cast<unsigned char>(c)} << shift;
      shift += 8;
    }
    return out;
  }

  std::string_view bytes_;
  const std::string& what_;
};

struct Piece {
  enum Type : std::uint64_t { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };
  std::string text;
  float score = 0;
  std::uint64_t type = normal;
};

class Reader {
 public:
  Reader(std::string_view file, const std::string& what) : file_(file), what_(what) {}

  TokenizerParts read() {
    for (Fields f(file_, what_); f.next();) {
      if (f.number == 1) read_piece(f.bytes);
      if (f.number == 2) read_trainer(f.bytes);
      if (f.number == 3) read_normalizer(f.bytes);
    }
    if (pieces_.empty()) refuse("has no pieces");
    if (model_type_ != 2)
      refuse("only BPE models are supported (this one is of type " + std::to_string(model_type_) + ")");
    out_.kind = "SentencePiece BPE";
    out_.strips_first_space = dummy_prefix_;
    out_.normalizer = normalizer();
    place_pieces();
    BpeOptions options;
    options.by_bytes = false;
    options.byte_fallback = byte_fallback_;
    options.unknown = unknown_;
    options.fuse_unknown = true;
    out_.bpe = std::make_unique<Bpe>(vocabulary_, merges(), options);
    return std::move(out_);
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const { throw std::runtime_error(what_ + ": " + why); }

  void read_piece(std::string_view message) {
    Piece piece;
    for (Fields f(message, what_); f.next();) {
      if (f.number == 1) piece.text = f.bytes;
      if (f.number == 2) piece.score = f.as_float();
      if (f.number == 3) piece.type = f.value;
    }
    const bool good = !piece.text.empty() && piece.text.size() <= kMaxPieceBytes &&
                      to_valid_utf8(piece.text) == piece.text && std::isfinite(piece.score);
    if (!good) refuse("piece " + std::to_string(pieces_.size()) + " is not valid");
    if (piece.type < Piece::normal || piece.type > Piece::byte || piece.type == Piece::unused) {
      refuse("pieces of type " + std::to_string(piece.type) + " are not supported");
    }
    if (pieces_.size() >= kMaxPieces) refuse("has too many pieces");
    pieces_.push_back(std::move(piece));
  }

  void read_trainer(std::string_view message) {
    for (Fields f(message, what_); f.next();) {
      if (f.number == 3) model_type_ = f.value;
      if (f.number == 24 && f.value != 0) refuse("treat_whitespace_as_suffix is not supported");
      if (f.number == 35) byte_fallback_ = f.value != 0;
    }
  }

  void read_normalizer(std::string_view message) {
    for (Fields f(message, what_); f.next();) {
      if (f.number == 2 && !f.bytes.empty()) refuse("a normalizer other than identity is not supported");
      if (f.number == 3) dummy_prefix_ = f.value != 0;
      if (f.number == 4) squeeze_ = f.value != 0;
      if (f.number == 5 && f.value == 0) refuse("escape_whitespaces must be on");
    }
  }

  TextSteps normalizer() const {
    std::vector<TextStep> steps;
    if (squeeze_) steps.push_back({TextStep::Kind::squeeze, {}, std::string(kSpaceMark), false});
    if (dummy_prefix_) steps.push_back({TextStep::Kind::prepend, {}, " ", true});
    steps.push_back({TextStep::Kind::replace, " ", std::string(kSpaceMark), false});
    return TextSteps(std::move(steps));
  }

  void place_pieces() {
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      const Piece& piece = pieces_[i];
      const int id = static_cast<int>(i);
      const bool special = piece.type == Piece::control || piece.type == Piece::unknown;
      const bool added = special || piece.type == Piece::user_defined;
      const bool byte = piece.type == Piece::byte;
      place(out_, id, {added ? piece.text : text_of_piece(piece.text, byte), added, special}, piece.text, what_);
      if (piece.type == Piece::unknown) unknown_ = id;
      if (added) {
        (special ? out_.added : out_.normalised_added).push_back({piece.text, id, special, false, false, false});
      } else if (!vocabulary_.emplace(piece.text, id).second) {
        refuse("the piece \"" + piece.text + "\" appears twice");
      }
    }
  }

  // The best-scored pair of neighbours is merged first: a piece's rank is that of its score, whatever its halves.
  std::vector<MergeRule> merges() const {
    std::map<float, int, std::greater<>> ranks;
    for (const Piece& piece : pieces_) ranks.emplace(piece.score, 0);
    int next = 0;
    for (auto& [score, rank] : ranks) rank = next++;
    std::vector<MergeRule> out;
    for (const Piece& piece : pieces_) {
      if (piece.type != Piece::normal) continue;
      const std::string_view text = piece.text;
      for (std::size_t at = decode_utf8(text, 0).length; at < text.size(); at += decode_utf8(text, at).length) {
        std::string left(text.substr(0, at));
        std::string right(text.substr(at));
        if (!mergeable(left) || !mergeable(right)) continue;
        out.push_back({std::move(left), std::move(right), ranks.at(piece.score)});
      }
    }
    return out;
  }

  // Byte pieces are no text: <0x0A> is found as a fallback only.
  bool mergeable(const std::string& text) const {
    const auto found = vocabulary_.find(text);
    return found != vocabulary_.end() && pieces_[static_cast<std::size_t>(found->second)].type == Piece::normal;
  }

  std::string_view file_;
  const std::string& what_;
  std::vector<Piece> pieces_;
  std::unordered_map<std::string, int> vocabulary_;
  std::uint64_t model_type_ = 1;  // the format's default: unigram
  bool byte_fallback_ = false;
  bool dummy_prefix_ = true;
  bool squeeze_ = true;
  int unknown_ = -1;
  TokenizerParts out_;
};

}  // namespace
}  // namespace tokenizer_reading

Tokenizer Tokenizer::parse_sentencepiece(std::string_view file, const std::string& what) {
  return Tokenizer(tokenizer_reading::Reader(file, what).read());
}

}  // namespace tollgate::local_backend
