// keys create|list|rotate|revoke: credentials in the store. A running gateway sees a change within five seconds.
#include <date/date.h>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <chrono>
#include <cstdio>
#include <memory>

#include "config/scalars.h"
#include "gateway/auth/store.h"
#include "gateway/cli/commands.h"
#include "gateway/cli/common.h"

namespace tollgate::cli {
namespace {

std::int64_t now_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string show_time(std::int64_t seconds) {
  if (seconds == 0) return "-";
  return date::format("%FT%TZ", date::sys_seconds(std::chrono::seconds(seconds)));
}

std::string state_of(const auth::Credential& c, std::int64_t now) {
  if (c.revoked_at != 0 && c.revoked_at <= now) return "revoked";
  if (c.expires_at != 0 && c.expires_at <= now) return "expired";
  return c.not_before > now ? "not yet valid" : "valid";
}

// One that is missing is said: every call with the key is refused.
std::string show_policy(const config::Snapshot& snapshot, const auth::Credential& c) {
  if (c.pii.empty()) return "-";
  return snapshot.pii_policies.contains(c.pii) ? c.pii : c.pii + " (missing)";
}

struct Opened {
  std::shared_ptr<const config::Snapshot> snapshot;
  std::unique_ptr<auth::CredentialStore> store;
};

Opened open(const std::string& file) {
  static NullLog log;
  Opened out;
  out.snapshot = load_or_complain(file, false);
  if (!out.snapshot) return out;
  std::error_code ignored;
  std::filesystem::create_directories(out.snapshot->state_directory, ignored);
  auto store = auth::open_store(out.snapshot->credentials, log);
  if (store)
    out.store = *std::move(store);
  else
    complain(store.error().message);
  return out;
}

struct CreateOptions {
  std::string department, application, note, created_by, expires, pii;
};

Status check_owner(const config::Snapshot& snapshot, const std::string& department, const std::string& application) {
  const auto it = snapshot.departments.find(department);
  if (it == snapshot.departments.end())
    return Error{ErrorKind::not_found, "department '" + department + "' is not configured"};
  if (it->second->application(application) == nullptr)
    return Error{ErrorKind::not_found, "department '" + department + "' has no application '" + application + "'"};
  return {};
}

Status check_policy(const config::Snapshot& snapshot, const std::string& name) {
  if (name.empty() || snapshot.pii_policies.contains(name)) return {};
  return Error{ErrorKind::not_found, "--pii: policy '" + name + "' is not configured"};
}

// Stores a new key and prints it: the only time it can be seen.
int store_and_show(Opened& opened, auth::Credential credential) {
  const auth::KeyHasher hasher(*opened.snapshot->master_key);
  auto fresh = auth::mint_key();
  credential.id = fresh.id;
  credential.hash = hasher.hash(fresh.key.reveal());
  credential.pepper_id = hasher.pepper_id();
  credential.created_at = now_seconds();
  if (auto added = opened.store->add(credential); !added) return complain(added.error().message);
  std::fprintf(stderr, "key %s for %s/%s; it is shown once:\n", credential.id.c_str(), credential.department.c_str(),
               credential.application.c_str());
  std::printf("%.*s\n", static_cast<int>(fresh.key.reveal().size()), fresh.key.reveal().data());
  return 0;
}

int create(const std::string& file, const CreateOptions& options) {
  auto opened = open(file);
  if (!opened.store) return 1;
  if (auto ok = check_owner(*opened.snapshot, options.department, options.application); !ok)
    return complain(ok.error().message);
  if (auto ok = check_policy(*opened.snapshot, options.pii); !ok) return complain(ok.error().message);
  auth::Credential credential;
  credential.department = options.department;
  credential.application = options.application;
  credential.note = options.note;
  credential.pii = options.pii;
  credential.created_by = options.created_by;
  if (!options.expires.empty()) {
    const auto life = config::parse_duration(options.expires);
    if (!life) return complain("--expires: expected a duration such as 90d");
    credential.expires_at = now_seconds() + std::chrono::duration_cast<std::chrono::seconds>(*life).count();
  }
  return store_and_show(opened, std::move(credential));
}

int list(const std::string& file) {
  auto opened = open(file);
  if (!opened.store) return 1;
  auto rows = opened.store->list();
  if (!rows) return complain(rows.error().message);
  const auto now = now_seconds();
  constexpr const char* kLine = "%-14s %-20s %-20s %-13s %-20s %-20s %-12s %s\n";
  std::printf(kLine, "ID", "DEPARTMENT", "APPLICATION", "STATE", "CREATED", "EXPIRES", "POLICY", "NOTE");
  for (const auto& c : *rows)
    std::printf(kLine, c.id.c_str(), c.department.c_str(), c.application.c_str(), state_of(c, now).c_str(),
                show_time(c.created_at).c_str(), show_time(c.expires_at).c_str(),
                show_policy(*opened.snapshot, c).c_str(), c.note.c_str());
  return 0;
}

int rotate(const std::string& file, const std::string& id, const std::string& overlap) {
  auto opened = open(file);
  if (!opened.store) return 1;
  const auto keep = config::parse_duration(overlap);
  if (!keep) return complain("--overlap: expected a duration such as 7d");
  auto rows = opened.store->list();
  if (!rows) return complain(rows.error().message);
  for (const auto& old : *rows) {
    if (old.id != id) continue;
    const auto ends = now_seconds() + std::chrono::duration_cast<std::chrono::seconds>(*keep).count();
    auth::Credential next = old;
    next.expires_at = 0;
    next.revoked_at = 0;
    next.last_used_day = 0;
    if (const int failed = store_and_show(opened, std::move(next)); failed != 0) return failed;
    if (auto expired = opened.store->expire(id, ends); !expired) return complain(expired.error().message);
    std::fprintf(stderr, "the old key %s works until %s\n", id.c_str(), show_time(ends).c_str());
    return 0;
  }
  return complain("no key with id '" + id + "'; `tollgate keys list` shows them");
}

int revoke(const std::string& file, const std::string& id) {
  auto opened = open(file);
  if (!opened.store) return 1;
  if (auto revoked = opened.store->revoke(id, now_seconds()); !revoked) return complain(revoked.error().message);
  std::printf("key %s is revoked; running gateways refuse it within 5 s\n", id.c_str());
  return 0;
}

}  // namespace

void add_keys(CLI::App& app, Context& context) {
  auto* keys = app.add_subcommand("keys", "Create, list, rotate and revoke API keys (works on the credential store)");
  keys->require_subcommand(1);
  auto file = std::make_shared<std::string>();
  add_config_option(*keys, *file);
  keys->fallthrough();

  auto options = std::make_shared<CreateOptions>();
  auto* c = keys->add_subcommand("create", "Make a key for an application; prints it once");
  c->add_option("--department", options->department, "Department that pays")->required();
  c->add_option("--application", options->application, "Application the key is for")->required();
  c->add_option("--expires", options->expires, "Life of the key, such as 90d; default: no end");
  c->add_option("--pii", options->pii, "Policy for personal data of this key alone; joins its application's");
  c->add_option("--note", options->note, "Free text for the list");
  c->add_option("--created-by", options->created_by, "Who asked for it");
  c->callback([file, options, &context] { context.exit_code = create(*file, *options); });

  auto* l = keys->add_subcommand("list", "Show all keys (never their secrets)");
  l->callback([file, &context] { context.exit_code = list(*file); });

  auto id = std::make_shared<std::string>();
  auto overlap = std::make_shared<std::string>("7d");
  auto* r = keys->add_subcommand("rotate", "Make a successor for a key; the old one keeps working for a while");
  r->add_option("id", *id, "Id of the key, as listed")->required();
  r->add_option("--overlap", *overlap, "How long the old key keeps working")->capture_default_str();
  r->callback([file, id, overlap, &context] { context.exit_code = rotate(*file, *id, *overlap); });

  auto* v = keys->add_subcommand("revoke", "Make a key useless now");
  v->add_option("id", *id, "Id of the key, as listed")->required();
  v->callback([file, id, &context] { context.exit_code = revoke(*file, *id); });
}

}  // namespace tollgate::cli
