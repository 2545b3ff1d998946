#include "providers/authorizer.h"

#include <utility>

namespace tollgate::providers {
namespace {

class HeaderAuthorizer final : public Authorizer {
 public:
  HeaderAuthorizer(std::string name, std::string prefix, std::shared_ptr<const Secret> key)
      : name_(std::move(name)), prefix_(std::move(prefix)), key_(std::move(key)) {}

  net::Task<Status> authorize(HttpCall& call) override {
    if (key_ && !key_->empty()) set_header(call, name_, prefix_ + std::string(key_->reveal()));
    co_return Status{};
  }

 private:
  std::string name_;
  std::string prefix_;
  std::shared_ptr<const Secret> key_;
};

}  // namespace

std::unique_ptr<Authorizer> no_authorizer() { return header_authorizer({}, {}, nullptr); }

std::unique_ptr<Authorizer> header_authorizer(std::string name, std::string prefix, std::shared_ptr<const Secret> key) {
  return std::make_unique<HeaderAuthorizer>(std::move(name), std::move(prefix), std::move(key));
}

std::unique_ptr<Authorizer> bearer_authorizer(std::shared_ptr<const Secret> key) {
  return header_authorizer("authorization", "Bearer ", std::move(key));
}

std::unique_ptr<Authorizer> api_key_authorizer(std::shared_ptr<const Secret> key) {
  return header_authorizer("api-key", "", std::move(key));
}

std::unique_ptr<Authorizer> x_api_key_authorizer(std::shared_ptr<const Secret> key) {
  return header_authorizer("x-api-key", "", std::move(key));
}

std::unique_ptr<Authorizer> x_goog_api_key_authorizer(std::shared_ptr<const Secret> key) {
  return header_authorizer("x-goog-api-key", "", std::move(key));
}

void set_header(HttpCall& call, std::string_view name, std::string value) {
  drop_header(call, name);
  call.headers.push_back({std::string(name), std::move(value)});
}

void drop_header(HttpCall& call, std::string_view name) {
  std::erase_if(call.headers, [&](const net::Header& header) { return net::iequals(header.name, name); });
}

}  // namespace tollgate::providers
