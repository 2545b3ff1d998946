#pragma once
// From the engine's thread to the loop on which an answer is read. Internal to the local upstream.
#include <deque>
#include <functional>
#include <memory>
#include <utility>

#include "gateway/net/signal.h"
#include "local_backend/api.h"
#include "providers/upstream.h"

namespace tollgate::pipeline {

// Where events wait for the reader, each beside the number of the generation that it belongs to. Touched on the
// reader's loop only; the engine posts to it.
struct Mailbox {
  explicit Mailbox(net::Executor executor) : arrived(executor) {}
  std::deque<std::pair<std::size_t, local_backend::GenerateEvent>> events;
  net::Signal arrived;
  bool cancelled = false;
};

// A sink for the engine. The mailbox outlives its reader in posts that are under way.
std::function<void(local_backend::GenerateEvent)> into(std::shared_ptr<Mailbox> mailbox, net::Executor executor,
                                                       std::size_t generation = 0);

// REQUIRES: a failed one
Error to_error(const local_backend::GenerateEvent& event);

// The model was taken out of the configuration.
Error model_gone();

// Vectors for the texts of an embeddings call.
std::unique_ptr<providers::EventStream> local_embeddings(std::shared_ptr<local_backend::Engine> engine,
                                                         net::Executor executor, providers::AttemptRequest request);

}  // namespace tollgate::pipeline
