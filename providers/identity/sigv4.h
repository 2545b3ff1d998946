#pragma once
// AWS Signature Version 4, the header form. Pure.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/net/http1.h"
#include "providers/identity/credential.h"

namespace tollgate::providers {

// The request exactly as it will be sent. Views; the caller keeps the bytes.
struct SigningRequest {
  std::string_view method;
  std::string_view path;             // of the request line, already percent-encoded, without the query; empty means "/"
  std::string_view query;            // of the request line, without '?'
  std::vector<net::Header> headers;  // to be signed, Host among them; see signable()
  std::string_view body;
};

struct SigningScope {
  std::string_view region;
  std::string_view service;  // the signing name: "bedrock", "bedrock-mantle", "sagemaker", "sts"
  // Dot segments and doubled slashes are resolved before signing, which every service but S3 does.
  bool normalize_path = true;
  // Adds x-amz-content-sha256 and signs it. S3 demands it, the others do without.
  bool content_sha256_header = false;
  // false: the session token is sent but not signed, as a few services want it.
  bool sign_session_token = true;
};

// The headers to add to what is sent: x-amz-date, x-amz-security-token with temporary keys, x-amz-content-sha256 where
// asked for, and authorization. Sign last, and anew for each attempt: AWS takes a signature for five minutes.
std::vector<net::Header> sign_v4(SigningRequest request, const Credential& keys, const SigningScope& scope,
                                 SystemTime now);
// The same with the key of that day and scope, which who signs often keeps: deriving it costs as much as the rest.
std::vector<net::Header> sign_v4(SigningRequest request, const Credential& keys, const Secret& key_of_day,
                                 const SigningScope& scope, SystemTime now);
Secret signing_key(const Credential& keys, const SigningScope& scope, SystemTime now);

// False for headers that proxies and transports change on the way, which a signature would not survive.
bool signable(std::string_view header_name);

// --- the steps, for tests and for diagnosis ---

// Each byte outside A-Za-z0-9-._~/ percent-encoded. The path is already encoded once, so that "%3A" becomes "%253A":
// every service but S3 wants it so.
std::string canonical_path(std::string_view path, bool normalize);
// Names and values decoded and encoded again, sorted by name, then value; '=' always there.
std::string canonical_query(std::string_view query);
struct CanonicalRequest4 {
  std::string text;
  std::string signed_headers;  // "content-type;host;x-amz-date"
};
CanonicalRequest4 canonical_request(const SigningRequest& request, const SigningScope& scope);
// "20250102T030405Z"
std::string amz_date(SystemTime now);

}  // namespace tollgate::providers
