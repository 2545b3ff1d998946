#include "providers/curl_handle.h"

#include <utility>

#include "providers/request_head.h"

namespace tollgate::providers {
namespace {

// Not written to, and read in place: CURL_BLOB_NOCOPY.
curl_blob blob_over(std::string_view bytes) {
  return {.data = const_cast<char*>(bytes.data()), .len = bytes.size(), .flags = CURL_BLOB_NOCOPY};
}

void set_tls(CURL* curl, const Endpoint& endpoint) {
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);  // 2: the certificate must carry the name
  if (const auto& ours =
          endpoint.egress.client_certificate) {  // connections are shared by those only who show the same
    const curl_blob certificate = blob_over(ours->certificate_pem);
    const curl_blob key = blob_over(ours->key_pem->reveal());
    curl_easy_setopt(curl, CURLOPT_SSLCERT_BLOB, &certificate);
    curl_easy_setopt(curl, CURLOPT_SSLKEY_BLOB, &key);
  }
  if (endpoint.egress.ca_pem.empty()) return;
  const curl_blob ca = blob_over(endpoint.egress.ca_pem);
  curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &ca);
  // The blob replaces CAINFO but not CAPATH, so the system's directory would be trusted as well: CURLOPT_CAPATH(3).
  curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
}

void set_proxy(CURL* curl, const Endpoint& endpoint) {
  std::string proxy = endpoint.egress.curl_proxy;
  if (proxy.empty() && !endpoint.egress.connect_proxy_host.empty())
    proxy = "http://" + endpoint.egress.connect_proxy_host + ":" + std::to_string(endpoint.egress.connect_proxy_port);
  // An empty string, unlike NULL, keeps curl from reading http_proxy and its like: CURLOPT_PROXY(3),
  // CURLOPT_NOPROXY(3).
  curl_easy_setopt(curl, CURLOPT_PROXY, proxy.c_str());
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "");
  // Always a tunnel: what an authenticating proxy answers on the way must never look like the provider's answer.
  curl_easy_setopt(curl, CURLOPT_HTTPPROXYTUNNEL, 1L);
  curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(curl, CURLOPT_PROXYAUTH, static_cast<long>(CURLAUTH_ANY));
  if (const auto& login = endpoint.egress.proxy_login) {
    curl_easy_setopt(curl, CURLOPT_PROXYUSERNAME, login->user.c_str());
    curl_easy_setopt(curl, CURLOPT_PROXYPASSWORD, login->password->reveal_c_str());
  }
}

// "::ADDRESS:" is for every host and port, and leaves the port: CURLOPT_CONNECT_TO(3). The name stays what TLS asks
// for.
void set_address(CurlHandle& handle) {
  if (handle.endpoint->addresses.empty()) return;
  const auto& address = handle.endpoint->addresses.front();
  const std::string text = address.to_string();
  const std::string line = "::" + (address.is_v6() ? "[" + text + "]" : text) + ":";
  handle.connect_to.reset(curl_slist_append(nullptr, line.c_str()));
  curl_easy_setopt(handle.curl.get(), CURLOPT_CONNECT_TO, handle.connect_to.get());
}

void configure(CurlHandle& handle) {
  CURL* const curl = handle.curl.get();
  const Endpoint& endpoint = *handle.endpoint;
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  // Without it, removing a handle waits for a name lookup in progress and stops the whole loop: CURLOPT_QUICK_EXIT(3).
  curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, endpoint.tls ? "https" : "http");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXAGE_CONN, 60L);
  curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L);
  const bool http2 = endpoint.http2 && endpoint.tls;
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION,
                   static_cast<long>(http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(curl, CURLOPT_PIPEWAIT, http2 ? 1L : 0L);  // share a connection being made, do not open another
  set_tls(curl, endpoint);
  set_proxy(curl, endpoint);
  set_address(handle);
}

}  // namespace

CurlHandle make_handle(std::shared_ptr<const Endpoint> endpoint) {
  CurlHandle handle{std::unique_ptr<CURL, FreeEasy>(curl_easy_init()), std::move(endpoint)};
  if (handle.curl) configure(handle);
  return handle;
}

// curl's line syntax: "Name: value", "Name;" for an empty value, "Name:" to leave out a header curl adds by itself.
// CURLOPT_HTTPHEADER(3)
CurlList header_list(const std::vector<net::Header>& headers, const std::string& host_name) {
  CurlList list;
  const auto append = [&list](const std::string& line) {
    curl_slist* head = curl_slist_append(list.get(), line.c_str());
    if (!list) list.reset(head);  // of a longer list it stays what it was
  };
  if (!host_name.empty()) append("Host: " + host_name);
  bool has_accept = false;
  bool has_content_type = false;
  for (const auto& header : headers) {
    if (is_transport_header(header.name)) continue;
    has_accept = has_accept || net::iequals(header.name, "accept");
    has_content_type = has_content_type || net::iequals(header.name, "content-type");
    append(header.value.empty() ? header.name + ";" : header.name + ": " + header.value);
  }
  if (!has_accept) append("Accept:");
  if (!has_content_type) append("Content-Type:");
  append("Expect:");  // no 100-continue round trip before a big body
  return list;
}

}  // namespace tollgate::providers
