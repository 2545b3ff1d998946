#include "gateway/net/tls_errors.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace tollgate::net {
namespace {

// The alerts with which a peer says what it thinks of our certificate.
std::string_view certificate_alert(int reason) {
  switch (reason) {
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      return "unknown ca";
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
      return "bad certificate";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
      return "certificate unknown";
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
      return "unsupported certificate";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
      return "certificate expired";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
      return "certificate revoked";
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return "certificate required";
    default:
      return {};
  }
}

std::string server_words(int reason) {
  if (const auto alert = certificate_alert(reason); !alert.empty()) {
    return "the client does not trust our certificate (" + std::string(alert) +
           "); `tollgate trust` shows how to make it";
  }
  switch (reason) {
    case SSL_R_HTTP_REQUEST:
      return "the client speaks plain HTTP to the TLS port; its base URL must start with https://";
    case SSL_R_HTTPS_PROXY_REQUEST:
      return "the client takes the gateway for an HTTP proxy; it must use it as its base URL";
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_UNKNOWN_PROTOCOL:
      return "what the client sent is not TLS";
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
      return "the client offers no TLS version from 1.2 on";
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SHARED_GROUPS:
      return "the client offers no cipher or key exchange that we accept";
    case SSL_R_NO_APPLICATION_PROTOCOL:
      return "the client does not offer HTTP/1.1 (ALPN)";
    default:
      return {};
  }
}

std::string verify_words(long verdict, std::string_view host) {
  switch (verdict) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "the server's certificate is not for " + std::string(host);
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "the server's certificate has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "the server's certificate is not valid yet (or our clock is wrong)";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return "the server's certificate is self-signed and not one that we trust";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return "the server's certificate comes from an authority that we do not trust (a private one is set with `ca`)";
    default:
      return std::string("the server's certificate was refused: ") + X509_verify_cert_error_string(verdict);
  }
}

std::string client_words(int reason) {
  if (const auto alert = certificate_alert(reason); !alert.empty())
    return "the server does not accept our client certificate (" + std::string(alert) + ")";
  switch (reason) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_UNKNOWN_PROTOCOL:
      return "the server does not speak TLS on this port";
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
      return "the server speaks no TLS version from 1.2 on";
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
      return "the server refused the handshake (no common cipher, or it wants a client certificate)";
    case SSL_R_TLSV1_UNRECOGNIZED_NAME:
      return "the server does not know the name that we asked for";
    default:
      return {};
  }
}

}  // namespace

std::string tls_failure(const SSL* ssl, int why, TlsSide side, std::string_view host) {
  const int system_error = errno;
  const unsigned long code = ERR_peek_error();
  ERR_clear_error();
  if (why == SSL_ERROR_SYSCALL && code == 0)
    return "the connection broke: " + std::generic_category().message(system_error);
  const int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
  if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) return "the peer cut the connection without ending TLS";
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED && side == TlsSide::client)
    return verify_words(SSL_get_verify_result(ssl), host);
  auto words = side == TlsSide::server ? server_words(reason) : client_words(reason);
  if (!words.empty()) return words;
  const char* text = ERR_reason_error_string(code);
  return std::string("TLS failed: ") + (text != nullptr ? text : "for an unknown reason");
}

}  // namespace tollgate::net
