#pragma once
// What libcurl is told: of an endpoint once, and of each request's headers.
#include <curl/curl.h>

#include <memory>
#include <string>
#include <vector>

#include "gateway/net/http1.h"
#include "providers/transport.h"

namespace tollgate::providers {

struct FreeEasy {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using CurlList = std::unique_ptr<curl_slist, FreeList>;

// An easy handle, configured for one endpoint and kept warm: setting everything anew costs more than the transfer.
struct CurlHandle {
  std::unique_ptr<CURL, FreeEasy> curl;      // null: out of memory
  std::shared_ptr<const Endpoint> endpoint;  // also keeps alive the PEM texts that curl points into
  CurlList connect_to = nullptr;
};

CurlHandle make_handle(std::shared_ptr<const Endpoint> endpoint);

// For CURLOPT_HTTPHEADER: the headers, `host_name` as Host unless it is empty, and none of those that curl adds by
// itself.
CurlList header_list(const std::vector<net::Header>& headers, const std::string& host_name);

}  // namespace tollgate::providers
