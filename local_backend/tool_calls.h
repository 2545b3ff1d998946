#pragma once
// Calls of tools: what a model is told of them, how each family of chat templates writes them, and how they are read
// out of an answer while it is written. Pure logic.
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "local_backend/api.h"
#include "local_backend/json_document.h"

namespace tollgate::local_backend {

// How the answers of a family write calls: JSON objects of a name and arguments, between marks.
struct ToolSyntax {
  std::string_view family;
  std::string_view evidence;   // what only templates of this family say
  std::string_view open;       // begins calls; empty: the answer begins with the call's '{'
  std::string_view close;      // ends them; empty: the end of the answer does
  std::string_view lead;       // between `open` and the first object
  std::string_view arguments;  // the member that holds the arguments
};

// Of a chat template; null: it takes no tools, or writes calls in a way that is not known here.
const ToolSyntax* tool_syntax(std::string_view source);

// The list that templates take: functions as OpenAI describes them. Throws std::runtime_error that names the tool whose
// schema is no JSON.
Json tool_list(const std::vector<Tool>& tools);

// What a request's answers are read by; shared by its choices.
struct ToolReading {
  const ToolSyntax* syntax;
  std::vector<std::string> names;  // of the tools: a call of another is text
  bool forced = false;             // the answer is a call and nothing else
  bool parallel = true;            // else the answer ends after one call
};

// One answer. The same calls and text come out however the answer is cut into pieces.
class ToolCallReader {
 public:
  struct Found {
    std::string text;
    std::vector<ToolCall> calls;  // without ids
  };

  // `reading`: null: all is text.
  explicit ToolCallReader(std::shared_ptr<const ToolReading> reading);

  void feed(std::string_view piece, Found& out);
  // The answer has ended. A call that was cut off is text, unless the answer was to be a call: then it is left out.
  void finish(Found& out);
  // Another piece would not count.
  bool satisfied() const { return calls_ > 0 && !reading_->parallel; }
  int calls() const { return calls_; }

 private:
  void read_text(Found& out);
  bool read_call(Found& out);
  void show(std::string_view text, Found& out);
  void take(std::string_view body, std::string_view close, Found& out);

  std::shared_ptr<const ToolReading> reading_;
  std::string held_;
  std::string blanks_;  // white space that is shown only if text follows
  bool inside_ = false;
  bool spoken_ = false;  // text was shown
  int calls_ = 0;
};

}  // namespace tollgate::local_backend
