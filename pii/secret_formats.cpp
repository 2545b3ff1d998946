// The forms of keys and tokens, one row each. Facts as their issuers publish them, or as their keys are seen in use.
#include <array>

#include "pii/secret_checks.h"
#include "pii/secrets.h"
#include "pii/unit.h"

namespace tollgate::pii {
namespace {

// The checksum settles it; without it, it may be a token that somebody edited for an example.
double checked(std::string_view key) {
  const std::size_t prefix = 4;  // ghp_, npm_
  if (crc32_suffix_valid(key, prefix)) return 1.0;
  return is_placeholder(key.substr(prefix)) || entropy(key.substr(prefix)) < 3 ? 0 : 0.7;
}

double json_web_token(std::string_view key) { return is_jose_header(key.substr(0, key.find('.'))) ? 0.98 : 0; }

// Letters only, so that nothing but chance tells it from words joined by underscores.
double mixed_case(std::string_view key) {
  int changes = 0;
  for (std::size_t i = 1; i < key.size(); ++i) changes += is_upper(key[i]) != is_upper(key[i - 1]) ? 1 : 0;
  return changes >= 1 && !is_placeholder(key) ? 0.98 : 0;
}

// 64 random bytes; the SHA-512 of a package has the same form.
double storage_key(std::string_view key) {
  return decode_base64(key) && entropy(key) > 4.5 && !is_placeholder(key) ? 0.95 : 0;
}

// Words joined by hyphens have the form too.
double many_digits(std::string_view key) {
  int digits = 0;
  for (const char c : key) digits += is_digit(c) ? 1 : 0;
  return digits >= 2 && entropy(key) > 3 && !is_placeholder(key) ? 0.95 : 0;
}

double certain(std::string_view) { return 1.0; }

#define B62 "[A-Za-z0-9]"
#define WORD "[A-Za-z0-9_-]"
#define HEX "[0-9a-f]"
#define B64 "[A-Za-z0-9+/]"
#define UUID HEX "{8}-" HEX "{4}-" HEX "{4}-" HEX "{4}-" HEX "{12}"
#define GITLAB "[A-Za-z0-9_.-]{19,79}" WORD  // a full stop behind it ends the sentence
#define AZURE(mark) {mark, 3, "[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}"}

constexpr auto kFormats = std::to_array<SecretFormat>({
    // Models.
    {"sk-ant-", 0, "sk-ant-[a-z0-9]{3,10}-" WORD "{20,200}"},     // Anthropic
    {"sk-proj-", 0, "sk-proj-" WORD "{20,200}"},                  // OpenAI
    {"sk-svcacct-", 0, "sk-svcacct-" WORD "{20,200}"},            //
    {"sk-admin-", 0, "sk-admin-" WORD "{20,200}"},                //
    {"sk-or-v1-", 0, "sk-or-v1-" HEX "{64}"},                     // OpenRouter
    {"sk-", 0, "sk-" WORD "{0,24}" B62 "{16,200}", many_digits},  // OpenAI, DeepSeek and others
    {"xai-", 0, "xai-" B62 "{70,100}"},                           // xAI
    {"gsk_", 0, "gsk_" B62 "{40,80}"},                            // Groq
    {"pplx-", 0, "pplx-" B62 "{40,64}"},                          // Perplexity
    {"hf_", 0, "hf_[A-Za-z]{34}", mixed_case},                    // Hugging Face
    {"api_org_", 0, "api_org_[A-Za-z]{34}", mixed_case},          //
    {"ABSK", 0, "ABSK" B64 "{109,269}={0,2}"},                    // Bedrock
    {"bedrock-api-key-", 0, "bedrock-api-key-YmVkcm9jay" B64 "{20,900}={0,2}"},
    {"r8_", 0, "r8_" B62 "{37}"},                            // Replicate
    {"nvapi-", 0, "nvapi-" WORD "{60,70}"},                  // NVIDIA
    {"csk-", 0, "csk-[a-z0-9]{40,60}"},                      // Cerebras
    {"lsv2_", 0, "lsv2_(?:pt|sk)_" HEX "{32}_" HEX "{10}"},  // LangSmith
    {"sk-lf-", 0, "sk-lf-" UUID},                            // Langfuse
    {"tvly-", 0, "tvly-" WORD "{32,64}"},                    // Tavily
    {"pcsk_", 0, "pcsk_" B62 "{5,6}_" B62 "{60,66}"},        // Pinecone
    {"tg_", 0, "tg_" B62 "{12}_" WORD "{43}_" B62 "{6}"},    // Tollgate
    // Clouds.
    {"AKIA", 0, "AKIA[A-Z2-7]{16}"},          // AWS access key id
    {"ASIA", 0, "ASIA[A-Z2-7]{16}"},          //
    {"ABIA", 0, "ABIA[A-Z2-7]{16}"},          //
    {"ACCA", 0, "ACCA[A-Z2-7]{16}"},          //
    {"AIza", 0, "AIza" WORD "{35}"},          // Google API key
    {"GOCSPX-", 0, "GOCSPX-" WORD "{28}"},    // Google OAuth client secret
    {"ya29.", 0, "ya29\\." WORD "{20,900}"},  // Google access token
    AZURE("0Q~"),
    AZURE("1Q~"),
    AZURE("2Q~"),
    AZURE("3Q~"),
    AZURE("4Q~"),  // Azure AD client secret
    AZURE("5Q~"),
    AZURE("6Q~"),
    AZURE("7Q~"),
    AZURE("8Q~"),
    AZURE("9Q~"),                                                              //
    {"+ASt", 76, B64 "{76}\\+ASt" B64 "{6}==", storage_key},                   // Azure storage
    {"ACDb", 76, B64 "{76}ACDb" B64 "{6}==", storage_key},                     // Azure Cosmos DB
    {"+ACR", 42, B64 "{42}\\+ACR" B62 "{6}"},                                  // Azure container registry
    {"dop_v1_", 0, "dop_v1_" HEX "{64}"},                                      // DigitalOcean
    {"doo_v1_", 0, "doo_v1_" HEX "{64}"},                                      //
    {"dor_v1_", 0, "dor_v1_" HEX "{64}"},                                      //
    {"HRKU-", 0, "HRKU-AA" WORD "{58}"},                                       // Heroku
    {"fo1_", 0, "fo1_" WORD "{43}"},                                           // Fly
    {"fm2_", 0, "fm2_" B64 "{80,900}={0,2}"},                                  //
    {".atlasv1.", 14, B62 "{14}\\.atlasv1\\." WORD "{60,70}"},                 // Terraform Cloud
    {"hvs.", 0, "hvs\\." WORD "{24,300}"},                                     // HashiCorp Vault
    {"hvb.", 0, "hvb\\." WORD "{90,300}"},                                     //
    {"pul-", 0, "pul-" HEX "{40}"},                                            // Pulumi
    {"dp.pt.", 0, "dp\\.pt\\." B62 "{40,44}"},                                 // Doppler
    {"dapi", 0, "dapi" HEX "{32}(?:-[0-9])?"},                                 // Databricks
    {"pscale_", 0, "pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_=.-]{32,64}"},          // PlanetScale
    {"ops_eyJ", 0, "ops_eyJ" B64 "{100,900}={0,2}"},                           // 1Password service account
    {"A3-", 0, "A3-[A-Z0-9]{6}-[A-Z0-9]{6}-?[A-Z0-9]{5}(?:-[A-Z0-9]{5}){3}"},  // 1Password secret key
    {"dt0c01.", 0, "dt0c01\\.[A-Z0-9]{24}\\.[A-Z0-9]{64}"},                    // Dynatrace
    {"dt0s01.", 0, "dt0s01\\.[A-Z0-9]{8,24}\\.[A-Z0-9]{64}"},                  //
    {"nfp_", 0, "nfp_" B62 "{36}"},                                            // Netlify
    {"sbp_", 0, "sbp_" HEX "{40}"},                                            // Supabase
    {"AZDO", 76, B62 "{76}AZDO" B62 "{4}"},                                    // Azure DevOps
    // Source and packages.
    {"ghp_", 0, "ghp_" B62 "{36,255}", checked},            // GitHub
    {"gho_", 0, "gho_" B62 "{36,255}", checked},            //
    {"ghu_", 0, "ghu_" B62 "{36,255}", checked},            //
    {"ghs_", 0, "ghs_" B62 "{36,255}", checked},            //
    {"ghr_", 0, "ghr_" B62 "{36,255}", checked},            //
    {"github_pat_", 0, "github_pat_[A-Za-z0-9_]{40,255}"},  //
    {"glpat-", 0, "glpat-" GITLAB},                         // GitLab
    {"gldt-", 0, "gldt-" GITLAB},                           //
    {"glrt-", 0, "glrt-" GITLAB},                           //
    {"glcbt-", 0, "glcbt-" GITLAB},                         //
    {"glptt-", 0, "glptt-" GITLAB},                         //
    {"glft-", 0, "glft-" GITLAB},                           //
    {"glimt-", 0, "glimt-" GITLAB},                         //
    {"glagent-", 0, "glagent-" GITLAB},                     //
    {"gloas-", 0, "gloas-" GITLAB},                         //
    {"glsoat-", 0, "glsoat-" GITLAB},                       //
    {"npm_", 0, "npm_" B62 "{36}", checked},                // npm
    {"pypi-", 0, "pypi-AgEIcHlwaS5vcmc" WORD "{50,900}"},   // PyPI
    {"rubygems_", 0, "rubygems_" HEX "{48}"},               // RubyGems
    {"dckr_pat_", 0, "dckr_pat_" WORD "{27}"},              // Docker
    {"ATATT3", 0, "ATATT3[A-Za-z0-9_=-]{150,250}"},         // Atlassian
    {"ATBB", 0, "ATBB" B62 "{32}"},                         // Bitbucket
    {"sgp_", 0, "sgp_(?:[0-9a-f]{16}_)?" HEX "{40}"},       // Sourcegraph
    {"AKCp", 0, "AKCp" B62 "{69}"},                         // Artifactory
    {"CLOJARS_", 0, "CLOJARS_[a-z0-9]{60}"},                // Clojars
    // Messages, money and the rest.
    {"xapp-", 0, "xapp-" WORD "{20,250}"},         // Slack
    {"xoxb-", 0, "xoxb-[A-Za-z0-9-]{20,250}"},     //
    {"xoxp-", 0, "xoxp-[A-Za-z0-9-]{20,250}"},     //
    {"xoxa-", 0, "xoxa-[A-Za-z0-9-]{20,250}"},     //
    {"xoxr-", 0, "xoxr-[A-Za-z0-9-]{20,250}"},     //
    {"xoxo-", 0, "xoxo-[A-Za-z0-9-]{20,250}"},     //
    {"xoxs-", 0, "xoxs-[A-Za-z0-9-]{20,250}"},     //
    {"xoxe-", 0, "xoxe-[A-Za-z0-9-]{20,250}"},     //
    {"xoxe.", 0, "xoxe\\.[A-Za-z0-9.-]{20,250}"},  //
    {"hooks.slack.com/", 0, "hooks\\.slack\\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{43,80}"},
    {"discord.com/api/webhooks/", 0, "discord\\.com/api/webhooks/[0-9]{17,20}/" WORD "{60,80}"},
    {"discordapp.com/api/webhooks/", 0, "discordapp\\.com/api/webhooks/[0-9]{17,20}/" WORD "{60,80}"},
    {":AA", 10, "[0-9]{8,10}:AA[A-Za-z0-9_-]{33}"},               // Telegram bot
    {"sk_live_", 0, "sk_live_" B62 "{10,247}"},                   // Stripe
    {"sk_test_", 0, "sk_test_" B62 "{10,247}"},                   //
    {"sk_prod_", 0, "sk_prod_" B62 "{10,247}"},                   //
    {"rk_live_", 0, "rk_live_" B62 "{10,247}"},                   //
    {"rk_test_", 0, "rk_test_" B62 "{10,247}"},                   //
    {"rk_prod_", 0, "rk_prod_" B62 "{10,247}"},                   //
    {"whsec_", 0, "whsec_[A-Za-z0-9+/]{32,64}={0,2}"},            // Stripe, Svix: signs webhooks
    {"sq0atp-", 0, "sq0atp-" WORD "{22,60}"},                     // Square
    {"sq0csp-", 0, "sq0csp-" WORD "{22,60}"},                     //
    {"EAAA", 0, "EAAA" WORD "{56,60}"},                           //
    {"shpat_", 0, "shpat_[0-9a-fA-F]{32}"},                       // Shopify
    {"shpca_", 0, "shpca_[0-9a-fA-F]{32}"},                       //
    {"shppa_", 0, "shppa_[0-9a-fA-F]{32}"},                       //
    {"shpss_", 0, "shpss_[0-9a-fA-F]{32}"},                       //
    {"SG.", 0, "SG\\." WORD "{22}\\." WORD "{43}"},               // SendGrid
    {"key-", 0, "key-" HEX "{32}"},                               // Mailgun
    {"glsa_", 0, "glsa_" B62 "{32}_[0-9a-fA-F]{8}"},              // Grafana
    {"eyJrIjoi", 0, "eyJrIjoi" B64 "{40,400}={0,2}"},             //
    {"NRAK-", 0, "NRAK-[A-Z0-9]{27}"},                            // New Relic
    {"PMAK-", 0, "PMAK-" HEX "{24}-" HEX "{34}"},                 // Postman
    {"lin_api_", 0, "lin_api_" B62 "{40}"},                       // Linear
    {"ntn_", 0, "ntn_" B62 "{46}"},                               // Notion
    {"sntrys_", 0, "sntrys_[A-Za-z0-9+/=_-]{80,400}"},            // Sentry
    {"sntryu_", 0, "sntryu_" HEX "{64}"},                         //
    {"glc_", 0, "glc_[A-Za-z0-9+/]{40,400}={0,3}"},               // Grafana Cloud
    {"figd_", 0, "figd_" WORD "{40,44}"},                         // Figma
    {"pat-na1-", 0, "pat-na1-" UUID},                             // HubSpot
    {"pat-eu1-", 0, "pat-eu1-" UUID},                             //
    {"CFPAT-", 0, "CFPAT-" WORD "{43}"},                          // Contentful
    {"EZAK", 0, "EZAK" B62 "{54}"},                               // EasyPost
    {"EZTK", 0, "EZTK" B62 "{54}"},                               //
    {"FLWSECK", 0, "FLWSECK(?:_TEST)?-[0-9a-zA-Z]{12,32}-X"},     // Flutterwave
    {"rzp_live_", 0, "rzp_live_" B62 "{14}"},                     // Razorpay
    {"rzp_test_", 0, "rzp_test_" B62 "{14}"},                     //
    {"duffel_", 0, "duffel_(?:live|test)_" WORD "{43}"},          // Duffel
    {"shippo_", 0, "shippo_(?:live|test)_" HEX "{40}"},           // Shippo
    {"xkeysib-", 0, "xkeysib-" HEX "{64}-" B62 "{16}"},           // Brevo
    {"rdme_", 0, "rdme_[a-z0-9]{70}"},                            // ReadMe
    {"EAACEdEose0cBA", 0, "EAACEdEose0cBA" B62 "{20,250}"},       // Facebook
    {"sk.eyJ", 0, "sk\\.eyJ" WORD "{30,400}\\." WORD "{20,40}"},  // Mapbox
    {"AGE-SECRET-KEY-1", 0, "AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}", certain, EntityType::private_key},
    {"eyJ", 0, "eyJ" WORD "{8,900}\\.eyJ" WORD "{8,}\\." WORD "{8,}", json_web_token},  // JWT, RFC 7519
    {"eyJ", 0, "eyJ" WORD "{8,900}\\." WORD "*\\." WORD "{8,}\\." WORD "{8,}\\." WORD "{8,}", json_web_token},  // JWE
});

#undef B62
#undef WORD
#undef HEX
#undef B64
#undef UUID
#undef GITLAB
#undef AZURE

}  // namespace

std::size_t secret_format_count() { return kFormats.size(); }
const SecretFormat& secret_format(std::size_t index) { return kFormats[index]; }

}  // namespace tollgate::pii
