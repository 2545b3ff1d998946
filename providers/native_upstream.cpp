// A call in the provider's own API: spliced on the way there, edited in place on the way back.
#include "providers/native_upstream.h"

#include <utility>

#include "providers/event_stream.h"
#include "providers/provider_call.h"
#include "providers/provider_fault.h"
#include "providers/sse.h"

namespace tollgate::providers {
namespace {

constexpr std::size_t kMaxBody = 32 * 1024 * 1024;
constexpr std::string_view kJson = "application/json";

void add_client_headers(const NativeApi& api, std::vector<net::Header>& headers, HttpCall& call) {
  bool there = api.wanted.name.empty();
  for (net::Header& header : headers) {
    there = there || header.name == api.wanted.name;
    call.headers.push_back(std::move(header));
  }
  if (!there) call.headers.push_back({std::string(api.wanted.name), std::string(api.wanted.value)});
}

std::string native_path(const NativeApi& api, const ProviderOptions& options, const AttemptRequest& request) {
  if (api.path != nullptr) return api.path(request.upstream_model, request.call->index.stream);
  if (request.resource) {
    std::string path = operation_path(std::string(api.operation) + request.resource->path, "", options.api_version);
    const std::string& query = request.resource->query;
    if (!query.empty()) path += (path.find('?') == std::string::npos ? "?" : "&") + query;
    return path;
  }
  const bool in_path = api.in_deployment && deployment_in_path(options);
  const std::string_view deployment = in_path ? std::string_view(request.upstream_model) : "";
  return operation_path(api.operation, deployment, options.api_version);
}

void add_body(const ChatQuirks& quirks, AttemptRequest& request, HttpCall& call) {
  auto edits = std::move(request.edits);
  if (request.resource) {
    call.body = splice(*request.call->body, std::move(edits));
    return;
  }
  edits.reserve(edits.size() + 2);
  for (auto& edit : upstream_edits(*request.call, request.upstream_model, quirks.stream_options))
    edits.push_back(std::move(edit));
  for (auto& edit : quirk_edits(*request.call, quirks)) edits.push_back(std::move(edit));
  call.body = splice(*request.call->body, std::move(edits));
}

void add_form(AttemptRequest& request, HttpCall& call) {
  request.form->name_model(request.upstream_model);
  call.source = std::move(request.form);
}

std::string_view accepted(const NativeApi& api, const AttemptRequest& request) {
  if (request.form || api.in_pieces) return "*/*";  // a transcript may be plain text
  return request.call->index.stream ? api.stream_type : kJson;
}

HttpCall http_call(const NativeApi& api, const ProviderOptions& options, AttemptRequest request) {
  HttpCall call;
  call.endpoint = options.endpoint;
  call.path = native_path(api, options, request);
  call.headers.reserve(8);
  if (request.resource) call.method = request.resource->method;
  const bool bodiless = !request.form && request.call->body->empty();
  if (!bodiless)
    call.headers.push_back({"content-type", request.form ? request.form->content_type() : std::string(kJson)});
  call.headers.push_back({"accept", std::string(accepted(api, request))});
  add_client_headers(api, request.client_headers, call);
  add_common_headers(call, options, marks_of(request));
  call.timeouts = request.timeouts;
  request.form ? add_form(request, call) : add_body(options.quirks, request, call);
  return call;
}

// Cuts a streamed answer into frames, whichever of the two forms it has.
class FrameReader {
 public:
  explicit FrameReader(const NativeApi& api) : binary_(api.stream_type == kEventStream), events_(api.max_frame) {}

  std::string& input() { return binary_ ? messages_.input() : events_.input(); }

  // nullopt: more bytes are needed, or, `at_end`, there are no more frames.
  Result<std::optional<SseFrame>> next(bool at_end) {
    if (!binary_) return at_end ? events_.last() : events_.next();
    TG_TRY(const auto message, messages_.next());
    if (message)
      return std::optional(SseFrame{message->raw, message->payload,
                                    static_cast<std::size_t>(message->payload.data() - message->raw.data())});
    if (at_end && !messages_.at_boundary()) return upstream_cut();
    return std::optional<SseFrame>();
  }

 private:
  bool binary_;
  SseParser events_;
  EventStreamParser messages_;
};

class NativeStream final : public EventStream {
 public:
  NativeStream(const NativeApi& api, HttpCall call, std::shared_ptr<Authorizer> authorizer, Transport& transport)
      : api_(api), call_(std::move(call)), wire_(std::move(authorizer), transport), frames_(api) {}

