#pragma once
// One connection to PostgreSQL that never waits longer than it was told and can be interrupted; libpq stays in
// postgres_link.cpp. Private.
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/base/secret.h"

struct pg_conn;
struct pg_result;

namespace tollgate::finops {

// Used by one thread. After an error the connection is not used again: destroy it and connect anew.
class PostgresLink {
 public:
  struct Options {
    std::string url;
    std::shared_ptr<const Secret> password;   // null: as libpq finds it
    int stop_fd = -1;                         // once readable, every wait ends with an error
    std::chrono::milliseconds limit{10'000};  // for each call below
  };
  using Rows = std::vector<std::vector<std::string>>;

  static Result<PostgresLink> connect(const Options& options);
  // One statement with text parameters $1, $2, ...
  Result<Rows> query(const std::string& sql, const std::vector<std::string>& parameters = {});
  // COPY ... FROM STDIN with everything it copies.
  Status copy(const std::string& sql, std::string_view data);

 private:
  using Deadline = std::chrono::steady_clock::time_point;
  struct Finish {
    void operator()(pg_conn* connection) const;
  };
  PostgresLink(pg_conn* connection, const Options& options)
      : connection_(connection), stop_fd_(options.stop_fd), limit_(options.limit) {}
  Deadline deadline() const { return std::chrono::steady_clock::now() + limit_; }
  Status establish(Deadline until);
  Status wait(short events, Deadline until);
  Status flush(Deadline until);
  Status send_copy_data(std::string_view data, Deadline until);
  // The rows of the last result up to the end of the command, or up to the point where COPY wants its data.
  Result<Rows> results(Deadline until);
  Error failure() const;

  std::unique_ptr<pg_conn, Finish> connection_;
  int stop_fd_;
  std::chrono::milliseconds limit_;
};

}  // namespace tollgate::finops
