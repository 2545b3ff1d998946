// init, trust, secret, config, models: commands that work on files.
#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include "config/secrets.h"
#include "gateway/cli/commands.h"
#include "gateway/cli/common.h"
#include "gateway/net/tls.h"

namespace tollgate::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kCertificateDays = 365;

struct InitOptions {
  std::string directory, model;
  std::uint16_t port = 8443, ops_port = 9464, admin_port = 9443;
};

Status write_file(const fs::path& path, std::string_view text, mode_t mode) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0) return Error{ErrorKind::internal, "cannot create " + path.string() + ": it may exist already"};
  const auto written = ::write(fd, text.data(), text.size());
  ::close(fd);
  if (written != static_cast<ssize_t>(text.size())) return Error{ErrorKind::internal, "cannot write " + path.string()};
  return {};
}

std::string main_file(const InitOptions& options) {
  return R"(# Made by `tollgate init`. `tollgate config schema` prints every key; `tollgate config check` reads this as serve does.
schema: 1
organisation: demo
master_key: {file: master.key}
listen:
  address: 127.0.0.1
  port: )" +
         std::to_string(options.port) +
         R"(
  tls: {certificate: tls.crt, key: {file: tls.key}}
ops: {address: 127.0.0.1, port: )" +
         std::to_string(options.ops_port) +
         R"(}
admin: {address: 127.0.0.1, port: )" +
         std::to_string(options.admin_port) +
         R"(}
