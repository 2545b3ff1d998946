#pragma once
// A directory of configuration files that lives as long as the test.
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"

namespace tollgate::config::testing {

class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path main() const { return path_ / "tollgate.yaml"; }
  // Creates directories as needed; mode 0644 unless told.
  void write(const std::string& name, std::string_view text, unsigned mode = 0644) const;
  // master.key, tls.crt, tls.key, secret (mode 0600) and an empty directory model/.
  void write_secrets() const;

 private:
  std::filesystem::path path_;
};

// The smallest complete main file, closed with `more`.
std::string minimal(const std::string& more = "");

// "tollgate.yaml:7 listen.port: ..." for each problem.
std::vector<std::string> problems_of(const LoadResult& result);

// Loads `main` (and what the folder already holds) offline.
LoadResult load_offline(const Folder& folder, const std::string& main);

}  // namespace tollgate::config::testing
