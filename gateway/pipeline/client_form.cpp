#include "gateway/pipeline/client_form.h"

#include <algorithm>
#include <utility>

#include "providers/json_reader.h"

namespace tollgate::pipeline {

using net::Task;
using Item = providers::FormReader::Item;
using Arrival = server::Exchange::Arrival;

namespace {

// Of all fields of a form together. OpenAI's longest is a prompt of 32,000 characters (API reference, images).
constexpr std::size_t kMaxFields = 1024 * 1024;

// Values may hide in a field's name and in a content type as in any text.
Status scrub_head(const FormOptions& options, providers::FormPart& part) {
  if (!providers::valid_utf8(part.content_type))
    return invalid_value(part.name, "The Content-Type of '" + part.name + "' is not text in UTF-8.");
  for (std::string* text : {&part.name, &part.content_type}) {
    if (text->empty()) continue;
    TG_TRY(*text, options.scrub(*text));
  }
  return {};
}

Error over() { return Error{ErrorKind::cancelled, "The call is over."}; }

}  // namespace

ClientForm::ClientForm(const net::Executor& executor, server::Exchange& exchange, FormOptions options)
    : exchange_(exchange),
      options_(std::move(options)),
      content_type_("multipart/form-data; boundary=" + options_.own_boundary),
      reader_(options_.boundary),
      arrived_(executor) {
  if (!options_.path_model.empty()) model_ = options_.path_model;
  exchange_.on_body([this] { arrived_.notify(); });
}

Task<Result<std::string>> ClientForm::find_model() {
  TG_CO_CHECK(co_await exchange_.open_body(options_.max_bytes));
  std::size_t held = 0;
  while (!model_) {
    TG_CO_TRY(const bool more, co_await take());
    if (!model_ && !more) co_return no_model();
    if (!model_ && out_.size() > options_.max_held)
      co_return invalid_value("model",
                              "The field 'model' has to stand before the file in forms as long as this one: send it "
                              "first.");
    const std::size_t holds = out_.size() + lines_.size();
    if (holds > held) TG_CO_CHECK(exchange_.hold(holds - held));
    held = std::max(held, holds);
  }
  co_return *model_;
}

Error ClientForm::no_model() const {
  if (options_.calls != nullptr)
    return invalid_value("file", "The file has no calls: it has to have one on each line.");
  return invalid_value("model", "The form has no field 'model'. GET /v1/models lists what you may use.",
                       "missing_required_parameter");
}

Task<Result<bool>> ClientForm::take() {
  if (stopped_) co_return over();
  TG_CO_TRY(const Arrival arrival, exchange_.take_body(reader_.input()));
  if (arrival == Arrival::nothing_yet) {
    co_await arrived_.wait();
    co_return true;
  }
  arrived_all_ = arrival == Arrival::done;
  TG_CO_CHECK(digest());
  co_return !ended_;
}

// All that is here.
Status ClientForm::digest() {
  TG_CHECK(parse());
  if (held_ || !arrived_all_) return {};
  TG_CHECK(reader_.finish());
  ended_ = true;
  return {};
}

Task<Result<bool>> ClientForm::read_some(std::string& out) {
  started_ = true;
  if (model_at_) out_.insert(*model_at_, upstream_model_);
  model_at_.reset();
  if (std::exchange(held_, false)) {
    TG_CO_CHECK(add_lines());
    TG_CO_CHECK(digest());
  }
  while (out_.empty() && !ended_) {
    TG_CO_CHECK(co_await take());
  }
  if (stopped_) co_return over();
  if (out_.empty()) co_return false;
  out.append(out_);
  if (ended_ || out_.capacity() > kMaxFields)
    std::string().swap(out_);
  else
    out_.clear();
  co_return true;
}

void ClientForm::stop() {
  if (stopped_) return;
  stopped_ = true;
  exchange_.on_body(nullptr);
  arrived_.notify();
}

Status ClientForm::parse() {
  while (!held_) {
    TG_TRY(const Item item, reader_.next());
    switch (item) {
      case Item::more:
        return {};
      case Item::part:
        TG_CHECK(begin_part());
        break;
      case Item::data:
        TG_CHECK(add_content());
        break;
      case Item::part_end:
        TG_CHECK(end_part());
        break;
      case Item::end:
        TG_CHECK(end_form());
        break;
    }
  }
  return {};
}

// A text that came as a file would not be scanned, and a file that came as a text would be changed.
Status ClientForm::begin_part() {
  const providers::FormPart& part = reader_.part();
  const bool is_file = std::ranges::find(options_.rules.files, part.name) != options_.rules.files.end();
  if (is_file && !in_file()) return invalid_value(part.name, "'" + part.name + "' has to be a file, with a filename.");
  if (!is_file && in_file()) return invalid_value(part.name, "'" + part.name + "' cannot be a file here.");
  if (is_file && has_file_ && options_.calls != nullptr) return invalid_value(part.name, "There can be one file.");
  field_.clear();
  has_file_ = has_file_ || is_file;
  providers::FormPart anew = part;
  TG_CHECK(scrub_head(options_, anew));
  if (is_file && options_.calls != nullptr) {
    TG_TRY(anew.filename, options_.calls->filename(*part.filename));
  } else if (is_file) {
    TG_TRY(anew.filename, scrub_filename(*part.filename));
  }
  providers::append_part_head(out_, options_.own_boundary, anew);
  return {};
}

// People name files after people. Its ending stays: providers go by it.
Result<std::string> ClientForm::scrub_filename(const std::string& filename) const {
  constexpr std::size_t kLongestEnding = 6;
  if (!providers::valid_utf8(filename))
    return invalid_value(reader_.part().name, "The file's name is not text in UTF-8.");
  TG_TRY(std::string scrubbed, options_.scrub(filename));
  if (scrubbed == filename) return scrubbed;
  const auto ending = filename.substr(std::min(filename.rfind('.'), filename.size()));
  if (ending.size() <= kLongestEnding && !scrubbed.ends_with(ending)) scrubbed += ending;
  return scrubbed;
}

Status ClientForm::add_content() {
  if (in_file() && options_.calls != nullptr) {
    lines_.append(reader_.data());
    return add_lines();
  }
  if (in_file()) {
    out_.append(reader_.data());
    return {};
  }
  field_bytes_ += reader_.data().size();
  if (field_bytes_ > kMaxFields)
    return invalid_value(reader_.part().name, "The fields of the form are longer than 1 MiB.");
  field_.append(reader_.data());
  return {};
}

// The lines that are whole; the last is, once the file has ended. The first names the model, and then waits for what
// the target calls it.
Status ClientForm::add_lines() {
  std::size_t at = 0;
  while (at < lines_.size()) {
    const auto end = lines_.find('\n', at);
    if (end == std::string::npos && !file_ended_) break;
    const std::string_view line = std::string_view(lines_).substr(at, end - at);
    if (!started_) {
      TG_TRY(model_, options_.calls->model_of(line));
      held_ = model_.has_value();
    }
    if (held_) break;
    TG_TRY(const std::string anew, options_.calls->rewrite(line, upstream_model_));
    out_.append(anew);
    at = end == std::string::npos ? lines_.size() : end + 1;
  }
  lines_.erase(0, at);
  if (!held_ && lines_.size() > providers::kMaxBatchLine) return options_.calls->too_long();
  if (file_ended_ && !held_) out_.append("\r\n");
  return {};
}

Status ClientForm::end_part() {
  if (in_file() && options_.calls != nullptr) {
    file_ended_ = true;
    return add_lines();
  }
  if (!in_file()) TG_CHECK(end_field());
  out_.append("\r\n");
  return {};
}

Status ClientForm::end_field() {
  const std::string& name = reader_.part().name;
  if (!providers::valid_utf8(field_) || field_.find('\0') != field_.npos)
    return invalid_value(name, "'" + name + "' is not text in UTF-8.");
  if (options_.calls != nullptr) TG_CHECK(options_.calls->check_field(name, field_));
  if (name == "model" && options_.calls == nullptr) return add_model();
  if (name == "stream" && field_ != "false" && !options_.rules.streams)
    return invalid_value(name, "The gateway passes these answers on whole: leave 'stream' out.", "unsupported_value");
  // Sound or a picture as text: nothing a scanner could read, and nothing it may change.
  const bool opaque = field_.starts_with("data:");
  if (opaque) {
    out_.append(field_);
    return {};
  }
  TG_TRY(const std::string scrubbed, options_.scrub(std::move(field_)));
  out_.append(scrubbed);
  return {};
}

// The name's place: the target gives it its own. A path that names the model wins.
Status ClientForm::add_model() {
  if (model_at_ || (model_ && options_.path_model.empty()))
    return invalid_value("model", "The form names 'model' twice.");
  if (!model_) model_ = field_;
  if (started_)
    out_.append(upstream_model_);
  else
    model_at_ = out_.size();
  return {};
}

Status ClientForm::end_form() {
  const auto file = options_.rules.files.front();
  if (!has_file_)
    return invalid_value(std::string(file), "The form has no file '" + std::string(file) + "'.",
                         "missing_required_parameter");
  providers::append_form_end(out_, options_.own_boundary);
  return {};
}

}  // namespace tollgate::pipeline
