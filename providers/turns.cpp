#include "providers/turns.h"

#include <algorithm>
#include <utility>

namespace tollgate::providers {

using Part = CanonicalPart;
using Parts = std::vector<CanonicalPart>;

Status Turns::assistant(Parts parts) {
  turn_ = reading_.place;
  TG_CHECK(all_answered());
  for (Part& part : parts) {
    if (part.kind == Part::Kind::tool_result) return misplaced(words_.result, "user");
    if (part.kind != Part::Kind::tool_call) continue;
    if (part.id.empty()) part.id = "call_" + std::to_string(++invented_);
    waiting_.push_back({part.id, part.name});
  }
  if (!parts.empty()) push(Role::assistant, std::move(parts));
  return {};
}

Status Turns::user(Parts parts) {
  turn_ = reading_.place;
  Parts rest;
  for (Part& part : parts) {
    if (part.kind == Part::Kind::tool_call) return misplaced(words_.call, words_.assistant);
    if (part.kind == Part::Kind::reasoning) {
      if (!words_.reasoning.empty()) return misplaced(words_.reasoning, words_.assistant);
      part.kind = Part::Kind::text;
    }
    if (part.kind == Part::Kind::tool_result)
      TG_CHECK(result(std::move(part)));
    else
      rest.push_back(std::move(part));
  }
  if (rest.empty() && words_.results_apart) return {};
  TG_CHECK(all_answered());
  if (!rest.empty()) push(Role::user, std::move(rest));
  return {};
}

// By its id, or, as not every API has ids, by the function's name in the order of the calls.
Status Turns::result(Part part) {
  const auto call = std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& w) {
    return part.id.empty() ? w.name == part.name : w.id == part.id;
  });
  if (call == waiting_.end()) return invalid_value(reading_.place.path(words_.content), std::string(words_.stray));
  part.id = call->id;
  waiting_.erase(call);
  Parts parts;
  parts.push_back(std::move(part));
  push(Role::tool, std::move(parts));
  return {};
}

Status Turns::all_answered() const {
  if (waiting_.empty()) return {};
  return invalid_value(turn_.path(words_.unanswered_at), std::string(words_.unanswered));
}

Error Turns::misplaced(std::string_view what, std::string_view role) const {
  std::string message = "A ";
  message.append(what).append(" may only stand in ").append(words_.messages).append(" of role ").append(role);
  return invalid_value(reading_.place.path(words_.content), message + ".");
}

void Turns::push(Role role, Parts parts) {
  CanonicalMessage& message = reading_.out.messages.emplace_back();
  message.role = role;
  message.parts = std::move(parts);
}

}  // namespace tollgate::providers
