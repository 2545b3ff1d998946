#include "gateway/net/tls.h"

#include "gateway/net/openssl_ptr.h"

namespace tollgate::net {
namespace {

// Mozilla "intermediate" 5.7 without its DHE entries.
constexpr const char* kCiphers12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kCiphers13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr unsigned char kAlpn[] = "\x08http/1.1";
constexpr unsigned int kAlpnLength = sizeof(kAlpn) - 1;

Error tls_error(std::string what) { return Error{ErrorKind::internal, std::move(what)}; }

int choose_alpn(SSL*, const unsigned char** out, unsigned char* out_length, const unsigned char* in,
                unsigned int in_length, void*) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_length, kAlpn, kAlpnLength, in, in_length) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

Result<TlsContext> base_context(const SSL_METHOD* method) {
  TlsContext context(SSL_CTX_new(method), SSL_CTX_free);
  if (!context) return tls_error("OpenSSL cannot make a context");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (SSL_CTX_set_cipher_list(context.get(), kCiphers12) != 1 ||
      SSL_CTX_set_ciphersuites(context.get(), kCiphers13) != 1 || SSL_CTX_set1_groups_list(context.get(), kGroups) != 1)
    return tls_error("OpenSSL lacks the ciphers of the intermediate profile");
  return context;
}

// The leaf and whatever follows it.
Status use_chain(SSL_CTX* context, std::string_view pem) {
  const BioPtr in = bio_over(pem);
  const CertificatePtr leaf(PEM_read_bio_X509_AUX(in.get(), nullptr, nullptr, nullptr));
  if (!leaf) return tls_error("the certificate is not readable as PEM");
  if (SSL_CTX_use_certificate(context, leaf.get()) != 1) return tls_error("the certificate cannot be used");
  while (X509* next = PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr))
    SSL_CTX_add0_chain_cert(context, next);  // takes ownership
  ERR_clear_error();                         // the last read fails at the end of the text
  return {};
}

Status use_key(SSL_CTX* context, const Secret& pem) {
  const BioPtr in = bio_over(pem.reveal());
  const KeyPtr key(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
  if (!key) return tls_error("the private key is not readable as unencrypted PEM");
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1)
    return tls_error("the private key does not belong to the certificate");
  return {};
}

Status trust_pem(SSL_CTX* context, std::string_view pem) {
  const BioPtr in = bio_over(pem);
  auto* store = SSL_CTX_get_cert_store(context);
  int count = 0;
  for (;; ++count) {
    const CertificatePtr ca(PEM_read_bio_X509_AUX(in.get(), nullptr, nullptr, nullptr));
    if (!ca) break;
    X509_STORE_add_cert(store, ca.get());
  }
  ERR_clear_error();
  if (count == 0) return tls_error("the CA bundle holds no certificate in PEM");
  return {};
}

}  // namespace

Result<TlsContext> server_tls(std::string_view certificate_chain_pem, const Secret& key_pem) {
  TG_TRY(TlsContext context, base_context(TLS_server_method()));
  TG_CHECK(use_chain(context.get(), certificate_chain_pem));
  TG_CHECK(use_key(context.get(), key_pem));
  SSL_CTX_set_num_tickets(context.get(), 1);
  SSL_CTX_set_alpn_select_cb(context.get(), choose_alpn, nullptr);
  constexpr unsigned char kSessionId[] = "tollgate";
  SSL_CTX_set_session_id_context(context.get(), kSessionId, sizeof(kSessionId) - 1);
  return context;
}

Result<TlsContext> client_tls(const ClientTlsOptions& options) {
  TG_TRY(TlsContext context, base_context(TLS_client_method()));
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_alpn_protos(context.get(), kAlpn, kAlpnLength);
  if (!options.ca_pem.empty())
    TG_CHECK(trust_pem(context.get(), options.ca_pem));
  else if (SSL_CTX_set_default_verify_paths(context.get()) != 1)
    return tls_error("the system's certificate store cannot be read");
  if (!options.certificate_pem.empty()) {
    TG_CHECK(use_chain(context.get(), options.certificate_pem));
    TG_CHECK(use_key(context.get(), options.key_pem));
  }
  return context;
}

}  // namespace tollgate::net
