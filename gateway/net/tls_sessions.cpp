#include "gateway/net/tls_sessions.h"

#include <memory>
#include <mutex>
#include <unordered_map>

#include "gateway/net/openssl_ptr.h"

namespace tollgate::net {
namespace {

using SessionPtr = std::unique_ptr<SSL_SESSION, OpensslFree<SSL_SESSION_free>>;

class SessionStore {
 public:
  // A ticket is used once (RFC 8446 appendix C.4), and a session by one connection: OpenSSL writes to it.
  SessionPtr take(const std::string& host) {
    const std::lock_guard lock(mutex_);
    const auto found = sessions_.find(host);
    return found == sessions_.end() ? SessionPtr() : std::move(found->second);
  }
  void put(const std::string& host, SessionPtr session) {
    const std::lock_guard lock(mutex_);
    sessions_[host] = std::move(session);
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, SessionPtr> sessions_;
};

void free_store(void*, void* store, CRYPTO_EX_DATA*, int, long, void*) {
  const std::unique_ptr<SessionStore> owned(static_cast<SessionStore*>(store));
}

int store_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_store);
  return index;
}

SessionStore* store_of(SSL_CTX* context) {
  return static_cast<SessionStore*>(SSL_CTX_get_ex_data(context, store_index()));
}

int on_new_session(SSL* ssl, SSL_SESSION* session) {
  const auto* host = static_cast<const std::string*>(SSL_get_app_data(ssl));
  auto* store = store_of(SSL_get_SSL_CTX(ssl));
  if (host == nullptr || store == nullptr || SSL_SESSION_is_resumable(session) != 1) return 0;
  // A copy: OpenSSL spoils the original when its connection is dropped without close_notify.
  if (SessionPtr copy{SSL_SESSION_dup(session)}) store->put(*host, std::move(copy));
  return 0;  // the original stays OpenSSL's
}

}  // namespace

bool remember_sessions(SSL_CTX* context) {
  auto store = std::make_unique<SessionStore>();
  if (SSL_CTX_set_ex_data(context, store_index(), store.get()) != 1) return false;
  (void)store.release();  // free_store() owns it now
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, on_new_session);
  return true;
}

void resume_session(SSL* ssl, const std::string& host) {
  auto* store = store_of(SSL_get_SSL_CTX(ssl));
  if (store == nullptr) return;
  // OpenSSL only reads it through on_new_session().
  SSL_set_app_data(ssl, const_cast<std::string*>(&host));
  if (const auto session = store->take(host)) SSL_set_session(ssl, session.get());
}

}  // namespace tollgate::net
