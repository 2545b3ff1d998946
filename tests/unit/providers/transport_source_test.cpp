// Request bodies that are sent as they come.
#include "tests/unit/providers/transport_fixture.h"

namespace tollgate::providers {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

// Gives its pieces, then waits until it is stopped or ends, as its test says.
class Pieces final : public BodySource {
 public:
  explicit Pieces(net::asio::io_context& io) : changed_(io.get_executor()) {}

  net::Task<Result<bool>> read_some(std::string& out) override {
    ++reads;
    if (stopped) co_return Error{ErrorKind::cancelled, "over"};
    if (given < pieces) {
      out.append(size, 'p');
      ++given;
      co_return true;
    }
    if (failure) co_return *failure;
    if (waits) co_await changed_.wait();
    if (stopped) co_return Error{ErrorKind::cancelled, "over"};
    co_return false;
  }
  void stop() override {
    stopped = true;
    changed_.notify();
  }
  void go_on() { changed_.notify(); }

  std::size_t pieces = 1;
  std::size_t size = 4;
  bool waits = false;
  std::optional<Error> failure;

  std::size_t given = 0;
  int reads = 0;
  bool stopped = false;

 private:
  net::Signal changed_;
};

class Source : public ::testing::Test, public TransportFixture {
 protected:
  Source() : TransportFixture(Carrier::hot), server_(io), source_(std::make_shared<Pieces>(io)) {}
  ~Source() override { server_.stop(); }

  HttpCall request() {
    HttpCall call = post(plain_endpoint(server_));
    call.body.clear();
    call.source = source_;
    return call;
  }

  ScriptedServer server_;
  std::shared_ptr<Pieces> source_;
};

TEST_F(Source, GoesOutInChunks) {
  source_->pieces = 2;
  server_.add(Script().head().send(http_response("ok")).until_closed());
  const auto answer = call(request());
  EXPECT_EQ(answer.body, "ok");
  ASSERT_THAT(server_.requests(), SizeIs(1));
  EXPECT_THAT(server_.requests()[0], HasSubstr("\r\nTransfer-Encoding: chunked\r\n"));
  EXPECT_THAT(server_.requests()[0], ::testing::Not(HasSubstr("Content-Length")));
}

TEST_F(Source, IsReadNoFasterThanTheProviderTakes) {
  source_->pieces = 1'000;
  source_->size = 65'536;
  server_.add(Script().head().gate());
  auto exchange = transport->open(request());
  std::optional<Status> started;
  spawn(exchange->start(), started);
  run_until([&] { return source_->given > 0; });
  run_for(milliseconds(300));
  const auto held_back_at = source_->given;
  EXPECT_LT(held_back_at, 400u);  // what the kernel's two buffers hold
  run_for(milliseconds(50));
  EXPECT_EQ(source_->given, held_back_at);
  exchange->cancel();
  run_until([&] { return started.has_value(); });
  EXPECT_EQ(started->error().kind, ErrorKind::cancelled);
}

TEST_F(Source, IsToldWhenNobodyWantsTheRest) {
  source_->waits = true;
  server_.add(Script().head().send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig").until_closed());
  const auto answer = call(request());
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.body, "big");
  EXPECT_TRUE(source_->stopped);
  run_until([&] { return server_.peer_closes() == 1; });
}

TEST_F(Source, AnErrorOfItIsTheErrorOfTheCall) {
  source_->failure = Error{ErrorKind::permission_denied, "blocked"};
  server_.add(Script().head().until_closed());
  const auto answer = call(request());
  EXPECT_EQ(answer.kind(), ErrorKind::permission_denied);
  run_until([&] { return server_.peer_closes() == 1; });
}

TEST_F(Source, NeverGoesToAConnectionThatMayBeDead) {
  server_.add(Script().request().send(http_response("first")).until_closed());
  server_.add(Script().head().send(http_response("second")).until_closed());
  EXPECT_EQ(call(post(plain_endpoint(server_))).body, "first");
  EXPECT_EQ(call(request()).body, "second");
  EXPECT_EQ(server_.connections(), 2);
}

TEST_F(Source, IsNotTouchedWhereNobodyListens) {
  HttpCall nowhere = request();
  server_.stop();
  run_for(milliseconds(20));
  EXPECT_EQ(call(std::move(nowhere)).kind(), ErrorKind::upstream_error);
  EXPECT_EQ(source_->reads, 0);
  EXPECT_FALSE(source_->stopped);
}

TEST_F(Source, ItsSilenceIsNotTheProvidersTime) {
  source_->waits = true;
  server_.add(Script().head().gate().send(http_response("ok")));
  HttpCall patient = request();
  patient.timeouts.first_byte = milliseconds(100);
  auto exchange = transport->open(std::move(patient));
  std::optional<Status> started;
  spawn(exchange->start(), started);
  run_for(milliseconds(300));
  EXPECT_FALSE(started.has_value());
  source_->go_on();
  run_until([&] { return started.has_value(); });  // now the provider is the one who is silent
  EXPECT_EQ(started->error().kind, ErrorKind::upstream_timeout);
}

TEST_F(Source, AProviderThatStopsReadingIsATimeout) {
  source_->pieces = 1'000;
  source_->size = 65'536;
  server_.add(Script().head().gate());
  HttpCall hurried = request();
  hurried.timeouts.first_byte = milliseconds(100);
  EXPECT_EQ(call(std::move(hurried)).kind(), ErrorKind::upstream_timeout);
  EXPECT_TRUE(source_->stopped);
}

}  // namespace
}  // namespace tollgate::providers
