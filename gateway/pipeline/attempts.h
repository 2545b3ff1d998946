#pragma once
// The last stages of a call: try its candidates in order until one answers, relay, settle, record.
#include "gateway/pipeline/client_form.h"
#include "gateway/pipeline/report.h"
#include "gateway/pipeline/screen.h"
#include "gateway/pipeline/services.h"
#include "gateway/server/exchange.h"
#include "providers/call.h"
#include "routing/routing.h"

namespace tollgate::pipeline {

// Everything the attempts need, by value or by reference into the call's frame.
struct Dispatch {
  const Services& services;
  const View& view;
  server::Exchange& exchange;
  std::shared_ptr<const providers::Call> call;
  const Screened& screened;
  const config::Model& model;
  const auth::Principal& who;
  std::int64_t estimated_input;      // tokens
  server::HeaderLines headers;       // of the answer, rate limits included
  std::shared_ptr<ClientForm> form;  // instead of the call's body; what it finds goes into `screened`
};

// Tries the candidates. ok: the client has its answer, whole or cut (an error event has told it). Error: nothing was
// sent, the caller answers with it. `ticket` is settled here in every case.
net::Task<Status> run_attempts(Dispatch dispatch, routing::AttemptPolicy policy, ratelimit::Ticket ticket,
                               Report& report);

}  // namespace tollgate::pipeline
