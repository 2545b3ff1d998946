// Containers behind Amazon SageMaker endpoints (SageMaker runtime API reference, InvokeEndpoint and
// InvokeEndpointWithResponseStream). The body is the container's own; a stream comes as parts of it, cut anywhere.
#include <utility>

#include "providers/aws_fault.h"
#include "providers/chat_usage.h"
#include "providers/event_stream.h"
#include "providers/generate.h"
#include "providers/identity/url_text.h"
#include "providers/json_reader.h"
#include "providers/openai_chat.h"
#include "providers/provider_fault.h"
#include "providers/unknown.h"

namespace tollgate::providers {
namespace {

using Body = SageMakerOptions::Body;
using Kind = JsonReader::Kind;

Result<DialectCall> encode_body(CanonicalRequest request, const DialectTarget& target) {
  if (target.sagemaker.body == Body::tgi) return encode_tgi_request(std::move(request), target);
  DialectTarget inside = target;
  inside.model = target.sagemaker.model;
  return encode_chat_request(std::move(request), inside);
}

Result<DialectCall> encode(CanonicalRequest request, const DialectTarget& target) {
  TG_TRY(auto call, encode_body(std::move(request), target));
  call.path = "/endpoints/" + url_encode(target.model);
  call.path += target.stream ? "/invocations-response-stream" : "/invocations";
  call.headers = {{"content-type", "application/json"}};
  call.headers.push_back(target.stream ? net::Header{"x-amzn-sagemaker-accept", "text/event-stream"}
                                       : net::Header{"accept", "application/json"});
  call.answer.generated = target.sagemaker.body == Body::tgi;
  return call;
}

// --- faults ---

struct Words {
  std::string message;
  std::string code;
  std::int64_t original_status = 0;
  std::string original;  // what the container said: an error body of its own
};

Words read_words(std::string_view body) {
  Words words;
  JsonReader reader(body);
  if (!valid_utf8(body) || reader.peek() != Kind::object) return words;
  reader.enter_object();
  while (reader.next_member()) {
    const auto key = reader.key();
    std::string* text = key == "Message" || key == "message" ? &words.message
                        : key == "OriginalMessage"           ? &words.original
                        : key == "ErrorCode"                 ? &words.code
                                                             : nullptr;
    if (text != nullptr && reader.peek() == Kind::string)
      *text = reader.decode(reader.string());
    else if (key == "OriginalStatusCode")
      words.original_status = read_count(reader);
    else
      reader.skip();
  }
  return reader.at_end() ? words : Words{};
}

// The container's word about the request is the caller's to hear; all else is between SageMaker and us.
Error fault(std::string_view type, int otherwise, const Words& words) {
  const int status = aws_fault_status(type, otherwise);
  const auto original = static_cast<int>(words.original_status);
  if (status == 424 && original >= 400 && original < 600) {
    Error error = decode_error_reply(original, words.original, {}, {});
    error.upstream_body.clear();
    return error;
  }
  if (words.code == "ModelInvocationTimeExceeded") return provider_fault(504, {});
  ProviderWords told;
  const bool unknown = status == 400 && words.message.find("not found") != std::string::npos;
  if (unknown) told.message = kModelNotThere;
  if (unknown) return provider_fault(404, std::move(told));
  return provider_fault(status == 424 ? 502 : status, {});
}

Error decode_error(const ErrorAnswer& answer) {
  Error error = fault(answer.aws_error_type, answer.status, read_words(answer.body));
  error.retry_after = retry_hint(answer.retry_after_ms, answer.retry_after, answer.date);
  return error;
}

// --- answers ---

std::unique_ptr<AnswerDecoder> container_decoder(AnswerContext context, std::string_view content_type) {
  const bool generated = context.generated;
  return generated ? generate_decoder(std::move(context), content_type)
                   : chat_decoder(std::move(context), content_type);
}

// Takes the parts out of their messages.
class PartsDecoder final : public AnswerDecoder {
 public:
  explicit PartsDecoder(AnswerContext context) : inner_(container_decoder(std::move(context), "text/event-stream")) {}

  std::string& input() override { return messages_.input(); }

  Result<std::optional<Batch>> next() override {
    while (true) {
      TG_TRY(auto batch, inner_->next());
      if (batch) return std::move(batch);
      TG_TRY(const auto message, messages_.next());
      if (!message) return std::optional<Batch>();
      if (message->message_type == "exception")
        return fault(message->exception_type, 500, read_words(message->payload));
      if (message->message_type == "error") return fault(message->error_code, 500, {});
      if (message->event_type != "PayloadPart") return std::optional(unread(message->event_type));
      inner_->input() += message->payload;
    }
  }

  Result<std::optional<Batch>> end() override {
    TG_TRY(auto batch, next());
    if (batch) return std::move(batch);
    if (!messages_.at_boundary()) return upstream_cut();
    return inner_->end();
  }

 private:
  static Batch unread(std::string_view event_type) {
    Batch batch;
    note_unknown(Unknown::What::event, event_type, batch.unknown);
    return batch;
  }

  EventStreamParser messages_;
  std::unique_ptr<AnswerDecoder> inner_;
};

std::unique_ptr<AnswerDecoder> decoder(AnswerContext context, std::string_view content_type) {
  if (is_aws_event_stream(content_type)) return std::make_unique<PartsDecoder>(std::move(context));
  return container_decoder(std::move(context), content_type);
}

}  // namespace

constinit const ProviderDialect kSageMakerDialect{encode, decoder, decode_error};

}  // namespace tollgate::providers
