#include <openssl/rand.h>

#include <boost/asio/ip/address.hpp>
#include <ctime>

#include "gateway/net/openssl_ptr.h"
#include "gateway/net/tls.h"

namespace tollgate::net {
namespace {

Error no_certificate() {
  ERR_clear_error();
  return {ErrorKind::internal, "no certificate could be made"};
}

bool add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

// "DNS:localhost,IP:127.0.0.1"; empty when a name could not be meant as either.
std::string alternative_names(const std::vector<std::string>& names) {
  std::string list;
  for (const auto& name : names) {
    if (name.empty() || name.find_first_of(",\n ") != std::string::npos) return {};
    boost::system::error_code not_numeric;
    (void)boost::asio::ip::make_address(name, not_numeric);
    if (!list.empty()) list += ',';
    list += (not_numeric ? "DNS:" : "IP:") + name;
  }
  return list;
}

bool set_random_serial(X509* certificate) {
  std::uint64_t serial = 0;
  return RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof(serial)) == 1 &&
         ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial) == 1;
}

bool set_name_and_dates(X509* certificate, const std::string& name, int days) {
  auto* subject = X509_get_subject_name(certificate);
  const std::string common_name = name.substr(0, 64);  // its upper bound (RFC 5280 A.1); clients read the SAN
  const auto* text = reinterpret_cast<const unsigned char*>(common_name.data());
  constexpr long kClockSkew = 3600;  // a client whose clock is late still takes it
  return X509_set_version(certificate, X509_VERSION_3) == 1 &&
         X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, text, static_cast<int>(common_name.size()),
                                    -1, 0) == 1 &&
         X509_set_issuer_name(certificate, subject) == 1 &&
         X509_gmtime_adj(X509_getm_notBefore(certificate), -kClockSkew) != nullptr &&
         X509_time_adj_ex(X509_getm_notAfter(certificate), days, 0, nullptr) != nullptr;
}

// Its own CA, so a client trusts it by trusting the file itself. Key identifiers: strict clients (Python 3.13) ask.
bool set_uses(X509* certificate, const std::string& names) {
  return add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE") &&
         add_extension(certificate, NID_key_usage, "critical,digitalSignature,keyCertSign") &&
         add_extension(certificate, NID_ext_key_usage, "serverAuth,clientAuth") &&
         add_extension(certificate, NID_subject_key_identifier, "hash") &&
         add_extension(certificate, NID_authority_key_identifier, "keyid:always") &&
         add_extension(certificate, NID_subject_alt_name, names);
}

std::string text_of(BIO* bio) {
  char* bytes = nullptr;
  const long length = BIO_get_mem_data(bio, &bytes);
  return {bytes, static_cast<std::size_t>(length)};
}

}  // namespace

Result<SelfSigned> make_self_signed(const std::vector<std::string>& names, int days) {
  const std::string alternatives = alternative_names(names);
  if (alternatives.empty()) return Error{ErrorKind::invalid_request, "a certificate needs host names or IP addresses"};
  const KeyPtr key(EVP_EC_gen("P-256"));
  const CertificatePtr certificate(X509_new());
  auto* x509 = certificate.get();
  if (!key || x509 == nullptr || !set_random_serial(x509) || !set_name_and_dates(x509, names.front(), days) ||
      X509_set_pubkey(x509, key.get()) != 1 || !set_uses(x509, alternatives) ||
      X509_sign(x509, key.get(), EVP_sha256()) == 0)
    return no_certificate();
  const BioPtr public_part(BIO_new(BIO_s_mem()));
  const BioPtr private_part(BIO_new(BIO_s_secmem()));
  if (!public_part || !private_part || PEM_write_bio_X509(public_part.get(), x509) != 1 ||
      PEM_write_bio_PrivateKey(private_part.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return no_certificate();
  return SelfSigned{text_of(public_part.get()), Secret(text_of(private_part.get()))};
}

Result<std::int64_t> not_after(std::string_view certificate_pem) {
  const auto bio = bio_over(certificate_pem);
  const CertificatePtr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  std::tm date = {};
  const bool read = certificate && ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &date) == 1;
  ERR_clear_error();
  if (!read) return Error{ErrorKind::invalid_request, "the certificate is not readable as PEM"};
  return static_cast<std::int64_t>(timegm(&date));
}

}  // namespace tollgate::net
