#include "gateway/server/connection.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>

#include "tests/unit/net/loop.h"

namespace tollgate::server {
namespace {

using net::Task;

// A client that sends one head and then its body without end: whenever a read is asked for, all of it has come already.
class Flood final : public net::Stream {
 public:
  explicit Flood(std::string& written) : written_(written) {}

  Task<Result<std::size_t>> read_some(std::span<char> into) override {
    if (cancelled_) co_return Error{ErrorKind::cancelled, "cancelled"};
    const std::size_t of_head = std::min(into.size(), head_.size());
    std::ranges::copy(head_.substr(0, of_head), into.begin());
    std::ranges::fill(into.subspan(of_head), 'x');
    head_.remove_prefix(of_head);
    co_return into.size();
  }
  Task<Status> write(std::span<const std::string_view> pieces) override {
    for (const std::string_view piece : pieces) written_ += piece;
    co_return Status();
  }
  void cancel() override { cancelled_ = true; }
  void close() override {}
  bool idle_alive() override { return !cancelled_; }
  std::string peer_address() const override { return "192.0.2.1"; }

 private:
  std::string& written_;
  std::string_view head_ = "POST /v1/files HTTP/1.1\r\nhost: gate\r\ncontent-length: 1000000000\r\n\r\n";
  bool cancelled_ = false;
};

class Connections : public ::testing::Test {
 protected:
  Task<void> answer(Exchange& exchange) {
    switch (answer_) {
      case Answer::refuse:
        (void)co_await exchange.respond(413, HeaderLines(), "too large");
        break;
      case Answer::wait_for_the_client_to_leave: {
        net::Signal gone(loop_.io.get_executor());
        exchange.on_client_gone([&gone] { gone.notify(); });
        answering_ = true;
        co_await gone.wait();
        break;
      }
    }
  }

  void serve_flood() {
    context_.connections = &connections_;
    serve(context_, std::make_unique<Flood>(written_), take_seat(seats_));
  }
  bool all_ended() const { return connections_ == 0 && seats_ == 0; }

  enum class Answer : std::uint8_t { refuse, wait_for_the_client_to_leave };
  Answer answer_ = Answer::refuse;
  bool answering_ = false;
  std::string written_;
  std::atomic<std::int64_t> connections_{0};
  std::atomic<std::int64_t> seats_{0};
  net::Loop loop_;
  net::Sweep sweep_{loop_.io};
  UuidSource ids_;
  RealClock clock_;
  ConnectionContext context_{.io = loop_.io,
                             .sweep = sweep_,
                             .clock = clock_,
                             .ids = ids_,
                             .handler = [this](Exchange& exchange) { return answer(exchange); },
                             .refused = [this](Exchange& exchange, Error) { return answer(exchange); },
                             .crashed = [](std::string_view what) { ADD_FAILURE() << what; }};
};

TEST_F(Connections, AClientThatKeepsSendingAfterItsAnswerIsCut) {
  serve_flood();
  loop_.run_until([this] { return all_ended(); });
  EXPECT_TRUE(written_.starts_with("HTTP/1.1 413 ")) << written_;
}

TEST_F(Connections, ACallWhoseBodyNobodyTakesEndsWhenItIsCut) {
  answer_ = Answer::wait_for_the_client_to_leave;
  serve_flood();
  loop_.run_until([this] { return answering_; });
  loop_.poll();
  EXPECT_FALSE(all_ended());
  cut(context_);
  loop_.run_until([this] { return all_ended(); });
}

}  // namespace
}  // namespace tollgate::server
