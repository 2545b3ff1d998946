#pragma once
// A client's form with files on its way to a provider: fields are scrubbed, files pass as they come.
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "gateway/net/signal.h"
#include "gateway/pipeline/batch_file.h"
#include "gateway/server/exchange.h"
#include "providers/front_end.h"
#include "providers/multipart.h"
#include "providers/upstream.h"

namespace tollgate::pipeline {

struct FormOptions {
  const providers::FormRules& rules;
  std::string boundary;         // of the client's form
  std::string own_boundary;     // of the form that the provider gets: nobody can have put it into a file
  std::uint64_t max_bytes = 0;  // of the whole form
  std::uint64_t max_held = 0;   // of what may come before the model's name
  std::string path_model;       // the model, where the path names it
  // What a field becomes before it leaves: scrubbed. Not called after stop().
  std::function<Result<std::string>(std::string text)> scrub;
  BatchFile* calls = nullptr;  // what makes of a file of calls (FormRules::calls); outlives stop()
};

// One per call, shared with the transport that reads it; both live on one loop. Every part is read and written anew, so
// that the provider sees exactly what we saw. Holds at most what the client sent before the model's name, then no more
// than one read of the connection.
class ClientForm final : public providers::UploadForm {
 public:
  // `exchange` has to live until stop().
  ClientForm(const net::Executor& executor, server::Exchange& exchange, FormOptions options);

  // Reads until the form has named its model: the name. Error: it does not within `max_held` bytes, or at all.
  net::Task<Result<std::string>> find_model();
  // Another target can have this form: nothing of it has left.
  bool untouched() const { return !started_ && !stopped_; }

  const std::string& content_type() const override { return content_type_; }
  void name_model(const std::string& upstream_model) override { upstream_model_ = upstream_model; }
  net::Task<Result<bool>> read_some(std::string& out) override;
  void stop() override;

 private:
  // Takes what has arrived, or waits for it. false: the form has ended.
  net::Task<Result<bool>> take();
  Status digest();
  Status parse();
  Status begin_part();
  Result<std::string> scrub_filename(const std::string& filename) const;
  Status add_content();
  Status end_part();
  Status end_field();
  Status add_model();
  Status end_form();
  Status add_lines();
  Error no_model() const;
  bool in_file() const { return reader_.part().filename.has_value(); }

  server::Exchange& exchange_;
  FormOptions options_;
  std::string content_type_;
  providers::FormReader reader_;
  net::Signal arrived_;
  std::string out_;    // rewritten and not yet taken
  std::string field_;  // content so far
  std::string lines_;  // of a file of calls: not yet looked at
  std::optional<std::string> model_;
  std::optional<std::size_t> model_at_;  // where in out_ its name belongs
  std::string upstream_model_;
  std::size_t field_bytes_ = 0;  // of all fields
  bool has_file_ = false;
  bool arrived_all_ = false;
  bool held_ = false;  // the model is known by its first line: what follows waits for the target
  bool file_ended_ = false;
  bool ended_ = false;
  bool started_ = false;
  bool stopped_ = false;
};

// Ends the form with its call, whatever the ending.
class FormGuard {
 public:
  FormGuard() = default;
  ~FormGuard() {
    if (form) form->stop();
  }
  FormGuard(const FormGuard&) = delete;
  FormGuard& operator=(const FormGuard&) = delete;
  std::unique_ptr<BatchFile> calls;  // of a file of calls
  std::shared_ptr<ClientForm> form;
};

}  // namespace tollgate::pipeline
