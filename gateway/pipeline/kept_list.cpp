// Lists of what providers keep for a department. A provider's list holds what all departments have sent; the marks tell
// whose is what.
#include <algorithm>
#include <charconv>
#include <set>
#include <utility>
#include <vector>

#include "gateway/net/percent.h"
#include "gateway/pipeline/kept.h"
#include "gateway/pipeline/kept_call.h"

namespace tollgate::pipeline {

using net::Task;
using providers::Api;

namespace {

constexpr int kMostPages = 20;  // of others' objects, before the caller is told to go on asking

// Those of the department's models that keep batches, in one order for all pages.
std::vector<std::string> keepers(const KeptCall& call) {
  std::set<std::string> out;
  const auto add = [&](const std::string& provider) {
    const auto upstream = call.view.upstreams.find(provider);
    if (upstream != call.view.upstreams.end() && upstream->second->speaks(call.api)) out.insert(provider);
  };
  for (const auto& name : call.who.department->models) {
    const auto model = call.view.snapshot->models.find(name);
    if (model == call.view.snapshot->models.end()) continue;
    for (const auto& target : model->second->route.targets) add(target.provider);
    for (const auto& fallback : model->second->route.fallbacks) add(fallback.target.provider);
  }
  return {out.begin(), out.end()};
}

// What the caller may ask of a page, checked: nothing else goes on.
Result<std::string> page_query(std::string_view target) {
  std::string out;
  if (const auto limit = net::query_value(target, "limit"); !limit.empty()) {
    unsigned number = 0;
    const auto [end, error] = std::from_chars(limit.data(), limit.data() + limit.size(), number);
    if (error != std::errc() || end != limit.data() + limit.size() || number == 0 || number > 10'000)
      return invalid_value("limit", "'limit' must be a number from 1 to 10000.");
    out = "limit=" + std::to_string(number);
  }
  const auto order = net::query_value(target, "order");
  if (order == "asc" || order == "desc") out += (out.empty() ? "order=" : "&order=") + std::string(order);
  return out;
}

struct Cursor {
  std::size_t keeper = 0;
  std::string after;  // the provider's name
};

// Where the page begins: after the object that the caller names.
Result<Cursor> begin(const KeptCall& call, const std::vector<std::string>& providers) {
  const std::string name(net::query_value(call.exchange.head().target, "after"));
  if (name.empty()) return Cursor{};
  TG_TRY(auth::Handle handle, open_name(call, kept_by(call.api), name));
  const auto at = std::ranges::find(providers, handle.provider);
  return Cursor{static_cast<std::size_t>(at - providers.begin()), std::move(handle.id)};
}

Task<Result<providers::KeptList>> page(KeptCall& call, const std::string& provider, std::string query) {
  ProviderRequest request(call, provider);
  TG_CO_CHECK(request.start({"GET", {}, std::move(query)}));
  TG_CO_TRY(const std::string body, co_await request.whole());
  const auto names = kept_names(call.services, call.who, provider);
  co_return providers::rename_list(kept_by(call.api), body, names);
}

std::string written(const providers::KeptList& list, bool more) {
  const auto name = [](const std::string& id) { return id.empty() ? std::string("null") : "\"" + id + "\""; };
  return R"({"object":"list","data":[)" + list.objects + R"(],"first_id":)" + name(list.first) + R"(,"last_id":)" +
         name(list.last) + R"(,"has_more":)" + (more ? "true}" : "false}");
}

// The first page that has something of the department's.
Task<Status> list(KeptCall& call, std::string /*name*/) {
  const std::vector<std::string> providers = keepers(call);
  TG_CO_TRY(const std::string query, page_query(call.exchange.head().target));
  TG_CO_TRY(Cursor at, begin(call, providers));
  providers::KeptList found;
  bool more = at.keeper < providers.size();
  for (int pages = 0; more && found.count == 0 && pages < kMostPages; ++pages) {
    std::string asked = query;
    if (!at.after.empty()) asked += (asked.empty() ? "after=" : "&after=") + at.after;
    TG_CO_TRY(found, co_await page(call, providers[at.keeper], std::move(asked)));
    at.after = found.more ? found.cursor : std::string();
    if (at.after.empty()) ++at.keeper;
    more = at.keeper < providers.size();
  }
  const std::string body = written(found, more);
  (void)co_await call.exchange.respond(200, std::move(call.headers), body);
  co_return Status();
}

}  // namespace

Task<void> serve_kept_list(const Services& services, std::shared_ptr<const View> view, server::Exchange& exchange,
                           Api api, std::string name) {
  co_await run_kept(services, std::move(view), exchange, api, std::move(name), list);
}

}  // namespace tollgate::pipeline
