#pragma once
// Private to providers/identity: one fetch of a credential, as a coroutine of its own that its owner can walk away
// from.
#include <functional>
#include <memory>
#include <random>
#include <set>

#include "providers/identity/fetcher.h"

namespace tollgate::providers {

// Obtains a credential once. Called again for each try and each renewal.
using CredentialSource = std::function<net::Task<Result<Credential>>(Fetcher&)>;

struct FlightOptions {
  std::chrono::milliseconds limit{15'000};  // the whole of it, tries and pauses included
  int tries = 3;                            // of an error that may pass
  std::chrono::milliseconds pause{200};     // about that long before the second try, three times that before the next
};

class Flight;

// The flights of one loop.
class Flights {
 public:
  explicit Flights(net::Executor executor) : none_left_(std::move(executor)) {}
  bool closed() const { return closed_; }
  net::Task<void> close();

 private:
  friend class Flight;
  std::set<Flight*> under_way_;
  net::Signal none_left_;
  bool closed_ = false;
};

class Flight : public std::enable_shared_from_this<Flight> {
 public:
  using Landed = std::function<void(Result<Credential>)>;

  // `landed` is called once, never inside start(). `context` outlives the flight, which close() of `flights` sees to.
  static std::shared_ptr<Flight> start(std::shared_ptr<Flights> flights, const IdentityContext& context,
                                       TokenRoute route, CredentialSource source, FlightOptions options, Landed landed);
  // Ends it within a loop turn, with ErrorKind::cancelled. Idempotent.
  void stop();

 private:
  Flight(std::shared_ptr<Flights> flights, const IdentityContext& context, TokenRoute route, CredentialSource source,
         FlightOptions options, Landed landed);
  static net::Task<void> run(std::shared_ptr<Flight> self);
  net::Task<Result<Credential>> fetch();
  net::Task<void> rest(std::chrono::milliseconds time);
  void finish(Result<Credential> result);

  std::shared_ptr<Flights> flights_;
  Fetcher fetcher_;
  CredentialSource source_;
  FlightOptions options_;
  Landed landed_;
  std::minstd_rand random_{std::random_device{}()};
  net::Timer limit_;
  net::Timer pause_;
  bool timed_out_ = false;
};

}  // namespace tollgate::providers
