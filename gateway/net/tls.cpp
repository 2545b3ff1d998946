#include "gateway/net/tls.h"

#include <array>

#include "gateway/net/openssl_ptr.h"
#include "gateway/net/tls_sessions.h"

namespace tollgate::net {
namespace {

// Mozilla intermediate 5.7 without its DHE suites: every client of the last ten years has ECDHE.
constexpr const char* kCiphersTls12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kCiphersTls13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384";
// ALPN protocol list (RFC 7301 §3.1): each name after its length.
constexpr std::array<unsigned char, 9> kAlpn = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

Error unusable(std::string message) {
  ERR_clear_error();
  return {ErrorKind::invalid_request, std::move(message)};
}

Result<TlsContext> make_context(const SSL_METHOD* method) {
  TlsContext context(SSL_CTX_new(method), SSL_CTX_free);
  auto* raw = context.get();
  if (raw == nullptr || SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(raw, kCiphersTls12) != 1 || SSL_CTX_set_ciphersuites(raw, kCiphersTls13) != 1 ||
      SSL_CTX_set1_groups_list(raw, kGroups) != 1)
    return unusable("this OpenSSL cannot be set up for TLS 1.2 and 1.3");
  SSL_CTX_set_options(raw, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  // RELEASE_BUFFERS: an idle connection holds no record buffers (25 KiB instead of 60).
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // One recv for header and body of a record instead of two.
  SSL_CTX_set_read_ahead(raw, 1);
  return context;
}

// Never asks on the terminal for the passphrase of an encrypted key.
int no_passphrase(char*, int, int, void*) { return -1; }

// The last read met the end of the text, and not something torn.
bool read_to_the_end() {
  const bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  return end;
}

CertificatePtr next_certificate(BIO* pem) {
  return CertificatePtr(PEM_read_bio_X509(pem, nullptr, no_passphrase, nullptr));
}

Status use_certificates(SSL_CTX* context, std::string_view pem) {
  ERR_clear_error();
  const auto bio = bio_over(pem);
  const auto own = next_certificate(bio.get());
  if (!own || SSL_CTX_use_certificate(context, own.get()) != 1)
    return unusable("the certificate is not readable as PEM");
  while (const auto issuer = next_certificate(bio.get()))
    if (SSL_CTX_add1_chain_cert(context, issuer.get()) != 1) return unusable("the certificate chain cannot be used");
  if (!read_to_the_end()) return unusable("the certificate chain is not readable as PEM after its first certificate");
  return {};
}

Status use_identity(SSL_CTX* context, std::string_view certificate_pem, const Secret& key_pem) {
  TG_CHECK(use_certificates(context, certificate_pem));
  const auto bio = bio_over(key_pem.reveal());
  const KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (!key) return unusable("the private key is not readable as PEM (an encrypted key cannot be used)");
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1)
    return unusable("the certificate and the private key do not belong together");
  return {};
}

Status trust(SSL_CTX* context, std::string_view ca_pem) {
  ERR_clear_error();
  if (ca_pem.empty()) {
    if (SSL_CTX_set_default_verify_paths(context) == 1) return {};
    return unusable("the system's certificate store cannot be read");
  }
  const auto bio = bio_over(ca_pem);
  int added = 0;
  while (const auto ca = next_certificate(bio.get()))
    added += X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca.get());
  if (!read_to_the_end() || added == 0) return unusable("the CA certificates are not readable as PEM");
  return {};
}

int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* length, const unsigned char* offered,
                    unsigned int offered_length, void*) {
  unsigned char* match = nullptr;
  const int found = SSL_select_next_proto(&match, length, kAlpn.data(), kAlpn.size(), offered, offered_length);
  if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301 §3.2
  *chosen = match;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

Result<TlsContext> server_tls(std::string_view certificate_chain_pem, const Secret& key_pem) {
  TG_TRY(auto context, make_context(TLS_server_method()));
  TG_CHECK(use_identity(context.get(), certificate_chain_pem, key_pem));
  // Tickets carry the session, so that no memory is held for clients that never come back. One is enough for clients
  // that resume one connection at a time; OpenSSL's default of two costs 200 bytes in every handshake.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context.get(), 1);
  constexpr std::array<unsigned char, 8> kSessions = {'t', 'o', 'l', 'l', 'g', 'a', 't', 'e'};
  SSL_CTX_set_session_id_context(context.get(), kSessions.data(), kSessions.size());
  SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
  return context;
}

Result<TlsContext> client_tls(const ClientTlsOptions& options) {
  TG_TRY(auto context, make_context(TLS_client_method()));
  TG_CHECK(trust(context.get(), options.ca_pem));
  if (options.certificate_pem.empty() != options.key_pem.empty())
    return unusable("a client certificate needs its key, and a key its certificate");
  if (!options.certificate_pem.empty()) TG_CHECK(use_identity(context.get(), options.certificate_pem, options.key_pem));
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_alpn_protos(context.get(), kAlpn.data(), kAlpn.size());
  if (!remember_sessions(context.get())) return unusable("out of memory");
  return context;
}

}  // namespace tollgate::net
