#include "support.h"

#include <stdlib.h>  // mkdtemp is POSIX, not <cstdlib>

#include <fstream>
#include <stdexcept>

#include "config/secrets.h"
#include "gateway/net/tls.h"

namespace tollgate::config::testing {

namespace fs = std::filesystem;

Folder::Folder() {
  std::string name = (fs::temp_directory_path() / "tollgate_config_XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
  path_ = name;
}

Folder::~Folder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void Folder::write(const std::string& name, std::string_view text, unsigned mode) const {
  const fs::path file = path_ / name;
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
  fs::permissions(file, static_cast<fs::perms>(mode));
}

void Folder::write_secrets() const {
  static const auto identity = net::make_self_signed({"localhost", "127.0.0.1"}, 10);
  write("tls.crt", identity->certificate_pem);
  write("tls.key", identity->key_pem.reveal(), 0600);
  write("master.key", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n", 0600);
  write("secret", "sk-planted-secret\n", 0600);
  fs::create_directories(path_ / "model");
}

std::string minimal(const std::string& more) {
  return "schema: 1\n"
         "master_key: {file: master.key}\n"
         "listen: {tls: {certificate: tls.crt, key: {file: tls.key}}}\n" +
         more;
}

std::vector<std::string> problems_of(const LoadResult& result) {
  std::vector<std::string> all;
  for (const Problem& problem : result.problems) all.push_back(problem.to_string());
  return all;
}

LoadResult load_offline(const Folder& folder, const std::string& main) {
  folder.write("tollgate.yaml", main);
  LoadOptions options;
  options.offline = true;
  return load(folder.main(), options);
}

}  // namespace tollgate::config::testing
