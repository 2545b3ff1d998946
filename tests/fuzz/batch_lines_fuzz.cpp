// Files of calls and answers about what a provider keeps: a line that is accepted can be written and read again; usage
// is the same wherever the file is cut; what is renamed is an object still, without the provider's names.
#include <cstdint>
#include <string>

#include "providers/batch_lines.h"
#include "providers/kept_objects.h"
#include "tests/fuzz/require.h"

using namespace tollgate::providers;

namespace {

void check_line(std::string_view text) {
  const auto line = read_batch_line(text);
  if (!line) return;
  for (const TextField& field : line->call.index.texts)
    require(field.span.end() <= line->call.body->size(), "texts lie in the body");
  const auto again = read_batch_line(write_batch_line(*line, *line->call.body));
  require(again && again->custom_id == line->custom_id && *again->call.body == *line->call.body, "the same line");
}

void check_usage(std::string_view text) {
  BatchUsage whole;
  whole.feed(text);
  whole.finish();
  BatchUsage pieces;
  for (const char c : text) pieces.feed(std::string_view(&c, 1));
  pieces.finish();
  require(whole.total().usage.input == pieces.total().usage.input, "cutting changes nothing");
  require(whole.total().model == pieces.total().model, "nor the model");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  check_line(text);
  check_usage(text);
  const KeptNames names{[](Kept, std::string_view) { return std::string("ours"); }, "0123456789abcdef01234567"};
  for (const Kept what : {Kept::file, Kept::batch}) {
    const auto renamed = rename_object(what, text, names);
    if (renamed) require(bool(rename_object(what, *renamed, names)), "an object still");
    (void)rename_list(what, text, names);
  }
  (void)read_ended_batch(text);
  const auto order = read_batch_order(std::make_shared<const std::string>(text), names);
  if (!order) return 0;
  const std::string sent = splice(*order->call.body, {{order->input_file_at, "theirs"}, order->mark});
  require(rename_object(Kept::batch, R"({"id":"b",)" + sent.substr(sent.find('{') + 1), names).ok(), "what is sent");
  return 0;
}
