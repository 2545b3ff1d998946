// Writes one of the texts that are measured to its output: pii_print_text dense.
#include <cstdio>
#include <map>
#include <string>

#include "bench/pii/texts.h"

int main(int argc, char** argv) {
  using namespace tollgate::bench;
  const std::map<std::string, std::string (*)()> texts = {
      {"prose", prose}, {"chat_json", chat_json}, {"letters", letters}, {"dense", dense},    {"base64", base64},
      {"hex", hex},     {"logs", logs},           {"numbers", numbers}, {"chinese", chinese}};
  const auto chosen = argc == 2 ? texts.find(argv[1]) : texts.end();
  if (chosen == texts.end()) {
    std::fputs("usage: pii_print_text", stderr);
    for (const auto& [name, text] : texts) std::fprintf(stderr, " %s", name.c_str());
    std::fputs(" (one of them)\n", stderr);
    return 2;
  }
  const std::string text = chosen->second();
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() ? 0 : 1;
}
