#include "providers/hot_pool.h"

#include <algorithm>

namespace tollgate::providers {

ConnectionPool::ConnectionPool(net::Sweep& sweep, std::chrono::milliseconds idle_limit)
    : sweep_(sweep), idle_limit_(idle_limit), next_eviction_(sweep, [this] { evict(); }) {}

std::shared_ptr<Connection> ConnectionPool::take(const Endpoint& endpoint) {
  const auto shelf = shelves_.find(&endpoint);
  if (shelf == shelves_.end()) return nullptr;
  auto& idle = shelf->second.idle;
  while (!idle.empty()) {
    auto connection = std::move(idle.back().connection);
    idle.pop_back();
    if (connection->stream->idle_alive()) return connection;
  }
  return nullptr;
}

void ConnectionPool::give(std::shared_ptr<const Endpoint> endpoint, std::shared_ptr<Connection> connection) {
  auto& shelf = shelves_[endpoint.get()];
  if (!shelf.endpoint) shelf.endpoint = std::move(endpoint);
  if (shelf.idle.size() >= shelf.endpoint->max_idle) {
    connection->stream->close();
    return;
  }
  shelf.idle.push_back({std::move(connection), sweep_.now()});
  if (!armed_) arm();
}

void ConnectionPool::arm() {
  armed_ = true;
  next_eviction_.set(std::max(idle_limit_ / 4, std::chrono::milliseconds(1)));
}

void ConnectionPool::evict() {
  const auto too_old = sweep_.now() - idle_limit_;
  for (auto shelf = shelves_.begin(); shelf != shelves_.end();) {
    auto& idle = shelf->second.idle;
    const auto keep = std::ranges::find_if(idle, [&](const Idle& i) { return i.since > too_old; });
    std::for_each(idle.begin(), keep, [](const Idle& i) { i.connection->stream->close(); });
    idle.erase(idle.begin(), keep);
    shelf = idle.empty() ? shelves_.erase(shelf) : std::next(shelf);
  }
  armed_ = false;
  if (!shelves_.empty()) arm();
}

}  // namespace tollgate::providers
