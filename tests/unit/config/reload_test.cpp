// What a reload keeps, and what it says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "support.h"

namespace tollgate::config {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using testing::Folder;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::minimal;
using testing::problems_of;

const std::string kBefore = minimal(R"(
redis: {url: redis://127.0.0.1, password: {file: secret}}
providers:
  - {id: a, kind: openai_compatible, endpoint: https://a.example, auth: {bearer: {file: secret}}}
  - {id: b, kind: openai_compatible, endpoint: https://b.example}
  - {id: l, kind: local, model: {directory: model}}
models:
  - {name: m, targets: [{provider: a, model: x, weight: 80}, {provider: b, model: x, weight: 20}]}
  - {name: small, targets: [{provider: l, model: x}]}
pii: {policies: {strict: {action: redact}, loose: {action: allow}}}
departments:
  - {id: retail, models: [m], pii: strict, limits: {requests_per_minute: 600}, applications: [{id: chat}]}
  - {id: treasury, models: [small], pii: loose}
prices: {overrides: [{model: x, input: 1 USD, output: 2 USD}]}
)");

class Reload : public ::testing::Test {
 protected:
  Reload() { folder_.write_secrets(); }

  std::shared_ptr<const Snapshot> load_text(const std::string& yaml,
                                            std::shared_ptr<const Snapshot> previous = nullptr) {
    folder_.write("tollgate.yaml", yaml);
    LoadOptions options;
    options.previous = std::move(previous);
    LoadResult result = load(folder_.main(), options);
    EXPECT_THAT(problems_of(result), IsEmpty());
    if (!result.snapshot) throw std::runtime_error("no snapshot");
    return result.snapshot;
  }

  static std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  }

  Folder folder_;
};

TEST_F(Reload, SharesEverythingThatSaysTheSame) {
  const auto before = load_text(kBefore);
  const auto after = load_text("# a comment\n" + kBefore, before);
  EXPECT_EQ(after->generation, before->generation + 1);
  for (const auto& [id, provider] : before->providers) EXPECT_EQ(after->providers.at(id), provider) << id;
  for (const auto& [id, model] : before->models) EXPECT_EQ(after->models.at(id), model) << id;
  for (const auto& [id, department] : before->departments) EXPECT_EQ(after->departments.at(id), department) << id;
  for (const auto& [id, policy] : before->pii_policies) EXPECT_EQ(after->pii_policies.at(id), policy) << id;
  EXPECT_EQ(after->prices, before->prices);
  EXPECT_EQ(after->listen.key_pem, before->listen.key_pem);
  EXPECT_EQ(after->client_tls, before->client_tls);
  EXPECT_THAT(semantic_diff(*before, *after), IsEmpty());
}

TEST_F(Reload, ReplacesOnlyTheDepartmentThatChanged) {
  const auto before = load_text(kBefore);
  const auto after = load_text(replaced(kBefore, "requests_per_minute: 600", "requests_per_minute: 1200"), before);
  EXPECT_NE(after->departments.at("retail"), before->departments.at("retail"));
  EXPECT_EQ(after->departments.at("treasury"), before->departments.at("treasury"));
  EXPECT_THAT(semantic_diff(*before, *after), ElementsAre("department retail: requests_per_minute 600 -> 1200"));
}

TEST_F(Reload, NamesEveryKindOfLimitThatChanged) {
  const auto before = load_text(kBefore);
  std::string yaml = replaced(kBefore, "schema: 1\n", "schema: 1\nlimits: {tokens_per_day: 1000}\n");
  yaml = replaced(yaml, "weight: 20}]}", "weight: 20}], limits: {concurrent: 5}}");
  yaml = replaced(yaml, "requests_per_minute: 600", "requests_per_minute: 600, requests_per_day: 7000");
  yaml = replaced(yaml, "[{id: chat}]", "[{id: chat, limits: {concurrent: 2}, key_limits: {requests_per_day: 9}}]");
  const auto after = load_text(yaml, before);
  EXPECT_THAT(semantic_diff(*before, *after),
              ElementsAre("limits.tokens_per_day set to 1000", "model m: concurrent set to 5",
                          "department retail: requests_per_day set to 7000",
                          "department retail: application chat concurrent set to 2",
                          "department retail: application chat key_limits.requests_per_day set to 9"));
  EXPECT_EQ(after->models.at("m")->scope->slots, 5);
  EXPECT_EQ(after->scope->key, "organisation");
  EXPECT_EQ(after->models.at("small"), before->models.at("small"));
}

TEST_F(Reload, AChangedPolicyReachesItsDepartmentsAndNoOther) {
  const auto before = load_text(kBefore);
  const auto after = load_text(replaced(kBefore, "action: redact", "action: block"), before);
  EXPECT_EQ(after->departments.at("retail")->pii->rule.action, pii::Action::block);
  EXPECT_EQ(after->departments.at("treasury"), before->departments.at("treasury"));
  EXPECT_THAT(semantic_diff(*before, *after), ElementsAre("policy strict: action redact -> block"));
}

TEST_F(Reload, ARotatedKeyKeepsTheEndpointAndItsPool) {
  const auto before = load_text(kBefore);
  folder_.write("secret", "sk-rotated\n", 0600);
  const auto after = load_text(kBefore, before);
  EXPECT_NE(after->providers.at("a"), before->providers.at("a"));
  EXPECT_EQ(std::get<providers::KeyIdentity>(*after->providers.at("a")->identity).key.reveal(), "sk-rotated");
  EXPECT_EQ(after->providers.at("a")->endpoint, before->providers.at("a")->endpoint);
  EXPECT_THAT(semantic_diff(*before, *after),
              ElementsAre("redis.password changed (needs a restart)", "provider a: auth.bearer changed"));
}

TEST_F(Reload, AChangedAuthorityMakesANewEndpoint) {
  const std::string with_ca =
      replaced(kBefore, "endpoint: https://b.example", "endpoint: https://b.example, egress: {ca: tls.crt}");
  const auto before = load_text(kBefore);
  const auto after = load_text(with_ca, before);
  EXPECT_NE(after->providers.at("b")->endpoint, before->providers.at("b")->endpoint);
  EXPECT_NE(after->providers.at("b")->endpoint->tls_context, before->providers.at("b")->endpoint->tls_context);
  EXPECT_THAT(semantic_diff(*before, *after), ElementsAre("provider b: egress.ca set"));
}

TEST_F(Reload, AnotherWayOutMakesANewEndpointAndIsNamed) {
  const auto with = [](const std::string& egress) {
    return replaced(kBefore, "endpoint: https://b.example", "endpoint: https://b.example, egress: {" + egress + "}");
  };
  const std::string proxy = "proxy: 'http://proxy.example:3128'";
  const auto changed = [](const auto& from, const auto& to) {
    EXPECT_NE(to->providers.at("b")->endpoint, from->providers.at("b")->endpoint);
    return semantic_diff(*from, *to);
  };
  const auto before = load_text(kBefore);
  EXPECT_THAT(changed(before, load_text(with("addresses: [10.0.0.1, '::1']"), before)),
              ElementsAre("provider b: egress.addresses set to 10.0.0.1, ::1"));
  const auto proxied = load_text(with(proxy), before);
  const auto login = load_text(with(proxy + ", proxy_login: {user: us, password: {file: tls.key}}"), proxied);
  EXPECT_THAT(changed(proxied, login), ElementsAre("provider b: egress.proxy_login.user set to us",
                                                   "provider b: egress.proxy_login.password set"));
  const auto same = load_text(with(proxy + ", proxy_login: {user: us, password: {file: tls.key}}"), login);
  EXPECT_EQ(same->providers.at("b")->endpoint, login->providers.at("b")->endpoint) << "its connections are kept";
}

TEST_F(Reload, AClientCertificateIsNamedWhenItChanges) {
  const std::string with_identity = replaced(
      kBefore, "endpoint: https://b.example",
      "endpoint: https://b.example, egress: {client_certificate: {certificate: tls.crt, key: {file: tls.key}}}");
  const auto before = load_text(kBefore);
  const auto after = load_text(with_identity, before);
  EXPECT_NE(after->providers.at("b")->endpoint, before->providers.at("b")->endpoint);
  EXPECT_THAT(semantic_diff(*before, *after), ElementsAre("provider b: egress.client_certificate set"));
}

TEST_F(Reload, ProvidersWithTheSameAuthoritiesShareOneContext) {
  const auto snapshot = load_text(kBefore);
  EXPECT_EQ(snapshot->providers.at("a")->endpoint->tls_context, snapshot->providers.at("b")->endpoint->tls_context);
  EXPECT_EQ(snapshot->client_tls.size(), 1U);
}

TEST_F(Reload, NamesWhatNeedsARestart) {
  const auto before = load_text(kBefore);
  std::string yaml = replaced(kBefore, "schema: 1\n", "schema: 1\nworkers: 3\norganisation: acme\n");
  yaml = replaced(yaml, "model: {directory: model}", "model: {directory: model, weights: int8, max_running: 2}");
  const auto after = load_text(yaml, before);
  EXPECT_THAT(semantic_diff(*before, *after),
              ElementsAre("organisation default -> acme (needs a restart)", "workers 0 -> 3 (needs a restart)",
                          "local model l: model.weights as_stored -> int8", "local model l: model.max_running 8 -> 2"));
}

// What the schema says of settings, counted: a new one that needs a restart has to be kept by without_restart(), too.
std::size_t settings_that_need_a_restart() {
  const std::string schema = json_schema();
  const std::string mark = R"("x-tollgate-applies": "restart")";
  std::size_t count = 0;
  for (auto at = schema.find(mark); at != std::string::npos; at = schema.find(mark, at + 1)) ++count;
  return count;
}

TEST_F(Reload, WhatNeedsARestartStaysInForceAndIsNamedEveryTime) {
  const auto before = load_text(kBefore);
  std::string yaml = replaced(kBefore, "schema: 1\n", R"(schema: 1
organisation: acme
workers: 3
state_directory: elsewhere
ops: {address: 127.0.0.2, port: 9}
admin: {address: 127.0.0.2, port: 10}
log: {file: log.json, level: debug}
ledger: {sqlite: l.db, rings: r, ring_size: 16MiB, commit_interval: 20ms,
         postgres: {url: "postgresql://u@pg.example/d", password: {file: secret}, interval: 1s, batch: 7}}
credentials: {sqlite: c.db, postgres: {url: "postgresql://u@pg.example/c", password: {file: secret}}}
)");
  yaml = replaced(yaml, "listen: {tls: {certificate: tls.crt, key: {file: tls.key}}}",
                  "listen: {address: 127.0.0.2, port: 11, plaintext: true}");
  yaml = replaced(yaml, "redis: {url: redis://127.0.0.1, password: {file: secret}}",
                  "redis: {url: redis://127.0.0.2, prefix: p, timeout: 7ms, on_loss: closed, replicas: 4}");
  folder_.write("master.key", std::string(64, '7'), 0600);
  const auto after = load_text(yaml, before);
  const auto waits = [](const auto& from, const auto& to) {
    auto lines = semantic_diff(from, to);
    std::erase_if(lines, [](const std::string& line) { return !line.ends_with(" (needs a restart)"); });
    return lines;
  };
  const auto in_force = without_restart(*before, *after);
  EXPECT_EQ(waits(*before, *after).size(), settings_that_need_a_restart());
  EXPECT_THAT(waits(*before, *in_force), IsEmpty());
  EXPECT_EQ(waits(*in_force, *after), waits(*before, *after));
  EXPECT_EQ(in_force->log.level, "debug") << "the rest is applied";
  EXPECT_EQ(in_force->generation, after->generation);
}

TEST_F(Reload, TlsGoesOnWithItsCertificateUntilTheRestartThatEndsIt) {
  Snapshot running;
  running.listen.certificate_pem = "served";
  Snapshot wanted;
  wanted.listen.plaintext = true;
  wanted.listen.http.max_headers = 7;
  const auto in_force = without_restart(running, wanted);
  EXPECT_FALSE(in_force->listen.plaintext);
  EXPECT_EQ(in_force->listen.certificate_pem, "served");
  EXPECT_EQ(in_force->listen.http.max_headers, 7U);
}

TEST_F(Reload, NamesAddedRemovedAndRerouted) {
  const auto before = load_text(kBefore);
  std::string yaml = replaced(kBefore, "weight: 80", "weight: 50");
  yaml = replaced(yaml, "  - {id: treasury, models: [small], pii: loose}\n", "  - {id: legal}\n");
  yaml = replaced(yaml, "applications: [{id: chat}]", "applications: [{id: chat, owner: it}]");
  yaml = replaced(yaml, "input: 1 USD", "input: 3 USD");
  const auto after = load_text(yaml, before);
  EXPECT_THAT(semantic_diff(*before, *after),
              ElementsAre(HasSubstr("prices.catalog builtin@2026-11+"), "price of */x: input 1.00 USD -> 3.00 USD",
                          "model m: target a/x weight 80 (connect 3s, first content 1m, idle 1m, cool down 10s) -> "
                          "weight 50 (connect 3s, first content 1m, idle 1m, cool down 10s)",
                          "department treasury removed", "department legal added",
                          "department retail: application chat owner set to it"));
}

TEST_F(Reload, ShowsNoSecret) {
  const auto before = load_text(kBefore);
  folder_.write("secret", "sk-rotated\n", 0600);
  const auto after = load_text(kBefore, before);
  for (const std::string& line : semantic_diff(*before, *after)) {
    EXPECT_EQ(line.find("sk-"), std::string::npos) << line;
  }
}

TEST_F(Reload, ABadFileGivesNoSnapshot) {
  const auto before = load_text(kBefore);
  folder_.write("tollgate.yaml", replaced(kBefore, "pii: strict", "pii: strikt"));
  LoadOptions options;
  options.previous = before;
  const LoadResult result = load(folder_.main(), options);
  EXPECT_EQ(result.snapshot, nullptr);
  EXPECT_THAT(problems_of(result), ElementsAre(HasSubstr("policy 'strikt' is not defined (did you mean 'strict'?)")));
}

}  // namespace
}  // namespace tollgate::config
