#pragma once
// What the identity tests share: the throw-away key, and a cloud that answers from a script.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "gateway/base/secret.h"
#include "gateway/net/tls.h"

namespace tollgate::providers::testing {

inline nlohmann::json google_vector() {
  std::ifstream file("tests/unit/providers/identity/vectors/google_assertion.json");
  return nlohmann::json::parse(file);
}

inline std::string pem(const std::string& label, const std::string& base64) {
  std::string out = "-----BEGIN " + label + "-----\n";
  for (std::size_t at = 0; at < base64.size(); at += 64) out += base64.substr(at, 64) + "\n";
  return out + "-----END " + label + "-----\n";
}

inline Secret google_private_key() {
  return Secret(pem("PRIVATE KEY", google_vector()["private_key_pkcs8_der_b64"].get<std::string>()));
}

inline Secret elliptic_key() {
  auto made = net::make_self_signed({"localhost"}, 2);
  return made ? std::move(made->key_pem) : Secret();
}

}  // namespace tollgate::providers::testing
