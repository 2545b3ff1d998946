#include "gateway/process/reloader.h"

#include "config/load.h"
#include "gateway/process/tenant_keys.h"

namespace tollgate::process {
namespace {

std::shared_ptr<const pii::Pseudonymiser> names_for(const config::Snapshot& snapshot, const std::string& department) {
  const auto key = [&](std::uint64_t epoch) { return pseudonym_key(*snapshot.master_key, department, epoch); };
  const std::uint64_t epoch = snapshot.pii_key_epoch;
  return std::make_shared<const pii::Pseudonymiser>(key(epoch), epoch > 1 ? key(epoch - 1) : Secret());
}

}  // namespace

Prepared prepare(const std::filesystem::path& config_file, const std::shared_ptr<const config::Snapshot>& running) {
  Prepared out;
  config::LoadOptions options;
  options.previous = running;
  auto loaded = config::load(config_file, options);
  for (const auto& problem : loaded.problems) out.lines.push_back(problem.to_string());
  if (!loaded.snapshot) return out;

  if (running) {
    out.lines = config::semantic_diff(*running, *loaded.snapshot);
    loaded.snapshot = config::without_restart(*running, *loaded.snapshot);
  }
  const auto& snapshot = *loaded.snapshot;
  if (!snapshot.listen.plaintext) {
    auto tls = net::server_tls(snapshot.listen.certificate_pem, *snapshot.listen.key_pem);
    if (!tls) {
      out.lines = {"listen.tls: " + tls.error().message};
      return out;
    }
    out.published.tls = *std::move(tls);
  }
  for (const auto& [id, department] : snapshot.departments) out.published.pseudonymisers[id] = names_for(snapshot, id);
  out.published.snapshot = std::move(loaded.snapshot);
  out.ok = true;
  return out;
}

}  // namespace tollgate::process
