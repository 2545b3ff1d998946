#pragma once
// What a provider keeps for its callers: files and batches (OpenAI API reference). Its names for them stay in the
// house; callers get the gateway's own, and see in lists what is theirs. Pure.
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/base/result.h"
#include "providers/batch_lines.h"
#include "providers/call.h"

namespace tollgate::providers {

enum class Kept : std::uint8_t { file, batch };

// Of one call's caller.
struct KeptNames {
  std::function<std::string(Kept what, std::string_view id)> ours;  // our name for the provider's `id`
  std::string owner;  // the mark of the caller's department, letters and digits: on all that it sends
};

// A file's name, as the provider gets it.
std::string marked_filename(const KeptNames& names, std::string_view filename);

// The object, or what became of it: every name is ours, the owner's mark is gone. Error: no object.
Result<std::string> rename_object(Kept what, std::string_view body, const KeptNames& names);

struct KeptList {
  std::string objects;  // those of the owner, renamed, with commas between
  std::size_t count = 0;
  std::string first, last;  // our names; empty where there is none
  std::string cursor;       // the provider's name of the last object of all; empty: there was none
  bool more = false;        // after the cursor
};
// One page of the provider's list; what has another owner, or none, is left out.
Result<KeptList> rename_list(Kept what, std::string_view body, const KeptNames& names);

// What a batch that has ended has used, where the object tells: by the name of its output.
struct EndedBatch {
  std::string output_file;  // the provider's name; empty: there is none, or not yet
  BatchTotal total;
};
EndedBatch read_ended_batch(std::string_view body);

// The body of POST /batches; its texts are those of `metadata`.
struct BatchOrder {
  Call call;
  std::string input_file;  // as the caller names it
  Span input_file_at;      // inside the quotes
  Edit mark;               // puts the owner's mark into the metadata
};
Result<BatchOrder> read_batch_order(std::shared_ptr<const std::string> body, const KeptNames& names);

}  // namespace tollgate::providers
