#pragma once
// Keys, tokens, passwords, private keys and connection strings: by the literals that announce them.
#include <memory>
#include <string_view>

#include "pii/detect.h"

namespace tollgate::pii {

// What a literal announces.
enum class SecretKind : std::uint8_t {
  format,         // a key of a known form
  private_key,    // PEM, OpenSSH, PGP
  password,       // the name of a password: password = ...
  token,          // the name of a key or token: api_key: "..."
  authorization,  // an HTTP scheme: Bearer ..., Basic ...
  account_key,    // a part of a connection string that is a key: AccountKey=...
  shared_access,  // sig= of a URL with a shared access signature
  url,            // scheme://user:password@host
  oracle_url,     // jdbc:oracle:thin:user/password@host
};

// A form of key, token or wallet as its issuer publishes or prints it.
struct SecretFormat {
  std::string_view literal;  // what is looked for; the case of letters counts
  std::size_t before;        // how many characters of the key may stand before it
  const char* form;          // RE2: the whole key
  // What else must hold: 0 = it is none, else the score. Null = entropy and no placeholder.
  double (*check)(std::string_view key) = nullptr;
  EntityType type = EntityType::api_key;
};

// The table in secret_formats.cpp.
std::size_t secret_format_count();
const SecretFormat& secret_format(std::size_t index);
// The number of its rule (reason.h).
std::uint16_t rule_of_secret(std::size_t format);

// Each looks at what follows (and precedes) a literal that ends at `end`, and returns where it stopped reading.
std::size_t detect_private_key(std::string_view text, std::size_t start, Findings& out);
std::size_t detect_assignment(std::string_view text, SecretKind kind, std::size_t start, std::size_t end,
                              Findings& out);
std::size_t detect_authorization(std::string_view text, std::size_t end, Findings& out);
std::size_t detect_account_key(std::string_view text, SecretKind kind, std::size_t end, Findings& out);
// `at` is the "://".
std::size_t detect_url_password(std::string_view text, std::size_t at, std::size_t end, Findings& out);
std::size_t detect_oracle_password(std::string_view text, std::size_t end, Findings& out);

// The secret key of AWS within reach of the id of the key, which ends at `end`.
void detect_aws_secret(std::string_view text, std::size_t end, Findings& out);
// A run of letters and digits.
void detect_twilio_key(std::string_view text, std::size_t start, std::size_t end, Findings& out);

// Immutable; thread-safe.
class SecretDetector {
 public:
  SecretDetector();
  ~SecretDetector();
  void detect(std::string_view text, Findings& out) const;

 private:
  class Form;
  struct Rules;
  std::unique_ptr<Rules> rules_;
};

}  // namespace tollgate::pii
