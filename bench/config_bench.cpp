// How long a reload takes: 500 departments in one file, in 500 files, and when nothing changed.
#include <benchmark/benchmark.h>
#include <stdlib.h>  // mkdtemp is POSIX, not <cstdlib>

#include <filesystem>
#include <fstream>
#include <string>

#include "config/load.h"

namespace {

namespace fs = std::filesystem;
using tollgate::config::load;
using tollgate::config::LoadOptions;

constexpr int kDepartments = 500;

std::string department(int number, const std::string& indent) {
  const std::string id = "department-" + std::to_string(number);
  std::string text = "id: " + id + "\n";
  for (const std::string& line :
       {std::string("cost_center: [{from: 2026-01-01, id: CC-1}, {from: 2026-07-01, id: CC-2}]"),
        std::string("models: [m]"), std::string("pii: strict"),
        std::string("limits: {requests_per_minute: 600, tokens_per_minute: 200000, concurrent: 64}"),
        std::string("applications: [{id: chat, purpose: assistant, owner: it, use_case: AI-1, data: internal}]")}) {
    text += indent + line + "\n";
  }
  return text;
}

class Folder {
 public:
  explicit Folder(bool one_file) {
    std::string name = (fs::temp_directory_path() / "tollgate_bench_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
    std::string main =
        "schema: 1\nmaster_key: {file: k}\nlisten: {plaintext: true}\n"
        "providers: [{id: p, kind: openai_compatible, endpoint: https://p.example}]\n"
        "models: [{name: m, targets: [{provider: p, model: x}]}]\npii: {policies: {strict: {action: redact}}}\n";
    main += one_file ? "departments:\n" : "include: [conf.d/**]\n";
    fs::create_directories(path_ / "conf.d/departments");
    for (int i = 0; i < kDepartments; ++i) {
      if (one_file) {
        main += "  - " + department(i, "    ");
      } else {
        std::ofstream(path_ / "conf.d/departments" / (std::to_string(i) + ".yaml")) << department(i, "");
      }
    }
    std::ofstream(path_ / "tollgate.yaml") << main;
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  fs::path main() const { return path_ / "tollgate.yaml"; }

 private:
  fs::path path_;
};

void run(benchmark::State& state, bool one_file, bool reload) {
  const Folder folder(one_file);
  LoadOptions options;
  options.offline = true;
  if (reload) options.previous = load(folder.main(), options).snapshot;
  for (auto _ : state) {
    const auto result = load(folder.main(), options);
    if (!result.snapshot || result.snapshot->departments.size() != kDepartments) state.SkipWithError("not loaded");
  }
}

void one_file(benchmark::State& state) { run(state, true, false); }
void many_files(benchmark::State& state) { run(state, false, false); }
void unchanged_reload(benchmark::State& state) { run(state, false, true); }
BENCHMARK(one_file)->Unit(benchmark::kMillisecond);
BENCHMARK(many_files)->Unit(benchmark::kMillisecond);
BENCHMARK(unchanged_reload)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
