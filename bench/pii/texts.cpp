#include "bench/pii/texts.h"

#include <iterator>
#include <random>
#include <string_view>

namespace tollgate::bench {
namespace {

constexpr std::size_t kSize = 1U << 20U;

// Made-up sentences: the letters, digits and signs of ordinary English, nothing personal.
const char* const kSentences[] = {
    "The committee met on Tuesday and agreed that the second draft needed more work before anyone could sign it. ",
    "In 2024 the team of 12 shipped 3 releases; version 4.7 fixed the bug, at a cost of $1,250 and 6 weekends. ",
    "\"Why not?\" she asked - well-known for her patience - while the kettle boiled and the rain went on and on. ",
    "To reproduce: run the script, wait 30 seconds, then look at line 118 of the log (about 80% of runs show it). ",
    "A function named parse_header calls std::string::find, then returns the index_of the first match, or -1. ",
    "L'été dernier, nous avons visité la côte; le voyage — trois jours — fut trop court. ",
};

const char* const kValues[] = {"jane.doe@example.com",       "+49 30 901820", "(415) 555-0132",
                               "4242 4242 4242 4242",        "536-22-8145",   "203.0.113.45",
                               "GB82 WEST 1234 5698 7654 32"};
const char* const kBetween[] = {" and then the customer wrote to ", ", or as an alternative use ",
                                ". The record also says "};

}  // namespace

std::string prose() {
  std::mt19937 random(1);
  std::string out;
  while (out.size() < kSize) out += kSentences[random() % std::size(kSentences)];
  return out;
}

std::string chat_json() {
  std::mt19937 random(2);
  std::string out = "[";
  while (out.size() < kSize) {
    out += "{\"role\":\"";
    out += random() % 2 == 0 ? "user" : "assistant";
    out += "\",\"content\":[{\"type\":\"text\",\"text\":\"";
    for (unsigned i = 0; i < 2 + random() % 4; ++i)
      for (const char* c = kSentences[random() % std::size(kSentences)]; *c != '\0'; ++c) {
        if (*c == '"') out += '\\';
        out += *c;
      }
    out += "\\n\"}]},";
  }
  out.back() = ']';
  return out;
}

std::string letters() {
  std::mt19937 random(8);
  std::string out;
  while (out.size() < kSize) {
    out += kBetween[random() % std::size(kBetween)];
    out += kValues[random() % std::size(kValues)];
    out += ". ";
    for (auto sentences = 1 + random() % 5; sentences > 0; --sentences)
      out += kSentences[random() % std::size(kSentences)];
  }
  return out;
}

std::string dense() {
  std::mt19937 random(3);
  std::string out;
  while (out.size() < kSize) {
    out += kValues[random() % std::size(kValues)];
    out += kBetween[random() % std::size(kBetween)];
  }
  return out;
}

std::string base64() {
  static constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::mt19937 random(4);
  std::string out;
  while (out.size() < kSize) out += kAlphabet[random() % 64];
  return out;
}

std::string hex() {
  std::mt19937 random(6);
  std::string out;
  while (out.size() < kSize) out += "0123456789abcdef"[random() % 16];
  return out;
}

std::string logs() {
  std::mt19937 random(7);
  std::string out;
  while (out.size() < kSize)
    out += "2026-03-01T12:00:0" + std::to_string(random() % 10) + "Z INFO worker 3 finished job " +
           std::to_string(random() % 100'000) + " in 412 ms, 3 retries, 0 failures\n";
  return out;
}

std::string numbers() {
  std::mt19937 random(5);
  std::string out;
  while (out.size() < kSize) out += std::to_string(random() % 1'000'000) + (random() % 8 == 0 ? "\n" : ",");
  return out;
}

std::string chinese() {
  std::string out;
  while (out.size() < kSize)
    out += "我们在2024年3月讨论了这个问题，会议持续了两个小时，最后没有结论。下次会议定于周五上午十点。";
  return out;
}

}  // namespace tollgate::bench
