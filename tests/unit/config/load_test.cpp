#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support.h"

namespace tollgate::config {
namespace {

using ::testing::ElementsAre;
using testing::Folder;
using ::testing::IsEmpty;
using testing::load_offline;
using testing::minimal;
using testing::problems_of;

constexpr const char* kDemo = R"(
schema: 1
organisation: demo
master_key: {file: master.key}
listen:
  address: 127.0.0.1
  port: 8443
  tls: {certificate: tls.crt, key: {file: tls.key}}
  limits: {body: 4MiB}
  timeouts: {commit_after: 5s}
prices: {overrides: [{provider: openai, model: gpt-4o, input: 2.50 USD, output: 10 USD}]}
providers:
  - {id: local, kind: local, region: {processing: eu}, model: {directory: model, weights: fp8, max_running: 4}}
  - id: openai
    kind: openai_compatible
    endpoint: https://api.openai.example/v1/
    region: {processing: us}
    auth: {bearer: {file: secret}}
models:
  - name: gpt-4o
    targets: [{provider: openai, model: gpt-4o, timeouts: {connect: 1s}}]
    fallback: [{provider: local, model: llama, when: [error, timeout], for: {criticality: low}}]
  - {name: small, targets: [{provider: local, model: llama}], residency: eu, created: 2026-01-01}
groups: {cheap: [small]}
pii: {policies: {strict: {action: pseudonymise, types: {CREDIT_CARD: block}, threshold: 0.6}}}
departments:
  - id: retail
    cost_center: [{from: 2026-01-01, id: CC-1}, {from: 2026-07-01, id: CC-2}]
    models: [gpt-4o, group:cheap]
    limits: {requests_per_minute: 600, tokens_per_minute: 200000, concurrent: 64}
    pii: strict
    applications: [{id: branch-chat, purpose: branch assistant, criticality: low}]
keys:
  - {id: abcdefghijkl, department: retail, application: branch-chat, key: {file: secret}}
)";

TEST(Load, FillsEverySnapshotPartOfADemo) {
  const Folder folder;
  folder.write_secrets();
  folder.write("tollgate.yaml", kDemo);
  const LoadResult result = load(folder.main());
  ASSERT_THAT(problems_of(result), IsEmpty());
  const Snapshot& snapshot = *result.snapshot;
  EXPECT_EQ(snapshot.organisation, "demo");
  EXPECT_EQ(snapshot.generation, 1);
  EXPECT_EQ(snapshot.master_key->reveal().size(), 32U);
  EXPECT_EQ(snapshot.state_directory, folder.path() / "state");
  EXPECT_EQ(snapshot.ledger.sqlite, folder.path() / "state/ledger.db");
  EXPECT_EQ(snapshot.listen.http.max_body_bytes, 4U << 20);
  EXPECT_EQ(snapshot.listen.timeouts.commit_after, std::chrono::seconds(5));
  EXPECT_FALSE(snapshot.listen.certificate_pem.empty());

  const auto& openai = *snapshot.providers.at("openai");
  EXPECT_EQ(openai.endpoint->host, "api.openai.example");
  EXPECT_EQ(openai.endpoint->base_path, "/v1");
  EXPECT_NE(openai.endpoint->tls_context, nullptr);
  EXPECT_EQ(std::get<providers::KeyIdentity>(*openai.identity).key.reveal(), "sk-planted-secret");
  EXPECT_EQ(snapshot.providers.at("local")->endpoint, nullptr);
  ASSERT_EQ(snapshot.local_models.size(), 1U);
  EXPECT_EQ(snapshot.local_models[0].engine.model_directory, (folder.path() / "model").string());
  EXPECT_EQ(snapshot.local_models[0].engine.max_running, 4);
  EXPECT_EQ(snapshot.local_models[0].engine.weights, local_backend::WeightFormat::fp8);

  const Model& model = *snapshot.models.at("gpt-4o");
  EXPECT_EQ(model.route.targets.at(0).timeouts.connect, std::chrono::seconds(1));
  EXPECT_THAT(model.route.fallbacks.at(0).when,
              ElementsAre(routing::FallbackCause::error, routing::FallbackCause::timeout));
  EXPECT_EQ(model.route.fallbacks.at(0).only_criticality, "low");
  EXPECT_EQ(snapshot.models.at("small")->created, 1'767'225'600);

  const Department& retail = *snapshot.departments.at("retail");
  EXPECT_THAT(retail.models, ElementsAre("gpt-4o", "small"));
  EXPECT_EQ(retail.limits.requests_per_minute, 600);
  EXPECT_EQ(retail.limits.requests_burst, std::nullopt);
  EXPECT_EQ(retail.pii, snapshot.pii_policies.at("strict"));
  EXPECT_EQ(retail.pii->types.at(pii::EntityType::credit_card).action, pii::Action::block);
  EXPECT_EQ(retail.application("branch-chat")->purpose, "branch assistant");
  EXPECT_EQ(retail.cost_center_at(std::chrono::sys_days(std::chrono::year(2026) / 6 / 30)), "CC-1");
  EXPECT_EQ(retail.cost_center_at(std::chrono::sys_days(std::chrono::year(2026) / 7 / 1)), "CC-2");
  EXPECT_EQ(retail.cost_center_at(std::chrono::sys_days(std::chrono::year(2025) / 12 / 31)), "");

  EXPECT_EQ(snapshot.prices->find("openai", "gpt-4o")->input, 2'500'000'000);
  EXPECT_TRUE(snapshot.prices->version().starts_with("builtin@2026-11+"));
  ASSERT_EQ(snapshot.file_keys.size(), 1U);
  EXPECT_EQ(snapshot.file_keys[0].key->reveal(), "sk-planted-secret");
}

const std::string kLimited = minimal(R"(
limits: {requests_per_minute: 9000, tokens_per_day: 50000000}
providers: [{id: p, kind: openai_compatible, endpoint: https://p.example}]
models:
  - {name: dear, targets: [{provider: p, model: m}], limits: {concurrent: 8}}
  - {name: cheap, targets: [{provider: p, model: m}]}
departments:
  - id: retail
    limits: {requests_per_day: 1000, requests_day_burst: 50, tokens_per_day: 200000, tokens_day_burst: 7000}
    applications:
      - {id: chat, limits: {tokens_per_minute: 100}, key_limits: {requests_per_day: 20, concurrent: 1}}
      - {id: batch}
  - {id: treasury}
)");

TEST(Load, PreparesAScopeForWhateverIsLimitedAndForNothingElse) {
  const Folder folder;
  const LoadResult result = load_offline(folder, kLimited);
  ASSERT_THAT(problems_of(result), IsEmpty());
  const Snapshot& snapshot = *result.snapshot;
  EXPECT_EQ(snapshot.limits.tokens_per_day, 50'000'000);
  EXPECT_EQ(snapshot.scope->key, "organisation");
  EXPECT_EQ(snapshot.models.at("dear")->scope->key, "model:dear");
  EXPECT_EQ(snapshot.models.at("dear")->scope->slots, 8);
  EXPECT_EQ(snapshot.models.at("cheap")->scope, nullptr);

  const Department& retail = *snapshot.departments.at("retail");
  EXPECT_EQ(retail.scope->key, "department:retail");
  EXPECT_EQ(retail.limits.requests_day_burst, 50);
  EXPECT_EQ(retail.limits.tokens_day_burst, 7'000);
  EXPECT_EQ(snapshot.departments.at("treasury")->scope, nullptr);

  const Application& chat = *retail.application("chat");
  EXPECT_EQ(chat.scope->key, "application:retail/chat");
  EXPECT_EQ(chat.limits.tokens_per_minute, 100);
  EXPECT_EQ(chat.key_limits.requests_per_day, 20);
  EXPECT_EQ(chat.key_limits.concurrent, 1);
  EXPECT_EQ(retail.application("batch")->scope, nullptr);
  EXPECT_TRUE(ratelimit::unlimited(retail.application("batch")->key_limits));
}

TEST(Load, EachKindHasItsHeaderAndItsPath) {
  const Folder folder;
  folder.write("secret", "key-1");
  const LoadResult result = load_offline(folder, minimal(R"(
providers:
  - {id: openai, kind: openai_compatible, endpoint: https://a.example, auth: {bearer: {file: secret}}}
  - {id: azure, kind: azure_openai, endpoint: https://a.example, auth: {api_key: {file: secret}}}
  - {id: older, kind: azure_openai, endpoint: https://a.example, api_version: "2024-10-21", auth: {bearer: {file: secret}}}
  - {id: anthropic, kind: anthropic, endpoint: https://a.example, auth: {api_key: {file: secret}}, default_max_tokens: 9}
  - {id: proxied, kind: anthropic, endpoint: https://a.example/anthropic/v1, auth: {bearer: {file: secret}}}
  - {id: bedrock, kind: bedrock, endpoint: https://a.example, auth: {bearer: {file: secret}}}
  - {id: foundry, kind: azure_ai, endpoint: https://a.example, auth: {api_key: {file: secret}}, azure_ai: {extra_parameters: drop}}
  - {id: serverless, kind: azure_ai, endpoint: https://a.westeurope.models.ai.azure.com, auth: {bearer: {file: secret}}}
  - {id: scored, kind: azure_ml, endpoint: https://a.example, auth: {bearer: {file: secret}}, azure_ml: {deployment: blue}}
  - {id: claude, kind: anthropic, endpoint: https://a.example/anthropic/v1, auth: {api_key: {file: secret}}}
  - {id: vertex, kind: vertex, endpoint: https://a.example/v1beta, auth: {api_key: {file: secret}}}
)"));
  ASSERT_THAT(problems_of(result), IsEmpty());
  const auto is = [&](const char* id, providers::KeyIdentity::Header header, const char* base) {
    const auto& provider = *result.snapshot->providers.at(id);
    EXPECT_EQ(std::get<providers::KeyIdentity>(*provider.identity).header, header) << id;
    EXPECT_EQ(provider.endpoint->base_path, base) << id;
  };
  using enum providers::KeyIdentity::Header;
  is("openai", bearer, "");
  is("azure", api_key, "/openai/v1");
  is("older", bearer, "/openai");
  is("anthropic", x_api_key, "/v1");
  is("proxied", bearer, "/anthropic/v1");
  is("bedrock", bearer, "");
  is("foundry", api_key, "/models");
  is("serverless", bearer, "/v1");
  is("scored", bearer, "/v1");
  is("vertex", x_goog_api_key, "/v1beta");
  const auto& foundry = *result.snapshot->providers.at("foundry");
  EXPECT_EQ(foundry.api_version, "2024-05-01-preview");
  ASSERT_EQ(foundry.headers.size(), 1U);
  EXPECT_EQ(foundry.headers[0].name + ": " + foundry.headers[0].value, "extra-parameters: drop");
  EXPECT_EQ(result.snapshot->providers.at("serverless")->api_version, "");
  EXPECT_EQ(result.snapshot->providers.at("scored")->headers[0].value, "blue");
  EXPECT_EQ(result.snapshot->providers.at("anthropic")->default_max_tokens, 9);
}

TEST(Load, AFlavourSetsWhatItsServerWantsAndEachKeyCanSayOtherwise) {
  const Folder folder;
  const LoadResult result = load_offline(folder, minimal(R"(
providers:
  - {id: plain, kind: openai_compatible, endpoint: https://a.example}
  - {id: mistral, kind: openai_compatible, endpoint: https://a.example, flavour: mistral}
  - {id: own, kind: openai_compatible, endpoint: https://a.example, flavour: mistral, apis: [chat],
     max_tokens_name: max_completion_tokens, quirks: {seed_name: seed, reasoning_history: always}}
  - {id: older, kind: openai_compatible, endpoint: https://a.example, max_tokens_name: max_tokens}
  - {id: container, kind: sagemaker, endpoint: https://a.example, sagemaker: {body: tgi, target_variant: v},
     generate: {prompt: none}}
)"));
  ASSERT_THAT(problems_of(result), IsEmpty());
  const auto& providers = result.snapshot->providers;
  EXPECT_EQ(providers.at("plain")->quirks, providers::ChatQuirks());
  EXPECT_EQ(providers.at("mistral")->quirks, providers::mistral_quirks());
  providers::ChatQuirks own = providers::mistral_quirks();
  own.random_seed = false;
  own.old_cap_only = false;
  own.reasoning_history = providers::ChatQuirks::ReasoningHistory::always;
  EXPECT_EQ(providers.at("own")->quirks, own);
  EXPECT_TRUE(providers.at("own")->max_completion_tokens);
  EXPECT_EQ(providers.at("own")->apis, std::vector{providers::Api::chat});
  EXPECT_TRUE(providers.at("older")->quirks.old_cap_only);
  EXPECT_EQ(providers.at("container")->sagemaker.body, providers::SageMakerOptions::Body::tgi);
  EXPECT_EQ(providers.at("container")->generate.prompt, providers::GenerateOptions::Prompt::none);
  EXPECT_EQ(providers.at("container")->headers[0].name, "x-amzn-sagemaker-target-variant");
}

TEST(Load, NeedsNoSecretFileOffline) {
  const Folder folder;
  const LoadResult result = load_offline(folder, kDemo);
  EXPECT_THAT(problems_of(result), IsEmpty());
  EXPECT_NE(result.snapshot, nullptr);
}

TEST(Load, ReadsPartsFromTheDirectoryThatNamesTheirKind) {
  const Folder folder;
  folder.write("conf.d/departments/emea/retail.yaml", "id: retail\nmodels: [small]\npii: strict\n");
  folder.write("conf.d/providers/p.yaml", "id: p\nkind: openai_compatible\nendpoint: https://p.example\n");
  folder.write("conf.d/models/small.yml", "name: small\ntargets: [{provider: p, model: m}]\n");
  folder.write("conf.d/policies/strict.yaml", "name: strict\naction: redact\n");
  folder.write("conf.d/departments/.hidden.yaml", "nonsense");
  folder.write("conf.d/departments/README.md", "nonsense");
  const LoadResult result = load_offline(folder, minimal("include: [conf.d/**]\n"));
  ASSERT_THAT(problems_of(result), IsEmpty());
  EXPECT_EQ(result.snapshot->departments.at("retail")->pii->rule.action, pii::Action::redact);
  EXPECT_TRUE(result.snapshot->departments.at("retail")->may_use("small"));
  EXPECT_FALSE(result.snapshot->departments.at("retail")->may_use("large"));
}

}  // namespace
}  // namespace tollgate::config
