#include "providers/identity/identity.h"

#include <cstdlib>
#include <utility>

#include "providers/identity/aws_source.h"
#include "providers/identity/entra_source.h"
#include "providers/identity/google_source.h"
#include "providers/identity/sigv4.h"
#include "providers/identity/token_cache.h"

namespace tollgate::providers {
namespace {

using std::chrono::seconds;

// Authorization: Bearer <token>, and what else the cloud wants beside it.
class TokenAuthorizer final : public Authorizer {
 public:
  TokenAuthorizer(std::unique_ptr<TokenCache> cache, std::string quota_project)
      : cache_(std::move(cache)), quota_project_(std::move(quota_project)) {}

  net::Task<Status> authorize(HttpCall& call) override {
    auto token = cache_->current();
    if (!token) {
      TG_CO_TRY(token, co_await cache_->wait(&call));
    }
    set_header(call, "authorization", "Bearer " + std::string(token->secret.reveal()));
    if (!quota_project_.empty()) set_header(call, "x-goog-user-project", quota_project_);
    co_return Status{};
  }
  void cancel(const HttpCall& call) override { cache_->cancel(&call); }
  void refused() override { cache_->refused(); }

 private:
  std::unique_ptr<TokenCache> cache_;
  std::string quota_project_;
};

bool is_signed(const net::Header& header) {
  constexpr std::string_view kAmazon = "x-amz";  // of x-amzn-... as well
  return signable(header.name) && (net::iequals(header.name, "content-type") ||
                                   net::iequals(std::string_view(header.name).substr(0, kAmazon.size()), kAmazon));
}

// Signature Version 4. Signed are the host, the content type and Amazon's own headers: what nobody on the way changes.
class SigningAuthorizer final : public Authorizer {
 public:
  SigningAuthorizer(std::unique_ptr<TokenCache> cache, const Clock& clock, std::string region, std::string service)
      : cache_(std::move(cache)), clock_(clock), region_(std::move(region)), service_(std::move(service)) {}

  net::Task<Status> authorize(HttpCall& call) override {
    auto keys = cache_->current();
    if (!keys) {
      TG_CO_TRY(keys, co_await cache_->wait(&call));
    }
    sign(call, keys);
    co_return Status{};
  }
  void cancel(const HttpCall& call) override { cache_->cancel(&call); }
  void refused() override { cache_->refused(); }

 private:
  void sign(HttpCall& call, const SharedCredential& keys) {
    const SystemTime now = clock_.system_now();
    const SigningScope scope{.region = region_, .service = service_};
    derive_key(keys, scope, now);
    for (const auto* earlier : {"x-amz-date", "x-amz-security-token", "authorization"}) drop_header(call, earlier);
    const std::string target = call.endpoint->base_path + call.path;
    const auto query = std::min(target.find('?'), target.size());
    SigningRequest request{.method = call.method,
                           .path = std::string_view(target).substr(0, query),
                           .query = std::string_view(target).substr(std::min(query + 1, target.size())),
                           .headers = {{"host", call.endpoint->host_header()}},
                           .body = call.body};
    for (const auto& header : call.headers)
      if (is_signed(header)) request.headers.push_back(header);
    for (auto& header : sign_v4(std::move(request), *keys, key_of_day_, scope, now))
      call.headers.push_back(std::move(header));
  }

  void derive_key(const SharedCredential& keys, const SigningScope& scope, SystemTime now) {
    const auto day = std::chrono::floor<std::chrono::days>(now);
    if (derived_from_ == keys && derived_on_ == day) return;
    key_of_day_ = signing_key(*keys, scope, now);
    derived_from_ = keys;
    derived_on_ = day;
  }

  std::unique_ptr<TokenCache> cache_;
  const Clock& clock_;
  std::string region_;
  std::string service_;
  Secret key_of_day_;
  SharedCredential derived_from_;
  std::chrono::sys_days derived_on_{};
};

// What an authorizer is made from.
struct Parts {
  const IdentityContext& context;
  std::shared_ptr<Flights> flights;
  std::string provider;
  TokenRoute route;
  std::shared_ptr<const IdentityOptions> options;
};

// The source holds the options: a fetch may outlive its authorizer by a loop turn.
std::unique_ptr<TokenCache> cache(Parts& parts, CredentialSource source, seconds ahead) {
  CacheOptions options;
  options.ahead = ahead;
  return std::make_unique<TokenCache>(parts.context, parts.flights, std::move(parts.provider), std::move(parts.route),
                                      std::move(source), options);
}

// The vendors' own libraries renew that much ahead of the expiry.
constexpr seconds kAwsAhead(900);
constexpr seconds kGoogleAhead(225);
constexpr seconds kEntraAhead(300);

std::unique_ptr<Authorizer> make(Parts& parts, const AwsIdentity& aws) {
  auto source = [options = parts.options, &aws](Fetcher& fetcher) { return aws_keys(aws, fetcher); };
  auto keys = cache(parts, std::move(source), kAwsAhead);
  return std::make_unique<SigningAuthorizer>(std::move(keys), parts.context.clock, aws.region, aws.service);
}

std::unique_ptr<Authorizer> make(Parts& parts, const GoogleIdentity& google) {
  auto source = [options = parts.options, &google](Fetcher& fetcher) { return google_token(google, fetcher); };
  auto token = cache(parts, std::move(source), kGoogleAhead);
  return std::make_unique<TokenAuthorizer>(std::move(token), google.quota_project);
}

std::unique_ptr<Authorizer> make(Parts& parts, const EntraIdentity& entra) {
  auto source = [options = parts.options, &entra](Fetcher& fetcher) { return entra_token(entra, fetcher); };
  auto token = cache(parts, std::move(source), kEntraAhead);
  return std::make_unique<TokenAuthorizer>(std::move(token), "");
}

std::unique_ptr<Authorizer> make(Parts& parts, const KeyIdentity& identity) {
  const std::shared_ptr<const Secret> key(parts.options, &identity.key);
  switch (identity.header) {
    case KeyIdentity::Header::bearer:
      return bearer_authorizer(key);
    case KeyIdentity::Header::api_key:
      return api_key_authorizer(key);
    case KeyIdentity::Header::x_api_key:
      return x_api_key_authorizer(key);
    case KeyIdentity::Header::x_goog_api_key:
      return x_goog_api_key_authorizer(key);
    case KeyIdentity::Header::ocp_apim_key:
      return header_authorizer("ocp-apim-subscription-key", "", key);
  }
  return no_authorizer();
}

std::unique_ptr<Authorizer> make(Parts&, const NoIdentity&) { return no_authorizer(); }

}  // namespace

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* const value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nothing here sets any
    if (value == nullptr || *value == '\0') return std::nullopt;
    return std::string(value);
  };
}

IdentityService::IdentityService(IdentityContext context)
    : context_(std::move(context)), flights_(std::make_shared<Flights>(context_.io.get_executor())) {}

IdentityService::~IdentityService() = default;

net::Task<void> IdentityService::close() { return flights_->close(); }

Result<std::unique_ptr<Authorizer>> IdentityService::authorizer(std::string provider,
                                                                std::shared_ptr<const IdentityOptions> options,
                                                                TokenRoute route) {
  TG_CHECK(check_identity(*options));
  Parts parts{context_, flights_, std::move(provider), std::move(route), options};
  return std::visit([&parts](const auto& identity) { return make(parts, identity); }, *options);
}

}  // namespace tollgate::providers
