// keys create|list|rotate|revoke: credentials in the store. A running gateway sees a change within five seconds.
#include <date/date.h>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

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

// A gateway notes the day, not the call.
std::string show_day(std::int64_t day) { return day == 0 ? "-" : date::format("%F", date::sys_days(date::days(day))); }

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

// `problem`, and the name that was meant, where one is near enough.
Error unknown_name(std::string problem, const std::string& name, const std::vector<std::string_view>& known) {
  return {ErrorKind::not_found, std::move(problem) + config::did_you_mean(name, known)};
}

Status check_department(const config::Snapshot& snapshot, const std::string& department) {
  if (snapshot.departments.contains(department)) return {};
  std::vector<std::string_view> known;
  for (const auto& [id, ignored] : snapshot.departments) known.push_back(id);
  return unknown_name("department '" + department + "' is not configured", department, known);
}

Status check_owner(const config::Snapshot& snapshot, const std::string& department, const std::string& application) {
  TG_CHECK(check_department(snapshot, department));
  const auto& owner = *snapshot.departments.at(department);
  if (owner.application(application) != nullptr) return {};
  std::vector<std::string_view> known;
  for (const auto& other : owner.applications) known.push_back(other.id);
  return unknown_name("department '" + department + "' has no application '" + application + "'", application, known);
}

Status check_policy(const config::Snapshot& snapshot, const std::string& name) {
  if (name.empty() || snapshot.pii_policies.contains(name)) return {};
  std::vector<std::string_view> known;
  for (const auto& [id, ignored] : snapshot.pii_policies) known.push_back(id);
  return unknown_name("--pii: policy '" + name + "' is not configured", name, known);
}

// What `keys list` prints must not steer a terminal or fake another line.
Status check_text(const char* option, const std::string& text) {
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  if (std::none_of(text.begin(), text.end(), control)) return {};
  return Error{ErrorKind::invalid_request, std::string(option) + ": expected one line without control characters"};
}

// When a key ends that starts now. A life of less than a second would be over before the key could be used.
Result<std::int64_t> end_of_life(const std::string& life) {
  const auto duration = config::parse_duration(life);
  if (!duration || *duration < std::chrono::seconds(1))
    return Error{ErrorKind::invalid_request, "--expires: expected a duration of a second or more, such as 90d"};
  return now_seconds() + std::chrono::duration_cast<std::chrono::seconds>(*duration).count();
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
  if (auto ok = check_text("--note", options.note); !ok) return complain(ok.error().message);
  if (auto ok = check_text("--created-by", options.created_by); !ok) return complain(ok.error().message);
  auth::Credential credential;
  credential.department = options.department;
  credential.application = options.application;
  credential.note = options.note;
  credential.pii = options.pii;
  credential.created_by = options.created_by;
  if (!options.expires.empty()) {
    const auto ends = end_of_life(options.expires);
    if (!ends) return complain(ends.error().message);
    credential.expires_at = *ends;
  }
  return store_and_show(opened, std::move(credential));
}

nlohmann::json to_json(const auth::Credential& c, std::int64_t now) {
  const auto time = [](std::int64_t at) { return at == 0 ? nlohmann::json() : nlohmann::json(show_time(at)); };
  const auto name = [](const std::string& text) { return text.empty() ? nlohmann::json() : nlohmann::json(text); };
  return {{"id", c.id},
          {"department", c.department},
          {"application", c.application},
          {"state", state_of(c, now)},
          {"created_at", time(c.created_at)},
          {"created_by", name(c.created_by)},
          {"not_before", time(c.not_before)},
          {"expires_at", time(c.expires_at)},
          {"revoked_at", time(c.revoked_at)},
          {"last_used", c.last_used_day == 0 ? nlohmann::json() : nlohmann::json(show_day(c.last_used_day))},
          {"pii", name(c.pii)},
          {"note", name(c.note)}};
}

