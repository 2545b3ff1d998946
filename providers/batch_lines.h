#pragma once
// Files of calls, a JSON object on each line, as OpenAI's batches take and give them (OpenAI API reference, batch).
// Pure; bounded by one line.
#include <string>
#include <string_view>

#include "providers/event.h"

namespace tollgate::providers {

// No line may be longer: a call with its pictures in it.
inline constexpr std::size_t kMaxBatchLine = std::size_t{8} * 1024 * 1024;

// One line of a batch's input: a call of one API, under a name by which the caller finds its answer.
struct BatchLine {
  std::string custom_id;
  std::string url;  // as the caller wrote it: which spelling a provider wants is its own affair
  Call call;
};

// Errors say what is wrong with the line, not which one it is.
Result<BatchLine> read_batch_line(std::string_view line);
// The same line around another body, without a line end.
std::string write_batch_line(const BatchLine& line, std::string_view body);

// What a batch has used. All its calls are for one model (BatchFile).
struct BatchTotal {
  std::string model;  // as the provider names it; empty: nothing was used
  Usage usage;
};

// Adds up what a batch's output says of its calls, as the file passes by. What is no such line counts nothing.
class BatchUsage {
 public:
  void feed(std::string_view bytes);
  void finish() { end_line(); }  // the file has ended
  const BatchTotal& total() const { return total_; }
  // Every line was short enough to be read.
  bool complete() const { return complete_; }

 private:
  void end_line();
  void add(std::string model, const Usage& usage);

  std::string line_;
  BatchTotal total_{{}, {.input = 0, .output = 0}};
  bool too_long_ = false;
  bool complete_ = true;
};

}  // namespace tollgate::providers
