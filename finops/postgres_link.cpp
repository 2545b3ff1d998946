#include "finops/postgres_link.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace tollgate::finops {
namespace {

constexpr std::size_t kCopyChunk = 65'536;

struct Clear {
  void operator()(pg_result* result) const { PQclear(result); }
};
using ResultHandle = std::unique_ptr<pg_result, Clear>;

// Only the code and the primary message: the detail and the context of an error may quote the row.
Error result_error(const pg_result* result) {
  const char* code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  return Error{ErrorKind::upstream_error, std::string("postgresql: ") + (message != nullptr ? message : "no answer") +
                                              " (" + (code != nullptr ? code : "-") + ")"};
}

void append_rows(const pg_result* result, PostgresLink::Rows& rows) {
  for (int row = 0; row < PQntuples(result); ++row) {
    auto& out = rows.emplace_back();
    for (int column = 0; column < PQnfields(result); ++column)
      out.emplace_back(PQgetvalue(result, row, column), static_cast<std::size_t>(PQgetlength(result, row, column)));
  }
}

}  // namespace

void PostgresLink::Finish::operator()(pg_conn* connection) const { PQfinish(connection); }

Result<PostgresLink> PostgresLink::connect(const Options& options) {
  // Later entries win: our defaults, then the URL, then the password. The kernel's own timers end a connection whose
  // peer has vanished; our deadline ends every other wait.
  std::array<const char*, 9> keywords = {"application_name",
                                         "keepalives_idle",
                                         "keepalives_interval",
                                         "keepalives_count",
                                         "tcp_user_timeout",
                                         "dbname",
                                         nullptr};
  std::array<const char*, 9> values = {"tollgate", "10", "5", "3", "15000", options.url.c_str(), nullptr};
  if (options.password) {
    keywords[6] = "password";
    values[6] = options.password->reveal_c_str();
  }
  constexpr int kExpandUrl = 1;
  PostgresLink link(PQconnectStartParams(keywords.data(), values.data(), kExpandUrl), options);
  // libpq would print the server's notices to stderr.
  PQsetNoticeProcessor(link.connection_.get(), [](void*, const char*) {}, nullptr);
  TG_CHECK(link.establish(link.deadline()));
  return link;
}

Status PostgresLink::establish(Deadline until) {
  auto* connection = connection_.get();
  if (connection == nullptr || PQstatus(connection) == CONNECTION_BAD) return failure();
  short events = POLLOUT;
  for (;;) {
    TG_CHECK(wait(events, until));
    switch (PQconnectPoll(connection)) {
      case PGRES_POLLING_OK:
        if (PQsetnonblocking(connection, 1) != 0) return failure();
        return {};
      case PGRES_POLLING_READING:
        events = POLLIN;
        break;
      case PGRES_POLLING_WRITING:
        events = POLLOUT;
        break;
      default:
        return failure();
    }
  }
}

Result<PostgresLink::Rows> PostgresLink::query(const std::string& sql, const std::vector<std::string>& parameters) {
  const auto until = deadline();
  std::vector<const char*> values;
  values.reserve(parameters.size());
  for (const auto& parameter : parameters) values.push_back(parameter.c_str());
  if (PQsendQueryParams(connection_.get(), sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(),
                        nullptr, nullptr, 0) == 0)
    return failure();
  TG_CHECK(flush(until));
  return results(until);
}

Status PostgresLink::copy(const std::string& sql, std::string_view data) {
  const auto until = deadline();
  if (PQsendQuery(connection_.get(), sql.c_str()) == 0) return failure();
  TG_CHECK(flush(until));
  TG_TRY([[maybe_unused]] const auto ready, results(until));
  TG_CHECK(send_copy_data(data, until));
  TG_CHECK(flush(until));
  TG_TRY([[maybe_unused]] const auto done, results(until));
  return {};
}

Status PostgresLink::send_copy_data(std::string_view data, Deadline until) {
  auto* connection = connection_.get();
  while (!data.empty()) {
    const auto chunk = data.substr(0, kCopyChunk);
    const int sent = PQputCopyData(connection, chunk.data(), static_cast<int>(chunk.size()));
    if (sent < 0) return failure();
    if (sent > 0) data.remove_prefix(chunk.size());
    TG_CHECK(flush(until));
  }
  for (;;) {
    const int sent = PQputCopyEnd(connection, nullptr);
    if (sent > 0) return {};
    if (sent < 0) return failure();
    TG_CHECK(flush(until));
  }
}

Result<PostgresLink::Rows> PostgresLink::results(Deadline until) {
  auto* connection = connection_.get();
  Rows rows;
  for (;;) {
    while (PQisBusy(connection) != 0) {
      TG_CHECK(wait(POLLIN, until));
      if (PQconsumeInput(connection) == 0) return failure();
    }
    const ResultHandle result(PQgetResult(connection));
    if (result == nullptr) return rows;
    switch (PQresultStatus(result.get())) {
      case PGRES_COPY_IN:
        return rows;
      case PGRES_COMMAND_OK:
      case PGRES_TUPLES_OK:
        append_rows(result.get(), rows);
        break;
      default:
        return result_error(result.get());
    }
  }
}

// The server may have to be read before it reads on.
Status PostgresLink::flush(Deadline until) {
  auto* connection = connection_.get();
  for (;;) {
    const int left = PQflush(connection);
    if (left < 0) return failure();
    if (left == 0) return {};
    TG_CHECK(wait(POLLIN | POLLOUT, until));
    if (PQconsumeInput(connection) == 0) return failure();
  }
}

Status PostgresLink::wait(short events, Deadline until) {
  std::array<pollfd, 2> fds = {pollfd{PQsocket(connection_.get()), events, 0}, pollfd{stop_fd_, POLLIN, 0}};
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    const int ready = ::poll(fds.data(), fds.size(), static_cast<int>(std::max<std::int64_t>(0, left.count())));
    if (ready < 0 && errno == EINTR) continue;
    if (ready > 0 && fds[1].revents != 0) return Error{ErrorKind::cancelled, "postgresql: stopping"};
    if (ready > 0) return {};
    return Error{ErrorKind::upstream_timeout, "postgresql: no answer in time"};
  }
}

// libpq names the host, the user and the database here, never the password.
Error PostgresLink::failure() const {
  std::string message = connection_ != nullptr ? PQerrorMessage(connection_.get()) : "out of memory";
  while (!message.empty() && message.back() == '\n') message.pop_back();
  return Error{ErrorKind::upstream_error, "postgresql: " + message};
}

}  // namespace tollgate::finops
