// Bad inputs and the exact words people get.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support.h"

namespace tollgate::config {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using testing::Folder;
using ::testing::IsEmpty;
using testing::load_offline;
using testing::minimal;
using testing::problems_of;

struct Case {
  const char* name;
  std::string yaml;
  std::vector<std::string> problems;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class Problems : public ::testing::TestWithParam<Case> {};

TEST_P(Problems, SayFileLinePathAndWhatWasExpected) {
  const Folder folder;
  const LoadResult result = load_offline(folder, GetParam().yaml);
  EXPECT_EQ(result.snapshot, nullptr);
  EXPECT_EQ(problems_of(result), GetParam().problems);
}

// minimal() is three lines: what is added begins in line 4.
const std::string kProvider = "providers: [{id: p, kind: openai_compatible, endpoint: https://p.example}]\n";

Case one(const char* name, const std::string& yaml, const std::string& problem) {
  return {name, minimal(yaml), {"tollgate.yaml" + problem}};
}

Case whole(const char* name, const std::string& yaml, const std::string& problem) {
  return {name, yaml, {"tollgate.yaml" + problem}};
}

INSTANTIATE_TEST_SUITE_P(
    Syntax, Problems,
    ::testing::Values(
        whole("empty", "", ": is empty"), whole("comment_only", "# nothing\n", ": is empty"),
        whole("list", "- a\n", ": expected a mapping (key: value)"),
        whole("half_written", "schema: 1\nlisten: {address: 127.0", ":2: not valid YAML: end of map flow not found"),
        whole("binary", std::string("schema: 1\n\x7f\x45LF\x00\x01", 16), ":2: not a text file (expected UTF-8)"),
        whole("not_utf8", "schema: 1\n# gr\xfc\xdf\n", ":2: not a text file (expected UTF-8)"),
        whole("duplicate", "schema: 1\nlog:\n  level: info\n  level: warn\n", ":4: the key 'level' is given twice"),
        whole("anchor", "schema: 1\nlog: &a {level: info}\n",
              ":2: anchors (&name) are not supported: write the value out"),
        whole("alias", "schema: 1\nlog: *a\n", ":2: not valid YAML: the referenced anchor is not defined"),
        whole("tag", "schema: !!int 1\n", ":1: tags (!name) are not supported"),
        whole("merge", "schema: 1\n<<: {a: b}\n", ":2: merge keys (<<) are not supported: write the values out"),
        whole("list_as_key", "? [a]\n: b\n", ":1: a key has to be plain text"),
        whole("two_documents", "schema: 1\n---\nschema: 1\n", ": holds more than one document ('---')"),
        whole("deep", std::string(40, '[') + std::string(40, ']'), ":1: nested deeper than 32 levels")),
    [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Scalars, Problems,
    ::testing::Values(
        one("unknown_key", "log: {levle: info}\n", ":4 log: unknown key 'levle' (did you mean 'level'?)"),
        one("unknown_top", "colour: red\n", ":4: unknown key 'colour'"),
        one("unitless_duration", "redis: {url: redis://h, timeout: 50}\n",
            ":4 redis.timeout: expected a duration with a unit, such as 500ms, 30s, 5m, 2h or 7d"),
        one("duration_out_of_range", "redis: {url: redis://h, timeout: 1h}\n",
            ":4 redis.timeout: expected a duration from 1ms to 10s"),
        one("unitless_size", "ledger: {ring_size: 4000000}\n",
            ":4 ledger.ring_size: expected a size with a unit, such as 512B, 16KiB, 4MiB or 1GiB"),
        one("decimal_size", "ledger: {ring_size: 4MB}\n",
            ":4 ledger.ring_size: expected a size with a unit, such as 512B, 16KiB, 4MiB or 1GiB"),
        one("octal", "ops: {port: 007}\n", ":4 ops.port: '007' looks like an octal number: leave the zero out"),
        one("octal_text", "organisation: 0042\n",
            ":4 organisation: '0042' looks like an octal number: put it in quotes"),
        one("norway", "organisation: no\n", ":4 organisation: 'no' reads as a boolean in YAML 1.1: put it in quotes"),
        one("number_as_text", "organisation: 1e3\n", ":4 organisation: '1e3' reads as a number: put it in quotes"),
        one("port", "ops: {port: 70000}\n", ":4 ops.port: expected a whole number from 0 to 65535"),
        one("one_port_twice", "ops: {port: 8443}\n",
            ":3 listen: listen and ops have the same port 8443: give each its own"),
        one("one_port_everywhere", "ops: {address: 0.0.0.0, port: 9443}\n",
            ":3 listen: ops and admin have the same port 9443: give each its own"),
        one("quoted_number", "ops: {port: \"9464\"}\n", ":4 ops.port: is text: write the number without quotes"),
        one("null", "log: {level: }\n", ":4 log.level: is empty: give a value or leave the key out"),
        one("choice", "log: {level: inof}\n",
            ":4 log.level: expected one of debug, info, warn, error (did you mean 'info'?)"),
        one("host_as_address", "ops: {address: localhost}\n",
            ":4 ops.address: expected an IP address such as 127.0.0.1"),
        one("admin_not_loopback", "admin: {address: 0.0.0.0}\n",
            ":4 admin.address: the admin listener stays on loopback (127.0.0.1 or ::1): it does not speak mTLS yet"),
        one("list_for_text", "organisation: [a]\n",
            ":4 organisation: expected a name of at most 64 letters, digits, '.', '_' and '-'"),
        one("text_for_mapping", "log: info\n", ":4 log: expected a mapping (key: value)"),
        one("price", "prices: {overrides: [{model: m, input: 2.50, output: 10 USD}]}\n",
            ":4 prices.overrides[0].input: expected an amount per million tokens such as 2.50 USD"),
        one("price_currency", "prices: {overrides: [{model: m, input: 1 USD, output: 10 EUR}]}\n",
            ":4 prices.overrides[0].output: expected an amount per million tokens such as 2.50 USD"),
        one("price_list", "prices: {catalog: builtin@1999-01}\n",
            ":4 prices.catalog: this build has no price list 'builtin@1999-01' (it has builtin@2026-11)"),
        one("redis_tls", "redis: {url: rediss://h}\n", ":4 redis.url: TLS to Redis is not supported yet: use redis://"),
        one("redis_password_in_url", "redis: {url: 'redis://:pw@h'}\n",
            ":4 redis.url: expected redis://host[:port][/database], without a password"),
        one("postgres_password_in_url", "ledger: {postgres: {url: 'postgresql://u:pw@h/db'}}\n",
            ":4 ledger.postgres.url: a password does not belong into a URL: use password: {file: …}"),
        one("budgets", "budgets: []\n", ":4 budgets: budgets are not supported yet"),
        whole("missing", "schema: 1\nlisten: {plaintext: true}\n", ":1 master_key: is required"),
        whole("other_schema", "schema: 2\nmaster_key: {file: k}\nlisten: {plaintext: true}\n", ":1 schema: expected 1"),
        whole("no_tls", "schema: 1\nmaster_key: {file: k}\n",
              ":1 listen: needs tls: {certificate: …, key: {file: …}}, or plaintext: true behind a proxy"),
        whole("yes_is_no_boolean",
              "schema: 1\nmaster_key: {file: k}\nlisten: {plaintext: yes, tls: {certificate: c, key: {file: k}}}\n",
              ":3 listen.plaintext: expected true or false ('yes' is not a boolean everywhere)")),
    [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Secrets, Problems,
    ::testing::Values(one("literal", "redis: {url: redis://h, password: hunter2}\n",
                          ":4 redis.password: a secret is not written here: use {file: …}, {env: …} or {sealed: …}"),
                      one("two_sources", "redis: {url: redis://h, password: {file: a, env: B}}\n",
                          ":4 redis.password: expected {file: …}, {env: …} or {sealed: …}"),
                      one("unknown_source", "redis: {url: redis://h, password: {flie: a}}\n",
                          ":4 redis.password: unknown key 'flie' (did you mean 'file'?)"),
                      one("secret_as_variable", "redis: {url: redis://h, password: {env: sk-live-1}}\n",
                          ":4 redis.password.env: expected the name of an environment variable"),
                      whole("sealed_master", "schema: 1\nlisten: {plaintext: true}\nmaster_key: {sealed: v1:AA==}\n",
                            ":3 master_key: unknown key 'sealed'")),
    [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Parts, Problems,
    ::testing::Values(
        one("unknown_provider", kProvider + "models: [{name: m, targets: [{provider: q, model: x}]}]\n",
            ":5 models[0].targets[0].provider: provider 'q' is not defined (did you mean 'p'?)"),
        one("unknown_model", "departments: [{id: d, models: [gpt]}]\n",
            ":4 departments[0].models[0]: model 'gpt' is not defined"),
        one("unknown_group", "departments: [{id: d, models: [group:g]}]\n",
            ":4 departments[0].models[0]: group 'g' is not defined"),
        one("unknown_policy", "departments: [{id: d, pii: strict}]\n",
            ":4 departments[0].pii: policy 'strict' is not defined"),
        one("unknown_model_in_group", "groups: {g: [m]}\n", ":4 groups.g[0]: model 'm' is not defined"),
        one("empty_targets", kProvider + "models: [{name: m, targets: []}]\n",
            ":5 models[0]: targets: needs at least one with a weight above 0"),
        one("same_target_twice",
            kProvider + "models: [{name: m, targets: [{provider: p, model: x}, {provider: p, model: x}]}]\n",
            ":5 models[0].targets[1]: p/x is listed twice"),
        one("duplicate_department", "departments:\n  - {id: d}\n  - {id: d}\n",
            ":6 departments[1]: department 'd' is already defined in tollgate.yaml:5"),
        one("duplicate_application", "departments: [{id: d, applications: [{id: a}, {id: a}]}]\n",
            ":4 departments[0].applications[1].id: application 'a' is defined twice"),
        one("residency",
            "providers: [{id: p, kind: openai_compatible, endpoint: https://p.example, region: {processing: us}}]\n"
            "models: [{name: m, residency: eu, targets: [{provider: p, model: x}]}]\n",
            ":5 models[0].targets[0]: model 'm' has residency 'eu', but provider 'p' works in 'us'"),
        one("residency_of_fallback",
            "providers: [{id: p, kind: openai_compatible, endpoint: https://p.example, region: {processing: eu}}, "
            "{id: q, kind: openai_compatible, endpoint: https://q.example}]\n"
            "models: [{name: m, residency: eu, targets: [{provider: p, model: x}], fallback: [{provider: q, model: "
            "z}]}]\n",
            ":5 models[0].fallback[0]: model 'm' has residency 'eu', but provider 'q' says no region"),
        one("residency_of_a_global_profile",
            "providers: [{id: p, kind: bedrock, endpoint: https://bedrock-runtime.eu-central-1.amazonaws.com, region: "
            "{processing: eu}}]\nmodels: [{name: m, residency: eu, targets: [{provider: p, model: "
            "global.anthropic.claude-sonnet-4-5-v1:0}]}]\n",
            ":5 models[0].targets[0]: model 'm' has residency 'eu', but the inference profile "
            "'global.anthropic.claude-sonnet-4-5-v1:0' routes to any region"),
        one("residency_of_a_global_location",
            "providers: [{id: p, kind: vertex, endpoint: "
            "https://aiplatform.googleapis.com/v1/projects/x/locations/global/publishers/google, region: {processing: "
            "eu}}]\nmodels: [{name: m, residency: eu, targets: [{provider: p, model: gemini-2.5-pro}]}]\n",
            ":5 models[0].targets[0]: model 'm' has residency 'eu', but the endpoint's location is 'global'"),
        one("residency_of_an_api_without_regions",
            "providers: [{id: p, kind: vertex, endpoint: https://generativelanguage.googleapis.com/v1beta, region: "
            "{processing: eu}}]\nmodels: [{name: m, residency: eu, targets: [{provider: p, model: gemini-2.5-pro}]}]\n",
            ":5 models[0].targets[0]: model 'm' has residency 'eu', but the Gemini API has no regions"),
        one("residency_of_a_global_deployment",
            "providers: [{id: p, kind: azure_openai, endpoint: https://x.openai.azure.com, region: {processing: eu}}]\n"
            "models: [{name: m, residency: eu, targets: [{provider: p, model: d, deployment_type: global}]}]\n",
            ":5 models[0].targets[0]: model 'm' has residency 'eu', but a global deployment works anywhere"),
        one("residency_of_a_deployment_of_unknown_type",
            "providers: [{id: p, kind: azure_openai, endpoint: https://x.openai.azure.com, region: {processing: eu}}]\n"
            "models: [{name: m, residency: eu, targets: [{provider: p, model: d}]}]\n",
            ":5 models[0].targets[0]: model 'm' has residency 'eu', but this Azure deployment does not say its "
            "deployment_type: standard and data_zone stay, global does not"),
        one("apis_of_another_kind",
            "providers: [{id: p, kind: anthropic, endpoint: https://p.example, apis: [chat]}]\n",
            ":4 providers[0].apis: is for kinds openai_compatible, azure_openai, azure_ai, azure_ml, tollgate_pool"),
        one("unknown_api", "providers: [{id: p, kind: openai_compatible, endpoint: https://p.example, apis: [talk]}]\n",
            ":4 providers[0].apis[0]: expected one of chat, responses, messages, embeddings, completions, "
            "moderations, rerank, images, speech, transcriptions, translations, image_edits, image_variations, "
            "batches"),
        one("budget_cause",
            kProvider + "models: [{name: m, targets: [{provider: p, model: x}], fallback: [{provider: p, model: z, "
                        "when: [budget]}]}]\n",
            ":5 models[0].fallback[0].when[0]: expected one of error, throttled, timeout"),
        one("http", "providers: [{id: p, kind: openai_compatible, endpoint: http://p.example}]\n",
            ":4 providers[0].endpoint: http:// sends prompts and keys in the clear: use https://, or say plain_http: "
            "true"),
        one("endpoint_of_an_operation",
            "providers: [{id: p, kind: openai_compatible, endpoint: https://p.example/v1/chat/completions}]\n",
            ":4 providers[0].endpoint: expected the address up to /chat/completions, which every call adds by itself"),
        one("no_endpoint", "providers: [{id: p, kind: openai_compatible}]\n",
            ":4 providers[0]: kind openai_compatible needs an endpoint"),
        one("no_local_model", "providers: [{id: p, kind: local}]\n",
            ":4 providers[0]: kind local needs model: {directory: …}"),
        one("pool_that_anybody_may_call", "providers: [{id: p, kind: tollgate_pool, endpoint: https://p.example/v1}]\n",
            ":4 providers[0].auth: kind tollgate_pool needs {bearer: …}: a secret of the pool's replicas"),
        one("pool_by_curl",
            "providers: [{id: p, kind: tollgate_pool, endpoint: https://p.example/v1, auth: {bearer: {env: A}}, "
            "transport: curl}]\n",
            ":4 providers[0].transport: kind tollgate_pool needs hot"),
        one("pool_without_replicas", "pool: {}\n", ":4 pool.replicas: a pool needs at least one replica that may call"),
        one("replica_twice", "pool: {replicas: [{id: r, secret: {env: A}}, {id: r, secret: {env: B}}]}\n",
            ":4 pool.replicas[1].id: replica 'r' is defined twice"),
        one("unknown_kind", "providers: [{id: p, kind: azure}]\n",
            ":4 providers[0].kind: expected one of openai_compatible, azure_openai, azure_ai, azure_ml, tollgate_pool, "
            "anthropic, "
            "bedrock, "
            "sagemaker, open_inference, vertex, local"),
        one("no_key", "providers: [{id: p, kind: anthropic, endpoint: https://p.example, auth: {}}]\n",
            ":4 providers[0].auth: needs exactly one of bearer, api_key, aws, google or entra"),
        one("two_keys",
            "providers: [{id: p, kind: anthropic, endpoint: https://p.example, auth: {bearer: {env: A}, api_key: {env: "
            "B}}}]\n",
            ":4 providers[0].auth: needs exactly one of bearer, api_key, aws, google or entra"),
        one("key_without_header",
            "providers: [{id: p, kind: bedrock, endpoint: https://p.example, auth: {api_key: {env: A}}}]\n",
            ":4 providers[0].auth.api_key: is for kinds azure_openai, azure_ai, anthropic, vertex"),
        one("api_version_elsewhere",
            "providers: [{id: p, kind: vertex, endpoint: https://p.example/v1beta, api_version: v1}]\n",
            ":4 providers[0].api_version: is for kinds azure_openai, azure_ai"),
        one("flavour_of_another_kind",
            "providers: [{id: p, kind: bedrock, endpoint: https://p.example, flavour: vllm}]\n",
            ":4 providers[0].flavour: is for kinds openai_compatible, azure_openai, azure_ai, azure_ml, tollgate_pool, "
            "sagemaker"),
        one("generate_of_another_kind",
            "providers: [{id: p, kind: bedrock, endpoint: https://p.example, generate: {prompt: none}}]\n",
            ":4 providers[0].generate: is for kinds sagemaker, open_inference"),
        one("deployment_of_another_kind",
            "providers: [{id: p, kind: azure_openai, endpoint: https://p.example, azure_ml: {deployment: blue}}]\n",
            ":4 providers[0].azure_ml: is for kind azure_ml"),
        one("vertex_without_path", "providers: [{id: p, kind: vertex, endpoint: https://p.example}]\n",
            ":4 providers[0].endpoint: expected a path: "
            "/v1/projects/PROJECT/locations/LOCATION/publishers/google (Vertex AI), /v1/publishers/google (with an API "
            "key), or /v1beta (Gemini API)"),
        one("http2_needs_curl",
            "providers: [{id: p, kind: openai_compatible, endpoint: https://p.example, http2: true}]\n",
            ":4 providers[0]: http2 needs transport: curl"),
        one("socks_needs_curl",
            "providers: [{id: p, kind: openai_compatible, endpoint: https://p.example, egress: {proxy: "
            "socks5h://x:1}}]\n",
            ":4 providers[0].egress.proxy: expected http://host:port (other proxies need transport: curl)"),
        one("addresses_that_are_names",
            "providers: [{id: p, kind: openai_compatible, endpoint: https://p.example, egress: {addresses: "
            "[q.example]}}]\n",
            ":4 providers[0].egress.addresses[0]: expected an IP address such as 127.0.0.1"),
        one("addresses_behind_a_proxy",
            "providers: [{id: p, kind: openai_compatible, endpoint: https://p.example, egress: {addresses: [10.0.0.1], "
            "proxy: http://proxy.example:3128}}]\n",
            ":4 providers[0].egress.addresses: have no use with a proxy, which looks names up by itself"),
        one("login_without_a_proxy",
            "providers: [{id: p, kind: openai_compatible, endpoint: https://p.example, egress: {proxy_login: {user: u, "
            "password: {file: tls.key}}}}]\n",
            ":4 providers[0]: egress.proxy_login has no use without egress.proxy"),
        one("login_with_a_colon",
            "providers: [{id: p, kind: openai_compatible, endpoint: https://p.example, egress: {proxy: "
            "'http://proxy.example:3128', proxy_login: {user: 'u:v', password: {file: tls.key}}}}]\n",
            ":4 providers[0]: egress.proxy_login.user cannot have a colon"),
        one("two_addresses_for_curl",
            "providers: [{id: p, kind: openai_compatible, endpoint: https://p.example, transport: curl, egress: "
            "{addresses: [10.0.0.1, '2001:db8::1']}}]\n",
            ":4 providers[0].egress.addresses: transport: curl takes one address"),
        one("dates_descend",
            "departments: [{id: d, cost_center: [{from: 2026-02-01, id: a}, {from: 2026-01-01, id: b}]}]\n",
            ":4 departments[0].cost_center[1].from: dates have to ascend"),
        one("no_such_day", "departments: [{id: d, cost_center: [{from: 2026-02-30, id: a}]}]\n",
            ":4 departments[0].cost_center[0].from: expected a date such as 2026-01-01"),
        one("department_budgets", "departments: [{id: d, budgets: []}]\n",
            ":4 departments[0].budgets: budgets are not supported yet; limits are"),
        one("burst_without_rate", "departments: [{id: d, limits: {tokens_burst: 5}}]\n",
            ":4 departments[0].limits.tokens_burst: needs tokens_per_minute"),
        one("day_burst_without_rate",
            "departments: [{id: d, applications: [{id: a, key_limits: {requests_day_burst: 5}}]}]\n",
            ":4 departments[0].applications[0].key_limits.requests_day_burst: needs requests_per_day"),
        one("unknown_limit", "limits: {tokens_per_month: 5}\n",
            ":4 limits: unknown key 'tokens_per_month' (did you mean 'tokens_per_minute'?)"),
        one("limit_of_zero", "departments: [{id: d, limits: {concurrent: 0}}]\n",
            ":4 departments[0].limits.concurrent: expected a whole number from 1 to 9223372036854"),
        one("entity_type", "pii: {policies: {s: {types: {CREDITCARD: block}}}}\n",
            ":4 pii.policies.s.types: unknown key 'CREDITCARD' (did you mean 'CREDIT_CARD'?)"),
        one("type_rule", "pii: {policies: {s: {types: {CREDIT_CARD: {acton: block}}}}}\n",
            ":4 pii.policies.s.types.CREDIT_CARD: unknown key 'acton' (did you mean 'action'?)"),
        one("type_action", "pii: {policies: {s: {types: {CREDIT_CARD: hide}}}}\n",
            ":4 pii.policies.s.types.CREDIT_CARD: expected one of allow, log_only, mask, pseudonymise, hash, "
            "redact, route_local_only, block"),
        one("country", "pii: {policies: {s: {countries: [XX]}}}\n",
            ":4 pii.policies.s.countries[0]: expected a country whose identifiers are known: AT AU BE BR CA CH DE DK "
            "ES "
            "FI FR GB IE IN IT JP KR MX NL NO PL PT SE SG TR US ZA"),
        one("detector_name", "pii: {detectors: {CREDIT_CARD: {words: [a]}}}\n",
            ":4 pii.detectors.CREDIT_CARD: expected a name of its own in capitals, digits and _, such as STAFF_NUMBER"),
        one("detector_empty", "pii: {detectors: {STAFF: {score: 0.5}}}\n",
            ":4 pii.detectors.STAFF: needs pattern, words or file"),
        one("detector_pattern", "pii: {detectors: {STAFF: {pattern: 'a*'}}}\n",
            ":4 pii.detectors: STAFF: the pattern matches the empty text"),
        one("detector_unknown", "pii: {policies: {s: {detectors: {STAFF: {action: block}}}}}\n",
            ":4 pii.policies.s: detectors: 'STAFF' is not defined under pii.detectors"),
        one("rule_pack", "pii: {policies: {s: {rule_pack: 2020-01}}}\n",
            ":4 pii.policies.s.rule_pack: expected 2026-11"),
        one("key_department", "keys: [{id: k, department: d, application: a, key: {file: f}}]\n",
            ":4 keys[0].department: department 'd' is not defined"),
        one("key_application",
            "departments: [{id: d}]\nkeys: [{id: k, department: d, application: a, key: {file: f}}]\n",
            ":5 keys[0]: department 'd' has no application 'a'"),
        one("local_section", "local: []\n",
            ":4 local: local models are providers of kind local: {id: local, kind: local, model: {directory: …}}")),
    [](const auto& info) { return info.param.name; });

TEST(ProblemsOfAFile, AreAllCollectedInOneRun) {
  const Folder folder;
  const LoadResult result = load_offline(folder, minimal("ops: {port: 007}\nlog: {level: loud}\ncolour: red\n"));
  EXPECT_EQ(result.problems.size(), 3U);
}

TEST(ProblemsOfAFile, NameAnIncludedFileAsSeenFromTheMainFile) {
  const Folder folder;
  folder.write("conf.d/departments/retail.yaml", "id: retail\nlimits:\n  requests_per_minute: many\n");
  EXPECT_THAT(problems_of(load_offline(folder, minimal("include: [conf.d/**]\n"))),
              ElementsAre("conf.d/departments/retail.yaml:3 limits.requests_per_minute: "
                          "expected a whole number from 1 to 9223372036854"));
}

TEST(ProblemsOfAFile, DoNotBlameOthersForWhatABrokenFileWouldDefine) {
  const Folder folder;
  folder.write("conf.d/policies/strict.yaml", "name: strict\naction: {");
  folder.write("conf.d/departments/retail.yaml", "id: retail\npii: strict\n");
  EXPECT_THAT(problems_of(load_offline(folder, minimal("include: [conf.d/**]\n"))),
              ElementsAre("conf.d/policies/strict.yaml:2: not valid YAML: end of map flow not found"));
}

TEST(ProblemsOfAFile, EndAfterAThousand) {
  const Folder folder;
  std::string many;
  for (int i = 0; i < 5000; ++i) many += "key" + std::to_string(i) + ": 1\n";
  const LoadResult result = load_offline(folder, minimal(many));
  ASSERT_EQ(result.problems.size(), 1001U);
  EXPECT_EQ(result.problems.back().to_string(), "tollgate.yaml: there are more problems than these");
}

TEST(ProblemsOfAFile, NeverHoldASecret) {
  const Folder folder;
  const LoadResult result = load_offline(
      folder, minimal("redis: {url: redis://h, password: hunter2}\nkeys: [{id: k, department: d, application: a, "
                      "key: hunter2}]\nledger: {postgres: {url: 'postgresql://u:hunter2@h/d'}}\n"));
  ASSERT_FALSE(result.problems.empty());
  for (const std::string& problem : problems_of(result))
    EXPECT_EQ(problem.find("hunter2"), std::string::npos) << problem;
}

TEST(Ports, OfOtherAddressesMayBeTheSame) {
  const Folder folder;
  EXPECT_TRUE(problems_of(load_offline(folder, minimal("ops: {address: 127.0.0.2, port: 8443}\n"))).empty());
}

TEST(Literals, AreAllowedInADemo) {
  const Folder folder;
  const LoadResult result = load_offline(
      folder, "demo: true\n" + minimal("departments: [{id: d, applications: [{id: a}]}]\n"
                                       "keys: [{id: k, department: d, application: a, key: tg_literal}]\n"));
  ASSERT_THAT(problems_of(result), IsEmpty());
  EXPECT_EQ(result.snapshot->file_keys.at(0).key->reveal(), "tg_literal");
}

}  // namespace
}  // namespace tollgate::config