void print_json(const std::vector<auth::Credential>& keys, std::int64_t now) {
  auto all = nlohmann::json::array();
  for (const auto& c : keys) all.push_back(to_json(c, now));
  std::printf("%s\n", all.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

void print_table(const std::vector<auth::Credential>& keys, const config::Snapshot& snapshot, std::int64_t now) {
  constexpr const char* kLine = "%-14s %-20s %-20s %-13s %-20s %-20s %-10s %-16s %-12s %s\n";
  std::printf(kLine, "ID", "DEPARTMENT", "APPLICATION", "STATE", "CREATED", "EXPIRES", "LAST USED", "CREATED BY",
              "POLICY", "NOTE");
  for (const auto& c : keys)
    std::printf(kLine, c.id.c_str(), c.department.c_str(), c.application.c_str(), state_of(c, now).c_str(),
                show_time(c.created_at).c_str(), show_time(c.expires_at).c_str(), show_day(c.last_used_day).c_str(),
                c.created_by.empty() ? "-" : c.created_by.c_str(), show_policy(snapshot, c).c_str(), c.note.c_str());
}

struct ListOptions {
  std::string department;
  bool json = false;
};

// A department that is configured no longer may still own keys.
Status keep_department(std::vector<auth::Credential>& keys, const config::Snapshot& snapshot,
                       const std::string& wanted) {
  std::erase_if(keys, [&](const auth::Credential& c) { return c.department != wanted; });
  return keys.empty() ? check_department(snapshot, wanted) : Status();
}

int list(const std::string& file, const ListOptions& options) {
  auto opened = open(file);
  if (!opened.store) return 1;
  auto keys = opened.store->list();
  if (!keys) return complain(keys.error().message);
  if (!options.department.empty()) {
    if (auto ok = keep_department(*keys, *opened.snapshot, options.department); !ok)
      return complain(ok.error().message);
  }
  if (options.json)
    print_json(*keys, now_seconds());
  else
    print_table(*keys, *opened.snapshot, now_seconds());
  return 0;
}

// Accepts a whole key for its id: what people have at hand. The secret is never said again, in no message.
std::string id_of(const std::string& id_or_key) {
  const auto key = auth::parse_key(id_or_key);
  return key ? std::string(key->id) : id_or_key;
}

std::string unknown_key(const std::string& id) {
  const bool secret = id.starts_with("tg_");
  return (secret ? "this is neither an id nor a whole key" : "no key with id '" + id + "'") +
         std::string("; `tollgate keys list` shows the ids");
}

// A successor of a key that is no longer good would bring back what somebody took away.
Status check_rotatable(const auth::Credential& old, std::int64_t now) {
  const auto state = state_of(old, now);
  if (state != "revoked" && state != "expired") return {};
  return Error{ErrorKind::invalid_request,
               "key " + old.id + " is " + state + " and gets no successor; make a new one with `tollgate keys create`"};
}

struct RotateOptions {
  std::string id, overlap = "7d", expires;
};

// The successor: the same owner, and as long a life as the old key was made for, unless it is told.
Result<auth::Credential> successor(const auth::Credential& old, const std::string& expires, std::int64_t now) {
  auth::Credential next = old;
  next.last_used_day = 0;
  if (!expires.empty()) {
    TG_TRY(next.expires_at, end_of_life(expires));
  } else if (old.expires_at != 0) {
    next.expires_at = now + old.expires_at - old.created_at;
  }
  return next;
}

int rotate(const std::string& file, const RotateOptions& options) {
  auto opened = open(file);
  if (!opened.store) return 1;
  const auto keep = config::parse_duration(options.overlap);
  if (!keep) return complain("--overlap: expected a duration such as 7d");
  auto rows = opened.store->list();
  if (!rows) return complain(rows.error().message);
  const auto id = id_of(options.id);
  const auto old = std::find_if(rows->begin(), rows->end(), [&](const auto& row) { return row.id == id; });
  if (old == rows->end()) return complain(unknown_key(id));
  const auto now = now_seconds();
  if (auto ok = check_rotatable(*old, now); !ok) return complain(ok.error().message);
  auto next = successor(*old, options.expires, now);
  if (!next) return complain(next.error().message);
  const auto next_ends = next->expires_at;
  if (const int failed = store_and_show(opened, *std::move(next)); failed != 0) return failed;
  auto ends = now + std::chrono::duration_cast<std::chrono::seconds>(*keep).count();
  if (old->expires_at != 0)
    ends = std::min(ends, old->expires_at);  // an overlap shortens a life, it never lengthens it
  if (auto expired = opened.store->expire(id, ends); !expired) return complain(expired.error().message);
  std::fprintf(stderr, "the new key works until %s\nthe old key %s works until %s\n",
               next_ends == 0 ? "it is revoked" : show_time(next_ends).c_str(), id.c_str(), show_time(ends).c_str());
  return 0;
}

int revoke(const std::string& file, const std::string& id_or_key) {
  auto opened = open(file);
  if (!opened.store) return 1;
  const auto id = id_of(id_or_key);
  if (id.starts_with("tg_")) return complain(unknown_key(id));
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
  auto which = std::make_shared<ListOptions>();
  l->add_option("--department", which->department, "Only this department's");
  l->add_flag("--json", which->json, "As JSON");
  l->callback([file, which, &context] { context.exit_code = list(*file, *which); });

  auto next = std::make_shared<RotateOptions>();
  auto* r = keys->add_subcommand("rotate", "Make a successor for a key; the old one keeps working for a while");
  r->add_option("id", next->id, "Id of the key, as listed, or the key itself")->required();
  r->add_option("--overlap", next->overlap, "How long the old key keeps working, at most until its own end")
      ->capture_default_str();
  r->add_option("--expires", next->expires, "Life of the new key, such as 90d; default: as long as the old one's");
  r->callback([file, next, &context] { context.exit_code = rotate(*file, *next); });

  auto id = std::make_shared<std::string>();
  auto* v = keys->add_subcommand("revoke", "Make a key useless now");
  v->add_option("id", *id, "Id of the key, as listed, or the key itself")->required();
  v->callback([file, id, &context] { context.exit_code = revoke(*file, *id); });
}

}  // namespace tollgate::cli
