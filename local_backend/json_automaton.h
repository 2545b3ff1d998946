#pragma once
// Which tokens may come next, so that an answer follows a grammar. Walks the grammar as a pushdown automaton and
// remembers each situation it has met: the next time, a byte costs one look-up.
#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "local_backend/json_grammar.h"
#include "local_backend/sampler.h"
#include "local_backend/tokenizer.h"

namespace tollgate::local_backend {

// A vocabulary in the order of its bytes: tokens that begin alike stand together, and what they share is looked at
// once. Views into the tokenizer, which must outlive it.
struct TokenOrder {
  struct Entry {
    std::string_view bytes;
    int id;
    std::size_t shared;  // bytes it has in common with the entry before
  };
  TokenOrder() = default;
  explicit TokenOrder(const Tokenizer& tokenizer);
  std::vector<Entry> entries;
  std::size_t vocabulary = 0;
};

// For one request: all its choices share it. One thread at a time.
class JsonAutomaton {
 public:
  static constexpr int kStart = 0;
  static constexpr int kDead = -1;

  // Places in the grammar that may be looked at for one mask: the engine's thread makes them, so others wait.
  static constexpr std::int64_t kMostWork = 300'000;

  // `tokens` must outlive it.
  JsonAutomaton(Grammar grammar, const TokenOrder& tokens, std::int64_t most_work = kMostWork);

  // False where the grammar is too manifold from its first byte on: nothing else may be called then.
  bool usable() const { return !states_.empty(); }
  // The state after these bytes; kDead where the grammar does not allow them, or is too deep or too manifold here.
  int advance(int state, std::string_view bytes);
  // The text may end here.
  bool accepts(int state) const { return state >= 0 && at(state).accepts; }
  // It has to.
  bool complete(int state) const { return accepts(state) && at(state).places.empty(); }
  // `enders` are allowed where the text may end. Null: the grammar is too manifold here, and would take too long.
  // REQUIRES: the same enders at each call; state != kDead
  const TokenMask* mask(int state, std::span<const int> enders);

 private:
  // A node of the grammar, and the calls that led there (an index into frames_; -1: none).
  using Place = std::pair<int, int>;
  static constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();
  struct State {
    std::vector<Place> places;  // those where a byte may be read, sorted
    bool accepts = false;
    std::array<int, 256> next;
    std::unique_ptr<TokenMask> mask;
  };
  struct Frame {
    int parent;
    int node;  // where to go on
    int depth;
  };
  State& at(int state) { return *states_[static_cast<std::size_t>(state)]; }
  const State& at(int state) const { return *states_[static_cast<std::size_t>(state)]; }
  int step(int state, std::uint8_t byte);
  int close(std::vector<Place> open);
  int frame(int parent, int node);

  Grammar grammar_;
  const TokenOrder& tokens_;
  std::int64_t most_work_;
  std::int64_t work_left_ = kNoLimit;  // of the mask under way
  std::vector<bool> ends_;             // by node: the end of a rule
  std::vector<std::unique_ptr<State>> states_;
  std::size_t held_ = 0;  // places of all states
  std::map<std::pair<std::vector<Place>, bool>, int> known_;
  std::vector<Frame> frames_;
  std::map<std::pair<int, int>, int> known_frames_;
};

}  // namespace tollgate::local_backend