  net::Task<Result<std::optional<Batch>>> next() override {
    if (wire_.is_cancelled()) co_return cancelled();
    if (state_ == State::fresh) TG_CO_CHECK(co_await start());
    if (state_ == State::pieces) co_return co_await read_piece();
    if (state_ == State::body) co_return co_await read_body();
    if (!ahead_ && state_ == State::stream) ahead_ = co_await read_frame();
    if (ahead_) co_return take_ahead();
    if (state_ == State::done) {
      state_ = State::ended;
      co_await wire_.drain();
    }
    co_return std::optional<Batch>();
  }

  bool buffered() const override { return ahead_.has_value(); }

  void cancel() override { wire_.cancel(); }
  bool dispatched() const override { return wire_.dispatched(); }
  std::string provider_request_id() const override { return wire_.provider_request_id(); }
  PoolReport pool_report() const override { return wire_.pool_report(); }

 private:
  enum class State : std::uint8_t { fresh, stream, body, pieces, done, ended };

  net::Task<Status> start() {
    TG_CO_CHECK(co_await wire_.send(std::move(call_), api_.decode_error));
    const std::string_view type = wire_.exchange().header("content-type");
    const bool stream =
        api_.decode_event != nullptr && net::iequals(type.substr(0, api_.stream_type.size()), api_.stream_type);
    state_ = stream ? State::stream : api_.in_pieces ? State::pieces : State::body;
    co_return Status();
  }

  net::Task<Result<std::optional<Batch>>> read_piece() {
    std::string piece;
    TG_CO_TRY(const bool more, co_await wire_.exchange().read_some(piece));
    if (!more) state_ = State::ended;
    if (!more && piece.empty()) co_return std::optional<Batch>();
    TG_CO_TRY(auto batch, api_.decode_body(std::move(piece)));
    co_return std::optional<Batch>(std::move(batch));
  }

  net::Task<Result<std::optional<Batch>>> read_body() {
    TG_CO_TRY(std::string body, co_await wire_.whole_body(kMaxBody));
    state_ = State::ended;
    const std::string_view type = wire_.exchange().header("content-type");
    TG_CO_TRY(auto batch, api_.decode_body(std::move(body)));
    if (!net::iequals(type.substr(0, kJson.size()), kJson)) batch.content_type = type;
    co_return std::optional<Batch>(std::move(batch));
  }

  using Next = Result<std::optional<Batch>>;

  net::Task<Next> read_frame() {
    while (true) {
      TG_CO_TRY(auto frame, frames_.next(body_ended_));
      if (frame) co_return decode(*frame);
      if (body_ended_) co_return end_of_stream();
      TG_CO_TRY(const bool more, co_await wire_.exchange().read_some(frames_.input()));
      body_ended_ = !more;
    }
  }

  // Hands out the batch and decodes the one after it, if its bytes came along. An error waits for its turn.
  Next take_ahead() {
    Next now = *std::exchange(ahead_, std::nullopt);
    if (!now || !*now || state_ != State::stream || body_ended_) return now;
    auto frame = frames_.next(false);
    if (!frame)
      ahead_ = std::move(frame).error();
    else if (*frame)
      ahead_ = decode(**frame);
    return now;
  }

  Result<std::optional<Batch>> decode(const SseFrame& frame) {
    TG_TRY(auto batch, api_.decode_event(std::string(frame.raw), frame.data, frame.data_offset));
    for (const Event& event : batch.events) {
      finish_seen_ = finish_seen_ || event.kind == Event::Kind::finish;
      if (event.kind == Event::Kind::done) state_ = State::done;
    }
    return std::optional<Batch>(std::move(batch));
  }

  Result<std::optional<Batch>> end_of_stream() {
    state_ = State::ended;
    if (finish_seen_) return std::optional<Batch>();  // several servers leave [DONE] out
    return upstream_cut();
  }

  const NativeApi& api_;
  HttpCall call_;  // until it is sent
  ProviderCall wire_;
  FrameReader frames_;
  std::optional<Next> ahead_;  // decoded and not yet handed out
  State state_ = State::fresh;
  bool body_ended_ = false;
  bool finish_seen_ = false;
};

}  // namespace

std::unique_ptr<EventStream> native_stream(const NativeApi& api, const ProviderOptions& options,
                                           std::shared_ptr<Authorizer> authorizer, Transport& transport,
                                           AttemptRequest request) {
  return std::make_unique<NativeStream>(api, http_call(api, options, std::move(request)), std::move(authorizer),
                                        transport);
}

}  // namespace tollgate::providers
