#pragma once
// The admin listener, on loopback and behind a token: what the process is doing, and its local models.
#include <functional>
#include <string>

#include "gateway/base/result.h"
#include "gateway/base/secret.h"
#include "gateway/server/exchange.h"

namespace tollgate::process {

// What the admin port can have done. Called on the main loop; none blocks.
struct AdminCommands {
  std::function<std::string()> status;  // JSON, as `models`
  std::function<std::string()> models;
  std::function<Status(const std::string& provider, const std::string& directory)> load;
  std::function<Status(const std::string& provider)> swap, rollback;
};

// GET /status, GET /models, POST /models/<provider>/load with {"directory": "..."}, POST /models/<provider>/swap and
// /rollback, with "Authorization: Bearer <token>". A command answers with the models as they are then.
net::Task<void> serve_admin(server::Exchange& exchange, const Secret& token, const AdminCommands& commands);

}  // namespace tollgate::process
