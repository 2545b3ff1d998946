#include "providers/chat_usage.h"

#include <algorithm>

namespace tollgate::providers {
namespace {

// Numbers beyond this are a provider's mistake, not usage (and must not overflow a bill).
constexpr std::int64_t kMaxTokens = 1'000'000'000'000;

std::int64_t part_of(std::int64_t part, std::int64_t whole) {
  return std::clamp<std::int64_t>(part, 0, std::max<std::int64_t>(whole, 0));
}

void read_details(JsonReader& reader, Usage& usage) {
  if (reader.peek() != JsonReader::Kind::object) {
    reader.skip();
    return;
  }
  reader.enter_object();
  while (reader.next_member()) {
    const auto key = reader.key();
    if (key == "cached_tokens")
      usage.cached_input = std::max(usage.cached_input, read_count(reader));
    else if (key == "cache_write_tokens")
      usage.cache_write = read_count(reader);
    else if (key == "reasoning_tokens" || key == "thinking_tokens")
      usage.reasoning = read_count(reader);
    else
      reader.skip();
  }
}

}  // namespace

std::int64_t read_count(JsonReader& reader) {
  if (reader.peek() != JsonReader::Kind::number) {
    reader.skip();
    return -1;
  }
  const auto value = reader.integer().value_or(-1);
  return value >= 0 && value <= kMaxTokens ? value : -1;
}

Usage merged(const Usage& before, const Usage& later) {
  Usage out = before;
  if (later.input >= 0) {
    const bool details = later.cached_input >= 0 && later.cache_write >= 0;
    out.cached_input = details ? later.cached_input : before.cached_input;
    out.cache_write = details ? later.cache_write : before.cache_write;
    out.input = later.input + (details ? 0 : before.cached_input + before.cache_write);
  }
  if (later.output >= 0) {
    out.output = later.output;
    out.reasoning = std::max(later.reasoning, before.reasoning);
  }
  out.audio_ms = std::max(later.audio_ms, before.audio_ms);
  out.compute_us = std::max(later.compute_us, before.compute_us);
  return out;
}

Usage read_usage(JsonReader& reader) {
  Usage usage;
  reader.enter_object();
  while (reader.next_member()) {
    const auto key = reader.key();
    if (key == "prompt_tokens" || key == "input_tokens")
      usage.input = read_count(reader);
    else if (key == "completion_tokens" || key == "output_tokens")
      usage.output = read_count(reader);
    else if (key == "prompt_cache_hit_tokens")  // DeepSeek
      usage.cached_input = std::max(usage.cached_input, read_count(reader));
    else if (key == "prompt_tokens_details" || key == "completion_tokens_details" || key == "input_tokens_details" ||
             key == "output_tokens_details")
      read_details(reader, usage);
    else
      reader.skip();
  }
  usage.cached_input = part_of(usage.cached_input, usage.input);
  usage.cache_write = part_of(usage.cache_write, usage.input - usage.cached_input);
  usage.reasoning = part_of(usage.reasoning, usage.output);
  return usage;
}

// input_tokens is without what caches served and took; ours includes both (Anthropic API reference, messages).
Usage read_message_usage(JsonReader& reader) {
  Usage usage;
  usage.cached_input = -1;
  usage.cache_write = -1;
  reader.enter_object();
  while (reader.next_member()) {
    const auto key = reader.key();
    if (key == "input_tokens")
      usage.input = read_count(reader);
    else if (key == "output_tokens")
      usage.output = read_count(reader);
    else if (key == "cache_read_input_tokens")
      usage.cached_input = read_count(reader);
    else if (key == "cache_creation_input_tokens")
      usage.cache_write = read_count(reader);
    else if (key == "output_tokens_details")
      read_details(reader, usage);
    else
      reader.skip();
  }
  const bool details = usage.cached_input >= 0 || usage.cache_write >= 0;
  if (details) usage.cached_input = std::max<std::int64_t>(usage.cached_input, 0);
  if (details) usage.cache_write = std::max<std::int64_t>(usage.cache_write, 0);
  if (details && usage.input >= 0) usage.input += usage.cached_input + usage.cache_write;
  usage.reasoning = part_of(usage.reasoning, usage.output);
  return usage;
}

Event prompt_usage(const Usage& told) {
  Event event;
  event.kind = Event::Kind::usage;
  event.usage = told;
  event.usage.output = -1;
  event.usage.reasoning = 0;
  return event;
}

}  // namespace tollgate::providers
