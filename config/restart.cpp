// What a reload leaves as it is. A setting that facts.cpp marks as needing a restart is kept here.
#include "config/load.h"

namespace tollgate::config {
namespace {

// With or without TLS is decided at start; a certificate for the one that is served may still be missing in `next`.
void keep_listener(const Listen& running, Listen& next) {
  next.address = running.address;
  next.port = running.port;
  if (next.plaintext == running.plaintext) return;
  next.plaintext = running.plaintext;
  next.certificate_pem = running.certificate_pem;
  next.key_pem = running.key_pem;
}

}  // namespace

std::shared_ptr<const Snapshot> without_restart(const Snapshot& running, const Snapshot& wanted) {
  auto next = std::make_shared<Snapshot>(wanted);
  next->organisation = running.organisation;
  next->state_directory = running.state_directory;
  next->workers = running.workers;
  next->master_key = running.master_key;
  keep_listener(running.listen, next->listen);
  next->ops = running.ops;
  next->admin = running.admin;
  next->log.file = running.log.file;
  next->redis = running.redis;
  next->ledger = running.ledger;
  next->postgres_ledger = running.postgres_ledger;
  next->credentials = running.credentials;
  return next;
}

}  // namespace tollgate::config
