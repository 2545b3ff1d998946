#pragma once
// The way back of one call: events in, restored, encoded, and sent to the client once there is content.
#include <memory>
#include <string>
#include <vector>

#include "gateway/server/exchange.h"
#include "pii/pii.h"
#include "providers/front_end.h"

namespace tollgate::pipeline {

// One per attempt: an attempt that fails before its first content leaves nothing behind. Lives in the attempt's frame.
// First byte is the commit point, and it means the first content: start-up frames are held until then.
class Answer {
 public:
  Answer(server::Exchange& exchange, providers::EncoderOptions options, const pii::RestoreMap& restore);

  // The provider streams what was not known to be asked for as a stream. Before the first write().
  void send_as_it_comes() { stream_ = true; }
  // Restores and encodes; sends if something can be sent. Error: the client is gone. `more_at_hand`: another batch will
  // follow without a wait, so this one may share its write.
  enum class Follow : std::uint8_t { nothing_yet, more_at_hand };
  net::Task<Status> write(providers::Batch batch, Follow follow, const server::HeaderLines& headers);
  // The proper end. Plain calls are answered here, whole; trailers follow a stream.
  net::Task<Status> finish(server::HeaderLines headers, server::HeaderLines trailers);
  // After content has left: an error event in the form of the client's API, then the end of the body; never a false
  // "done".
  net::Task<Status> fail(const Error& error);

  bool committed() const { return exchange_.started(); }
  std::uint64_t text_bytes() const { return text_bytes_; }  // of generated text so far
  std::int64_t restored() const;

 private:
  struct Field {
    std::uint32_t choice;
    std::uint32_t block;
    providers::Event::Kind kind;
    pii::StreamRestorer restorer;
  };
  void restore(providers::Batch& batch, std::vector<bool>& changed);
  void restore_text(providers::Event& event, bool whole, std::vector<bool>& changed, std::size_t at);
  pii::StreamRestorer& restorer_for(const providers::Event& event);
  void restore_whole(providers::Event& event, std::vector<bool>& changed, std::size_t at);
  void flush(const providers::Event* next);
  net::Task<Status> send(const server::HeaderLines& headers);

  server::Exchange& exchange_;
  bool stream_;
  std::unique_ptr<providers::ClientEncoder> encoder_;
  const pii::RestoreMap& map_;
  std::vector<Field> fields_;
  std::string out_;  // encoded and not yet sent
  std::uint64_t text_bytes_ = 0;
  std::int64_t restored_ = 0;  // in texts that are whole in themselves
};

}  // namespace tollgate::pipeline
