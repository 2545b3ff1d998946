#pragma once
// A transport that notes what passes: for checks, never for callers' traffic.
#include <memory>
#include <vector>

#include "gateway/process/check/evidence.h"
#include "providers/transport.h"

namespace tollgate::process {

// What was seen since the last take(). Shared by the transports of one loop; not thread-safe.
class Watch {
 public:
  explicit Watch(const Clock& clock) : clock_(clock) {}
  std::shared_ptr<SeenExchange> begin(std::shared_ptr<const providers::Endpoint> endpoint);
  std::vector<SeenExchange> take();
  SystemTime now() const { return clock_.system_now(); }

 private:
  const Clock& clock_;
  std::vector<std::shared_ptr<SeenExchange>> seen_;
};

// `inner` does the work. `watch` outlives it.
std::unique_ptr<providers::Transport> watched(std::unique_ptr<providers::Transport> inner, Watch& watch);

}  // namespace tollgate::process
