#include "local_backend/json_automaton.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

namespace tollgate::local_backend {
namespace {

constexpr int kUnknown = -2;
constexpr int kMaxDepth = 64;  // calls inside calls: a bound for nested texts
constexpr std::size_t kMaxPlaces = 4096;
constexpr std::size_t kMaxStates = 16'384;
constexpr std::size_t kMaxHeld = 2'000'000;  // places of all states: 32 MB

using Kind = Grammar::Edge::Kind;

}  // namespace

TokenOrder::TokenOrder(const Tokenizer& tokenizer) : vocabulary(static_cast<std::size_t>(tokenizer.size())) {
  for (int id = 0; id < tokenizer.size(); ++id) {
    if (!tokenizer.bytes_of(id).empty()) entries.push_back({tokenizer.bytes_of(id), id, 0});
  }
  std::ranges::sort(entries, {}, &Entry::bytes);
  for (std::size_t i = 1; i < entries.size(); ++i) {
    const std::string_view before = entries[i - 1].bytes;
    const auto differs = std::ranges::mismatch(before, entries[i].bytes);
    entries[i].shared = static_cast<std::size_t>(differs.in1 - before.begin());
  }
}

JsonAutomaton::JsonAutomaton(Grammar grammar, const TokenOrder& tokens, std::int64_t most_work)
    : grammar_(std::move(grammar)), tokens_(tokens), most_work_(most_work), ends_(grammar_.nodes.size()) {
  for (const Grammar::Rule& rule : grammar_.rules) ends_[static_cast<std::size_t>(rule.end)] = true;
  (void)close({{grammar_.rules.front().start, -1}});
}

int JsonAutomaton::advance(int state, std::string_view bytes) {
  for (const char c : bytes) {
    if (state == kDead) break;
    state = step(state, static_cast<std::uint8_t>(c));
  }
  return state;
}

int JsonAutomaton::step(int state, std::uint8_t byte) {
  if (const int known = at(state).next[byte]; known != kUnknown) return known;
  if (work_left_ <= 0) return kDead;  // for this mask, which is given up
  work_left_ -= static_cast<std::int64_t>(at(state).places.size());
  std::vector<Place> open;
  for (const auto& [node, stack] : at(state).places) {
    for (const Grammar::Edge& edge : grammar_.nodes[static_cast<std::size_t>(node)]) {
      if (edge.kind == Kind::bytes && byte >= edge.low && byte <= edge.high) open.emplace_back(edge.target, stack);
    }
  }
  const int next = open.empty() ? kDead : close(std::move(open));
  return at(state).next[byte] = next;
}

// The state of all places that are reached from these without reading.
int JsonAutomaton::close(std::vector<Place> open) {
  std::set<Place> seen(open.begin(), open.end());
  auto state = std::make_unique<State>();
  const auto add = [&](const Place& place) {
    if (seen.insert(place).second) open.push_back(place);
  };
  while (!open.empty() && seen.size() <= kMaxPlaces) {
    const auto [node, stack] = open.back();
    open.pop_back();
    if (ends_[static_cast<std::size_t>(node)]) {
      if (stack < 0) {
        state->accepts = true;
      } else {
        const Frame& back = frames_[static_cast<std::size_t>(stack)];
        add({back.node, back.parent});
      }
    }
    bool reads = false;
    for (const Grammar::Edge& edge : grammar_.nodes[static_cast<std::size_t>(node)]) {
      reads = reads || edge.kind == Kind::bytes;
      if (edge.kind == Kind::jump) add({edge.target, stack});
      if (edge.kind != Kind::call) continue;
      const int inside = frame(stack, edge.target);
      if (inside >= 0) add({grammar_.rules[static_cast<std::size_t>(edge.rule)].start, inside});
    }
    if (reads) state->places.emplace_back(node, stack);
  }
  work_left_ -= static_cast<std::int64_t>(seen.size());
  const bool too_many = seen.size() > kMaxPlaces || states_.size() >= kMaxStates;
  if (too_many || held_ + state->places.size() > kMaxHeld) return kDead;
  std::ranges::sort(state->places);
  const auto [known, fresh] = known_.try_emplace({state->places, state->accepts}, static_cast<int>(states_.size()));
  if (!fresh) return known->second;
  held_ += state->places.size();
  state->next.fill(kUnknown);
  states_.push_back(std::move(state));
  return known->second;
}

int JsonAutomaton::frame(int parent, int node) {
  const int depth = parent < 0 ? 1 : frames_[static_cast<std::size_t>(parent)].depth + 1;
  if (depth > kMaxDepth) return -1;
  const auto [known, fresh] = known_frames_.try_emplace({parent, node}, static_cast<int>(frames_.size()));
  if (fresh) frames_.push_back({parent, node, depth});
  return known->second;
}

const TokenMask* JsonAutomaton::mask(int state, std::span<const int> enders) {
  if (at(state).mask) return at(state).mask.get();
  work_left_ = most_work_;
  auto mask = std::make_unique<TokenMask>(tokens_.vocabulary, false);
  std::vector<int> path = {state};  // the states after each byte of the token looked at last, as far as it was allowed
  std::size_t shared = std::numeric_limits<std::size_t>::max();  // bytes in common with it
  for (const TokenOrder::Entry& token : tokens_.entries) {
    shared = std::min(shared, token.shared);
    if (shared >= path.size()) continue;  // fails where that one failed
    path.resize(shared + 1);
    while (path.size() <= token.bytes.size()) {
      const int next = step(path.back(), static_cast<std::uint8_t>(token.bytes[path.size() - 1]));
      if (next == kDead) break;
      path.push_back(next);
    }
    (*mask)[static_cast<std::size_t>(token.id)] = path.size() == token.bytes.size() + 1;
    shared = std::numeric_limits<std::size_t>::max();
  }
  if (std::exchange(work_left_, kNoLimit) <= 0) return nullptr;
  for (const int id : enders) {
    if (static_cast<std::size_t>(id) < mask->size()) (*mask)[static_cast<std::size_t>(id)] = accepts(state);
  }
  at(state).mask = std::move(mask);
  return at(state).mask.get();
}

}  // namespace tollgate::local_backend
