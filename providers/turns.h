#pragma once
// Turns of a conversation, in APIs whose messages hold calls of tools and the results of them: each call is answered in
// the message after it. Internal to providers/.
#include <string>
#include <string_view>
#include <vector>

#include "providers/canonical_reading.h"

namespace tollgate::providers {

// How an API calls things, for its refusals.
struct TurnWords {
  std::string_view call;       // "toolUse block"
  std::string_view result;     // "toolResult block"
  std::string_view reasoning;  // empty: a user may send back a model's thoughts, as text
  std::string_view messages;   // "messages"
  std::string_view assistant;  // the role
  std::string_view content;    // the member of a message that holds it all
  std::string_view stray;      // a result that answers nothing: what is wrong, and what to do
  std::string_view unanswered;
  std::string_view unanswered_at = {};  // the member that this is said of; empty: the message
  bool results_apart = false;           // the results of one message's calls may come in several messages
};

// Appends messages to reading.out. Results go first, whatever stands before them in their message.
class Turns {
 public:
  Turns(Reading& reading, const TurnWords& words) : reading_(reading), words_(words) {}

  Status assistant(std::vector<CanonicalPart> parts);
  Status user(std::vector<CanonicalPart> parts);
  void push(Role role, std::vector<CanonicalPart> parts);
  // Error: a call has no result. To be asked at the end, too.
  Status all_answered() const;

 private:
  struct Waiting {
    std::string id;
    std::string name;
  };
  Status result(CanonicalPart part);
  Error misplaced(std::string_view what, std::string_view role) const;

  Reading& reading_;
  const TurnWords& words_;
  Place turn_;                    // the latest
  std::vector<Waiting> waiting_;  // calls without a result yet
  int invented_ = 0;              // ids of calls that came without one
};

}  // namespace tollgate::providers
