// Whatever a token endpoint answers: a credential fit for a header and of bounded life, or an error that quotes nothing
// but a plain word.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "providers/identity/aws_source.h"
#include "providers/identity/oauth.h"
#include "providers/identity/url_text.h"

namespace {

using namespace tollgate;
using namespace tollgate::providers;

constexpr SystemTime kNow{std::chrono::seconds(1'735'787'045)};

void require(bool good) {
  if (!good) std::abort();
}

void check_oauth(std::string_view text, int status) {
  TokenReply reply;
  reply.status = status;
  reply.body = Secret(std::string(text));
  const auto token = read_token_reply("it", reply, kNow);
  if (!token) return require(token.error().message.size() < 256);
  require(status == 200 && is_token_text(token->secret.reveal()) && token->expires_at.has_value());
  require(*token->expires_at <= kNow + std::chrono::hours(24 * 7));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_oauth(text, 200);
  check_oauth(text, 400);
  const auto keys = parse_aws_metadata(text);
  if (keys)
    require(is_token_text(keys->access_key_id) && is_token_text(keys->secret.reveal()) &&
            is_token_text(keys->session_token.reveal()) && keys->expires_at.has_value());
  else
    require(keys.error().message.size() < 256 || keys.error().message.find("answered ") != std::string::npos);
  return 0;
}
