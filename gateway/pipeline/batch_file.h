#pragma once
// A batch's input on its way to a provider: a file with a call on each line, every one of them scrubbed as its own
// endpoint would scrub it.
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/pipeline/screen.h"
#include "gateway/pipeline/services.h"
#include "providers/batch_lines.h"

namespace tollgate::pipeline {

// One per upload. Errors name the line. Not thread-safe; what it is made with has to outlive it.
class BatchFile {
 public:
  // What is found is added to `found`, but for the values: an answer that comes a day later cannot be put right again.
  BatchFile(const Services& services, const View& view, const auth::Principal& who, const pii::Policies& policies,
            Screened& found)
      : services_(services), view_(view), who_(who), policies_(policies), found_(found) {}

  // The name of the file as the provider gets it: scrubbed, and with its owner's mark.
  Result<std::string> filename(std::string name);
  // A field of the form beside the file.
  static Status check_field(std::string_view name, std::string_view value);
  // The model of the first line that is not blank, which is the model of all; nullopt: a blank line.
  Result<std::optional<std::string>> model_of(std::string_view line);
  // What leaves: the call of `upstream_model`, scrubbed, with its line end. Nothing of a blank line.
  Result<std::string> rewrite(std::string_view line, const std::string& upstream_model);
  // A line is longer than kMaxBatchLine.
  Error too_long() const;

 private:
  Error at_line(Error error) const;
  Status add(Screened screened);
  Status check_id(const std::string& custom_id);

  const Services& services_;
  const View& view_;
  const auth::Principal& who_;
  const pii::Policies& policies_;
  Screened& found_;
  std::string model_;
  std::size_t line_ = 0;  // the last one that was looked at, from 1
};

}  // namespace tollgate::pipeline
