#pragma once
// Calls about what a provider keeps for a department: files of a batch and batches, by names of ours. The gateway keeps
// nothing: a name says where the object is (gateway/auth/handles.h).
#include <memory>
#include <string>

#include "gateway/pipeline/services.h"
#include "gateway/server/exchange.h"
#include "providers/kept_objects.h"

namespace tollgate::pipeline {

// For the caller's department, at `provider`.
providers::KeptNames kept_names(const Services& services, const auth::Principal& who, std::string provider);

// Each answers the exchange, whatever happens; `api` is files or batches, `name` stands in the path.

// GET: the object. DELETE: what became of it.
net::Task<void> serve_kept(const Services& services, std::shared_ptr<const View> view, server::Exchange& exchange,
                           providers::Api api, std::string name);
// POST .../cancel
net::Task<void> serve_cancel(const Services& services, std::shared_ptr<const View> view, server::Exchange& exchange,
                             providers::Api api, std::string name);
// GET .../content: as it comes. What a batch has used is written to the ledger with its output, once.
net::Task<void> serve_content(const Services& services, std::shared_ptr<const View> view, server::Exchange& exchange,
                              providers::Api api, std::string name);
// POST: a batch of a file.
net::Task<void> serve_new_batch(const Services& services, std::shared_ptr<const View> view, server::Exchange& exchange,
                                providers::Api api, std::string name);
// GET: those of the department, from one provider after the other.
net::Task<void> serve_kept_list(const Services& services, std::shared_ptr<const View> view, server::Exchange& exchange,
                                providers::Api api, std::string name);

}  // namespace tollgate::pipeline