prices: {catalog: builtin@2026-11}
pii: {policies: {strict: {action: pseudonymise, restore: true, on_error: block}}}
include: [conf.d/**]
)";
}

std::string provider_file(const InitOptions& options) {
  return R"(# The bundled toy model, inside the gateway, on the CPU. Nothing leaves this machine.
id: local
kind: local
region: {processing: on-premises}
model: {directory: )" +
         fs::absolute(options.model).lexically_normal().string() + "}\n";
}

constexpr std::string_view kModelFile = R"(# What callers name in `model`.
name: demo
targets: [{provider: local, model: tollgate-demo}]
default_max_tokens: 256
)";

constexpr std::string_view kDepartmentFile = R"(id: demo
cost_center: CC-0001
models: [demo]
limits: {requests_per_minute: 600, tokens_per_minute: 200000, concurrent: 16}
pii: strict
applications:
  - {id: first-call, purpose: "trying Tollgate", owner: you, criticality: low, use_case: DEMO, data: public}
)";

Status write_all(const InitOptions& options) {
  const fs::path root(options.directory);
  std::error_code failure;
  for (const auto* folder : {"conf.d/providers", "conf.d/models", "conf.d/departments"}) {
    fs::create_directories(root / folder, failure);
    if (failure)
      return Error{ErrorKind::internal, "cannot make " + (root / folder).string() + ": " + failure.message()};
  }
  TG_TRY(const auto tls, net::make_self_signed({"localhost", "127.0.0.1", "::1"}, kCertificateDays));
  TG_CHECK(write_file(root / "tollgate.yaml", main_file(options), 0644));
  TG_CHECK(write_file(root / "tls.crt", tls.certificate_pem, 0644));
  TG_CHECK(write_file(root / "tls.key", tls.key_pem.reveal(), 0600));
  TG_CHECK(config::make_master_key(root / "master.key"));
  TG_CHECK(write_file(root / "conf.d/providers/local.yaml", provider_file(options), 0644));
  TG_CHECK(write_file(root / "conf.d/models/demo.yaml", kModelFile, 0644));
  TG_CHECK(write_file(root / "conf.d/departments/demo.yaml", kDepartmentFile, 0644));
  return {};
}

int init(const InitOptions& options) {
  if (sodium_init() < 0) return complain("libsodium cannot start");
  if (!fs::exists(fs::path(options.model) / "config.json"))
    return complain("--model: " + options.model + " holds no model: expected a directory with config.json and weights");
  if (auto done = write_all(options); !done) return complain(done.error().message);
  const std::string file = (fs::path(options.directory) / "tollgate.yaml").string();
  std::printf(
      "Made %s.\nNext:\n"
      "  tollgate keys create -c %s --department demo --application first-call\n"
      "  tollgate serve -c %s\n"
      "  tollgate trust -c %s\n",
      file.c_str(), file.c_str(), file.c_str(), file.c_str());
  return 0;
}

int trust(const std::string& file) {
  const auto snapshot = load_or_complain(file, false);
  if (!snapshot) return 1;
  if (snapshot->listen.plaintext) return complain("this gateway serves without TLS: there is nothing to trust");
  const auto path = fs::absolute(snapshot->state_directory / "trust.pem").lexically_normal();
  std::error_code ignored;
  fs::create_directories(path.parent_path(), ignored);
  std::ofstream out(path, std::ios::trunc);
  out << snapshot->listen.certificate_pem;
  if (!out.flush()) return complain("cannot write " + path.string());
  const std::string pem = path.string();
  const std::string url = "https://127.0.0.1:" + std::to_string(snapshot->listen.port) + "/v1";
  std::printf(
      "The certificate (chain) that clients must trust is in %s\n\n"
      "curl             curl --cacert %s %s/models -H \"Authorization: Bearer $TOLLGATE_KEY\"\n"
      "openai (Python)  export SSL_CERT_FILE=%s\n"
      "openai (Node)    export NODE_EXTRA_CA_CERTS=%s\n"
      "requests, boto3  export REQUESTS_CA_BUNDLE=%s AWS_CA_BUNDLE=%s\n"
      "any of them      export OPENAI_BASE_URL=%s OPENAI_API_KEY=$TOLLGATE_KEY\n",
      pem.c_str(), pem.c_str(), url.c_str(), pem.c_str(), pem.c_str(), pem.c_str(), pem.c_str(), url.c_str());
  return 0;
}

int seal_secret(const std::string& file) {
  const auto snapshot = load_or_complain(file, false);
  if (!snapshot) return 1;
  std::string text;  // whole: keys in PEM and credentials in JSON have many lines
  for (int c = std::getchar(); c != EOF; c = std::getchar()) text.push_back(static_cast<char>(c));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();  // as a secret's file is read
  const Secret plain(std::move(text));
  if (plain.empty()) return complain("nothing on standard input: echo the secret into this command");
  auto sealed = config::seal(*snapshot->master_key, plain);
  if (!sealed) return complain(sealed.error().message);
  std::printf("{sealed: \"%s\"}\n", sealed->c_str());
  return 0;
}

}  // namespace

void add_init(CLI::App& app, Context& context) {
  auto options = std::make_shared<InitOptions>();
  auto* command = app.add_subcommand(
      "init", "Write a configuration that runs: self-made certificate, master key, one department, the bundled model");
  command->add_option("directory", options->directory, "Where; must not hold one already")->required();
  command->add_option("--model", options->model, "Directory of the local model")->required();
  command->add_option("--port", options->port, "Port for callers")->capture_default_str();
  command->add_option("--ops-port", options->ops_port, "Port for health and metrics")->capture_default_str();
  command->add_option("--admin-port", options->admin_port, "Port for administration")->capture_default_str();
  command->callback([options, &context] { context.exit_code = init(*options); });
}

void add_trust(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("trust", "Print what each SDK needs to accept this gateway's certificate");
  auto file = std::make_shared<std::string>();
  add_config_option(*command, *file);
  command->callback([file, &context] { context.exit_code = trust(*file); });
}

void add_secret(CLI::App& app, Context& context) {
  auto* secret = app.add_subcommand("secret", "Secrets for the configuration (works on files)");
  secret->require_subcommand(1);
  auto file = std::make_shared<std::string>();
  auto* seal = secret->add_subcommand("seal", "Read a secret on standard input; print it sealed with the master key");
  add_config_option(*seal, *file);
  seal->callback([file, &context] { context.exit_code = seal_secret(*file); });

  auto key = std::make_shared<std::string>();
  auto* make = secret->add_subcommand("master-key", "Make a new master key file (mode 0600)");
  make->add_option("file", *key, "Where; must not exist")->required();
  make->callback([key, &context] {
    const bool ready = sodium_init() >= 0;
    auto made = ready ? config::make_master_key(*key) : Status(Error{ErrorKind::internal, "libsodium cannot start"});
    context.exit_code = made ? 0 : complain(*key + " " + made.error().message);
  });
}

}  // namespace tollgate::cli
