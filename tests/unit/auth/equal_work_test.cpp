// A refusal must not tell by its work what was wrong. Nothing is timed: the two primitives that cost are counted, by
// standing in front of libsodium's own symbols.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include "tests/unit/auth/helpers.h"

namespace {

int hashes = 0;
int comparisons = 0;

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" int crypto_generichash(unsigned char* out, std::size_t out_size, const unsigned char* in,
                                  unsigned long long in_size, const unsigned char* key, std::size_t key_size) {
  static const auto real = next<decltype(crypto_generichash)>("crypto_generichash");
  ++hashes;
  return real(out, out_size, in, in_size, key, key_size);
}

extern "C" int sodium_memcmp(const void* a, const void* b, std::size_t size) {
  static const auto real = next<decltype(sodium_memcmp)>("sodium_memcmp");
  ++comparisons;
  return real(a, b, size);
}

namespace tollgate::auth {
namespace {

TEST(EqualWork, EveryKeyCostsOneHashAndOneComparison) {
  const KeyHasher hasher(master_key());
  const auto snapshot = snapshot_with("retail", "branch-chat");
  const Issued good = issue(hasher);
  const Issued stranger = issue(hasher);
  std::string mistyped = good.key;
  mistyped.back() = mistyped.back() == '0' ? '1' : '0';
  Credential revoked = good.credential;
  revoked.revoked_at = 1;
  Credential expired = good.credential;
  expired.expires_at = 1;
  Credential homeless = good.credential;
  homeless.department = "gone";
  Credential wrong = good.credential;
  wrong.hash = stranger.credential.hash;

  const std::vector<std::pair<std::string, Credential>> cases = {
      {good.key, good.credential}, {stranger.key, good.credential},
      {mistyped, good.credential}, {good.key, revoked},
      {good.key, expired},         {good.key, homeless},
      {good.key, wrong},           {"sk-other", good.credential}};
  for (const auto& [key, stored] : cases) {
    const CredentialTable table({stored});
    hashes = comparisons = 0;
    (void)authenticate(key, table, hasher, snapshot, at(kNow)).ok();
    EXPECT_EQ(hashes, 1);
    EXPECT_EQ(comparisons, 1);
  }
}

}  // namespace
}  // namespace tollgate::auth
